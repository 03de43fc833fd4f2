"""A SQLite file copied while others write to it, and put in the place of another."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Connection, NullPool, create_engine

from errors import BackupDamaged, Conflict

Progress = Callable[[int, int], None]
"""Called again and again with how much of how much is done."""
PAGES = 2000
"""Copied at once, between two reports of how far it has come: 8 MiB."""
_SIDE_FILES = ("-wal", "-shm", "-journal")


def copy(path: Path, target: Path, progress: Progress) -> None:
    """Copy the database at *path* as it stands now; whoever writes to it meanwhile is not kept waiting."""
    target.touch(0o600)
    with closing(sqlite3.connect(path, isolation_level=None)) as source, closing(_plain(target)) as copied:
        # Within one transaction the copy never begins anew, however much is written meanwhile.
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        source.backup(copied, pages=PAGES, progress=lambda _, left, pages: progress(pages - left, pages))
        source.execute("ROLLBACK")
        # The copy brought along that the original has a log beside it. This one is one closed file.
        copied.execute("PRAGMA journal_mode = DELETE")


def compact(path: Path) -> None:
    """Write the file anew without what was deleted in it."""
    with closing(_plain(path)) as connection:
        connection.execute("VACUUM")


@contextmanager
def opened(path: Path) -> Iterator[Connection]:
    """Open a closed file in one transaction; it stays one file."""
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool, hide_parameters=True)
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql("PRAGMA secure_delete = ON")
            yield connection
    finally:
        engine.dispose()


def check(path: Path) -> None:
    """Have SQLite look at every page.

    Raises:
        BackupDamaged: something is not as it must be.
    """
    try:
        with closing(_plain(path)) as connection:
            found = connection.execute("PRAGMA integrity_check(1)").fetchall()
    except sqlite3.DatabaseError:
        raise BackupDamaged("the database in it is no database") from None
    if found != [("ok",)]:
        raise BackupDamaged("the database in it is damaged")


def close_up(path: Path) -> None:
    """Move everything into the one file, and leave nothing beside it.

    Raises:
        Conflict: a process has it open.
    """
    try:
        with closing(sqlite3.connect(path, timeout=1, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.OperationalError:
        raise Conflict(f"Something has {path} open. Stop the server first.") from None


def refuse_while_open(path: Path) -> None:
    """Close up a database that is to be replaced; one that is none any more is left as it is.

    Raises:
        Conflict: a process has it open.
    """
    with contextlib.suppress(sqlite3.DatabaseError):
        close_up(path)


def replace(path: Path, new: Path, stamp: str) -> Path | None:
    """Put the closed file *new* in the place of the database at *path*, in one step.

    Returns:
        Where the old one is kept; None: there was none.

    Raises:
        Conflict: a process has the old one open.
    """
    kept = None
    if path.exists():
        refuse_while_open(path)
        kept = path.with_name(f"{path.name}.replaced-{stamp}")
        _keep(path, kept)
    for ending in _SIDE_FILES:
        path.with_name(path.name + ending).unlink(missing_ok=True)
    new.replace(path)
    sync_folder(path.parent)
    return kept


def sync_folder(folder: Path) -> None:
    """Make durable which names there are in *folder*."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _keep(path: Path, kept: Path) -> None:
    """Give the file a second name, so that there is a database at every moment."""
    try:
        kept.hardlink_to(path)
    except OSError:
        shutil.copy2(path, kept)


def _plain(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA secure_delete = ON")
    return connection
