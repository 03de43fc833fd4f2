"""Killed in the middle of anything, fifty times: nothing acknowledged is lost, and nothing is torn."""

from __future__ import annotations

import multiprocessing
import random
import sqlite3
from contextlib import closing

import pytest

from services import audit_verify, items
from tests import world as worlds
from tests.crash import victim
from tests.trail import Trail
from tests.world import PASSWORD

ROUNDS = 50
SEED = 20_261_122
MOST = 25
"""Acknowledgements after which the victim is killed at the latest; its other threads are anywhere then."""


@pytest.fixture(scope="module")
def nursery():
    """Start victims from a process that has imported everything already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.crash.victim"])
    return context


def test_fifty_kills_lose_nothing_that_was_acknowledged(database, world, nursery):
    chance = random.Random(SEED)
    vault = world.vaults["Production"]
    actor = victim.manager(world.actor("mia"), vault)
    revealed: set[str] = set()
    stored: dict[str, int] = {}
    for number in range(ROUNDS):
        orders = victim.Orders(database, actor, vault, world.items["Stripe dashboard"], number)
        for line in kill_one(nursery, orders, chance.randint(1, MOST)):
            what, *words = line.split()
            if what == "revealed":
                revealed.add(words[0])
            else:
                stored[words[0]] = int(words[1])
        look_closely(database, actor, revealed, stored)
    assert len(revealed) > ROUNDS
    assert len(stored) > ROUNDS


def kill_one(nursery, orders, after):
    """Kill a victim once it has acknowledged *after* things; return all that it had acknowledged by then."""
    return kill_one_of(nursery, victim.work, orders, after)


def kill_one_of(nursery, work, orders, after):
    """The same of a process that does other work."""
    reading, writing = nursery.Pipe(duplex=False)
    process = nursery.Process(target=work, args=(orders, writing))
    process.start()
    writing.close()
    with closing(reading), open(reading.fileno(), "rb", closefd=False) as pipe:
        said = [pipe.readline() for _ in range(after)]
        process.kill()
        said += pipe.readlines()
    process.join()
    assert process.exitcode == -9, "it ended by itself"
    return [line.decode() for line in said if line.endswith(b"\n")]


def look_closely(database, actor, revealed, stored):
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    runtime = worlds.open_world(database)
    try:
        assert audit_verify.verify(runtime).faults == ()
        recorded = {
            event["request"] for event in Trail(runtime)._read() if event["action"] == "item.revealed"
        }
        assert revealed <= recorded, "something was shown, and nothing says so"
        with runtime.work(writing=False, actor=actor) as uow:
            for item_id in uow.runtime.indexes.of(uow)._entries:
                stored_item = items.find(uow, item_id)
                values = items.values(uow, stored_item, stored_item.version)[1]
                assert next(each.value for each in values if each.name == "Password") == PASSWORD
                assert stored_item.version >= stored.get(str(item_id), 1)
            entries = uow.runtime.indexes.of(uow)
            assert all(entries.get(worlds.UUID(made)) for made in stored)
    finally:
        runtime.committer.close()
        runtime.engine.dispose()
