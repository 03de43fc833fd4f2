"""Encrypting what references stand for, and letting the references go once that is proven."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlalchemy import select

from errors import Undecryptable
from models import Vault
from services import item_changes, items, references
from services.contents import Contents, Field, ItemType, Kind
from services.item_blobs import contents_of
from services.item_types import MAIN_SECRETS
from services.items import StoredItem
from services.unit_of_work import UnitOfWork

FIELD = "Variable"
"""What the field of a reference is called."""


class State(StrEnum):
    """How far one reference is."""

    MISSING = "not set"
    """The server's environment does not have the variable, and nothing is encrypted yet."""
    PLAIN = "to encrypt"
    ENCRYPTED = "encrypted"
    """The value lies encrypted; the reference is still there, and would give the same."""
    GONE = "encrypted, variable gone"
    DIFFERS = "differs"
    """The value that lies encrypted is another than the variable's: a person has to look."""
    BROKEN = "cannot be decrypted"


CLEARED = frozenset({State.ENCRYPTED, State.GONE})
"""Where a reference can go without a loss."""


@dataclass(frozen=True, slots=True)
class Reference:
    """One reference and how far it is; nothing of its value.

    Args:
        name: of the field that holds the reference.
        field: the name of the field that is to hold the value.
    """

    item: StoredItem
    variable: str
    state: State
    name: str = ""
    field: str = ""


def refer(uow: UnitOfWork, vault: Vault, name: str, variable: str) -> UUID:
    """Make a credential whose API key is what a variable of the server holds.

    Raises:
        Invalid: the name cannot be used, or the variable's may not be read.
        Conflict: the name is taken in the vault.
    """
    field = Field(FIELD, Kind.REFERENCE, variable, custom=True)
    return item_changes.create(uow, vault, Contents(name, ItemType.API_KEY, fields=(field,)))


def survey(uow: UnitOfWork) -> list[Reference]:
    """Return the organization's references in the order of their names; nothing is changed."""
    index = uow.runtime.indexes.of(uow)
    live = (entry for vault_id in uow.session.scalars(select(Vault.id)) for entry in index.live(vault_id))
    found = [entry for entry in live if references.held_in(entry.shapes)]
    return [one for entry in sorted(found, key=lambda entry: entry.key) for one in _of(uow, entry.id)]


def encrypt(uow: UnitOfWork, reference: Reference) -> Reference:
    """Store what the variable holds as the value of the credential; the reference stays.

    Returns:
        The reference as it is now, judged by what was stored.

    Raises:
        Invalid: the value cannot be kept, such as one that is too long.
        Conflict: the variable is no longer set.
    """
    value = references.resolve(Field(FIELD, Kind.REFERENCE, reference.variable))
    _edit(uow, reference, Field(reference.field, Kind.HIDDEN, value))
    (now,) = _of(uow, reference.item.id)
    return now


def clear(uow: UnitOfWork, reference: Reference) -> None:
    """Remove the reference and leave the encrypted value."""
    _edit(uow, reference, cleared=(reference.name,))


def _of(uow: UnitOfWork, item_id: UUID) -> Iterator[Reference]:
    item = items.find(uow, item_id)
    try:
        overview, stored = items.values(uow, item, item.version)
    except Undecryptable:
        yield Reference(item, "", State.BROKEN)
        return
    main = MAIN_SECRETS.get(overview.type)
    named = next((field for field in stored if field.kind is Kind.REFERENCE), None)
    if main and named:
        value = next((field.value for field in stored if field.name == main), "")
        state = _state(value, references.look_up(named.value))
        yield Reference(item, named.value, state, named.name, main)


def _edit(uow: UnitOfWork, reference: Reference, *filled: Field, cleared: tuple[str, ...] = ()) -> None:
    item = reference.item
    contents = contents_of(items.overview_at(uow, item, item.version), filled)
    item_changes.edit(uow, item, contents, expected_version=item.version, clear=cleared)


def _state(stored: str, told: str | None) -> State:
    if not stored:
        return State.MISSING if told is None else State.PLAIN
    if told is None:
        return State.GONE
    return State.ENCRYPTED if stored == told else State.DIFFERS
