"""Lists of credentials: what their addresses ask for, and their rows.

A page shows 50 of perhaps ten thousand, so everything about a row is settled here, once, and the template
only writes it down.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import ClassVar, NamedTuple, Self
from urllib.parse import urlencode
from uuid import UUID

from flask import request

from blueprints.item_pages import State, expiry
from blueprints.requests import current_place
from models import Vault
from policy import Permission
from services import vaults
from services.access import holds
from services.contents import ItemType
from services.index import Entry, Index, Page
from services.item_types import MAIN_SECRETS
from services.unit_of_work import UnitOfWork

EXPIRING = timedelta(days=30)
"""How far ahead "expiring soon" looks."""
WEAK = 1
"""The best score that still counts as weak."""
NAME_SHOWN = 24
"""Characters of a name that every width of the screen shows."""

SHARED = "Shared with you"
"""Stands for a vault of which the actor sees single items only."""

_FINE = State("OK", "ok")
_BROKEN = State("Broken", "bad")
_WEAK = State("Weak", "warn")
_QUICK: Mapping[ItemType, str] = MappingProxyType({**MAIN_SECRETS, ItemType.AUTHENTICATOR: "TOTP"})
"""The field that a row's own buttons open."""


@dataclass(frozen=True, slots=True)
class Places:
    """The vaults that a list is about, by id, and what the actor may do in them.

    Args:
        singles: items that the list holds besides, of vaults that the actor cannot see.
        revealing: vaults and single items; the others are vaults.
    """

    names: Mapping[UUID, str]
    singles: frozenset[UUID]
    revealing: frozenset[UUID]
    editing: frozenset[UUID]
    purging: frozenset[UUID]

    @property
    def ids(self) -> frozenset[UUID]:
        """What the index is asked about."""
        return self.singles.union(self.names)

    def name_of(self, entry: Entry) -> str:
        """Return the name of the vault that an item lies in, if the actor may know it."""
        return self.names.get(entry.vault_id, SHARED)

    def may_reveal(self, entry: Entry) -> bool:
        """Whether the actor may open an item's values."""
        return entry.vault_id in self.revealing or entry.id in self.revealing

    @property
    def choices(self) -> tuple[tuple[UUID, str], ...]:
        """The vaults to choose from, by name."""
        return tuple(sorted(self.names.items(), key=lambda vault: vault[1].casefold()))

    @classmethod
    def of(cls, uow: UnitOfWork, those: Collection[Vault], singles: frozenset[UUID] = frozenset()) -> Self:
        """Look at *those* vaults, which the actor may see into, and at *singles*."""
        names = {vault.id: vault.name for vault in those}

        def with_permission(permission: Permission, places: Iterable[UUID] = names) -> frozenset[UUID]:
            return frozenset(place for place in places if holds(uow, permission, place))

        return cls(
            names,
            singles,
            with_permission(Permission.ITEM_REVEAL, uow.actor.rights),
            with_permission(Permission.ITEM_EDIT),
            with_permission(Permission.ITEM_PURGE),
        )

    @classmethod
    def seen_by(cls, uow: UnitOfWork) -> Self:
        """Look at all vaults that the actor may see into."""
        seen = [line.vault for line in vaults.visible(uow) if line.right is not None]
        return cls.of(uow, seen, frozenset(uow.actor.rights).difference(vault.id for vault in seen))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an address asks of a list. What it names wrongly is as good as not named."""

    types: ClassVar = tuple((each.value, each.label) for each in ItemType)
    """To choose from."""

    query: str
    vault_id: UUID | None
    type: ItemType | None
    tag: str
    folder: str
    favorite: bool
    expiring: bool
    after: str

    @classmethod
    def read(cls) -> Self:
        """Read the request's address."""
        given = request.args
        return cls(
            query=given.get("q", "").strip(),
            vault_id=given.get("vault", type=UUID),
            type=next((type_ for type_ in ItemType if type_.value == given.get("type")), None),
            tag=given.get("tag", "").strip(),
            folder=given.get("folder", "").strip("/"),
            favorite=given.get("favorite") == "1",
            expiring=given.get("expiring") == "1",
            after=given.get("after", ""),
        )

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but a query narrows the list."""
        return bool(self.vault_id or self.type or self.tag or self.folder or self.favorite or self.expiring)

    def beginning(self, name: str) -> str:
        """Return what this list's addresses begin with that differ in the parameter called *name*."""
        address = self.address(**{name: ""})
        return f"{address}{'&' if '?' in address else '?'}{name}="

    def address(self, **changes: str) -> str:
        """Return this list's address with *changes*, beginning at its first page unless they say where."""
        now = {
            "q": self.query,
            "vault": str(self.vault_id or ""),
            "type": self.type.value if self.type else "",
            "tag": self.tag,
            "folder": self.folder,
            "favorite": "1" if self.favorite else "",
            "expiring": "1" if self.expiring else "",
        }
        kept = {name: value for name, value in {**now, **changes}.items() if value}
        return f"{request.path}?{urlencode(kept)}" if kept else request.path

    def page(self, index: Index, places: Places, favorites: Collection[UUID], today: date) -> Page:
        """Ask the index."""
        return index.page(
            places.ids,
            query=self.query,
            vault_id=self.vault_id,
            type=self.type,
            tag=self.tag or None,
            folder=self.folder or None,
            favorites=favorites if self.favorite else None,
            expiring_before=today + EXPIRING if self.expiring else None,
            after=self.after or None,
        )


class Row(NamedTuple):
    """A credential in a list.

    Args:
        href: its page's address.
        is_cut: whether the name or the user name may end in an ellipsis, and must be had whole otherwise.
        score: of its main secret, 0 to 4; None: there is none.
        quick: the field that the row's buttons open, as the page calls it; empty: no buttons.
        quick_label: that field, and of what.
    """

    href: str
    name: str
    is_cut: bool
    icon: str
    below: str
    tags: tuple[str, ...]
    starred: bool
    vault: str
    score: int | None
    changed_at: datetime
    state: State
    quick: str
    quick_label: str


@dataclass(frozen=True, slots=True)
class TrashRow:
    """A credential in the trash, and when it is destroyed unless somebody restores it."""

    id: UUID
    name: str
    icon: str
    below: str
    vault: str
    trashed_at: datetime
    purged_at: datetime
    may_restore: bool
    may_purge: bool


def item_rows(
    entries: Iterable[Entry], places: Places, favorites: Collection[UUID], today: date
) -> list[Row]:
    """Return the rows of a list of live credentials."""
    prefix = items_address()
    rows = []
    for entry in entries:
        quick = _quick_field(entry) if places.may_reveal(entry) else ""
        rows.append(
            Row(
                href=f"{prefix}{entry.id}",
                name=entry.name,
                is_cut=max(len(entry.name), len(entry.user_name)) > NAME_SHOWN,
                icon=entry.type.icon if entry.type else "alert-triangle",
                below=entry.user_name,
                tags=entry.tags,
                starred=entry.id in favorites,
                vault=places.name_of(entry),
                score=entry.strength,
                changed_at=entry.changed_at,
                state=_state(entry, today),
                quick=quick.lower(),
                quick_label=f"{quick} of {entry.name}",
            )
        )
    return rows


def items_address() -> str:
    """Return what every credential's address begins with: ``url_for`` is too slow for each row."""
    return f"/o/{current_place().slug}/items/"


def trash_rows(entries: Iterable[Entry], places: Places, kept: timedelta) -> list[TrashRow]:
    """Return the rows of the trash.

    Args:
        kept: how long anything stays there.
    """
    return [
        TrashRow(
            id=entry.id,
            name=entry.name,
            icon=entry.type.icon if entry.type else "alert-triangle",
            below=entry.user_name,
            vault=places.name_of(entry),
            trashed_at=entry.trashed_at,
            purged_at=entry.trashed_at + kept,
            may_restore=entry.vault_id in places.editing,
            may_purge=entry.vault_id in places.purging,
        )
        for entry in entries
        if entry.trashed_at is not None
    ]


def trail(folder: str) -> list[tuple[str, str]]:
    """Return name and path of a folder and of each one around it, the outermost first."""
    parts = folder.split("/") if folder else []
    return [(part, "/".join(parts[: depth + 1])) for depth, part in enumerate(parts)]


def _quick_field(entry: Entry) -> str:
    name = _QUICK.get(entry.type) if entry.type else None
    return name if name and any(shape.name == name and shape.filled for shape in entry.shapes) else ""


def _state(entry: Entry, today: date) -> State:
    if entry.broken:
        return _BROKEN
    due = expiry(entry.expires_on, today)
    weak = entry.strength is not None and entry.strength <= WEAK
    if due is not None and due.kind != "neutral":
        return State(f"{due.words}, weak", due.kind) if weak else due
    return _WEAK if weak else _FINE
