"""How the database is spoken to: SQLite's settings, where transactions begin, and whose rows are seen."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import Connection, Engine, Table, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria
from sqlalchemy.sql import visitors

from errors import NoOrganization, StartRefused, Unavailable
from models import Base, Tenant
from services import postgresql
from services.postgresql import EVERY_ORGANIZATION

__all__ = [
    "EVERY_ORGANIZATION",
    "FileLock",
    "NoLock",
    "WriteLock",
    "engine_options",
    "prepare_engine",
    "reading",
    "see_organization",
    "write_lock_for",
    "writing",
]

LOCK_TIMEOUT = 10.0
"""Seconds that a request waits for its turn to write before it gives up."""

FILE_LOCK_STEP = 0.002
"""Seconds between two looks at a lock that another process holds."""

_PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = FULL",
    "busy_timeout = 10000",
    "foreign_keys = ON",
    "trusted_schema = OFF",
    "cell_size_check = ON",
    "secure_delete = ON",
    # Only the committer moves the log into the file, between its batches: nobody else waits for that.
    "wal_autocheckpoint = 0",
)


class WriteLock(Protocol):
    """Lets one writer at a time through."""

    def acquire(self) -> None:
        """Wait for the turn to write.

        Raises:
            Unavailable: it did not come within ``LOCK_TIMEOUT``.
        """

    def release(self) -> None:
        """Let the next one through."""

    def close(self) -> None:
        """Let go of what the lock is made of."""


class FileLock:
    """One writer at a time, among the threads of a process and among processes.

    SQLite's own waiting grows to steps of a tenth of a second, and a writer may wait for seconds while others
    pass.
    """

    def __init__(self, path: Path) -> None:
        self._threads = threading.Lock()
        self._path = path
        self._file: int | None = self._open()

    def _open(self) -> int:
        return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def close(self) -> None:
        """Let go of the file; whoever asks for a turn after that opens it again."""
        if not self._threads.acquire(timeout=LOCK_TIMEOUT):
            return
        if self._file is not None:
            os.close(self._file)
        self._file = None
        self._threads.release()

    def acquire(self) -> None:
        """Wait for the turn of this thread, then of this process."""
        if not self._threads.acquire(timeout=LOCK_TIMEOUT):
            message = "too many changes are waiting to be written"
            raise Unavailable(message)
        try:
            self._acquire_file()
        except BaseException:
            self._threads.release()
            raise

    def _acquire_file(self) -> None:
        """Wait for the other processes, but not for one that was stopped in the middle of its turn."""
        give_up = time.monotonic() + LOCK_TIMEOUT
        if self._file is None:
            self._file = self._open()
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > give_up:
                    message = "another process holds the database"
                    raise Unavailable(message) from None
                time.sleep(FILE_LOCK_STEP)
            else:
                return

    def release(self) -> None:
        """Let the next process, then the next thread through."""
        if self._file is not None:
            fcntl.flock(self._file, fcntl.LOCK_UN)
        self._threads.release()


class NoLock:
    """For PostgreSQL, whose transactions take their turn there, and for what nobody else writes to."""

    def acquire(self) -> None:
        """Pass."""

    def release(self) -> None:
        """Pass."""

    def close(self) -> None:
        """Hold nothing."""


def write_lock_for(engine: Engine) -> WriteLock:
    """Make the lock that writers on *engine* share with the other processes on the same file.

    Raises:
        StartRefused: there is no such folder, or it cannot be written.
    """
    if engine.dialect.name != "sqlite" or not engine.url.database:
        return NoLock()
    path = Path(engine.url.database + ".lock")
    try:
        return FileLock(path)
    except OSError as error:
        message = f"Cannot write in {path.parent} ({error.strerror}). Check that folder's owner and mode."
        raise StartRefused(message) from None


def engine_options(url: str, *, threads: int) -> dict[str, Any]:
    """Return how an engine is made for as many threads as there are."""
    options: dict[str, Any] = {"hide_parameters": True, "pool_size": threads, "max_overflow": threads}
    if url.startswith("postgresql"):
        # After the server has started again, what lies in the pool is dead.
        options |= {"pool_pre_ping": True, "connect_args": postgresql.connect_arguments(url)}
    return options


def prepare_engine(engine: Engine) -> None:
    """Give *engine* explicit transactions, and the settings of its kind.

    Left alone, the sqlite3 driver sends no BEGIN before a read or a SAVEPOINT, and a transaction that reads
    first and writes later meets "database is locked" at once.
    """
    if engine.dialect.name == "postgresql":
        postgresql.prepare_engine(engine)
        return

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writing = connection.get_execution_options().get("writing", False)
        driver: Any = connection.connection.driver_connection
        try:
            driver.execute("BEGIN IMMEDIATE" if writing else "BEGIN")
        except sqlite3.OperationalError as error:
            # As SQLAlchemy would, so that those who catch its errors catch this.
            raise OperationalError("BEGIN", None, error) from error


@contextmanager
def writing(engine: Engine, lock: WriteLock, *, alone: bool = True) -> Iterator[Connection]:
    """Hold a connection in a write transaction of the system; commit when the block returns.

    Args:
        alone: False for who only adds to chains and locks each: PostgreSQL lets others write meanwhile.
    """
    lock.acquire()
    try:
        options = {"writing": True if alone else "appending", "seeing": EVERY_ORGANIZATION}
        with engine.connect().execution_options(**options) as connection, connection.begin():
            yield connection
    finally:
        lock.release()


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Hold a connection on which the system reads, whosever the rows are; a transaction is one snapshot."""
    options = {"writing": False, "seeing": EVERY_ORGANIZATION}
    with engine.connect().execution_options(**options) as connection:
        yield connection


def see_organization(
    session: Session, organization_id: UUID | str | None, person_id: UUID | None = None
) -> None:
    """Say whose rows *session* may see: one organization's, or ``EVERY_ORGANIZATION``.

    Args:
        person_id: who may, on PostgreSQL, also see which other organizations they belong to.
    """
    session.info["organization_id"] = organization_id
    session.info["person_id"] = person_id
    bind = session.bind
    if isinstance(bind, Connection):
        # At once: prepared statements run on it, past the session.
        postgresql.show(bind, organization_id, person_id)
    elif session.in_transaction():
        postgresql.show(session.connection(), organization_id, person_id)


@event.listens_for(Session, "after_begin")
def _show(session: Session, _transaction: object, connection: Connection) -> None:
    """Say it again to the database, which forgets it with each transaction."""
    if "organization_id" in session.info:
        postgresql.show(connection, session.info["organization_id"], session.info.get("person_id"))


def _tenant_tables() -> frozenset[Table]:
    return frozenset(
        mapper.local_table  # type: ignore[misc]
        for mapper in Base.registry.mappers
        if issubclass(mapper.class_, Tenant)
    )


@event.listens_for(Session, "do_orm_execute")
def _filter(state: ORMExecuteState) -> None:
    """Narrow every ORM statement to the session's organization; refuse where none was named."""
    seen = state.session.info.get("organization_id")
    if seen == EVERY_ORGANIZATION:
        return
    if seen is None:
        tenants = _tenant_tables()
        if any(element in tenants for element in visitors.iterate(state.statement)):  # type: ignore[arg-type]
            message = "a query on an organization's rows names no organization"
            raise NoOrganization(message)
        return
    state.statement = state.statement.options(
        with_loader_criteria(Tenant, lambda model: model.organization_id == seen, include_aliases=True)
    )


@event.listens_for(Session, "before_flush")
def _refuse_foreign_rows(session: Session, _context: Any, _instances: Any) -> None:
    """Refuse to write a row of another organization than the session's."""
    seen = session.info.get("organization_id")
    if seen == EVERY_ORGANIZATION:
        return
    for row in (*session.new, *session.dirty, *session.deleted):
        if isinstance(row, Tenant) and row.organization_id != seen:
            message = f"a row of {type(row).__name__} belongs to another organization than the session"
            raise NoOrganization(message)
