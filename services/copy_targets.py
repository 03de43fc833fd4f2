"""An empty database that a copy goes into: all of it appears at once, or nothing does.

Before the copy there is a mark and nothing else, so that a server that is started on it refuses, and the copy
can be begun again. A database on PostgreSQL is filled in one transaction, a SQLite file under another name.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, NullPool, create_engine, inspect, make_url
from sqlalchemy.exc import DatabaseError

from errors import Conflict, CopyFailed
from services import backup_sqlite, schema
from services.database import NoLock, prepare_engine, reading, writing
from services.postgresql import spoken
from services.schema import UNFINISHED
from services.workplace import workplace

_MARK = f"CREATE TABLE IF NOT EXISTS {UNFINISHED} (id integer)"
_UNMARK = f"DROP TABLE {UNFINISHED}"
_NO_TIMEOUTS = "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0"
_SIDE_FILES = ("-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True)
class Place:
    """A database.

    Args:
        url: as the program opens it.
        owner_url: on PostgreSQL: of the role that owns the tables, where that is another one.
    """

    url: str
    owner_url: str | None = None

    @property
    def path(self) -> Path | None:
        """The file; None: it is on a server."""
        file = self.url.removeprefix("sqlite:///")
        return None if file == self.url else Path(file)

    @property
    def name(self) -> str:
        """What to call it, without a password."""
        return str(self.path or spoken(make_url(self.url)))


@contextmanager
def snapshot(place: Place) -> Iterator[Connection]:
    """Read a database as it stands at one moment; others go on writing meanwhile.

    Raises:
        Conflict: it is no database of this version.
    """
    if place.path is not None and not place.path.exists():
        raise Conflict(f"There is no database at {place.path}.")
    with _engine(place.url) as engine:
        revision = schema.revision_of(engine)
        if revision != schema.newest_revision():
            raise Conflict(
                f"{place.name} is of another version (schema {revision or 'none'}). "
                "Bring it up to date first with `./chatelaine database migrate`."
            )
        with reading(engine) as connection, connection.begin():
            _take_the_time(connection)
            yield connection


@contextmanager
def filling(place: Place) -> Iterator[Connection]:
    """Make the tables in an empty database, and hold the transaction that fills them.

    Raises:
        Conflict: it is not empty.
    """
    filled = _on_server(place) if place.path is None else _in_file(place.path)
    with filled as connection:
        yield connection


@contextmanager
def _on_server(place: Place) -> Iterator[Connection]:
    role = make_url(place.url).username if place.owner_url else None
    with _engine(place.owner_url or place.url) as engine:
        with writing(engine, NoLock()) as connection:
            _refuse_unless_empty(place, connection)
            connection.exec_driver_sql(_MARK)
        with writing(engine, NoLock()) as connection:
            # Again: another copy may have ended just now.
            _refuse_unless_empty(place, connection)
            _take_the_time(connection)
            schema.make_tables(connection, role)
            yield connection
            connection.exec_driver_sql(_UNMARK)


@contextmanager
def _in_file(path: Path) -> Iterator[Connection]:
    _refuse_file(path)
    with workplace(path) as folder:
        mark, new = folder / "mark.db", folder / "copy.db"
        for file in (mark, new):
            file.touch(0o600)
        with backup_sqlite.opened(mark) as connection:
            connection.exec_driver_sql(_MARK)
        mark.replace(path)
        backup_sqlite.sync_folder(path.parent)
        with backup_sqlite.opened(new) as connection:
            schema.make_tables(connection, None)
            yield connection
            if connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
                raise CopyFailed("a row refers to one that is not there")
        _refuse_file(path)
        new.replace(path)
        backup_sqlite.sync_folder(path.parent)


def _refuse_file(path: Path) -> None:
    """See to it that nothing is there but a mark."""
    if not path.parent.is_dir():
        raise Conflict(f"There is no folder {path.parent}. Make it first.")
    left = [path.name + ending for ending in _SIDE_FILES if path.with_name(path.name + ending).exists()]
    if left:
        raise Conflict(f"Beside {path} lies {left[0]}, of another database. Move it away first.")
    if not path.exists():
        return
    try:
        with backup_sqlite.opened(path) as connection:
            _refuse_unless_empty(Place(f"sqlite:///{path}"), connection, marked=True)
    except DatabaseError:
        raise Conflict(f"{path} is there already. Move it away, or name another file.") from None


def _refuse_unless_empty(place: Place, connection: Connection, *, marked: bool = False) -> None:
    tables = set(inspect(connection).get_table_names())
    if tables - {UNFINISHED} or (marked and not tables):
        raise Conflict(f"{place.name} is not empty. A copy only goes into an empty database: name another.")


def _take_the_time(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(_NO_TIMEOUTS)


@contextmanager
def _engine(url: str) -> Iterator[Engine]:
    engine = create_engine(url, poolclass=NullPool, hide_parameters=True)
    prepare_engine(engine)
    try:
        yield engine
    finally:
        engine.dispose()
