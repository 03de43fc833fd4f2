"""A process that changes and reveals credentials in threads until somebody kills it."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

from policy import Actor, Right
from services import item_changes, items, vaults
from services.events import Origin
from services.runtime import Runtime
from tests import world as worlds
from tests.world import login

REVEALERS = 3
WRITERS = 2


@dataclass(frozen=True)
class Orders:
    """What the victim works on. Everything that it has been told is done goes to ``pipe``, a line each."""

    path: Path
    actor: Actor
    vault: UUID
    item: UUID
    round: int


def work(orders: Orders, pipe: Any) -> None:
    """Work until killed."""
    runtime = worlds.open_world(orders.path)
    done = Done(pipe.fileno())
    threads = [
        threading.Thread(target=act, args=(runtime, orders, f"{orders.round}-{act.__name__}-{number}", done))
        for act, count in ((reveal, REVEALERS), (write, WRITERS))
        for number in range(count)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class Done:
    """Tells the killer what is done; a line arrives whole or not at all."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe

    def say(self, *words: object) -> None:
        """Tell that something was acknowledged."""
        os.write(self._pipe, (" ".join(map(str, words)) + "\n").encode())


def reveal(runtime: Runtime, orders: Orders, name: str, done: Done) -> None:
    """Reveal again and again, each time as a request of its own."""
    number = 0
    while True:
        number += 1
        request = f"{name}-{number}"
        with runtime.work(writing=False, actor=orders.actor, origin=Origin(request_id=request)) as uow:
            items.reveal(uow, items.find(uow, orders.item), "Password")
        done.say("revealed", request)


def write(runtime: Runtime, orders: Orders, name: str, done: Done) -> None:
    """Make a credential and change it, again and again."""
    number = 0
    while True:
        number += 1
        with runtime.work(writing=True, actor=orders.actor) as uow:
            vault = vaults.find(uow, orders.vault)
            made = item_changes.create(uow, vault, login(f"{name}/{number}"))
        done.say("stored", made, 1)
        with runtime.work(writing=True, actor=orders.actor) as uow:
            stored = items.find(uow, made)
            changed = login(f"{name}/{number}", user_name=f"user {number}")
            version = item_changes.edit(uow, stored, changed, expected_version=1)
        done.say("stored", made, version)


def manager(actor: Actor, vault: UUID) -> Actor:
    """Return *actor* with every right on *vault*."""
    return replace(actor, rights={vault: Right.MANAGE})
