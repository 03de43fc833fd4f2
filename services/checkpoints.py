"""Signed checkpoints over all chains: made, kept, and taken to a second place."""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from crypto.chain import key_id
from crypto.envelope import DecryptionError
from services import audit_queries as queries
from services import clock, postgresql
from services.database import reading, writing

if TYPE_CHECKING:
    from datetime import datetime

    from crypto.keyring import KeyRoom
    from services.runtime import Runtime

EVERY_EVENTS = 100
EVERY = timedelta(minutes=5)
WAL_PAGES = 1000
"""The write-ahead log is moved into the file once it may have grown by about 4 MiB."""

log = logging.getLogger("chatelaine.checkpoints")


class CheckpointKeeper:
    """Decides when a checkpoint is due, and makes it. Called by the committer, and at start and stop.

    Args:
        sink: takes each note to a second place; one that fails is tried again with the next.
    """

    def __init__(self, runtime: Runtime, sink: Callable[[str], None] | None) -> None:
        self._runtime = runtime
        self._sink = sink
        self._unsent: list[str] = []
        self._since = 0
        self._unmoved = 0
        self._total = 0
        self._last: datetime | None = None

    def tend(self, committed: int) -> None:
        """Make a checkpoint at the start, every ``EVERY_EVENTS`` and ``EVERY``; move the write-ahead log.

        Args:
            committed: events that the committer has stored since it last called; when it was idle, those that
                writing requests have stored by themselves are looked for.
        """
        self._since += committed
        self._unmoved += committed
        if self._last is None:
            self.make()
        elif not committed:
            self._look()
        if self._since >= EVERY_EVENTS or (self._since and clock.now() - self._last_at() >= EVERY):
            self.make()
        elif self._unsent:
            self._send()
        if self._unmoved >= WAL_PAGES or (self._unmoved and not committed):
            self._move_wal()

    def make(self) -> str | None:
        """Sign where every chain ends now, unless nothing was added since the last checkpoint.

        Returns:
            The signed note, where one was made.
        """
        runtime = self._runtime
        with writing(runtime.engine, runtime.write_lock, alone=False) as connection:
            # One after the other, so that none says less than the one before; no writer need wait for that.
            postgresql.lock(connection, postgresql.CHECKPOINTS)
            note = self._sign(connection)
        self._since = 0
        self._last = clock.now()
        if note is not None:
            self._unsent.append(note)
        self._send()
        return note

    def _last_at(self) -> datetime:
        return self._last or clock.now()

    def _look(self) -> None:
        with reading(self._runtime.engine) as connection:
            total = connection.execute(queries.TOTAL).scalar_one() or 0
            last = connection.execute(queries.LAST_CHECKPOINT).one_or_none()
        self._since = total - (last.total if last else 0)
        self._unmoved += max(0, total - self._total)
        self._total = total

    def _send(self) -> None:
        if self._sink is None:
            self._unsent.clear()
            return
        try:
            while self._unsent:
                self._sink(self._unsent[0])
                del self._unsent[0]
        except OSError:
            log.exception("a checkpoint could not be taken to its second place; it is tried again")

    def _sign(self, connection: Connection) -> str | None:
        heads = [(row.chain_id, row.size, row.head) for row in connection.execute(queries.HEADS)]
        total = sum(size for _, size, _ in heads)
        last = connection.execute(queries.LAST_CHECKPOINT).one_or_none()
        if not heads or (last is not None and last.total == total):
            return None
        if last is not None and last.total > total:
            log.error(
                "the audit log holds %d events, and its last checkpoint signed %d: run audit verify",
                total,
                last.total,
            )
        try:
            keys = self._runtime.keys_for(connection)
        except DecryptionError:
            # Whoever has the key signs the next one. A start that was refused must end with its own words.
            log.error("no checkpoint can be signed: a master key is missing")  # noqa: TRY400 - no traceback
            return None
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


def verifier_key(keys: KeyRoom) -> str:
    """Return the public key in the form in which programs that read signed notes take it.

    A name, the key's id and the key, as the C2SP note format writes a verifier key.
    """
    name = f"chatelaine/{keys.instance}"
    public_key = keys.audit_public_key()
    encoded = base64.b64encode(b"\x01" + public_key).decode()
    return f"{name}+{key_id(name, public_key).hex()}+{encoded}"


def last_note(connection: Connection) -> str | None:
    """Return the newest checkpoint; None: there is none."""
    note: str | None = connection.execute(queries.LAST_NOTE).scalar_one_or_none()
    return note


def file_sink(path: Path) -> Callable[[str], None]:
    """Return a sink that appends each checkpoint to *path*."""

    def append(note: str) -> None:
        with path.open("a", encoding="utf-8") as file:
            file.write(note + "\n")

    return append


def standard_output_sink(note: str) -> None:
    """Print a checkpoint as one line that log collectors keep whole."""
    print("checkpoint " + note.replace("\n", "\\n"), flush=True)  # noqa: T201 - this is the sink
