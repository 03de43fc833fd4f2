"""Snapshots that the server makes by itself after changes, for places where the disk vanishes.

What counts as a change is what is recorded: as long as the audit log has not grown, there is nothing to save.
"""

from __future__ import annotations

import fcntl
import logging
import os
import sqlite3
import threading
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError

from errors import ChatelaineError
from models import Backup
from services import audit_queries, backups, clock
from services.backup_files import BackupFiles
from services.backup_manifest import Kind, Manifest, kind_of, made_at_of
from services.database import reading
from services.health import database_path

if TYPE_CHECKING:
    from services.runtime import Runtime

EVERY = timedelta(minutes=1)
KEEP = 30
LATE = timedelta(days=2)
"""How long the pages tell that somebody else wrote to the same place."""
LOOK_SECONDS = 5.0
"""Between two looks whether anything has changed."""

log = logging.getLogger("chatelaine.snapshots")


class SnapshotKeeper:
    """The thread that makes snapshots, in one process of those on the same database.

    Args:
        alone: whether no other process serves people: only then the last snapshot says that it is the last.
    """

    def __init__(self, runtime: Runtime, files: BackupFiles, *, alone: bool) -> None:
        self._runtime = runtime
        self._files = files
        self._alone = alone
        self._events: int | None = None
        """How many events the newest snapshot holds; None: it is not known yet."""
        self._tried_at: datetime | None = None
        self._lock: int | None = None
        self._warned = False
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="snapshots", daemon=True)

    def start(self) -> None:
        """Begin, with a snapshot before this returns; :meth:`stop` is called when the runtime closes.

        Nobody may be served before: the last one of the server before says that nothing came after it.
        """
        self._runtime.at_close(self.stop)
        self._try()
        self._thread.start()

    def stop(self) -> None:
        """End, with a last snapshot that holds everything."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()
        try:
            # Signed first, so that the snapshot holds the last checkpoint, too.
            self._runtime.checkpoints.make()
            if self._is_chosen():
                self._make(closing=self._alone)
        except (SQLAlchemyError, ChatelaineError, OSError, sqlite3.Error):
            log.exception("THE LAST SNAPSHOT FAILED: what was changed since the one before is only here")
        self._let_go()

    def turn(self) -> Manifest | None:
        """Make a snapshot if something has changed, and the last try is ``EVERY`` ago; None: not now."""
        now = clock.now()
        if self._tried_at is not None and now - self._tried_at < EVERY:
            return None
        if not self._is_chosen() or self._count() == self._events:
            return None
        self._tried_at = now
        return self._make(closing=False)

    def _make(self, *, closing: bool) -> Manifest:
        self._look_for_others()
        made = backups.create(
            self._runtime, self._files, kind=Kind.SNAPSHOT, keep=KEEP, closing=closing
        ).manifest
        self._events = made.events
        log.info("snapshot %s holds %d events, %d bytes", made.name, made.events, made.size)
        return made

    def _look_for_others(self) -> None:
        """Warn when somebody else writes to the same place, and leave word for the pages."""
        with reading(self._runtime.engine) as connection:
            own = set(connection.scalars(select(Backup.name)))
        found = [name for name in self._files.names() if kind_of(name) is Kind.SNAPSHOT]
        newest = next((name for name in found if name in own), None)
        if not found or found[0] in own or (newest and made_at_of(found[0]) <= made_at_of(newest)):
            return
        if self._lock is not None:
            os.ftruncate(self._lock, 0)
            os.pwrite(self._lock, found[0].encode(), 0)
        if not self._warned:
            self._warned = True
            log.warning(
                "BACKUP_TO HOLDS THE SNAPSHOT %s, which this server did not make and which is newer than its "
                "own. If another server writes there, give each a place of its own: after a loss the newest "
                "is restored, whoever made it.",
                found[0],
            )

    def _count(self) -> int:
        with reading(self._runtime.engine) as connection:
            return connection.execute(audit_queries.TOTAL).scalar_one() or 0

    def _is_chosen(self) -> bool:
        """Whether this process is the one; whoever comes first stays it until it ends."""
        if self._lock is not None:
            return True
        path = database_path(self._runtime.engine)
        if path is None:
            return False
        handle = os.open(_lock_path(path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return False
        self._lock = handle
        return True

    def _let_go(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _run(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            self._try()

    def _try(self) -> None:
        try:
            self.turn()
        except (SQLAlchemyError, ChatelaineError, OSError, sqlite3.Error):
            log.exception("a snapshot failed; it is tried again in a minute")


def foreign(engine: Engine, now: datetime) -> str | None:
    """Return the name of the newest snapshot of somebody else in the same place; None: none of late."""
    path = database_path(engine)
    try:
        name = _lock_path(path).read_text(encoding="ascii") if path is not None else ""
    except (OSError, UnicodeDecodeError):
        return None
    return name if kind_of(name) is Kind.SNAPSHOT and now - made_at_of(name) <= LATE else None


def _lock_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.snapshots")
