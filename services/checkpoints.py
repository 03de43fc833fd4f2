"""Signed checkpoints over all chains: made, kept, and taken to a second place."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from services import audit_queries as queries
from services import clock
from services.database import writing

if TYPE_CHECKING:
    from datetime import datetime

    from services.runtime import Runtime

EVERY_EVENTS = 100
EVERY = timedelta(minutes=5)
WAL_PAGES = 1000
"""The write-ahead log is moved into the file once it may have grown by about 4 MiB."""


class CheckpointKeeper:
    """Decides when a checkpoint is due, and makes it. Called by the committer, and at start and stop."""

    def __init__(self, runtime: Runtime, sink: Callable[[str], None] | None) -> None:
        self._runtime = runtime
        self._sink = sink
        self._since = 0
        self._unmoved = 0
        self._last: datetime | None = None

    def tend(self, committed: int) -> None:
        """Make a checkpoint after ``EVERY_EVENTS`` events or ``EVERY``; keep the write-ahead log short."""
        self._since += committed
        self._unmoved += committed
        now = clock.now()
        if self._last is None:
            self._last = now
        if self._since >= EVERY_EVENTS or (self._since and now - self._last >= EVERY):
            self.make()
        if self._unmoved >= WAL_PAGES or (self._unmoved and not committed):
            self._move_wal()

    def make(self) -> None:
        """Sign where every chain ends now, unless nothing was added since the last checkpoint."""
        runtime = self._runtime
        with writing(runtime.engine, runtime.write_lock) as connection:
            note = self._sign(connection)
        self._since = 0
        self._last = clock.now()
        if note is not None and self._sink is not None:
            self._sink(note)

    def _sign(self, connection: Connection) -> str | None:
        heads = [(row.chain_id, row.size, row.head) for row in connection.execute(queries.HEADS)]
        total = sum(size for _, size, _ in heads)
        last = connection.execute(queries.LAST_CHECKPOINT).one_or_none()
        if not heads or (last is not None and last.total == total):
            return None
        keys = self._runtime.keys_for(connection)
        now = clock.now()
        note = keys.sign_checkpoint(f"chatelaine/{keys.instance}", heads, int(now.timestamp()))
        connection.execute(
            queries.INSERT_CHECKPOINT,
            {
                "at": now,
                "total": total,
                "heads": "\n".join(f"{chain.hex} {size} {head.hex()}" for chain, size, head in heads),
                "note": note,
            },
        )
        return note

    def _move_wal(self) -> None:
        self._unmoved = 0
        if self._runtime.engine.dialect.name == "sqlite":
            # On the bare connection: inside a transaction SQLite refuses to move the log.
            connection = self._runtime.engine.raw_connection()
            try:
                connection.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)")
            finally:
                connection.close()


def file_sink(path: Path) -> Callable[[str], None]:
    """Return a sink that appends each checkpoint to *path*."""

    def append(note: str) -> None:
        with path.open("a", encoding="utf-8") as file:
            file.write(note + "\n")

    return append


def standard_output_sink(note: str) -> None:
    """Print a checkpoint as one line that log collectors keep whole."""
    print("checkpoint " + note.replace("\n", "\\n"), flush=True)  # noqa: T201 - this is the sink


