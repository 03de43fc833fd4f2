"""The rows of every table in one order, whichever database holds them, and a digest of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Row, String, Table, func, select

from crypto.checksum import Checksum
from models import Base

BATCH = 500
"""Rows that are held in memory at once."""


@dataclass(frozen=True, slots=True)
class TableDigest:
    """How many rows a table has, and one value that hangs on every one of them."""

    table: str
    rows: int
    sha256: str


class Digest:
    """Counts rows and digests them as they come by."""

    def __init__(self, table: Table) -> None:
        self._table = table.name
        self._rows = 0
        self._checksum = Checksum()

    def add(self, rows: Sequence[Row[Any]]) -> None:
        """Take in the next rows."""
        self._rows += len(rows)
        # What Python writes of such values keeps None, numbers, texts and bytes apart, and the rows.
        self._checksum.update("".join(f"{tuple(row)!r}\n" for row in rows).encode("utf-8", "surrogatepass"))

    def done(self) -> TableDigest:
        """Return what came by."""
        return TableDigest(self._table, self._rows, self._checksum.hex)


def tables() -> list[Table]:
    """Return every table, each after those that its foreign keys name."""
    return list(Base.metadata.sorted_tables)


def count(connection: Connection) -> int:
    """Count the rows of all tables."""
    return sum(connection.execute(select(func.count()).select_from(table)).scalar_one() for table in tables())


def batches(connection: Connection, table: Table) -> Iterator[Sequence[Row[Any]]]:
    """Return the rows of a table as Python values, in the order of their keys' bytes."""
    statement = select(table).order_by(*(_by_bytes(connection, column) for column in table.primary_key))
    options = {"stream_results": True, "yield_per": BATCH}
    with connection.execute(statement, execution_options=options) as found:
        yield from found.partitions()


def digest(connection: Connection, table: Table, seen: Callable[[int], None]) -> TableDigest:
    """Digest a table.

    Args:
        seen: told after each batch how many rows came by.
    """
    digested = Digest(table)
    for rows in batches(connection, table):
        digested.add(rows)
        seen(len(rows))
    return digested.done()


def _by_bytes(connection: Connection, column: Column[Any]) -> ColumnElement[Any]:
    """SQLite compares texts so by itself, PostgreSQL as the language of the database has it."""
    is_text = isinstance(column.type, String)
    return column.collate("C") if is_text and connection.dialect.name == "postgresql" else column
