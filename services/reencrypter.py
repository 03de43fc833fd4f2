"""Re-encryption that was asked for on a page: in a thread of this process, while its requests go on."""

from __future__ import annotations

import logging
import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from errors import ChatelaineError
from policy import Actor
from services import reencryption
from services.events import Origin

if TYPE_CHECKING:
    from services.runtime import Runtime

log = logging.getLogger("chatelaine.reencrypter")


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be re-encrypted, and who wanted it."""

    organization_id: UUID
    actor: Actor
    origin: Origin


class Reencrypter:
    """Takes one order after the other; what it cannot finish before its end, the housekeeping does."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._orders: deque[Order] = deque()
        self._changing = threading.Lock()
        self._thread: threading.Thread | None = None
        self._ending = False
        runtime.at_close(self.stop)

    def take(self, order: Order) -> None:
        """Begin with it at once, or after what was asked for before."""
        with self._changing:
            self._orders.append(order)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="reencrypter", daemon=True)
                self._thread.start()

    def wait(self) -> None:
        """Return once everything is done that was asked for."""
        thread = self._thread
        if thread is not None:
            thread.join()

    def stop(self) -> None:
        """End after the batch that is under way."""
        self._ending = True
        self.wait()

    def _run(self) -> None:
        while (order := self._next()) is not None:
            try:
                reencryption.run(
                    self._runtime,
                    order.organization_id,
                    actor=order.actor,
                    origin=order.origin,
                    goes_on=lambda: not self._ending,
                )
            except (SQLAlchemyError, ChatelaineError, OSError):
                log.exception("a re-encryption failed; the housekeeping goes on with it")

    def _next(self) -> Order | None:
        with self._changing:
            if self._orders and not self._ending:
                return self._orders.popleft()
            self._thread = None
            return None
