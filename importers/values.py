"""Taking values out of what others wrote: whatever stands there, a text comes out or nothing."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from importers.entry import EntryField, EntryKind
from importers.limits import Refused


def text_of(value: Any) -> str:
    """Return *value* as a person would read it; nothing for null, and for what is no single value."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else ""


def rows_of(value: Any) -> list[dict[str, Any]]:
    """Return the objects in a list; nothing where there is no list."""
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def object_of(value: Any) -> dict[str, Any]:
    """Return *value* if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def whole(value: Any, what: str) -> dict[str, Any]:
    """Return *value* if it is an object.

    Raises:
        Refused: it is not; *what* names the export that it should be.
    """
    if not isinstance(value, dict):
        raise Refused(f"This is not {what}. Choose the file that was exported, and its format.")
    return value


def filled(*fields: EntryField) -> tuple[EntryField, ...]:
    """Leave out what holds no value."""
    return tuple(field for field in fields if field.value)


def kind_for(value: str, kind: EntryKind = EntryKind.HIDDEN) -> EntryKind:
    """Return *kind*, or the one of several lines where the value has them."""
    return EntryKind.MULTILINE if "\n" in value else kind


def folders_of(path: str, separator: str = "/") -> tuple[str, ...]:
    """Take a path of folders apart; empty names are left out."""
    return tuple(part.strip() for part in path.split(separator) if part.strip())


def unique(values: Iterable[str]) -> tuple[str, ...]:
    """Return what is not empty, each once, in order."""
    return tuple(dict.fromkeys(filter(None, values)))


def host_of(url: str) -> str:
    """Return the host of an address; empty: it has none."""
    try:
        return urlsplit(url if "://" in url else f"//{url}").hostname or ""
    except ValueError:
        return ""


def name_of(file_name: str) -> str:
    """Return what a file is called, without folders and ending; of ``.env`` nothing is left."""
    name = PurePosixPath(file_name.replace("\\", "/")).name
    stem = name.rpartition(".")[0] if "." in name else name
    return "" if stem.startswith(".") else stem
