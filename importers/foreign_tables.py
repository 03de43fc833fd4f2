"""Tables of another program, from its SQLite file or from one table as CSV, and values that an old key opens.

The file of a stranger is opened in memory, without its triggers and views: only whole tables are read, by
statements that stand in our code.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from crypto.origins import Unopened
from importers.csv_table import headings_of, read_table
from importers.limits import COLUMNS_MAX, ENTRIES_MAX, Refused, check_unpacked

MAGIC = b"SQLite format 3\0"
ROWS_MAX = 5 * ENTRIES_MAX
CELLS_MAX = 1_000_000
"""Both of all tables of a file together. A row of Client St0r's passwords has some 40 cells."""

_STEPS = 100_000
_TURNS = 500
"""Fifty million steps of SQLite's machine: some seconds, and more than a file of 10 MiB ever takes."""
_TEXT_MAX = 4 * 1024 * 1024
_WAL = b"\x02\x02"
_JOURNAL = b"\x01\x01"
_MODE = slice(18, 20)
"""Where a file says whether a journal beside it belongs to it (sqlite.org/fileformat2.html, 1.3)."""
_ALLOWED = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ})
_MADE_BY = "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?"
_MAKES_TABLE = b"CREATE TABLE"
"""What makes a virtual table begins otherwise."""
_COLUMNS = "SELECT hidden FROM pragma_table_xinfo(?)"
_DAMAGED = "The database is damaged or not complete. Stop the other program, and copy its file again."

Row = Mapping[str, str]
Tables = Mapping[str, list[Row]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A table that a reader knows.

    Args:
        query: reads all of it.
        marks: columns by which its CSV is told from others.
    """

    name: str
    query: str
    marks: frozenset[str] = frozenset()


def read_tables(data: bytes, wanted: tuple[Wanted, ...]) -> Tables:
    """Read those of the wanted tables that there are; NULL is read as an empty text.

    Raises:
        Refused: none of the tables with marks is there, the file is damaged, or beyond the limits.
    """
    tables = dict(_from_database(data, wanted) if data.startswith(MAGIC) else _from_csv(data, wanted))
    if not any(table.marks and table.name in tables for table in wanted):
        names = " or ".join(table.name for table in wanted if table.marks)
        raise Refused(f"The file holds no table {names}. Choose another file, or another format.")
    return tables


def holds_table(data: bytes, wanted: tuple[Wanted, ...]) -> bool:
    """Tell whether a file is likely one of these; never raises."""
    marked = [table for table in wanted if table.marks]
    if data.startswith(MAGIC):
        return any(table.name.encode() in data for table in marked)
    headings = {heading.strip().lower() for heading in headings_of(data)}
    return any(table.marks <= headings for table in marked)


def _from_csv(data: bytes, wanted: tuple[Wanted, ...]) -> Iterator[tuple[str, list[Row]]]:
    table = read_table(data)
    headings = [heading.lower() for heading in table.headings]
    for each in wanted:
        if each.marks and each.marks <= set(headings):
            yield each.name, [dict(zip(headings, row, strict=True)) for _, row in table.rows]
            return


def _from_database(data: bytes, wanted: tuple[Wanted, ...]) -> Iterator[tuple[str, list[Row]]]:
    if data[_MODE] == _WAL:
        # What was not yet carried over from that journal is not in the file, and a memory has no journal.
        data = data[: _MODE.start] + _JOURNAL + data[_MODE.stop :]
    connection = sqlite3.connect(":memory:")
    try:
        connection.deserialize(data)
        _limit(connection)
        plain = [table for table in wanted if _is_plain(connection, table.name)]
        connection.set_authorizer(_judge)
        counted = _Counted()
        for table in plain:
            yield table.name, [counted.take(row) for row in _rows(connection, table.query)]
    except (sqlite3.Error, UnicodeDecodeError, MemoryError):
        raise Refused(_DAMAGED) from None
    finally:
        connection.close()


def _limit(connection: sqlite3.Connection) -> None:
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _TEXT_MAX)
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    turns = iter(range(_TURNS))
    connection.set_progress_handler(lambda: next(turns, None) is None, _STEPS)
    connection.text_factory = bytes


def _judge(action: int, *_: object) -> int:
    """Let nothing in the file do anything but be read."""
    return sqlite3.SQLITE_OK if action in _ALLOWED else sqlite3.SQLITE_DENY


def _is_plain(connection: sqlite3.Connection, name: str) -> bool:
    """Tell whether there is such a table, with no column that is computed when it is read."""
    made_by = connection.execute(_MADE_BY, (name,)).fetchone()
    if made_by is None or not (made_by[0] or b"").startswith(_MAKES_TABLE):
        return False
    return not any(hidden for (hidden,) in connection.execute(_COLUMNS, (name,)))


def _rows(connection: sqlite3.Connection, query: str) -> Iterator[Row]:
    cursor = connection.execute(query)
    names = [column[0].lower() for column in cursor.description]
    if len(names) > COLUMNS_MAX:
        raise Refused(f"A table has more than {COLUMNS_MAX} columns, which that of no such program has.")
    for values in cursor:
        yield dict(zip(names, map(_text, values), strict=True))


def _text(value: bytes | float | None) -> str:
    if value is None:
        return ""
    return value.decode() if isinstance(value, bytes) else str(value)


class _Counted:
    """Counts what is read: pages of a damaged file may lead to the same row again and again."""

    def __init__(self) -> None:
        self._rows = 0
        self._cells = 0
        self._length = 0

    def take(self, row: Row) -> Row:
        self._rows += 1
        self._cells += len(row)
        self._length += sum(map(len, row.values()))
        check_unpacked(self._length)
        if self._rows > ROWS_MAX or self._cells > CELLS_MAX:
            raise Refused(f"The tables hold more than {ROWS_MAX:,} rows. Export them in parts.")
        return row


class Opener:
    """Opens values with an old key, and tells a wrong key from single values that are damaged."""

    def __init__(self) -> None:
        self._opened = 0
        self._refused = 0
        self.failed: list[str] = []
        """Sentences about the values of the present row that did not open."""

    def open(self, what: str, opening: Callable[[], str]) -> str:
        """Return what *opening* gives; nothing where the value does not open, which is noted."""
        try:
            value = opening()
        except Unopened:
            self._refused += 1
            self.failed.append(f"Its {what} does not open with this key and is left behind.")
            return ""
        self._opened += 1
        return value

    def take_failures(self) -> tuple[str, ...]:
        """Return what was noted since the last time."""
        failed, self.failed = tuple(self.failed), []
        return failed

    def check(self) -> None:
        """Refuse the key where values were to be opened and none did."""
        if self._refused and not self._opened:
            raise Refused("The key opens nothing in this file. Look whether it is the one.", "passphrase")
