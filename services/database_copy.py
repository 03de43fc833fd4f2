"""Moving an installation from one kind of database to the other: copied whole, and compared at both ends."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Table, func, insert, select
from sqlalchemy.exc import DBAPIError

from crypto.keyring import MasterKeys
from errors import CopyFailed
from services import audit_queries, audit_verify, copy_targets, table_digests
from services.audit_verify import Report
from services.backup_files import Progress, nothing
from services.copy_targets import Place
from services.keys import open_keys
from services.table_digests import Digest, TableDigest

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class End:
    """What one of the two databases holds."""

    tables: tuple[TableDigest, ...]
    heads: tuple[tuple[Any, ...], ...]
    log: Report

    @property
    def rows(self) -> int:
        """How many rows there are in all tables."""
        return sum(table.rows for table in self.tables)


@dataclass(frozen=True, slots=True)
class Compared:
    """The two ends, and a sentence for each difference.

    Args:
        later: what the source was given after its snapshot, which is not in the copy.
    """

    source: End
    target: End
    differences: tuple[str, ...]
    later: int = 0


def copy(source: Place, target: Place, masters: MasterKeys, progress: Progress = nothing) -> Compared:
    """Copy all rows as they stand at one moment into an empty database, and compare before it counts.

    Raises:
        Conflict: the source is of another version, or the target is not empty.
        CopyFailed: one of the two cannot be used, or the ends differ; the target stays marked as unfinished.
    """
    with _told(), copy_targets.snapshot(source) as read:
        # Each row is read, and read again at the target.
        steps = _Steps(2 * table_digests.count(read), progress)
        with copy_targets.filling(target) as written:
            digests = tuple(_copy_table(read, written, table, steps) for table in table_digests.tables())
            copied = _end(read, masters, digests)
            there = _end(written, masters, _digests(written, steps))
            differences = _differences(copied, there)
            if differences:
                raise CopyFailed(f"the copy is not the same: {' '.join(differences[:_SHOWN])}")
    with _told(), copy_targets.snapshot(source) as read:
        later = _events(_heads(read)) - _events(copied.heads)
    return Compared(copied, there, (), later)


def compare(source: Place, target: Place, masters: MasterKeys, progress: Progress = nothing) -> Compared:
    """Compare every row and the audit log of two databases, each as it stands at one moment.

    Raises:
        Conflict: one of them is of another version.
        CopyFailed: one of the two cannot be used.
    """
    with _told(), copy_targets.snapshot(source) as here, copy_targets.snapshot(target) as there:
        steps = _Steps(table_digests.count(here) + table_digests.count(there), progress)
        ends = [_end(each, masters, _digests(each, steps)) for each in (here, there)]
    return Compared(ends[0], ends[1], _differences(*ends))


@contextmanager
def _told() -> Iterator[None]:
    """Say what a database has said, but no row that it may show with that."""
    try:
        yield
    except DBAPIError as error:
        who = "SQLite" if isinstance(error.orig, sqlite3.Error) else "PostgreSQL"
        raise CopyFailed(f"{who} says: {str(error.orig).strip().splitlines()[0]}") from None


class _Steps:
    """How far it has come."""

    def __init__(self, everything: int, progress: Progress) -> None:
        self._done, self._everything, self._progress = 0, everything, progress

    def on(self, rows: int) -> None:
        self._done += rows
        self._progress(self._done, self._everything)


def _copy_table(source: Connection, target: Connection, table: Table, steps: _Steps) -> TableDigest:
    digest, names = Digest(table), table.columns.keys()
    for rows in table_digests.batches(source, table):
        target.execute(insert(table), [dict(zip(names, row, strict=True)) for row in rows])
        digest.add(rows)
        steps.on(len(rows))
    _set_sequence(target, table)
    return digest.done()


def _set_sequence(target: Connection, table: Table) -> None:
    """Let the next row be numbered after those that were copied; SQLite does so by itself."""
    column = table.autoincrement_column
    if column is None or target.dialect.name != "postgresql":
        return
    sequence = func.pg_get_serial_sequence(table.name, column.name)
    highest = select(func.max(column)).scalar_subquery()
    # Without a row it begins with 1, as it was not called yet.
    target.execute(select(func.setval(sequence, func.coalesce(highest, 1), highest.is_not(None))))


def _digests(connection: Connection, steps: _Steps) -> tuple[TableDigest, ...]:
    return tuple(table_digests.digest(connection, table, steps.on) for table in table_digests.tables())


def _end(connection: Connection, masters: MasterKeys, digests: tuple[TableDigest, ...]) -> End:
    log = audit_verify.verify_on(connection, open_keys(connection, masters, None))
    return End(digests, _heads(connection), log)


def _heads(connection: Connection) -> tuple[tuple[Any, ...], ...]:
    return tuple(_plain(connection.execute(audit_queries.HEADS).all()))


def _plain(rows: Sequence[Row[Any]]) -> list[tuple[Any, ...]]:
    return sorted((str(chain_id), size, head) for chain_id, size, head in rows)


def _events(heads: tuple[tuple[Any, ...], ...]) -> int:
    return sum(size for _, size, _ in heads)


def _differences(source: End, target: End) -> tuple[str, ...]:
    found = [
        f"{here.table}: {here.rows} rows here, {there.rows} there."
        if here.rows != there.rows
        else f"{here.table}: as many rows, not the same."
        for here, there in zip(source.tables, target.tables, strict=True)
        if here != there
    ]
    if source.heads != target.heads:
        found.append("The chains of the audit log end differently.")
    if (source.log.chains, source.log.count) != (target.log.chains, target.log.count):
        found.append(f"The audit log has {source.log.count} faults here, {target.log.count} there.")
    return tuple(found)
