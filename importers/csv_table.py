"""Tables as text (RFC 4180): read row by row, and what each column becomes."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import count

from importers.entry import Entry, EntryField, EntryKind, EntryType, Mapped
from importers.limits import COLUMNS_MAX, ENTRIES_MAX, Refused, read_text
from importers.values import filled, folders_of, kind_for, unique

ROWS_MAX = 2 * ENTRIES_MAX
"""Empty ones included; they cost time too."""
_SEPARATORS = (",", ";", "\t")
_BETWEEN_URLS = re.compile(r"[\n,](?=[ \t]{0,8}[a-z][a-z0-9+.-]{0,20}://)")
_HEAD = 16 * 1024
"""Bytes in which the headings must stand."""


class Becomes(StrEnum):
    """What a column can become."""

    NAME = "name"
    FOLDER = "folder"
    USER_NAME = "user-name"
    PASSWORD = "password"  # noqa: S105 - a kind of column
    URL = "url"
    TOTP = "totp"
    NOTES = "notes"
    TAGS = "tags"
    EXPIRES = "expires"
    HIDDEN = "hidden"
    TEXT = "text"
    LINES = "lines"
    NOTHING = "nothing"

    @property
    def label(self) -> str:
        """What people call it."""
        return _LABELS[self]


_LABELS: Mapping[Becomes, str] = {
    Becomes.NAME: "Name",
    Becomes.FOLDER: "Folder",
    Becomes.USER_NAME: "User name",
    Becomes.PASSWORD: "Password",
    Becomes.URL: "URL",
    Becomes.TOTP: "TOTP",
    Becomes.NOTES: "Notes",
    Becomes.TAGS: "Tags",
    Becomes.EXPIRES: "Expires",
    Becomes.HIDDEN: "a hidden field of its own",
    Becomes.TEXT: "a field of its own",
    Becomes.LINES: "a field for each of its lines",
    Becomes.NOTHING: "is left behind",
}


@dataclass(frozen=True, slots=True)
class Table:
    """The headings of a file, and its rows as they are read."""

    headings: tuple[str, ...]
    rows: Iterator[tuple[int, list[str]]]
    """Each with the number of its line; as many cells as there are headings."""


@dataclass(frozen=True, slots=True)
class Column:
    """A heading and what it becomes."""

    heading: str
    becomes: Becomes


def headings_of(data: bytes) -> tuple[str, ...]:
    """Return the headings in the first line, or none where it cannot be read; never raises."""
    try:
        text = read_text(data[:_HEAD].rsplit(b"\n", 1)[0])
        return tuple(next(_reader(text), ()))
    except (Refused, csv.Error):
        return ()


def read_table(data: bytes) -> Table:
    """Read the headings; rows are read as somebody asks for them.

    Raises:
        Refused: it is no table, or too wide; while reading rows: too many, or one that does not fit.
    """
    reader = _reader(read_text(data))
    headings = tuple(heading.strip() for heading in _next(reader, 1) or ())
    if not any(headings):
        raise Refused("The first line holds no headings. Export the table with its headings, as CSV.")
    if len(headings) > COLUMNS_MAX:
        raise Refused(f"The table has more than {COLUMNS_MAX} columns. Remove those that nobody needs.")
    folded = [heading.casefold() for heading in headings if heading]
    if len(set(folded)) != len(folded):
        raise Refused("Two columns have the same heading. Give each one of its own.")
    return Table(headings, _rows(reader, len(headings)))


def _reader(text: str) -> Iterator[list[str]]:
    first = text[: text.find("\n")] if "\n" in text else text
    separator = max(_SEPARATORS, key=first.count)
    return csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)


def _rows(reader: Iterator[list[str]], width: int) -> Iterator[tuple[int, list[str]]]:
    for number in count(2):
        row = _next(reader, number)
        if row is None:
            return
        if number > ROWS_MAX:
            raise Refused(f"The table has more than {ROWS_MAX:,} rows. Export it in several parts.")
        if not any(row):
            continue
        if len(row) != width:
            raise Refused(
                f"Row {number} has {len(row)} cells where there are {width} headings. "
                "The file is damaged or cut off; export it again."
            )
        yield number, row


def _next(reader: Iterator[list[str]], number: int) -> list[str] | None:
    try:
        return next(reader, None)
    except csv.Error:
        raise Refused(
            f"Row {number} cannot be read: a quotation mark is missing, or a cell is too long. "
            "Export it again."
        ) from None


def mapping_of(columns: Sequence[Column], *, open_: bool = False) -> tuple[Mapped, ...]:
    """Say what each column becomes.

    Args:
        open_: people may choose otherwise.
    """
    return tuple(Mapped(c.heading, c.becomes.label, c.becomes if open_ else "") for c in columns)


def entries_of(table: Table, columns: Sequence[Column], separator: str = "/") -> Iterator[Entry]:
    """Make an entry of each row.

    Args:
        separator: what stands between folders.
    """
    for number, row in table.rows:
        yield entry_of(columns, row, f"row {number}", separator)


def entry_of(columns: Sequence[Column], row: Sequence[str], place: str, separator: str = "/") -> Entry:
    """Make an entry of the cells of one row, which may be empty."""
    cells = _Cells(columns, row)
    expires, unread = _day(cells.first(Becomes.EXPIRES))
    password = filled(EntryField("Password", cells.first(Becomes.PASSWORD)))
    urls = unique(_urls(cells.all(Becomes.URL)))
    user_name, totp = cells.first(Becomes.USER_NAME), cells.first(Becomes.TOTP)
    notes = "\n\n".join(cells.all(Becomes.NOTES))
    is_note = not (password or urls or user_name or totp)
    return Entry(
        name=cells.first(Becomes.NAME),
        folder=tuple(part for path in cells.all(Becomes.FOLDER) for part in folders_of(path, separator)),
        type=EntryType.NOTE if is_note else EntryType.LOGIN,
        user_name=user_name,
        urls=urls,
        tags=unique(tag.strip() for tags in cells.all(Becomes.TAGS) for tag in re.split("[,;]", tags)),
        expires_on=expires,
        fields=password,
        totp=totp,
        notes=notes,
        custom=cells.custom(),
        unread=unread,
        place=place,
    )


def _urls(cells: Sequence[str]) -> Iterator[str]:
    for cell in cells:
        # Several addresses of one login stand in one cell; a comma may also be part of an address.
        yield from (url.strip() for url in _BETWEEN_URLS.split(cell))


def _day(text: str) -> tuple[date | None, tuple[str, ...]]:
    if not text:
        return None, ()
    try:
        return date.fromisoformat(text[:10]), ()
    except ValueError:
        return None, ("Its expiry is no date like 2027-03-31 and is left behind.",)


class _Cells:
    """A row, by what its columns become."""

    def __init__(self, columns: Sequence[Column], row: Sequence[str]) -> None:
        self._cells = [(column, cell) for column, cell in zip(columns, row, strict=True) if cell]

    def all(self, becomes: Becomes) -> list[str]:
        """Return every cell that becomes this."""
        return [cell for column, cell in self._cells if column.becomes is becomes]

    def first(self, becomes: Becomes) -> str:
        """Return the first such cell; empty: there is none."""
        return next(iter(self.all(becomes)), "")

    def custom(self) -> tuple[EntryField, ...]:
        """Return what becomes fields of their own, and every second cell where there is place for one."""
        taken: set[Becomes] = set()
        fields: list[EntryField] = []
        for column, cell in self._cells:
            make = _CUSTOM.get(column.becomes)
            if make is not None:
                fields += make(column.heading, cell)
            elif column.becomes in _SINGLE and column.becomes in taken:
                fields += _hidden(column.heading, cell)
            taken.add(column.becomes)
        return tuple(fields)


_SINGLE = frozenset({Becomes.NAME, Becomes.USER_NAME, Becomes.PASSWORD, Becomes.TOTP, Becomes.EXPIRES})


def _hidden(heading: str, cell: str) -> list[EntryField]:
    return [EntryField(heading, cell, kind_for(cell))]


def _shown(heading: str, cell: str) -> list[EntryField]:
    return [EntryField(heading, cell, kind_for(cell, EntryKind.TEXT))]


def _lines(heading: str, cell: str) -> list[EntryField]:
    """Take ``name: value`` lines apart; a line without a colon goes on with the value before it."""
    fields: list[EntryField] = []
    for line in cell.split("\n"):
        name, colon, value = line.partition(": ")
        if colon or not fields:
            fields.append(EntryField(name if colon else heading, value if colon else line))
        else:
            last = fields.pop()
            fields.append(EntryField(last.name, f"{last.value}\n{line}", EntryKind.MULTILINE))
    return fields


_CUSTOM: Mapping[Becomes, Callable[[str, str], list[EntryField]]] = {
    Becomes.HIDDEN: _hidden,
    Becomes.TEXT: _shown,
    Becomes.LINES: _lines,
}
