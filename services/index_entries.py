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

_HOST = re.compile(r"(?:[a-z][a-z0-9+.-]*://)?(?:[^/?#@\s]*@)?(\[[0-9a-f:.]+\]|[^/?#:@\s\[\]]+)")
_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*://")


@dataclass(slots=True, eq=False, repr=False)
class Entry:
    """One item in the index; never changed once it is made.

    Args:
        folder: all of the name before its last slash; empty: none.
        leaf: the rest of the name.
        broken: it cannot be decrypted; the name is then the words that say so.
        key: sorts by folded name, then id.
        text: folded name, user name, URLs and tags, a line each.
        hosts: of the URLs, folded.
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
    hosts: tuple[str, ...]


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


def make_entry(row: Any, item_id: UUID, vault_id: UUID, overview: Overview | None, key: int) -> Entry:
    """Fold a row and its decrypted overview; None: it cannot be decrypted under *key*."""
    name = overview.name if overview else str(Undecryptable(key))
    folder, _, leaf = name.rpartition("/") if overview else ("", "", name)
    folded = fold(name)
    urls = tuple(fold(url) for url in overview.urls) if overview else ()
    searched = [folded]
    if overview:
        searched += [fold(overview.user_name), *(_SCHEME.sub("", url) for url in urls)]
        searched += [fold(tag) for tag in overview.tags]
    return Entry(
        id=item_id,
        vault_id=vault_id,
        version=row.version,
        name=name,
        folder=folder,
        leaf=leaf,
        type=overview.type if overview else None,
        user_name=overview.user_name if overview else "",
        urls=overview.urls if overview else (),
        tags=overview.tags if overview else (),
        expires_on=overview.expires_on if overview else None,
        strength=overview.strength if overview else None,
        shapes=overview.shapes if overview else (),
        created_at=row.created_at,
        changed_at=row.changed_at,
        changed_by=row.changed_by,
        trashed_at=row.trashed_at,
        broken=overview is None,
        folded=folded,
        key=f"{folded}\0{item_id.hex}",
        text="\n".join(searched),
        hosts=tuple(filter(None, map(host_of, urls))),
    )
