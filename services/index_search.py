"""Which entries a query matches, and which of them match best."""

from __future__ import annotations

import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from services.index_entries import Entry, fold, host_of

RANKED = 500
"""Matches whose words are looked at one by one; those beyond stand behind, by name."""

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
    whole = fold(text.strip())
    if not whole:
        return None
    address = "://" in whole and " " not in whole
    host = host_of(whole) if address or _HOST_LIKE.fullmatch(whole) else ""
    return Query(whole, tuple(whole.split()), host)


def search(entries: Sequence[Entry], query: Query) -> list[Entry]:
    """Return the entries that match, the best first, alike ones in the order they came in.

    Best is a name or a host that is the query; then a name or folder that begins with it; then one where
    every word begins a word, or a related host; then the rest.
    """
    if query.host:
        same, related = _with_host(entries, query.host)
        found = [e for e in entries if query.whole in e.text or e in same or e in related]
        return _best_first(found, same, related, query)
    found = list(entries)
    for word in query.words:
        found = [entry for entry in found if word in entry.text]
    return _best_first(found, frozenset(), frozenset(), query)


def _with_host(entries: Sequence[Entry], host: str) -> tuple[AbstractSet[Entry], AbstractSet[Entry]]:
    """Return the entries with this very host, and those with a parent or sub domain of it."""
    labels = host.split(".")
    parents = [".".join(labels[start:]) for start in range(1, len(labels) - 1)]
    related = {entry for entry in entries if f".{host}\n" in entry.hosts}
    for parent in parents:
        related |= {entry for entry in entries if f"\n{parent}\n" in entry.hosts}
    return {entry for entry in entries if f"\n{host}\n" in entry.hosts}, related


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
