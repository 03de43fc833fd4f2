"""Killed, and the disk gone, again and again: what a snapshot holds comes back, and what is lost is said."""

from __future__ import annotations

import multiprocessing
import os
import random
import re
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from commands import restoring
from services import audit_verify, items
from tests import world as worlds
from tests.backups.place import BACKUP_KEY, files_in
from tests.crash import saver, victim
from tests.world import PASSWORD

ROUNDS = 12
SEED = 20_261_126
MOST = 12
"""Acknowledgements after which the process is killed at the latest."""
NOON = datetime(2027, 1, 15, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def nursery():
    """Start savers from a process that has imported everything already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.crash.saver"])
    return context


def test_at_most_the_last_interval_is_lost_and_said(database, world, nursery, tmp_path, capsys):
    chance = random.Random(SEED)
    place = tmp_path / "elsewhere"
    place.mkdir()
    settings = worlds.settings_for(database, BACKUP_TO=str(place), BACKUP_KEY=BACKUP_KEY)
    vault = world.vaults["Production"]
    actor = victim.manager(world.actor("mia"), vault)
    must_be_there: list[str] = []
    saves = 0
    for number in range(ROUNDS):
        begins = NOON + timedelta(days=number)
        orders = saver.Orders(database, place, actor, vault, begins, number)
        said = kill_one(nursery, orders, chance.randint(1, MOST), wanted=1 + number % 2)
        stored = [words[1] for words in said if words[0] == "stored"]
        saved = [int(words[1]) for words in said if words[0] == "saved"]
        saves += len(saved)
        if saved:
            must_be_there += stored[: saved[-1]]
        for file in database.parent.glob(f"{database.name}*"):
            file.unlink()
        spoil_what_is_half_written(place, chance)

        with time_machine.travel(begins + timedelta(hours=12), tick=False):
            restoring.prepare(settings)

        told = capsys.readouterr().err
        assert re.search(r"Restored from snapshot-\S+, made 20", told)
        assert "What was changed after that is lost." in told
        look_closely(database, actor, must_be_there)
    assert saves >= ROUNDS
    assert len(must_be_there) >= ROUNDS


def kill_one(nursery, orders, after, *, wanted):
    """Kill a saver once it has said *after* things, *wanted* saves among them; return what it had said."""
    reading, writing = nursery.Pipe(duplex=False)
    process = nursery.Process(target=saver.work, args=(orders, writing))
    process.start()
    writing.close()
    with closing(reading), open(reading.fileno(), "rb", closefd=False) as pipe:
        said = [pipe.readline() for _ in range(after)]
        while sum(line.startswith(b"saved") for line in said) < wanted:
            said.append(pipe.readline())
        process.kill()
        said += pipe.readlines()
    process.join()
    assert process.exitcode == -9, "it ended by itself"
    return [line.decode().split() for line in said if line.endswith(b"\n")]


def spoil_what_is_half_written(place, chance):
    """A disk that goes may keep a part of what was being written."""
    whole = set(files_in(place).names())
    for file in place.iterdir():
        if file.stem not in whole:
            os.truncate(file, chance.randint(0, file.stat().st_size))


def look_closely(database, actor, must_be_there):
    runtime = worlds.open_world(database)
    try:
        assert audit_verify.verify(runtime).faults == ()
        with runtime.work(writing=False, actor=actor) as uow:
            for item_id in must_be_there:
                item = items.find(uow, worlds.UUID(item_id))
                values = items.values(uow, item, item.version)[1]
                assert next(each.value for each in values if each.name == "Password") == PASSWORD
    finally:
        runtime.close()
