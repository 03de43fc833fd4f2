"""The earlier versions of the credentials of an export, for the formats that hold them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from errors import Invalid, NotFound, Undecryptable, VersionDeleted
from exporters.record import Credential
from services import items
from services.export_contents import Gathered, Why, credential_of, record_reveal, values_of
from services.exports import BYTES_MAX
from services.items import StoredItem, VersionLine
from services.unit_of_work import UnitOfWork

VERSIONS_MAX = 20_000


def add(uow: UnitOfWork, gathered: Gathered) -> None:
    """Open the earlier versions of everything that was gathered; what does not open is left out and counted.

    Raises:
        Invalid: they are more than one export takes.
    """
    for place, item in enumerate(gathered.stored):
        if item.version > 1:
            one = gathered.credentials[place]
            history = tuple(_history(uow, gathered, item, one.vault))
            gathered.credentials[place] = replace(one, history=history)


def record(uow: UnitOfWork, gathered: Gathered, export_id: str) -> None:
    """Record each earlier version as revealed."""
    for item, number, one in gathered.older:
        record_reveal(uow, item, number, one, export_id)


def _history(uow: UnitOfWork, gathered: Gathered, item: StoredItem, vault: str) -> Iterator[Credential]:
    """Yield the versions before the newest, newest first; what a program has deleted is none any more."""
    for line in items.history(uow, item):
        if line.number == item.version:
            continue
        one = _opened(uow, gathered, item, line, vault)
        if one is None:
            continue
        gathered.older.append((item, line.number, one))
        if len(gathered.older) > VERSIONS_MAX or gathered.size > BYTES_MAX:
            raise Invalid(
                "That is more than one file takes. Export the vaults one by one, or leave the versions out.",
                "versions",
            )
        yield one


def _opened(
    uow: UnitOfWork, gathered: Gathered, item: StoredItem, line: VersionLine, vault: str
) -> Credential | None:
    try:
        overview, fields = items.values(uow, item, line.number)
    except (NotFound, VersionDeleted):
        return None
    except Undecryptable:
        gathered.left_out[Why.VERSION] += 1
        return None
    return credential_of(item, vault, overview, values_of(uow, gathered, item, fields), line.at)
