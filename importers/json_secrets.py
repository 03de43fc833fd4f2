"""JSON files of secrets that somebody wrote by hand or by script, in whatever shape.

An object with values in it becomes a credential, named by the keys that lead to it; objects in it become
credentials in a folder of that name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from importers.csv_formats import guess
from importers.csv_table import Becomes, Column, entry_of
from importers.entry import Entry, EntryField, EntryKind, EntryType, Reading
from importers.limits import Refused, read_json, take_entries
from importers.source import Format, Source
from importers.values import kind_for, name_of, text_of

_PLACES_MAX = 3
"""Levels that are named when people are told where an entry stands."""


def _read(source: Source) -> Reading:
    value = read_json(source.data)
    if not isinstance(value, dict | list):
        raise Refused("The JSON holds a single value. Put it into an object, under a name.")
    top = name_of(source.file_name) or "Secrets"
    return Reading(take_entries(_walk(value, (), top)))


def _walk(value: dict[str, Any] | list[Any], path: tuple[str, ...], top: str) -> Iterator[Entry]:
    rows = list(value.items() if isinstance(value, dict) else enumerate(value, start=1))
    if isinstance(value, dict):
        yield from entries_of_object(value, path, top)
    for key, child in rows:
        if isinstance(child, dict) or (isinstance(child, list) and _holds_objects(child)):
            yield from _walk(child, (*path, str(key)), top)
    if isinstance(value, list):
        loose = {str(key): child for key, child in rows if not isinstance(child, dict | list)}
        yield from entries_of_object(loose, path, top)


def _holds_objects(value: list[Any]) -> bool:
    return any(isinstance(child, dict) for child in value)


def entries_of_object(value: dict[str, Any], path: tuple[str, ...], top: str) -> Iterator[Entry]:
    """Make a credential of the values in an object; objects in it are left out.

    Args:
        path: the keys that lead to it.
        top: its name where no key leads to it.
    """
    plain = {key: child for key, child in value.items() if _is_plain(child)}
    if not plain:
        return
    known = {key: guess(key) for key in plain}
    if set(known.values()) >= _LOGIN:
        yield _login(plain, known, path, top)
    else:
        yield secret_of(plain, path, top)


def secret_of(value: Mapping[str, Any], path: tuple[str, ...], top: str) -> Entry:
    """Make a credential with a field for each value, by its own name; what is no text stays JSON."""
    name = text_of(value.get("name")) if path and path[-1].isdigit() else ""
    fields = tuple(_field(key, child) for key, child in value.items() if not (name and key == "name"))
    return Entry(
        name or (path[-1] if path else top),
        tuple(part for part in path[:-1] if part.strip()),
        EntryType.SECRET,
        custom=fields,
        place=_place(path),
    )


def _field(name: str, value: Any) -> EntryField:
    if isinstance(value, str):
        return EntryField(name, value, kind_for(value))
    return EntryField(name, json.dumps(value, ensure_ascii=False), EntryKind.JSON)


_LOGIN = frozenset({Becomes.USER_NAME, Becomes.PASSWORD})
"""Without both nothing says that a "user" or an "address" is that of a login."""


def _login(plain: Mapping[str, Any], known: Mapping[str, Becomes], path: tuple[str, ...], top: str) -> Entry:
    named = bool(path) and path[-1].isdigit()
    columns = [
        Column(key, Becomes.TEXT if becomes is Becomes.NAME and not named else becomes)
        for key, becomes in known.items()
    ]
    entry = entry_of(columns, [_text(child) for child in plain.values()], _place(path))
    name = entry.name or (path[-1] if path else top)
    return replace(entry, name=name, folder=(*(part for part in path[:-1] if part.strip()), *entry.folder))


def _is_plain(value: Any) -> bool:
    return (
        value is not None
        and not isinstance(value, dict)
        and not (isinstance(value, list) and _holds_objects(value))
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _place(path: tuple[str, ...]) -> str:
    return " → ".join(path[-_PLACES_MAX:])


def _is_json(data: bytes) -> bool:
    return data[:64].removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in {b"{", b"["}


FORMATS = (
    Format(
        "json",
        "Secrets as JSON",
        (".json",),
        _is_json,
        _read,
        hint="Each object becomes a credential; objects inside of objects become folders.",
    ),
)
