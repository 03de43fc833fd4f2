"""What an export holds while it is put together, and what is left out of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from exporters.record import OTP, Credential, Value
from models import Action, Organization, Vault
from policy import Permission
from services import audit
from services.access import holds
from services.attachments import StoredFile
from services.contents import Field, Overview
from services.events import Extra, Target
from services.items import StoredItem
from services.unit_of_work import UnitOfWork


class Why(StrEnum):
    """Why something is left out."""

    USE = "use"
    APPROVAL = "approval"
    DELETED = "deleted"
    BROKEN = "broken"
    FILE = "file"
    """Not a credential: a file on one."""
    VERSION = "version"
    """Not a credential: an earlier version of one."""
    SEED = "seed"
    """Not a credential: the seed of an authenticator, which takes ``edit``."""

    @property
    def words(self) -> str:
        """What pages say after the number."""
        return _WORDS[self]


_WORDS: Mapping[Why, str] = MappingProxyType(
    {
        Why.USE: "you may use, but not reveal",
        Why.APPROVAL: "a second person has to approve first",
        Why.DELETED: "a program has deleted",
        Why.BROKEN: "cannot be decrypted",
        Why.FILE: "files that cannot be opened",
        Why.VERSION: "earlier versions that cannot be opened",
        Why.SEED: "seeds of authenticators, which only those get who may edit",
    }
)


@dataclass(slots=True, repr=False)
class Gathered:
    """What an export holds, before it is written.

    Args:
        vault: the one that was chosen; None: all.
        stored: the items of the credentials, in the same order.
        files: those that are among it.
        older: earlier versions that are among it: the item, the version's number, and what it held.
    """

    vault: Vault | None
    organization: Organization
    credentials: list[Credential] = field(default_factory=list)
    stored: list[StoredItem] = field(default_factory=list)
    left_out: Counter[Why] = field(default_factory=Counter)
    files: list[StoredFile] = field(default_factory=list)
    older: list[tuple[StoredItem, int, Credential]] = field(default_factory=list)
    size: int = 0


def values_of(
    uow: UnitOfWork, gathered: Gathered, item: StoredItem, fields: Iterable[Field]
) -> tuple[Value, ...]:
    """Return the fields that the actor may take along, and count their size and what stays."""
    values = tuple(_values(uow, gathered, item, fields))
    gathered.size += sum(len(each.value.encode()) for each in values)
    return values


def credential_of(
    item: StoredItem, vault: str, overview: Overview, values: tuple[Value, ...], changed_at: datetime
) -> Credential:
    """Put a version of an item together as writers of files take it."""
    return Credential(
        id=item.id,
        vault=vault,
        name=overview.name,
        type=overview.type.value,
        user_name=overview.user_name,
        urls=overview.urls,
        tags=overview.tags,
        expires_on=overview.expires_on,
        values=values,
        created_at=item.created_at,
        changed_at=changed_at,
    )


def record_reveal(uow: UnitOfWork, item: StoredItem, version: int, one: Credential, export_id: str) -> None:
    """Record that what is in an export of a version was revealed."""
    names = [f"{each.name} seed" if each.kind == OTP else each.name for each in one.values]
    extra: Extra = {"fields": names, "version": version, "export": export_id}
    audit.record(uow, Action.ITEM_REVEALED, Target("item", item.id, item.name), extra=extra)


def _values(
    uow: UnitOfWork, gathered: Gathered, item: StoredItem, fields: Iterable[Field]
) -> Iterator[Value]:
    """Yield the filled fields; of authenticators the seed, for those who could see it on the page too."""
    for each in fields:
        if each.kind.value == OTP and not holds(
            uow, Permission.ITEM_EDIT, item.vault_id, item.id, item.known_name
        ):
            gathered.left_out[Why.SEED] += bool(each.value)
        else:
            yield Value(each.name, each.kind.value, each.value, each.custom)
