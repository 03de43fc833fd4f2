"""Killed thirty times while it re-encrypts: each state in between reads fully, and the end is reached."""

from __future__ import annotations

import multiprocessing
import random
import sqlite3
from contextlib import closing

import pytest

from services import audit_verify, encrypted, reencryption
from services.database import reading
from tests import world as worlds
from tests.crash import turning
from tests.crash.test_kill import kill_one_of

KILLS = 30
SEED = 20_261_126
ROWS, BATCH = 1200, 10
"""In an ordinary run; with ``--large`` the 20,000 rows of the promise, in the batches of the program."""
MOST = 4
"""Batches after which the victim is killed at the latest."""


@pytest.fixture(scope="module")
def nursery():
    """Start victims from a process that has imported everything already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.crash.turning"])
    return context


@pytest.fixture
def size(request):
    return (20_000, 50) if request.config.getoption("--large") else (ROWS, BATCH)


def test_thirty_kills_leave_nothing_unreadable_and_nothing_behind(database, world, nursery, size):
    rows, batch = size
    northwind = world.organizations["northwind"]
    runtime = worlds.open_world(database)
    turning.plant(runtime, northwind, world.vaults["Production"], rows)
    every = turning.read_all(runtime, northwind)
    assert every == rows + 3
    chance = random.Random(SEED)
    orders = turning.Orders(database, northwind, batch)
    left = every
    for _ in range(KILLS):
        kill_one_of(nursery, turning.work, orders, chance.randint(1, MOST))
        assert turning.read_all(runtime, northwind) == every
        with closing(sqlite3.connect(database)) as connection:
            assert connection.execute("PRAGMA quick_check").fetchall() == [("ok",)]
        before, left = left, left_under_the_old_key(runtime, northwind)
        assert 0 < left < before, "each run goes on where the last one stopped"
    rest = reencryption.run(runtime, northwind)
    assert (rest.rows, rest.broken) == (left, 0)
    assert left_under_the_old_key(runtime, northwind) == 0
    assert turning.read_all(runtime, northwind) == every
    # Of what was planted no event knows; of the chain itself every link must hold.
    assert [fault for fault in audit_verify.verify(runtime).faults if fault.number is not None] == []
    runtime.close()


def left_under_the_old_key(runtime, northwind):
    with reading(runtime.engine) as connection:
        return sum(
            encrypted.count_left(connection, each, northwind, 2) for each in encrypted.tables_of(northwind)
        )
