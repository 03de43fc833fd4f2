"""Rate counters that all processes share and that a restart keeps: a file beside the database, or a table.

A counter is one row, raised by one statement, so that neither threads nor processes lose a hit. Its name is a
keyed digest: the file tells nobody whose requests were counted. Losing the counters costs nothing but the
counts, hence neither the disk's sync nor PostgreSQL's log is waited for.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from abc import abstractmethod
from pathlib import Path
from typing import Any, ClassVar

from limits.storage import Storage
from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from errors import Unavailable
from services.postgresql import connect_arguments

BUSY_SECONDS = 5.0
CONNECTIONS = 4
BUSY_STEP = 0.005
"""Seconds between two tries where SQLite does not wait by itself."""

_CREATE_FILE = """
    CREATE TABLE IF NOT EXISTS rate_counter
        (name TEXT PRIMARY KEY, hits INTEGER NOT NULL, ends_at REAL NOT NULL) WITHOUT ROWID
"""
_HIT = """
    INSERT INTO rate_counter (name, hits, ends_at) VALUES (:name, :amount, :ends_at)
    ON CONFLICT (name) DO UPDATE SET
        hits = excluded.hits + CASE WHEN rate_counter.ends_at <= :now THEN 0 ELSE rate_counter.hits END,
        ends_at = CASE WHEN rate_counter.ends_at <= :now THEN excluded.ends_at ELSE rate_counter.ends_at END
    RETURNING hits
"""
_READ = "SELECT hits, ends_at FROM rate_counter WHERE name = :name AND ends_at > :now"
_CLEAR = "DELETE FROM rate_counter WHERE name = :name RETURNING name"
_RESET = "DELETE FROM rate_counter RETURNING name"
_REMOVE_ENDED = "DELETE FROM rate_counter WHERE ends_at <= :now RETURNING name"


def uri_beside(database_url: str) -> str:
    """Return where the counters of an installation lie: beside its SQLite file, or in its PostgreSQL."""
    return database_url + (".rates" if database_url.startswith("sqlite:") else "")


class RateCounters(Storage):
    """Counts hits in fixed windows, each beginning with its first hit."""

    STORAGE_SCHEME: ClassVar[list[str] | None] = None  # type: ignore[misc]

    @property
    def base_exceptions(self) -> type[Exception]:
        """What the caller sees when nothing can be counted: the request is refused, not let through."""
        return Unavailable

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count *amount* hits; return how many there are in the window of *expiry* seconds."""
        now = time.time()
        rows = self._run(_HIT, {"name": key, "amount": amount, "now": now, "ends_at": now + expiry})
        return int(rows[0][0])

    def get(self, key: str) -> int:
        """Return the hits in the present window."""
        rows = self._run(_READ, {"name": key, "now": time.time()})
        return int(rows[0][0]) if rows else 0

    def get_expiry(self, key: str) -> float:
        """Return when the present window ends, in seconds since 1970; now, if there is none."""
        now = time.time()
        rows = self._run(_READ, {"name": key, "now": now})
        return float(rows[0][1]) if rows else now

    def check(self) -> bool:
        """Whether hits can be counted."""
        try:
            self.get("")
        except Unavailable:
            return False
        return True

    def reset(self) -> int:
        """Forget all counters; return how many."""
        return len(self._run(_RESET, {}))

    def clear(self, key: str) -> None:
        """Forget one counter."""
        self._run(_CLEAR, {"name": key})

    def remove_ended(self) -> int:
        """Delete the counters whose window has ended; return how many."""
        return len(self._run(_REMOVE_ENDED, {"now": time.time()}))

    @abstractmethod
    def close(self) -> None:
        """Let go of the file or the connections."""

    @abstractmethod
    def _run(self, statement: str, values: dict[str, Any]) -> list[Any]:
        """Run one statement by itself.

        Raises:
            Unavailable: the counters cannot be reached.
        """


class FileCounters(RateCounters):
    """Counters in a SQLite file of their own, so that counting never waits for the database's writers.

    Args:
        uri: ``sqlite:///`` and the path.
    """

    STORAGE_SCHEME: ClassVar[list[str] | None] = ["sqlite"]  # type: ignore[misc]

    def __init__(self, uri: str, **_options: float | str | bool) -> None:
        super().__init__(uri)
        self._path = Path(uri.removeprefix("sqlite:///"))
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def close(self) -> None:
        """Close the file; the next hit opens it again."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _run(self, statement: str, values: dict[str, Any]) -> list[Any]:
        try:
            # One connection for all threads: SQLite lets one write at a time, and its waiting is unfair.
            with self._lock:
                if self._connection is None:
                    self._connection = self._open()
                return self._connection.execute(statement, values).fetchall()
        except (sqlite3.Error, OSError):
            self.close()
            raise Unavailable("requests cannot be counted") from None

    def _open(self) -> sqlite3.Connection:
        try:
            return self._connect()
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode not in {sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT}:
                raise
            for ending in ("", "-wal", "-shm"):
                self._path.with_name(self._path.name + ending).unlink(missing_ok=True)
            return self._connect()

    def _connect(self) -> sqlite3.Connection:
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        connection = sqlite3.connect(
            self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            _use_wal(connection)
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(_CREATE_FILE)
        except sqlite3.Error:
            connection.close()
            raise
        return connection


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch the file to WAL, whoever else opens it for the first time just now.

    Of two that switch at once SQLite tells one that the file is busy without waiting, since each would wait
    for the other; so all the waiting is done here.
    """
    connection.execute("PRAGMA busy_timeout = 0")
    for tries_left in reversed(range(round(BUSY_SECONDS / BUSY_STEP))):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or not tries_left:
                raise
            time.sleep(BUSY_STEP)
        else:
            connection.execute("PRAGMA busy_timeout = 5000")
            return


class TableCounters(RateCounters):
    """Counters in a table of PostgreSQL that its write-ahead log leaves out; a migration makes it.

    Args:
        uri: the database's own address.
    """

    STORAGE_SCHEME: ClassVar[list[str] | None] = ["postgresql+psycopg"]  # type: ignore[misc]

    def __init__(self, uri: str, **_options: float | str | bool) -> None:
        super().__init__(uri)
        # A count takes a moment: a few connections serve all threads.
        self._engine = create_engine(
            uri,
            isolation_level="AUTOCOMMIT",
            hide_parameters=True,
            pool_size=CONNECTIONS,
            max_overflow=0,
            pool_timeout=BUSY_SECONDS,
            pool_pre_ping=True,
            connect_args=connect_arguments(uri),
        )

    def close(self) -> None:
        """Close the connections; the next hit opens one again."""
        self._engine.dispose()

    def _run(self, statement: str, values: dict[str, Any]) -> list[Any]:
        try:
            with self._engine.connect() as connection:
                return list(connection.execute(text(statement), values))
        except SQLAlchemyError:
            raise Unavailable("requests cannot be counted") from None
