"""The housekeeping that nobody asks for: in one thread of one process, whichever holds the lease."""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, cast
from uuid import uuid4

from limits.storage import storage_from_string
from sqlalchemy.exc import SQLAlchemyError

from errors import ChatelaineError
from services import (
    attachment_rows,
    import_runs,
    item_trash,
    leases,
    lockouts,
    once,
    organization_removal,
    passkey_challenges,
    reencryption,
    sessions,
    shredding,
    sso_attempts,
)
from services.rate_storage import RateCounters, uri_beside
from services.unit_of_work import UnitOfWork

if TYPE_CHECKING:
    from services.runtime import Runtime

EVERY = timedelta(minutes=10)
LEASE_LASTS = timedelta(minutes=30)
"""After this another process may take over from one that is gone."""
LEASE = "maintenance"

log = logging.getLogger("chatelaine.maintenance")


def _purge_trash(uow: UnitOfWork) -> int:
    return item_trash.purge_expired(uow, uow.now - uow.rules.trash_kept)


def _forget_counters(uow: UnitOfWork) -> int:
    uri = uri_beside(uow.runtime.engine.url.render_as_string(hide_password=False))
    with closing(cast("RateCounters", storage_from_string(uri))) as counters:
        return counters.remove_ended()


TASKS: Mapping[str, Callable[[UnitOfWork], int]] = MappingProxyType(
    {
        "trash": _purge_trash,
        "sessions": sessions.remove_ended,
        "lockouts": lockouts.remove_ended,
        "challenges": passkey_challenges.remove_ended,
        "sign-ons": sso_attempts.remove_ended,
        "imports": import_runs.remove_ended,
        "repeats": once.remove_ended,
        "counters": _forget_counters,
        "organizations": organization_removal.purge_due,
    }
)
"""Each removes what time has ended and returns how much that was."""


def run(runtime: Runtime, goes_on: Callable[[], bool] = lambda: True) -> dict[str, int]:
    """Do every task in a transaction of its own; return how much each removed.

    Then go on with re-encryptions that were interrupted, until *goes_on* says no.
    """
    done = {}
    for name, task in TASKS.items():
        with runtime.work(writing=True) as uow:
            done[name] = task(uow)
    if done["organizations"]:
        # Neither can stand in the transaction that destroys.
        shredding.scrub(runtime.engine, runtime.write_lock)
    done["re-encrypted"] = sum(
        reencryption.run(runtime, owner, goes_on=goes_on).rows
        for owner in reencryption.unfinished(runtime)
        if not reencryption.is_running(runtime, owner)
    )
    done["files"] = attachment_rows.remove_strays(runtime)
    return done


class Housekeeper:
    """The thread that does the tasks every ``EVERY`` while this process holds the lease."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._holder = f"{socket.gethostname()[:40]}:{os.getpid()}:{uuid4().hex[:8]}"
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="housekeeper", daemon=True)

    def start(self) -> None:
        """Begin, with the tasks once at once; :meth:`stop` is called when the runtime closes."""
        self._runtime.at_close(self.stop)
        self._thread.start()

    def stop(self) -> None:
        """End after the task that runs now."""
        self._over.set()
        self._thread.join()

    def turn(self) -> dict[str, int] | None:
        """Do the tasks if this process holds the lease, or can take it; None: it cannot."""
        with self._runtime.work(writing=True) as uow:
            held = leases.take(uow, LEASE, self._holder, LEASE_LASTS)
        return run(self._runtime, lambda: not self._over.is_set()) if held else None

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                done = self.turn()
            except (SQLAlchemyError, ChatelaineError, OSError):
                log.exception("the housekeeping failed; it is tried again")
            else:
                if done and any(done.values()):
                    log.info("housekeeping removed %s", done)
            self._over.wait(EVERY.total_seconds())
