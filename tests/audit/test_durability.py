"""No reveal without its event: under load, and when the log cannot be written."""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy.exc import OperationalError

from policy import Right
from services import audit_verify, committer, items
from services.events import Origin
from tests.browser import Browser
from tests.world import PASSWORD

THREADS = 16
EACH = 40


@pytest.fixture
def runtime(app):
    """The application's own parts: pages are what acts here."""
    return app.extensions["chatelaine"]


@pytest.fixture
def reader(world):
    """Rhea, as services see her."""
    return world.actor("rhea", {world.vaults["Production"]: Right.REVEAL})


@pytest.fixture
def rhea(browser, world):
    """A browser on a credential's page, ready to reveal."""
    rhea = browser("rhea")
    rhea.open(f"/o/northwind/items/{world.items['Stripe dashboard']}")
    return rhea


def shows_the_password(page):
    return PASSWORD in str(page)


def test_sixteen_threads_reveal_and_the_chain_has_every_event_without_a_gap(runtime, world, trail, reader):
    def reveal(number):
        shown = 0
        for _ in range(EACH):
            with runtime.work(writing=False, actor=reader, origin=Origin(f"192.0.2.{number}")) as uow:
                item = items.find(uow, world.items["Stripe dashboard"])
                value = items.reveal(uow, item, "Password").value
            shown += value == PASSWORD
        return shown

    with ThreadPoolExecutor(THREADS) as pool:
        shown = sum(pool.map(reveal, range(THREADS)))
    reveals = trail.events("item.revealed")
    assert shown == len(reveals) == THREADS * EACH
    assert Counter(event["address"] for event in reveals) == {
        f"192.0.2.{number}": EACH for number in range(THREADS)
    }
    assert audit_verify.verify(runtime).faults == ()


def test_sixteen_browsers_reveal_at_once_and_each_reveal_has_its_event(app, world, trail, runtime):
    def reveal(number):
        # Two people: of one, ten sessions live at a time.
        somebody = Browser(app, f"192.0.2.{number}")
        somebody.open("/sign-in")
        somebody.submit("sign-in", token=world.tokens[("rhea", "mia")[number % 2]])
        somebody.open(f"/o/northwind/items/{world.items['Stripe dashboard']}")
        return somebody.json("reveal-password")["value"] == PASSWORD

    with ThreadPoolExecutor(THREADS) as pool:
        assert all(pool.map(reveal, range(THREADS)))
    assert len(trail.events("item.revealed")) == THREADS
    assert audit_verify.verify(runtime).faults == ()


def test_a_full_queue_answers_503_and_reveals_nothing(rhea, runtime, trail, monkeypatch):
    runtime.committer.close()
    monkeypatch.setattr(runtime.committer, "_start", lambda: None)
    while not runtime.committer._queue.full():
        runtime.committer._queue.put_nowait(None)
    page = rhea.submit("reveal-password", 503)
    assert page.answer.headers["Retry-After"]
    assert not shows_the_password(page)
    while not runtime.committer._queue.empty():
        runtime.committer._queue.get_nowait()
    assert trail.events("item.revealed") == []


def test_a_failed_write_of_the_event_refuses_the_reveal(rhea, trail, monkeypatch):
    def refuse(*_):
        raise OperationalError("INSERT INTO audit_event", {}, Exception("disk I/O error"))

    monkeypatch.setattr("services.committer.append", refuse)
    page = rhea.submit("reveal-password", 503)
    assert not shows_the_password(page)
    monkeypatch.undo()
    assert trail.events("item.revealed") == []
    assert shows_the_password(rhea_again(rhea))


def rhea_again(rhea):
    rhea.open(rhea.path.removesuffix("/reveal"))
    return rhea.submit("reveal-password")


def test_the_committer_lives_on_after_a_failure(rhea, trail, monkeypatch):
    for _ in range(3):
        with monkeypatch.context() as patch:
            patch.setattr("services.committer.append", broken)
            rhea.submit("reveal-password", 503)
        rhea.open(rhea.path.removesuffix("/reveal"))
        rhea.submit("reveal-password")
        rhea.open(rhea.path.removesuffix("/reveal"))
    assert len(trail.events("item.revealed")) == 3


def broken(*_):
    raise OSError("the disk is gone")


@pytest.mark.sqlite
def test_a_locked_database_refuses_the_reveal(rhea, database, monkeypatch):
    """Somebody else holds the database's own write lock for longer than anybody waits."""
    monkeypatch.setattr(committer, "WAIT", 0.3)
    other = sqlite3.connect(database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    page = rhea.submit("reveal-password", 503)
    assert not shows_the_password(page)
    other.execute("ROLLBACK")
    other.close()


@pytest.mark.sqlite
def test_a_write_lock_that_nobody_gives_back_refuses_a_change(browser, world, runtime, trail, monkeypatch):
    monkeypatch.setattr("services.database.LOCK_TIMEOUT", 0.2)
    mia = browser("mia")
    mia.open(f"/o/northwind/items/{world.items['Stripe dashboard']}/edit")
    held = threading.Event()
    release = threading.Event()

    def hold():
        runtime.write_lock.acquire()
        held.set()
        release.wait(30)
        runtime.write_lock.release()

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(30)
    page = mia.submit("item-form", 503, user_name="somebody")
    assert page.answer.headers["Retry-After"]
    release.set()
    holder.join()
    assert trail.events("item.changed") == []


def test_a_change_is_not_stored_when_its_event_cannot_be(browser, world, trail, monkeypatch):
    mia = browser("mia")
    address = f"/o/northwind/items/{world.items['Stripe dashboard']}"
    mia.open(f"{address}/edit")
    with monkeypatch.context() as patch:
        patch.setattr("services.unit_of_work.append", failing)
        mia.submit("item-form", 503, user_name="nobody-knows")
    assert trail.events("item.changed") == []
    assert "nobody-knows" not in mia.open(address).words


def failing(*_):
    raise OperationalError("INSERT INTO audit_event", {}, Exception("database or disk is full"))
