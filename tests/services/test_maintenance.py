"""The housekeeping: what it removes, and that only one process does it."""

from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from sqlalchemy import func, select

from commands import maintenance as commands
from commands.serve import make_app
from models import Item, Lockout, UserSession
from policy import Right
from services import clock, item_changes, items, maintenance, passkey_challenges
from services.passkey_challenges import Purpose
from tests import world as worlds


@pytest.fixture
def count(runtime):
    def count_rows(model):
        with runtime.work(writing=False) as uow:
            return uow.session.scalar(select(func.count()).select_from(model))

    return count_rows


@pytest.fixture
def trashed(runtime, world):
    vault = world.vaults["Production"]
    with runtime.work(writing=True, actor=world.actor("mia", {vault: Right.EDIT})) as uow:
        item_changes.trash(uow, items.find(uow, world.items["Stripe dashboard"]))


def later(**passed):
    return time_machine.travel(clock.now() + timedelta(**passed), tick=False)


def test_what_lay_in_the_trash_for_thirty_days_is_destroyed_and_recorded(runtime, trashed, trail, count):
    before = count(Item)
    with later(days=29):
        assert maintenance.run(runtime)["trash"] == 0
    with later(days=31):
        assert maintenance.run(runtime)["trash"] == 1
        assert maintenance.run(runtime)["trash"] == 0
    assert count(Item) == before - 1
    assert trail.one("item.purged")["actor"] == "system"


def test_ended_sessions_and_counts_are_removed_and_living_ones_stay(runtime, browser, count):
    browser("mia")
    stranger = browser()
    stranger.open("/sign-in")
    stranger.submit("sign-in", 422, token="nonsense")
    with runtime.work(writing=True) as uow:
        passkey_challenges.ask(uow, Purpose.SIGN_IN, uuid4())
    assert maintenance.run(runtime) == dict.fromkeys(commands.WORDS, 0)
    with later(hours=13):
        done = maintenance.run(runtime)
    assert done["sessions"] == 1
    assert done["lockouts"] == 2
    assert done["challenges"] == 1
    assert done["counters"] >= 2
    assert count(UserSession) == count(Lockout) == 0


def test_one_process_keeps_house_until_it_is_gone(runtime, database):
    other = worlds.open_world(database)
    first, second = maintenance.Housekeeper(runtime), maintenance.Housekeeper(other)
    assert first.turn() is not None
    assert second.turn() is None
    assert first.turn() is not None
    with later(minutes=31):
        assert second.turn() is not None
        assert first.turn() is None
    other.close()


def test_the_thread_begins_at_once_and_ends_with_the_runtime(database, trashed):
    runtime = worlds.open_world(database)
    with later(days=31):
        keeper = maintenance.Housekeeper(runtime)
        keeper.start()
        runtime.close()
    assert not keeper._thread.is_alive()


def test_a_server_process_keeps_house_from_its_start_on(database, world, trashed, monkeypatch):
    started = []

    def start(keeper):
        started.append(keeper)

    monkeypatch.setattr(maintenance.Housekeeper, "start", start)
    monkeypatch.setattr("services.logs.configure", lambda *_: None)
    app = make_app(worlds.settings_for(database))
    app.extensions["chatelaine"].close()
    assert len(started) == 1
