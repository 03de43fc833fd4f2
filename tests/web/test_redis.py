"""Limits in Redis: shared by processes, and going on without it when it is away."""

from __future__ import annotations

import logging
import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from limits import parse
from limits.errors import StorageError

from extensions import limiter
from tests import servers

WRONG = "wrong"
MOST = 10
"""Sign-ins that one address may try in a minute."""


@pytest.fixture(scope="module")
def redis():
    """A Redis of these tests' own, which they may stop."""
    if shutil.which("redis-server") is None:
        left_out = "redis-server is not installed"
        if os.environ.get("CI", "") not in {"", "0", "false"}:
            pytest.fail(f"{left_out}, and with CI set no test may be left out")
        pytest.skip(left_out)
    redis = servers.Redis()
    yield redis
    redis.stop()


@pytest.fixture
def shop(redis, make_app, monkeypatch):
    """Make an application that counts in Redis."""
    for name in ("_storage_dead", "_in_memory_fallback_enabled"):
        monkeypatch.setattr(limiter, name, False)
    yield lambda: make_app(REDIS_URL=redis.url)
    limiter._storage_dead = False
    limiter.storage.storage.connection_pool.disconnect()


@pytest.fixture
def running(redis):
    """It runs afterwards, whatever the test did to it, and has forgotten its counts."""
    yield redis
    redis.stop()
    redis.start()


def try_once(visitor, status):
    visitor.open("/sign-in")
    visitor.submit("sign-in", status=status, token=WRONG)


@pytest.mark.usefixtures("running")
def test_two_applications_count_together(shop, sign_in):
    one = sign_in(shop(), address="192.0.2.61")
    for _ in range(MOST):
        try_once(one, 422)
    another = sign_in(shop(), address="192.0.2.61")
    try_once(another, 429)
    try_once(sign_in(shop(), address="192.0.2.62"), 422)


def lines_about_redis(caplog):
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelno >= logging.WARNING and record.name in {"chatelaine.limits", "flask-limiter"}
    ]


def test_redis_that_stops_in_the_middle_leaves_limits_and_sign_in_as_they_are(running, shop, sign_in, caplog):
    app = shop()
    stranger = sign_in(app, address="192.0.2.71")
    try_once(stranger, 422)
    running.stop()
    caplog.clear()
    for _ in range(MOST):
        try_once(stranger, 422)
    try_once(stranger, 429)
    mia = sign_in(app, "mia", address="192.0.2.72")
    mia.open("/account")
    assert lines_about_redis(caplog) == [
        "Redis does not answer; until it does, each process counts requests by itself"
    ]


def test_redis_that_was_away_is_used_again_by_itself(running, shop, sign_in, caplog, monkeypatch):
    app = shop()
    running.stop()
    visitor = sign_in(app, address="192.0.2.81")
    visitor.open("/sign-in")
    assert limiter._storage_dead
    running.start()
    # It looks again after one second, two, four; the time is set here instead of waited for.
    monkeypatch.setattr(limiter, "_Limiter__last_check_backend", 0.0)
    visitor.open("/sign-in")
    assert not limiter._storage_dead
    for _ in range(MOST):
        try_once(visitor, 422)
    try_once(sign_in(shop(), address="192.0.2.81"), 429)
    assert len(lines_about_redis(caplog)) == 1


def test_redis_that_is_away_at_the_start_keeps_nobody_out(running, shop, sign_in, caplog):
    running.stop()
    app = shop()
    mia = sign_in(app, "mia", address="192.0.2.91")
    mia.open("/account")
    stranger = sign_in(app, address="192.0.2.92")
    for _ in range(MOST):
        try_once(stranger, 422)
    try_once(stranger, 429)
    assert len(lines_about_redis(caplog)) == 1


@pytest.mark.usefixtures("running")
def test_redis_learns_nobodys_name(running, shop, sign_in):
    import redis as client

    sign_in(shop(), "mia", address="198.51.100.77").open("/account")
    with client.Redis.from_url(running.url) as connection:
        names = b" ".join(connection.keys("*"))
    assert names
    assert b"198.51.100" not in names
    assert b"mia" not in names


def test_many_who_notice_at_once_write_one_line(shop, caplog, monkeypatch):
    shop()
    together = threading.Barrier(8, timeout=30)

    class Away:
        def hit(self, *_):
            together.wait()
            raise StorageError(ConnectionError("away"))

    monkeypatch.setattr(limiter, "_limiter", Away())
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda number: limiter.hit(parse("5/minute"), f"visitor {number}"), range(8)))
    assert len(lines_about_redis(caplog)) == 1
