"""Whose turn it is: one after the other, nobody is forgotten, and nobody waits for long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from uuid import uuid4

import pytest

from models import Action
from services import audit, turns
from services.events import Target
from services.turns import Turns

PATIENCE = 10
"""Seconds until a test that waits for something fails."""


@pytest.fixture
def turn() -> Turns:
    return Turns(one_by_one=True)


@pytest.fixture
def never_impatient(monkeypatch) -> None:
    """However slow the machine is, nobody goes ahead."""
    monkeypatch.setattr(turns, "PATIENCE", float(PATIENCE))


@pytest.fixture
def impatient(monkeypatch) -> None:
    monkeypatch.setattr(turns, "PATIENCE", 0.01)


@pytest.fixture
def elsewhere() -> Iterator[Callable[..., Future]]:
    """Run a function in another thread."""
    with ThreadPoolExecutor(32) as pool:
        yield pool.submit


def until(settled: Callable[[], bool]) -> None:
    """Return once something is so that another thread brings about."""
    never = threading.Event()
    give_up = time.monotonic() + PATIENCE
    while not settled():
        assert time.monotonic() < give_up
        never.wait(0.001)


@pytest.mark.usefixtures("never_impatient")
def test_of_many_threads_one_works_at_a_time(turn, elsewhere):
    inside, most = [], []

    def work():
        for _ in range(50):
            with turn.turn():
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    for job in [elsewhere(work) for _ in range(16)]:
        job.result(PATIENCE)
    assert max(most) == 1
    assert len(most) == 16 * 50


@pytest.mark.usefixtures("never_impatient")
def test_turns_come_in_the_order_in_which_they_are_asked_for(turn, elsewhere):
    came = []

    def ask(name):
        with turn.turn():
            came.append(name)

    with turn.turn():
        jobs = []
        for number, name in enumerate("abcd", start=1):
            jobs.append(elsewhere(ask, name))
            until(lambda expected=number: len(turn._waiting) == expected)
    for job in jobs:
        job.result(PATIENCE)
    assert came == list("abcd")


@pytest.mark.usefixtures("never_impatient")
def test_who_holds_what_others_wait_for_goes_ahead(turn, elsewhere):
    came = []

    def ask(name, ahead):
        with turn.turn(ahead=ahead):
            came.append(name)

    with turn.turn():
        jobs = []
        for number, (name, ahead) in enumerate((("a", False), ("b", False), ("holder", True)), start=1):
            jobs.append(elsewhere(ask, name, ahead))
            until(lambda expected=number: len(turn._waiting) == expected)
    for job in jobs:
        job.result(PATIENCE)
    assert came == ["holder", "a", "b"]


@pytest.mark.usefixtures("never_impatient")
def test_who_steps_aside_lets_others_work_and_takes_the_next_turn(turn, elsewhere):
    came = []

    def ask():
        with turn.turn():
            came.append("other")

    with turn.turn():
        with turn.aside():
            assert not turn.held
            elsewhere(ask).result(PATIENCE)
        assert turn.held
        came.append("first")
    assert came == ["other", "first"]


def test_a_turn_within_a_turn_is_the_same(turn, elsewhere):
    def held_elsewhere():
        with turn.turn():
            return turn.held

    with turn.turn():
        with turn.turn():
            assert turn.held
        assert turn.held
    assert not turn.held
    assert elsewhere(held_elsewhere).result(PATIENCE)


def test_the_turn_goes_on_after_a_failure(turn):
    with pytest.raises(ZeroDivisionError), turn.turn():
        raise ZeroDivisionError
    with pytest.raises(ZeroDivisionError), turn.turn(), turn.aside():
        raise ZeroDivisionError
    with turn.turn():
        assert turn.held


@pytest.mark.usefixtures("impatient")
def test_who_has_waited_long_enough_works_beside_the_others(turn, elsewhere):
    def ask():
        with turn.turn():
            return turn.held

    with turn.turn():
        assert elsewhere(ask).result(PATIENCE) is False
    assert elsewhere(ask).result(PATIENCE) is True


def test_a_call_that_comes_when_somebody_gives_up_is_not_lost(turn):
    """It is the caller's turn then, whatever the clock said."""
    called = threading.Lock()
    assert turn._give_up(called) is False

    turn._waiting.append(called)
    assert turn._give_up(called) is True
    assert not turn._waiting


def test_where_threads_wait_for_another_machine_all_work_at_once(elsewhere):
    free = Turns(one_by_one=False)
    together = threading.Barrier(4, timeout=PATIENCE)

    def work():
        with free.turn(), free.aside():
            return together.wait()

    assert sorted(job.result(PATIENCE) for job in [elsewhere(work) for _ in range(4)]) == [0, 1, 2, 3]


# What waits in a request waits aside


@pytest.fixture
def alice(world):
    return world.actor("alice")


@pytest.fixture
def alone(runtime, elsewhere):
    """Tell whether the turn can be had at once, while somebody else waits for something."""

    def ask():
        with runtime.turns.turn():
            return runtime.turns.held

    return lambda: elsewhere(ask).result(PATIENCE)


@pytest.mark.sqlite
@pytest.mark.usefixtures("never_impatient")
def test_a_reader_waits_aside_for_its_events(runtime, alice, elsewhere, alone):
    def read():
        with runtime.turns.turn(), runtime.work(writing=False, actor=alice) as uow:
            audit.record(uow, Action.ITEM_REVEALED, Target("item", uuid4()))
        return True

    runtime.write_lock.acquire()
    try:
        reading = elsewhere(read)
        assert alone()
        assert not reading.done()
    finally:
        runtime.write_lock.release()
    assert reading.result(PATIENCE)


@pytest.mark.sqlite
@pytest.mark.usefixtures("never_impatient")
def test_a_writer_waits_aside_for_the_turn_to_write(runtime, alice, elsewhere, alone):
    def write():
        with runtime.turns.turn(), runtime.work(writing=True, actor=alice):
            return runtime.turns.held

    runtime.write_lock.acquire()
    try:
        writing = elsewhere(write)
        assert alone()
        assert not writing.done()
    finally:
        runtime.write_lock.release()
    assert writing.result(PATIENCE)


@pytest.mark.sqlite
@pytest.mark.usefixtures("never_impatient")
def test_a_writer_waits_aside_for_the_disk(runtime, alice, monkeypatch):
    held = []
    with runtime.turns.turn(), runtime.work(writing=True, actor=alice) as uow:
        commit = uow.connection.commit
        monkeypatch.setattr(uow.connection, "commit", lambda: (held.append(runtime.turns.held), commit()))
        assert runtime.turns.held
    assert held == [False]


@pytest.mark.sqlite
@pytest.mark.usefixtures("never_impatient")
def test_a_writer_holds_nobody_up_while_it_waits_for_its_turn_after_the_commit(runtime, alice, monkeypatch):
    locked = []
    take = runtime.turns._take

    def look(**how):
        locked.append(runtime.write_lock._threads.locked())
        take(**how)

    with runtime.turns.turn(), runtime.work(writing=True, actor=alice):
        monkeypatch.setattr(runtime.turns, "_take", look)
    assert locked == [False]


@pytest.mark.sqlite
@pytest.mark.usefixtures("never_impatient")
def test_events_that_gather_while_others_compute_are_committed_together(runtime, alice, elsewhere, trail):
    """The committer's turn comes after theirs, so that one sync serves them all."""

    def read(_):
        with runtime.work(writing=False, actor=alice) as uow:
            audit.record(uow, Action.ITEM_REVEALED, Target("item", uuid4()))

    before = runtime.committer.batches
    with runtime.turns.turn():
        jobs = [elsewhere(read, number) for number in range(8)]
        until(lambda: runtime.committer.waiting == 7 and len(runtime.turns._waiting) == 1)
    for job in jobs:
        job.result(PATIENCE)
    assert runtime.committer.batches == before + 1
    assert trail.actions() == ["item.revealed"] * 8


@pytest.mark.sqlite
@pytest.mark.usefixtures("never_impatient")
def test_whoever_waits_to_compute_comes_before_the_committer_and_joins_it(runtime, alice, elsewhere, trail):
    def record():
        with runtime.work(writing=False, actor=alice) as uow:
            audit.record(uow, Action.ITEM_REVEALED, Target("item", uuid4()))

    def compute():
        with runtime.turns.turn():
            record()

    before = runtime.committer.batches
    with runtime.turns.turn():
        computing = elsewhere(compute)
        until(lambda: len(runtime.turns._waiting) == 1)
        waiting = elsewhere(record)
        until(lambda: len(runtime.turns._waiting) == 2)
    for job in (computing, waiting):
        job.result(PATIENCE)
    assert runtime.committer.batches == before + 1
    assert trail.actions() == ["item.revealed"] * 2
