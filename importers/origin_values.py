"""Taking values out of the tables of the programs that people move here from."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import date
from typing import Any

from importers.entry import EntryField, EntryKind
from importers.foreign_tables import Row
from importers.limits import DEPTH_MAX, Refused, read_json
from importers.values import kind_for, text_of

_SECRET = re.compile(r"pass|secret|token|key|pin|credential|auth", re.IGNORECASE)


def named_by_id(rows: Iterable[Row]) -> dict[str, str]:
    """Return the names of a table's rows by their ids."""
    return {row.get("id", ""): row.get("name", "") for row in rows}


def fields_of_json(text: str, *, hidden: bool = False) -> tuple[EntryField, ...]:
    """Make a field of each member of a JSON object; what is nested stays JSON.

    Args:
        hidden: all of them; otherwise those whose names say so.
    """
    fields = []
    for name, value in object_in(text).items():
        written = (
            text_of(value) if not isinstance(value, dict | list) else json.dumps(value, ensure_ascii=False)
        )
        if written and written not in {"{}", "[]"}:
            kind = EntryKind.HIDDEN if hidden or _SECRET.search(name) else EntryKind.TEXT
            fields.append(EntryField(name, written, kind_for(written, kind)))
    return tuple(fields)


def object_in(text: str) -> dict[str, Any]:
    """Return the JSON object in a cell; an empty one where there is none."""
    try:
        value = read_json(text.encode()) if text.startswith("{") else {}
    except Refused:
        return {}
    return value if isinstance(value, dict) else {}


def day_in(text: str) -> date | None:
    """Return the day of a moment as databases write it."""
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def path_of(identifier: str, names: dict[str, str], parents: dict[str, str]) -> tuple[str, ...]:
    """Return the names of a folder and those around it, the outermost first; a circle ends somewhere."""
    path: list[str] = []
    while identifier in names and len(path) < DEPTH_MAX:
        path.append(names[identifier])
        identifier = parents.get(identifier, "")
    return tuple(reversed(path))
