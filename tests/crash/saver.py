"""A process that changes credentials and saves snapshots until somebody kills it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import time_machine

from policy import Actor
from services import item_changes, vaults
from services.runtime import Runtime
from services.snapshots import EVERY, SnapshotKeeper
from tests import world as worlds
from tests.backups.place import files_in
from tests.crash.victim import Done
from tests.world import login


@dataclass(frozen=True)
class Orders:
    """What the saver works on. Everything that it has been told is done goes to ``pipe``, a line each."""

    path: Path
    place: Path
    actor: Actor
    vault: UUID
    begins: datetime
    round: int


def work(orders: Orders, pipe: Any) -> None:
    """Work until killed."""
    runtime = worlds.open_world(orders.path)
    stored: list[UUID] = []
    done = Done(pipe.fileno())
    with time_machine.travel(orders.begins, tick=False) as clock:
        threading.Thread(target=_write, args=(runtime, orders, stored, done), daemon=True).start()
        keeper = SnapshotKeeper(runtime, files_in(orders.place), alone=True)
        while True:
            before = len(stored)
            if keeper.turn() is not None:
                done.say("saved", before)
            clock.shift(EVERY)


def _write(runtime: Runtime, orders: Orders, stored: list[UUID], done: Done) -> None:
    while True:
        with runtime.work(writing=True, actor=orders.actor) as uow:
            vault = vaults.find(uow, orders.vault)
            made = item_changes.create(uow, vault, login(f"{orders.round}/{len(stored)}"))
        stored.append(made)
        done.say("stored", made)
