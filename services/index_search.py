"""Which entries a query matches, and which of them match best."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import accumulate

from services.index_entries import Entry, fold, host_of

RANKED = 500
"""Matches whose words are looked at one by one; those beyond stand behind, by name."""

_BETWEEN = "\n\0\n"
"""Stands between two entries; nobody can search for it."""
_HOST_LIKE = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+(?::\d+)?(?:[/?#]\S*)?")


@dataclass(frozen=True, slots=True)
class Query:
    """What somebody typed, folded.

    Args:
        words: all of them must be found.
        host: of a pasted address, or of what looks like a host's name; empty: neither.
    """

    whole: str
    words: tuple[str, ...]
    host: str


def read_query(text: str) -> Query | None:
    """Read what was typed; None: nothing was."""
    # An accent alone folds to a blank.
    whole = fold(text.strip()).strip()
    if not whole:
        return None
    address = "://" in whole and " " not in whole
    host = host_of(whole) if address or _HOST_LIKE.fullmatch(whole) else ""
    return Query(whole, tuple(whole.split()), host)


class Haystack:
    """Entries as one text: a word is found in it many times faster than in ten thousand texts.

    Args:
        entries: in the order in which alike ones are to be found.
    """

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._entries = entries
        self._text = _BETWEEN.join([entry.text for entry in entries])
        self._ends = list(accumulate([len(entry.text) + len(_BETWEEN) for entry in entries]))
        self._domains: dict[str, list[Entry]] | None = None

    def search(self, query: Query) -> list[Entry]:
        """Return the entries that match, the best first, alike ones in the order they came in.

        Best is a name or a host that is the query; then a name or folder that begins with it; then one where
        every word begins a word, or a related host; then the rest.
        """
        if query.host:
            same, related = self._with_host(query.host)
            near = set(self._containing(query.whole)) | same | related
            found = [entry for entry in self._entries if entry in near]
            return _best_first(found, same, related, query)
        first, *others = sorted(query.words, key=len, reverse=True)
        found = self._containing(first)
        for word in others:
            found = [entry for entry in found if word in entry.text]
        return _best_first(found, frozenset(), frozenset(), query)

    def _containing(self, word: str) -> list[Entry]:
        found: list[Entry] = []
        at = self._text.find(word)
        while at >= 0:
            place = bisect_right(self._ends, at)
            found.append(self._entries[place])
            at = self._text.find(word, self._ends[place])
        return found

    def _with_host(self, host: str) -> tuple[AbstractSet[Entry], AbstractSet[Entry]]:
        """Return the entries with this very host, and those with a parent or sub domain of it."""
        if self._domains is None:
            self._domains = _by_domain(self._entries)
        near = set(self._domains.get(host, ()))
        same = {entry for entry in near if f"\n{host}\n" in entry.hosts}
        labels = host.split(".")
        for start in range(1, len(labels) - 1):
            parent = ".".join(labels[start:])
            near |= {entry for entry in self._domains.get(parent, ()) if f"\n{parent}\n" in entry.hosts}
        return same, near - same


def _by_domain(entries: Sequence[Entry]) -> dict[str, list[Entry]]:
    """Return the entries of each host and of each domain around one."""
    domains: dict[str, list[Entry]] = {}
    for entry in entries:
        names: set[str] = set()
        for host in entry.hosts.split():
            labels = host.split(".")
            names.update(".".join(labels[start:]) for start in range(len(labels)))
        for name in names:
            domains.setdefault(name, []).append(entry)
    return domains


def _best_first(
    found: Sequence[Entry], same: AbstractSet[Entry], related: AbstractSet[Entry], query: Query
) -> list[Entry]:
    ranks: tuple[list[Entry], ...] = ([], [], [], [])
    exact, prefix, words, inside = ranks
    whole, below = query.whole, f"/{query.whole}"
    beginnings = [re.compile(rf"(?<![^\W_]){re.escape(word)}") for word in query.words]
    looked_at = 0
    for entry in found:
        name = entry.folded
        if name == whole or name.endswith(below) or entry in same:
            exact.append(entry)
        elif name.startswith(whole) or below in name:
            prefix.append(entry)
        elif entry in related:
            words.append(entry)
        elif looked_at < RANKED:
            looked_at += 1
            begins = all(beginning.search(entry.text) for beginning in beginnings)
            (words if begins else inside).append(entry)
        else:
            inside.append(entry)
    return [*exact, *prefix, *words, *inside]
