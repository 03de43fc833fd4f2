"""Exports: what somebody may reveal, taken out in one file; what they may not is left out and counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy import or_, select

from errors import Invalid, Undecryptable, VersionDeleted
from exporters.formats import Format
from exporters.record import Bundle
from models import Action, Item, Organization, Vault
from policy import Permission
from services import audit, items, vaults
from services.access import holds
from services.approvals import approval_of
from services.events import Extra, Target
from services.export_contents import Gathered, Why, credential_of, record_reveal, values_of
from services.index import Entry
from services.unit_of_work import UnitOfWork

ITEMS_MAX = 10_000
"""As many as an import takes, so that each file can be brought in again."""
BYTES_MAX = 50 * 1024 * 1024
"""Of all values together."""


@dataclass(frozen=True, slots=True)
class Line:
    """A vault that can be chosen, and what an export of it would hold.

    Args:
        vault_id: None: single credentials that were shared without their vault.
    """

    vault_id: UUID | None
    name: str
    exported: int
    left_out: Mapping[Why, int]


def survey(uow: UnitOfWork) -> list[Line]:
    """Say of each vault that the actor sees into what an export would hold; no value is opened."""
    guarded = _guarded(uow)
    lines = [_line(uow, each.id, each.name, _entries_of(uow, each.id), guarded) for each in _seen(uow)]
    singles = list(_singles(uow))
    if singles:
        lines.append(_line(uow, None, "Shared with you, without their vaults", singles, guarded))
    return lines


def gather(uow: UnitOfWork, vault_id: UUID | None) -> Gathered:
    """Open everything that the actor may reveal, in one vault or in all. Nothing is recorded yet.

    Raises:
        Invalid: there is no such vault, nothing in it may be exported, or it is more than one file takes.
    """
    seen = {vault.id: vault for vault in _seen(uow)}
    if vault_id is not None and vault_id not in seen:
        raise Invalid("Choose one from the list.", "vault")
    organization = uow.session.get_one(Organization, uow.organization_id)
    gathered = Gathered(seen[vault_id] if vault_id else None, organization)
    for each, vault in seen.items():
        for entry in _entries_of(uow, each) if vault_id in {None, each} else ():
            _take(uow, gathered, entry, vault.name)
    for entry in _singles(uow) if vault_id is None else ():
        _take(uow, gathered, entry, "")
    if not gathered.credentials:
        raise Invalid("There is nothing here that you may reveal, so there is nothing to export.", "vault")
    return gathered


def bundle(uow: UnitOfWork, gathered: Gathered) -> Bundle:
    """Put together what a writer of files is given."""
    return Bundle(
        organization=gathered.organization.name,
        made_at=uow.now,
        made_by=uow.actor.name,
        credentials=tuple(gathered.credentials),
        left_out={why.value: number for why, number in gathered.left_out.items()},
    )


def record(uow: UnitOfWork, gathered: Gathered, format_: Format, reason: str) -> str:
    """Record the export, and each credential in it as revealed; nothing may leave before that is durable.

    Returns:
        The export's id, by which its events belong together.
    """
    export_id = str(uuid4())
    about: Extra = {
        "format": format_.key,
        "reason": reason,
        "exported": len(gathered.credentials),
        "files": len(gathered.files),
        "versions": len(gathered.older),
        **{f"left_out_{why.value}": number for why, number in sorted(gathered.left_out.items())},
        "export": export_id,
    }
    place, vault = gathered.organization, gathered.vault
    target = Target("vault", vault.id, vault.name) if vault else Target("organization", place.id, place.name)
    audit.record(uow, Action.ITEM_EXPORTED, target, extra=about)
    for item, one in zip(gathered.stored, gathered.credentials, strict=True):
        record_reveal(uow, item, item.version, one, export_id)
    return export_id


def told(gathered: Gathered) -> str:
    """Return a sentence about what the file holds and what it does not."""
    what = [_counted(len(gathered.credentials), "credential")]
    if gathered.files:
        what.append(_counted(len(gathered.files), "file"))
    if gathered.older:
        what.append(_counted(len(gathered.older), "earlier version"))
    left = [f"{count} ({why.words})" for why, count in sorted(gathered.left_out.items())]
    return f"Exported: {', '.join(what)}." + (f" Left out: {', '.join(left)}." if left else "")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _seen(uow: UnitOfWork) -> list[Vault]:
    return [line.vault for line in vaults.visible(uow) if line.right is not None]


def _entries_of(uow: UnitOfWork, vault_id: UUID) -> list[Entry]:
    return list(uow.runtime.indexes.of(uow).live(vault_id))


def _singles(uow: UnitOfWork) -> Iterator[Entry]:
    """Yield the credentials that the actor sees without seeing their vault."""
    index = uow.runtime.indexes.of(uow)
    for place in uow.actor.rights:
        entry = index.get(place)
        if entry is not None and entry.trashed_at is None and entry.vault_id not in uow.actor.rights:
            yield entry


def _guarded(uow: UnitOfWork) -> frozenset[UUID]:
    """Return the credentials that wait for a second person."""
    marked = (
        select(Item.id)
        .join(Vault, Vault.id == Item.vault_id)
        .where(or_(Item.approval_minutes.is_not(None), Vault.approval_minutes.is_not(None)))
    )
    return frozenset(each for each in uow.session.scalars(marked) if approval_of(uow, each) is None)


def _line(
    uow: UnitOfWork, vault_id: UUID | None, name: str, entries: list[Entry], guarded: frozenset[UUID]
) -> Line:
    left_out: Counter[Why] = Counter()
    for entry in entries:
        if not holds(uow, Permission.ITEM_REVEAL, entry.vault_id, entry.id, entry.name):
            left_out[Why.USE] += 1
        elif entry.id in guarded:
            left_out[Why.APPROVAL] += 1
        elif entry.broken:
            left_out[Why.BROKEN] += 1
    return Line(vault_id, name, len(entries) - left_out.total(), left_out)


def _take(uow: UnitOfWork, gathered: Gathered, entry: Entry, vault: str) -> None:
    """Open one credential, or count why not."""
    item = items.find(uow, entry.id)
    if not holds(uow, Permission.ITEM_REVEAL, item.vault_id, item.id, item.known_name):
        gathered.left_out[Why.USE] += 1
        return
    if item.protection.approval_minutes is not None and approval_of(uow, item.id) is None:
        gathered.left_out[Why.APPROVAL] += 1
        return
    try:
        overview, fields = items.values(uow, item, item.version)
    except VersionDeleted:
        gathered.left_out[Why.DELETED] += 1
        return
    except Undecryptable:
        gathered.left_out[Why.BROKEN] += 1
        return
    values = values_of(uow, gathered, item, fields)
    if len(gathered.stored) == ITEMS_MAX or gathered.size > BYTES_MAX:
        raise Invalid("That is more than one file takes. Export the vaults one by one.", "vault")
    gathered.stored.append(item)
    gathered.credentials.append(credential_of(item, vault, overview, values, item.changed_at))
