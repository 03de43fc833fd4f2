"""The searchable index: what lists and search show of an organization's items, one per process.

An :class:`Index` never changes once it is made; readers of several threads share it. When the organization's
change counter has moved on, the next one is made from it with what has changed since.
"""

from __future__ import annotations

import re
import threading
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal, TypeVar
from uuid import UUID

from services import item_queries as queries
from services.index_entries import Entry, make_entry
from services.index_search import Haystack, read_query
from services.item_blobs import OVERVIEW, key_of, open_overview, record_failure
from services.prepared import fetch, fetch_one

if TYPE_CHECKING:
    from services.contents import ItemType
    from services.unit_of_work import UnitOfWork

__all__ = ["Counts", "Entry", "FolderLine", "Index", "Indexes", "Page", "TagLine"]

T = TypeVar("T")
State = Literal["live", "trash"]
Shelves = dict[UUID, list[Entry]]

_CURSOR = re.compile(r"[0-9a-f]{32}")

ANSWERS_KEPT = 256
"""Joined lists, tags, folders and counts that one index keeps, each of one set of vaults."""


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list.

    Args:
        next_cursor: what gets the next part; None: this is the last.
        total: how many match altogether.
    """

    entries: Sequence[Entry]
    next_cursor: str | None
    total: int


@dataclass(frozen=True, slots=True)
class TagLine:
    """A tag and how many live items have it."""

    name: str
    items: int


@dataclass(frozen=True, slots=True)
class FolderLine:
    """A folder's path and how many live items lie in it, sub-folders included."""

    path: str
    items: int

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Counts:
    """How many items there are; all but ``trashed`` count live ones."""

    live: int
    trashed: int
    by_vault: Mapping[UUID, int]
    by_type: Mapping[ItemType, int]


class Index:
    """The items of one organization as they were at one value of its change counter."""

    __slots__ = ("_answers", "_entries", "_shelves", "change")

    def __init__(self, change: int, entries: dict[UUID, Entry], live: Shelves, trash: Shelves) -> None:
        self.change = change
        self._entries = entries
        self._shelves: dict[State, Shelves] = {"live": live, "trash": trash}
        self._answers: dict[Hashable, Any] = {}

    def get(self, item_id: UUID) -> Entry | None:
        """Return an item's entry, live or trashed."""
        return self._entries.get(item_id)

    def live(self, vault_id: UUID) -> Sequence[Entry]:
        """Return a vault's items that are not in the trash, by name."""
        return self._shelves["live"].get(vault_id, ())

    def page(
        self,
        vaults: Collection[UUID],
        *,
        query: str = "",
        vault_id: UUID | None = None,
        type: ItemType | None = None,  # noqa: A002 - the word that pages use
        tag: str | None = None,
        folder: str | None = None,
        favorites: Collection[UUID] | None = None,
        expiring_before: date | None = None,
        state: State = "live",
        only: Callable[[Entry], bool] | None = None,
        after: str | None = None,
        limit: int = 50,
    ) -> Page:
        """Return the items of *vaults* that match everything that is given, by name, or best match first.

        Args:
            vaults: those that the actor may see, and single items.
            folder: sub-folders are included.
            favorites: ids of items; None: all.
            only: what a program's token lets through; None: everything.
            after: the ``next_cursor`` of the page before; one that fits nowhere gives the first page.
        """
        whole = found = self._view(state, vaults, vault_id)
        if only is not None:
            found = [entry for entry in found if only(entry)]
        if type is not None:
            found = [entry for entry in found if entry.type == type]
        if tag is not None:
            spellings = {one for one in _all_tags(found) if one.casefold() == tag.casefold()}
            found = [entry for entry in found if not spellings.isdisjoint(entry.tags)]
        if folder is not None:
            found = [entry for entry in found if f"{entry.folder}/".startswith(f"{folder}/")]
        if favorites is not None:
            kept = {self._entries.get(item_id) for item_id in favorites}
            found = [entry for entry in found if entry in kept]
        if expiring_before is not None:
            found = [entry for entry in found if entry.expires_on and entry.expires_on < expiring_before]
        asked = read_query(query)
        if asked is not None and found is not whole:
            found = Haystack(found).search(asked)
        elif asked is not None:
            place = (state, frozenset(vaults), vault_id)
            stack = self._once(("haystack", *place), lambda: Haystack(whole))
            found = self._once(("search", *place, asked), lambda: stack.search(asked))
        start = self._position(found, after, vaults)
        shown = found[start : start + limit]
        more = start + limit < len(found)
        return Page(shown, shown[-1].id.hex if more and shown else None, len(found))

    def names(self, vault_id: UUID) -> Sequence[str]:
        """Return the names of a vault's live items, in the order of their characters."""
        shelf = self._shelves["live"].get(vault_id, ())
        return self._once(
            ("names", vault_id), lambda: sorted([each.name for each in shelf if not each.broken])
        )

    def tags(self, vaults: Collection[UUID]) -> tuple[TagLine, ...]:
        """Return the tags in use, by name; spellings that differ in case only are one."""
        return self._once(("tags", frozenset(vaults)), lambda: _tag_lines(self._view("live", vaults)))

    def folders(self, vaults: Collection[UUID], vault_id: UUID | None = None) -> Sequence[FolderLine]:
        """Return the folders, with those that hold only folders, by path."""
        asked = ("folders", frozenset(vaults), vault_id)
        return self._once(asked, lambda: _folder_lines(self._view("live", vaults, vault_id)))

    def subfolders(
        self, vaults: Collection[UUID], vault_id: UUID | None, folder: str
    ) -> tuple[FolderLine, ...]:
        """Return the folders right inside *folder*, by path; an empty one is the outermost."""
        asked = ("subfolders", frozenset(vaults), vault_id)
        inside = self._once(asked, lambda: _by_folder(self.folders(vaults, vault_id)))
        return inside.get(folder, ())

    def counts(self, vaults: Collection[UUID]) -> Counts:
        """Count the items of *vaults*."""
        return self._once(("counts", frozenset(vaults)), lambda: self._count(vaults))

    def _count(self, vaults: Collection[UUID]) -> Counts:
        by_type = Counter([entry.type for entry in self._view("live", vaults) if entry.type is not None])
        by_vault = {vault: len(self._shelves["live"].get(vault, ())) for vault in vaults}
        return Counts(len(self._view("live", vaults)), len(self._view("trash", vaults)), by_vault, by_type)

    def with_changes(self, change: int, changed: Iterable[Entry], gone: Iterable[UUID]) -> Index:
        """Return the index of a later value of the change counter."""
        entries = dict(self._entries)
        shelves: dict[State, Shelves] = {state: dict(held) for state, held in self._shelves.items()}
        touched: set[tuple[State, UUID]] = set()

        def shelf_of(entry: Entry) -> list[Entry]:
            state: State = "trash" if entry.trashed_at else "live"
            place = (state, entry.vault_id)
            if place not in touched:
                touched.add(place)
                shelves[state][entry.vault_id] = list(shelves[state].get(entry.vault_id, ()))
            return shelves[state][entry.vault_id]

        arriving = list(changed)
        for item_id in (*(entry.id for entry in arriving), *gone):
            old = entries.pop(item_id, None)
            if old is not None:
                shelf_of(old).remove(old)
        for entry in arriving:
            entries[entry.id] = entry
            shelf_of(entry).append(entry)
        for state, vault_id in touched:
            shelves[state][vault_id].sort(key=_key)
        return Index(change, entries, shelves["live"], shelves["trash"])

    def _position(self, found: Sequence[Entry], after: str | None, vaults: Collection[UUID]) -> int:
        """Return where to go on behind the entry that the cursor names, also when it matches no more."""
        last = self._last(after, vaults)
        if last is None:
            return 0
        for position, entry in enumerate(found, start=1):
            if entry is last:
                return position
        return bisect_right(found, last.key, key=_key)

    def has_place(self, cursor: str, vaults: Collection[UUID]) -> bool:
        """Whether a cursor still says where to go on."""
        return self._last(cursor, vaults) is not None

    def _last(self, cursor: str | None, vaults: Collection[UUID]) -> Entry | None:
        last = self._entries.get(UUID(cursor)) if cursor and _CURSOR.fullmatch(cursor) else None
        # A cursor that names an item out of the actor's sight would tell where it stands in the alphabet.
        return last if last is not None and (last.vault_id in vaults or last.id in vaults) else None

    def _view(self, state: State, vaults: Collection[UUID], vault_id: UUID | None = None) -> Sequence[Entry]:
        shelves = self._shelves[state]
        if vault_id is not None:
            return shelves.get(vault_id, ()) if vault_id in vaults else ()
        return self._once(("view", state, frozenset(vaults)), lambda: self._joined(state, vaults))

    def _joined(self, state: State, places: Collection[UUID]) -> Sequence[Entry]:
        """Return what lies in the vaults of *places*, and the single items that it names besides, by name."""
        shelves = self._shelves[state]
        found = [entry for place in places for entry in shelves.get(place, ())]
        for place in places:
            single = self._entries.get(place)
            if single is None or single.vault_id in places:
                continue
            if (single.trashed_at is not None) is (state == "trash"):
                found.append(single)
        return sorted(found, key=_key)

    def _once(self, asked: Hashable, make: Callable[[], T]) -> T:
        """Work an answer out at its first asking: each page asks the same of ten thousand entries."""
        answer: T | None = self._answers.get(asked)
        if answer is None:
            answer = make()
            if len(self._answers) >= ANSWERS_KEPT:
                self._answers.clear()
            self._answers[asked] = answer
        return answer


class Indexes:
    """The indexes of all organizations that this process has been asked about."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rooms: dict[UUID, _Room] = {}

    def of(self, uow: UnitOfWork) -> Index:
        """Return the index of the actor's organization, not older than what *uow* sees."""
        with self._lock:
            room = self._rooms.setdefault(uow.organization_id, _Room())
        return room.bring_up(uow)

    def forget(self, organization_id: UUID) -> None:
        """Let go of what is known of an organization that is no more."""
        with self._lock:
            self._rooms.pop(organization_id, None)


class _Room:
    """The newest index of one organization, and what could not be decrypted so far."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._index = Index(0, {}, {}, {})
        self._broken: set[tuple[UUID, int]] = set()

    def bring_up(self, uow: UnitOfWork) -> Index:
        here = {"organization_id": uow.organization_id}
        seen = fetch_one(uow.connection, queries.CHANGE, here).change
        if self._index.change >= seen:
            return self._index
        if uow.writing:
            # Others must not see what this unit has not committed yet and may still undo.
            return self._next(uow, self._index, seen)
        with self._lock:
            if self._index.change < seen:
                self._index = self._next(uow, self._index, seen)
            return self._index

    def _next(self, uow: UnitOfWork, index: Index, change: int) -> Index:
        since = {"organization_id": uow.organization_id, "since": index.change}
        gone = [row.id for row in fetch(uow.connection, queries.GONE_SINCE, since)]
        rows = fetch(uow.connection, queries.CHANGED_SINCE, since)
        return index.with_changes(change, [self._entry(uow, row) for row in rows], gone)

    def _entry(self, uow: UnitOfWork, row: Any) -> Entry:
        keys = uow.keys
        overview = open_overview(keys, uow.organization_id, row.id, row.version, row.overview)
        if overview is not None and overview.vault_id != row.vault_id:
            overview = None
        key = 0
        if overview is None:
            key = key_of(keys, row.overview)
            if (row.id, row.version) not in self._broken:
                self._broken.add((row.id, row.version))
                record_failure(uow, row.id, row.version, OVERVIEW, key)
        return make_entry(row, overview, key)


def _tag_lines(entries: Iterable[Entry]) -> tuple[TagLine, ...]:
    spelling: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for tag, count in _all_tags(entries).items():
        spelling.setdefault(tag.casefold(), tag)
        counts[tag.casefold()] += count
    return tuple(TagLine(spelling[folded], counts[folded]) for folded in sorted(spelling))


def _folder_lines(entries: Iterable[Entry]) -> list[FolderLine]:
    counts: Counter[str] = Counter()
    for folder, count in Counter([entry.folder for entry in entries]).items():
        path = folder
        while path:
            counts[path] += count
            path = path.rpartition("/")[0]
    return [FolderLine(path, counts[path]) for path in sorted(counts, key=str.casefold)]


def _by_folder(lines: Iterable[FolderLine]) -> dict[str, tuple[FolderLine, ...]]:
    inside: dict[str, list[FolderLine]] = {}
    for line in lines:
        inside.setdefault(line.path.rpartition("/")[0], []).append(line)
    return {folder: tuple(held) for folder, held in inside.items()}


def _all_tags(entries: Iterable[Entry]) -> Counter[str]:
    return Counter(chain.from_iterable([entry.tags for entry in entries]))


def _key(entry: Entry) -> str:
    return entry.key
