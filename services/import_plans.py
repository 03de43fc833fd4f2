"""What will become of each entry of a file in a vault: new, here already, or not to be kept."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from errors import Invalid, NotFound, Undecryptable
from importers.entry import Entry
from services import items
from services.contents import Contents, Field
from services.import_contents import in_parts, make_contents, numbered, one_line
from services.item_types import ItemType, Kind
from services.items import Protection
from services.unit_of_work import UnitOfWork

_NUMBER = re.compile(r" \(\d{1,5}\)\Z")


class Verdict(StrEnum):
    """What will become of an entry."""

    NEW = "new"
    DUPLICATE = "duplicate"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, repr=False)
class Planned:
    """One entry, as it will be stored.

    Args:
        contents: None: it cannot be kept, or need not be.
        notes: what was changed, what is left behind, or why it is refused.
        place: where in the file it stands.
    """

    verdict: Verdict
    name: str
    contents: Contents | None = None
    notes: tuple[str, ...] = ()
    place: str = ""


def plan(uow: UnitOfWork, vault_id: UUID, entries: Iterable[Entry], folder: str = "") -> list[Planned]:
    """Hold the entries of a file against each other and against the vault.

    Of the items that are called alike the values are opened, for somebody who may reveal them, and compared;
    nothing of them is shown. Items that ask for more before a reveal stay shut and count as different.
    """
    shelf = _Shelf(uow, vault_id)
    return [shelf.place(part, folder) for entry in entries for part in in_parts(entry)]


_Key = tuple[ItemType, str, str, tuple[str, ...]]
_Values = frozenset[tuple[str, str]]


class _Shelf:
    """What lies in the vault, and what of the file was put beside it so far."""

    def __init__(self, uow: UnitOfWork, vault_id: UUID) -> None:
        self._uow = uow
        self._taken: set[str] = set()
        self._numbers: Counter[str] = Counter()
        self._alike: dict[_Key, list[UUID]] = defaultdict(list)
        self._opened: dict[UUID, _Values | None] = {}
        self._seen: set[tuple[str, _Key, _Values]] = set()
        for entry in uow.runtime.indexes.of(uow).live(vault_id):
            self._taken.add(entry.name)
            if entry.type is not None:
                key = (entry.type, _stem(entry.leaf), entry.user_name, entry.urls)
                self._alike[key].append(entry.id)

    def place(self, entry: Entry, folder: str) -> Planned:
        place = one_line(entry.place)
        try:
            contents, notes = make_contents(entry, folder)
        except Invalid as refusal:
            name = one_line(entry.name) or place
            return Planned(Verdict.REFUSED, name, notes=(str(refusal),), place=place)
        same = self._same(contents)
        if same:
            return Planned(Verdict.DUPLICATE, contents.name, notes=(same,), place=place)
        name = self._free(contents.name)
        if name != contents.name:
            notes = (*notes, f"The name {contents.name} is taken.")
        return Planned(Verdict.NEW, name, replace(contents, name=name), notes, place)

    def _same(self, contents: Contents) -> str:
        """Say where the very same content lies already; empty: nowhere."""
        leaf = _stem(contents.name.rpartition("/")[2])
        key = (contents.type, leaf, contents.user_name, contents.urls)
        values = _values(contents.fields)
        if any(self._values_of(item_id) == values for item_id in self._alike[key]):
            return "The vault has it already, with the same values."
        own = (contents.name, key, values)
        if own in self._seen:
            return "The file holds it twice."
        self._seen.add(own)
        return ""

    def _values_of(self, item_id: UUID) -> _Values | None:
        if item_id not in self._opened:
            self._opened[item_id] = self._open(item_id)
        return self._opened[item_id]

    def _open(self, item_id: UUID) -> _Values | None:
        try:
            item = items.find(self._uow, item_id)
            if item.protection != Protection():
                return None
            return _values(items.values(self._uow, item, item.version)[1])
        except (NotFound, Undecryptable):
            return None

    def _free(self, name: str) -> str:
        free = name
        while free in self._taken:
            self._numbers[name] += 1
            free = numbered(name, self._numbers[name] + 1)
        self._taken.add(free)
        return free


def _stem(leaf: str) -> str:
    return _NUMBER.sub("", leaf)


def _values(fields: Iterable[Field]) -> _Values:
    return frozenset((field.name, field.value) for field in fields if field.value)


Counts = Mapping[Verdict, int]


def count(planned: Iterable[Planned]) -> Counts:
    """Count how many are what."""
    found = Counter(one.verdict for one in planned)
    return {verdict: found[verdict] for verdict in Verdict}


def dump(planned: Iterable[Planned]) -> bytes:
    """Write plans as compact JSON, values included; for encrypting."""
    return json.dumps([_row(one) for one in planned], separators=(",", ":")).encode()


def load(data: bytes) -> Iterator[Planned]:
    """Read what :func:`dump` wrote."""
    for verdict, name, notes, place, contents in json.loads(data):
        yield Planned(
            Verdict(verdict), name, _contents(name, contents) if contents else None, tuple(notes), place
        )


def _row(one: Planned) -> list[object]:
    held = one.contents
    contents = held and [
        held.type.value,
        held.user_name,
        held.urls,
        held.tags,
        held.expires_on.isoformat() if held.expires_on else None,
        [(f.name, f.kind.value, f.value, f.custom) for f in held.fields],
    ]
    return [one.verdict.value, one.name, one.notes, one.place, contents]


def _contents(name: str, row: list[Any]) -> Contents:
    type_, user_name, urls, tags, expires, fields = row
    return Contents(
        name=name,
        type=ItemType(type_),
        user_name=user_name,
        urls=tuple(urls),
        tags=tuple(tags),
        expires_on=date.fromisoformat(expires) if expires else None,
        fields=tuple(Field(name, Kind(kind), value, custom) for name, kind, value, custom in fields),
    )
