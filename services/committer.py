"""The one thread of a process that commits the events of requests that change nothing else.

A request hands over its events and waits until they are durable; what has gathered meanwhile is committed
together, so that one sync of the disk serves many. Nothing is answered first and written later.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from crypto.envelope import DecryptionError
from crypto.keyring import KeyRoom, MissingKey
from errors import ChatelaineError, Unavailable
from services.audit_append import append
from services.database import WriteLock, writing
from services.events import Event
from services.turns import Turns

CAPACITY = 1000
"""Requests that may wait; the next is refused."""
BATCH = 256
WAIT = 30.0
"""Seconds that a request waits for its events to be durable."""
TICK = 1.0
"""Seconds between two looks at the housekeeping when nothing happens."""

log = logging.getLogger("chatelaine.committer")


@dataclass(frozen=True, slots=True)
class Mark:
    """That a session or a token was used; nobody waits for it."""

    what: Literal["session", "token"]
    id: UUID
    at: datetime
    address: str


@dataclass(slots=True)
class Ticket:
    """Events of one request, and whether they are durable yet."""

    keys: KeyRoom
    events: Sequence[Event]
    done: threading.Event = field(default_factory=threading.Event)
    failed: bool = True
    abandoned: bool = False
    """Whether the request was refused meanwhile: what it did not do is not recorded as done."""


class Committer:
    """Commits events for all requests of a process.

    Args:
        mark: writes the marks of a batch, inside its transaction.
        housekeeping: called after each batch and each tick, outside any transaction, with the number of
            events that were committed since the last call.
    """

    def __init__(
        self,
        engine: Engine,
        lock: WriteLock,
        turns: Turns,
        *,
        mark: Callable[[Connection, Sequence[Mark]], None],
        housekeeping: Callable[[int], None],
    ) -> None:
        self._engine = engine
        self._lock = lock
        self._turns = turns
        self._mark = mark
        self._housekeeping = housekeeping
        self._queue: queue.Queue[Ticket | Mark | None] = queue.Queue(CAPACITY)
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._ending = False
        self.batches = 0
        self.committed = 0
        """Events made durable since the start, in so many batches."""

    @property
    def waiting(self) -> int:
        """How many requests and marks wait."""
        return self._queue.qsize()

    @property
    def alive(self) -> bool:
        """Whether what waits will be committed; the thread begins with the first that comes."""
        return self._thread is None or self._thread.is_alive()

    def submit(self, keys: KeyRoom, events: Sequence[Event]) -> None:
        """Return once *events* are durable. Never called while holding a write transaction.

        Raises:
            Unavailable: too many wait, or the events could not be stored.
        """
        ticket = Ticket(keys, events)
        self._put(ticket)
        with self._turns.aside():
            done = ticket.done.wait(WAIT)
        if not done or ticket.failed:
            ticket.abandoned = True
            message = "the audit log cannot be written"
            raise Unavailable(message)

    def note(self, mark: Mark) -> None:
        """Hand over a mark; it is dropped when the queue is full."""
        try:
            self._put(mark)
        except Unavailable:
            log.warning("mark dropped: the queue is full")

    def close(self) -> None:
        """Commit what has gathered and end the thread."""
        if self._thread is not None and self._thread.is_alive():
            self._ending = True
            # So that it does not wait for the next entry.
            self._queue.put(None)
            self._thread.join(WAIT)
            if self._thread.is_alive():
                # It ends after its turn.
                return
        self._thread = None
        self._ending = False

    def _put(self, entry: Ticket | Mark) -> None:
        self._start()
        try:
            self._queue.put_nowait(entry)
        except queue.Full:
            message = "too many requests are waiting for the audit log"
            raise Unavailable(message) from None

    def _start(self) -> None:
        if self._thread is not None and self._thread.is_alive():
            return
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="committer", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while not self._ending or self.waiting:
            first = self._first()
            self._housekeep(self._commit(first) if first else 0)

    def _first(self) -> Ticket | Mark | None:
        """Wait for the first of a batch, at most until the next look at the housekeeping."""
        try:
            return self._queue.get(timeout=TICK)
        except queue.Empty:
            return None

    def _rest(self) -> Iterator[Ticket | Mark]:
        """Take what has gathered since."""
        for _ in range(BATCH - 1):
            try:
                entry = self._queue.get_nowait()
            except queue.Empty:
                return
            if entry is not None:
                yield entry

    def _commit(self, first: Ticket | Mark) -> int:
        """Make *first* durable, with all that joins it until the turns to write and to compute come."""
        entries = [first]
        try:
            self._turns.let_pass()
            with (
                writing(self._engine, self._lock, alone=False) as connection,
                self._turns.turn(ahead=True),
            ):
                entries += self._rest()
                events = self._append(connection, entries)
        except (SQLAlchemyError, ChatelaineError, OSError, DecryptionError, MissingKey):
            # All who wait are refused together: the next could not be served sooner than these.
            entries += self._rest()
            log.exception("a batch of audit events could not be committed")
            return 0
        else:
            for ticket in _tickets(entries):
                ticket.failed = False
            self.batches += events > 0
            self.committed += events
            return events
        finally:
            for ticket in _tickets(entries):
                ticket.done.set()

    def _append(self, connection: Connection, entries: Sequence[Ticket | Mark]) -> int:
        marks = [entry for entry in entries if isinstance(entry, Mark)]
        if marks:
            # Before the chains: a writer, too, comes to them last.
            self._mark(connection, marks)
        tickets = [ticket for ticket in _tickets(entries) if not ticket.abandoned]
        events = [event for ticket in tickets for event in ticket.events]
        if events:
            keys = max((ticket.keys for ticket in tickets), key=lambda keys: keys.generation)
            append(connection, keys, events)
        return len(events)

    def _housekeep(self, committed: int) -> None:
        try:
            self._housekeeping(committed)
        except (SQLAlchemyError, ChatelaineError, OSError):
            log.exception("housekeeping of the audit log failed; it is tried again")


def _tickets(entries: Sequence[Ticket | Mark]) -> list[Ticket]:
    return [entry for entry in entries if isinstance(entry, Ticket)]
