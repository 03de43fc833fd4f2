"""What the index holds of one item: its overview, folded for searching. Nothing secret."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from errors import Undecryptable
from services.contents import ItemType, Overview, Shape

_HOST = re.compile(r"(?:[a-z][a-z0-9+.:-]*://)?+(?:[^/?#@\s]*@)?+(\[[0-9a-f:.]+\]|[^/?#:@\s\[\]]+)")


@dataclass(slots=True, eq=False, repr=False)
class Entry:
    """One item in the index; never changed once it is made.

    Args:
        folder: all of the name before its last slash; empty: none.
        leaf: the rest of the name.
        broken: it cannot be decrypted; the name is then the words that say so.
        key: sorts by folded name, then id.
        text: folded name, user name, URLs and tags, a line each.
        hosts: of the URLs, folded, each between line breaks.
    """

    id: UUID
    vault_id: UUID
    version: int
    name: str
    folder: str
    leaf: str
    type: ItemType | None
    user_name: str
    urls: tuple[str, ...]
    tags: tuple[str, ...]
    expires_on: date | None
    strength: int | None
    shapes: tuple[Shape, ...]
    created_at: datetime
    changed_at: datetime
    changed_by: UUID
    trashed_at: datetime | None
    broken: bool
    folded: str
    key: str
    text: str
    hosts: str


def fold(text: str) -> str:
    """Make *text* comparable: no case, no accents, one form for each character."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(c for c in decomposed if not unicodedata.combining(c)).casefold()


def host_of(url: str) -> str:
    """Return the host of a folded address, with or without its scheme; empty: it has none."""
    match = _HOST.match(url)
    return match[1].strip(".") if match else ""


def make_entry(row: Any, overview: Overview | None, key: int) -> Entry:
    """Fold a row and its overview; None: it cannot be decrypted under *key*."""
    if overview is None:
        return _broken_entry(row, str(Undecryptable(key)))
    name = overview.name
    folder, _, leaf = name.rpartition("/")
    folded = fold(name)
    urls = [fold(url) for url in overview.urls]
    searched = [folded, fold(overview.user_name), *[url.partition("://")[2] or url for url in urls]]
    searched += [fold(tag) for tag in overview.tags]
    return Entry(
        row.id,
        row.vault_id,
        row.version,
        name,
        folder,
        leaf,
        overview.type,
        overview.user_name,
        overview.urls,
        overview.tags,
        overview.expires_on,
        overview.strength,
        overview.shapes,
        row.created_at,
        row.changed_at,
        row.changed_by,
        row.trashed_at,
        broken=False,
        folded=folded,
        key=f"{folded}\0{row.id.hex}",
        text="\n".join(searched),
        hosts="\n".join(["", *map(host_of, urls), ""]),
    )


def _broken_entry(row: Any, words: str) -> Entry:
    return Entry(
        id=row.id,
        vault_id=row.vault_id,
        version=row.version,
        name=words,
        folder="",
        leaf=words,
        type=None,
        user_name="",
        urls=(),
        tags=(),
        expires_on=None,
        strength=None,
        shapes=(),
        created_at=row.created_at,
        changed_at=row.changed_at,
        changed_by=row.changed_by,
        trashed_at=row.trashed_at,
        broken=True,
        folded=words,
        key=f"{words}\0{row.id.hex}",
        text=words,
        hosts="",
    )
