"""Which entries a query matches, and which of them match best."""

from __future__ import annotations

import re
from collections.abc import Sequence
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
        host: of a pasted address, or of what looks like a host's name.
        address: whether it was a whole address, of which only the host counts.
    """

    whole: str
    words: tuple[str, ...]
    host: str
    address: bool


def read_query(text: str) -> Query | None:
    """Read what was typed; None: nothing was."""
    whole = fold(text.strip())
    if not whole:
        return None
    address = "://" in whole and " " not in whole
    host = host_of(whole) if address or _HOST_LIKE.fullmatch(whole) else ""
    return Query(whole, tuple(whole.split()), host, address and bool(host))


def search(entries: Sequence[Entry], query: Query) -> list[Entry]:
    """Return the entries that match, the best first, alike ones in the order they came in.

    Best is a name or a host that is the query; then a name that begins with it; then one where every word
    begins a word, or a related host; then the rest.
    """
    found = [] if query.address else _with_all_words(entries, query.words)
    hosts = _with_host(entries, query.host) if query.host else {}
    if hosts:
        seen = {id(entry) for entry in found}
        found += [entry for entry in entries if id(entry) in hosts and id(entry) not in seen]
        found.sort(key=_key)
    return _best_first(found, query, hosts)


def _key(entry: Entry) -> str:
    return entry.key


def _with_all_words(entries: Sequence[Entry], words: Sequence[str]) -> list[Entry]:
    found = list(entries)
    for word in words:
        found = [entry for entry in found if word in entry.text]
    return found


def _with_host(entries: Sequence[Entry], host: str) -> dict[int, bool]:
    """Return by ``id()`` the entries with a related host, and whether it is the very same."""
    # Related hosts end alike, so that most entries are passed over by one look at their text.
    end = ".".join(host.split(".")[-2:])
    return {
        id(entry): host in entry.hosts
        for entry in entries
        if end in entry.text and any(_related(other, host) for other in entry.hosts)
    }


def _related(other: str, host: str) -> bool:
    return other == host or other.endswith(f".{host}") or ("." in other and host.endswith(f".{other}"))


def _best_first(found: Sequence[Entry], query: Query, hosts: dict[int, bool]) -> list[Entry]:
    exact: list[Entry] = []
    prefix: list[Entry] = []
    words: list[Entry] = []
    inside: list[Entry] = []
    beginnings = [re.compile(rf"(?<![^\W_]){re.escape(word)}") for word in query.words]
    looked_at = 0
    for entry in found:
        leaf = fold(entry.leaf) if entry.folder else entry.folded
        if query.whole in {entry.folded, leaf} or hosts.get(id(entry)):
            exact.append(entry)
        elif entry.folded.startswith(query.whole) or leaf.startswith(query.whole):
            prefix.append(entry)
        elif id(entry) in hosts:
            words.append(entry)
        elif looked_at < RANKED:
            looked_at += 1
            begins = all(beginning.search(entry.text) for beginning in beginnings)
            (words if begins else inside).append(entry)
        else:
            inside.append(entry)
    return [*exact, *prefix, *words, *inside]
