"""The counters: exact under threads and processes, kept over a restart, and telling nobody's name."""

from __future__ import annotations

import multiprocessing
import stat
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from limits import parse
from limits.strategies import FixedWindowRateLimiter

from errors import Unavailable
from services.rate_storage import FileCounters

FIVE = parse("5/minute")
PATIENCE = 30
"""Seconds until those who wait for each other give up: a test must fail, not hang."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "chatelaine.db.rates"


@pytest.fixture
def counters(path: Path) -> Iterator[FileCounters]:
    counters = FileCounters(f"sqlite:///{path}")
    yield counters
    counters.close()


def hit_often(path: str, times: int, ready: threading.Barrier) -> None:
    counters = FileCounters(f"sqlite:///{path}")
    counters.get("a")
    ready.wait()
    for _ in range(times):
        counters.incr("a", 60)
    counters.close()


def test_the_limit_is_reached_after_exactly_so_many_hits(counters):
    limiter = FixedWindowRateLimiter(counters)

    assert [limiter.hit(FIVE, "a") for _ in range(7)] == [True] * 5 + [False] * 2
    assert limiter.hit(FIVE, "b")


def test_a_window_begins_with_its_first_hit_and_ends_on_time(counters):
    limiter = FixedWindowRateLimiter(counters)

    with time_machine.travel("2026-11-22T10:00:30Z", tick=False) as clock:
        for _ in range(6):
            limiter.hit(FIVE, "a")
        assert limiter.get_window_stats(FIVE, "a").reset_time == time.time() + 60

        clock.shift(timedelta(seconds=59.9))
        assert not limiter.hit(FIVE, "a")
        clock.shift(timedelta(seconds=0.1))
        assert limiter.hit(FIVE, "a")
        assert limiter.get_window_stats(FIVE, "a").remaining == 4


def test_eight_threads_lose_no_hit(counters):
    def work() -> None:
        for _ in range(250):
            counters.incr("a", 60)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert counters.get("a") == 2000


def test_two_processes_lose_no_hit(path, counters):
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(2, timeout=PATIENCE)
    processes = [context.Process(target=hit_often, args=(str(path), 500, ready)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()

    assert [process.exitcode for process in processes] == [0, 0]
    assert counters.get("a") == 1000


def test_any_number_may_open_a_new_file_at_once(tmp_path):
    def count_once(path: Path, ready: threading.Barrier, hits: list[int]) -> None:
        own = FileCounters(f"sqlite:///{path}")
        ready.wait()
        hits.append(own.incr("a", 60))
        own.close()

    for number in range(60):
        ready, hits = threading.Barrier(4, timeout=PATIENCE), []
        path = tmp_path / f"{number}.rates"
        threads = [threading.Thread(target=count_once, args=(path, ready, hits)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(hits) == [1, 2, 3, 4]


def test_only_as_many_of_thirty_two_threads_pass_as_the_limit_says(counters):
    limiter = FixedWindowRateLimiter(counters)
    ready = threading.Barrier(32, timeout=PATIENCE)
    passed: list[bool] = []

    def work() -> None:
        ready.wait()
        passed.append(limiter.hit(FIVE, "a"))

    threads = [threading.Thread(target=work) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(passed) == 5


def test_a_restart_keeps_the_counts(path, counters):
    counters.incr("a", 60, 3)
    counters.close()

    again = FileCounters(f"sqlite:///{path}")
    assert again.get("a") == 3
    again.close()


def test_ended_counters_are_removed_and_the_others_kept(counters):
    with time_machine.travel("2026-11-22T10:00:00Z", tick=False) as clock:
        counters.incr("short", 10)
        counters.incr("long", 100)
        clock.shift(timedelta(seconds=11))

        assert counters.remove_ended() == 1
        assert counters.get("long") == 1


def test_counters_can_be_cleared_one_by_one_and_all_at_once(counters):
    for name in ("a", "b", "c"):
        counters.incr(name, 60)

    counters.clear("a")
    assert (counters.get("a"), counters.get("b")) == (0, 1)
    assert counters.reset() == 2


def test_the_file_belongs_to_its_owner_alone(path, counters):
    counters.incr("a", 60)

    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name


def test_a_damaged_file_is_made_anew(path, counters):
    counters.incr("a", 60)
    counters.close()
    path.write_bytes(b"this is no database" * 100)

    assert counters.incr("a", 60) == 1


def test_a_file_that_cannot_be_made_refuses_the_request(tmp_path):
    counters = FileCounters(f"sqlite:///{tmp_path}/no/such/folder/x.rates")

    with pytest.raises(Unavailable):
        counters.incr("a", 60)
    assert not counters.check()
