"""Whose turn it is to compute: one thread of a process after the other, in the order in which they ask.

Only one thread runs Python at a time whatever happens. Left alone, sixteen that work at once hand the
interpreter to each other at every statement that one of them sends to SQLite, a hundred times in a request,
and two fifths of the processor's time go into handing over. In turn, each works up to where it must wait for
something: its events to be durable, the disk, the lock of the writers.

It is a courtesy that makes work cheaper, and nothing else hangs on it: who has waited for ``PATIENCE`` goes
ahead, so that neither a long page nor a thread that is stuck stops the others.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE = 0.25
"""Seconds that a thread waits for its turn before it works beside the others."""


class Turns:
    """The turn of the threads of one process.

    Args:
        one_by_one: False where threads wait for other machines instead of computing: all work at once then.
    """

    def __init__(self, *, one_by_one: bool) -> None:
        self._one_by_one = one_by_one
        self._lock = threading.Lock()
        self._taken = False
        self._waiting: deque[threading.Lock] = deque()
        self._mine = threading.local()

    @contextmanager
    def turn(self, *, ahead: bool = False) -> Iterator[None]:
        """Work in turn; inside of another turn of the same thread it is still that one.

        Args:
            ahead: before all that wait, for who holds what others wait for.
        """
        if not self._one_by_one or self.held:
            yield
            return
        self._take(ahead=ahead)
        try:
            yield
        finally:
            self._pass_on()

    def let_pass(self) -> None:
        """Return once those who wait now have had their turn."""
        with self.turn():
            pass

    @contextmanager
    def aside(self, *, ahead: bool = False) -> Iterator[None]:
        """Let others work while this thread waits for something; take the next turn after it."""
        if not self.held:
            yield
            return
        self._pass_on()
        try:
            yield
        finally:
            self._take(ahead=ahead)

    @property
    def held(self) -> bool:
        """Whether this thread has the turn."""
        return getattr(self._mine, "held", False)

    def _take(self, *, ahead: bool = False) -> None:
        with self._lock:
            if not self._taken:
                self._taken = self._mine.held = True
                return
            called = threading.Lock()
            called.acquire()
            (self._waiting.appendleft if ahead else self._waiting.append)(called)
        self._mine.held = called.acquire(timeout=PATIENCE) or not self._give_up(called)

    def _give_up(self, called: threading.Lock) -> bool:
        """Wait no longer; False: this thread was called in the last moment."""
        with self._lock:
            if called in self._waiting:
                self._waiting.remove(called)
                return True
            return False

    def _pass_on(self) -> None:
        if not self.held:
            return
        self._mine.held = False
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False
