"""A process that puts files on credentials in threads, and takes some off, until somebody kills it."""

from __future__ import annotations

import threading
from typing import Any

from services import attachment_changes, attachments, item_changes, vaults
from services.runtime import Runtime
from tests import world as worlds
from tests.attached import attach
from tests.crash.victim import Done, Orders
from tests.world import login

THREADS = 3
KEPT = 3
"""Files that a credential is given before the next is made."""


def work(orders: Orders, pipe: Any) -> None:
    """Work until killed."""
    runtime = worlds.open_world(orders.path)
    done = Done(pipe.fileno())
    threads = [
        threading.Thread(target=upload, args=(runtime, orders, f"{orders.round}-{number}", done))
        for number in range(THREADS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def content_of(name: str) -> bytes:
    """Return the content of the file called *name*: three chunks of text, and none like another's."""
    return (f"{name}\n".encode() * 20_000)[: 150_000 + len(name)]


def upload(runtime: Runtime, orders: Orders, name: str, done: Done) -> None:
    """Make a credential, put files on it and take the first off, again and again."""
    number = 0
    while True:
        number += 1
        with runtime.work(writing=True, actor=orders.actor) as uow:
            item_id = item_changes.create(uow, vaults.find(uow, orders.vault), login(f"{name}/{number}"))
        made = []
        for each in range(KEPT):
            file = f"{name}-{number}-{each}.txt"
            made.append(attach(runtime, orders.actor, item_id, file, content_of(file)))
            done.say("stored", made[-1], file)
        with runtime.work(writing=True, actor=orders.actor) as uow:
            attachment_changes.remove(uow, attachments.find(uow, made[0]))
