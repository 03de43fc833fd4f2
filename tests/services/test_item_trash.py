"""The trash: out of the way, back again, and destroyed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select

from errors import Conflict, NotFound
from models import Item
from services import clock, item_changes, items, vaults
from tests.trail import is_system
from tests.world import login

DB = "prod/db primary"


def act(work, use_case, item_id, *arguments, who="alice"):
    with work(who, writing=True) as uow:
        return use_case(uow, items.find(uow, item_id), *arguments)


def test_what_is_thrown_away_can_come_back(work, world, trail):
    act(work, item_changes.trash, world.items[DB], who="mia")
    with work("alice") as uow:
        item = items.find(uow, world.items[DB])
        assert item.trashed_at == uow.now or item.trashed_at < uow.now
        assert item.trashed_by == world.people["mia"]

    act(work, item_changes.restore, world.items[DB], who="mia")
    with work("alice") as uow:
        item = items.find(uow, world.items[DB])
        assert (item.trashed_at, item.trashed_by, item.version) == (None, None, 1)

    assert trail.actions() == ["item.trashed", "item.restored"]
    assert [event["extra"] for event in trail.events()] == [{"version": 1}, {"version": 1}]
    assert {event["target"] for event in trail.events()} == {DB}


def test_a_name_in_the_trash_is_free(work, world):
    act(work, item_changes.trash, world.items[DB])

    with work("alice", writing=True) as uow:
        item_changes.create(uow, vaults.find(uow, world.vaults["Production"]), login(DB))


def test_what_comes_back_to_a_taken_name_is_refused_until_the_other_is_renamed(work, world, trail):
    act(work, item_changes.trash, world.items[DB])
    with work("alice", writing=True) as uow:
        other = item_changes.create(uow, vaults.find(uow, world.vaults["Production"]), login(DB))

    with pytest.raises(Conflict, match="Rename that one, then restore this one"):
        act(work, item_changes.restore, world.items[DB])
    assert "item.restored" not in trail.actions()

    renamed = replace(login("prod/other"), fields=())
    act(work, lambda uow, item: item_changes.edit(uow, item, renamed, expected_version=1), other)
    act(work, item_changes.restore, world.items[DB])


def test_what_is_not_in_the_trash_cannot_leave_it(work, world, trail):
    with pytest.raises(Conflict, match="not in the trash"):
        act(work, item_changes.restore, world.items[DB])
    with pytest.raises(Conflict, match="not in the trash"):
        act(work, item_changes.purge, world.items[DB])

    assert trail.actions() == []


def test_two_who_restore_at_once_cannot_both(work, world):
    act(work, item_changes.trash, world.items[DB])
    with work("alice") as uow:
        seen = items.find(uow, world.items[DB])
    act(work, item_changes.restore, world.items[DB])

    with pytest.raises(Conflict, match="not in the trash"), work("alice", writing=True) as uow:
        item_changes.restore(uow, seen)


def test_two_who_throw_away_at_once_cannot_both(work, world, trail):
    with work("alice") as uow:
        seen = items.find(uow, world.items[DB])
    act(work, item_changes.trash, world.items[DB])

    with pytest.raises(Conflict), work("alice", writing=True) as uow:
        item_changes.trash(uow, seen)

    assert trail.actions() == ["item.trashed"]


def test_a_purge_leaves_nothing_of_the_item(work, world, trail, sql):
    item_id = world.items[DB]
    with work("ula", writing=True) as uow:
        item_changes.set_favorite(uow, items.find(uow, item_id), True)
    act(work, item_changes.trash, item_id)
    act(work, item_changes.purge, item_id)

    assert sql("SELECT 1 FROM item WHERE id = ?", item_id.hex) == []
    assert sql("SELECT 1 FROM item_version WHERE item_id = ?", item_id.hex) == []
    assert sql("SELECT 1 FROM favorite WHERE item_id = ?", item_id.hex) == []
    with work("alice") as uow, pytest.raises(NotFound):
        items.find(uow, item_id)
    event = trail.one("item.purged")
    assert (event["target_id"], event["target"]) == (str(item_id), DB)


def test_what_has_lain_in_the_trash_long_enough_is_purged_in_every_organization(runtime, work, world, trail):
    old = datetime.now(UTC) - timedelta(days=31)
    with time_machine.travel(old, tick=False):
        act(work, item_changes.trash, world.items[DB])
        act(work, item_changes.trash, world.items["Lakeside mail"], who="mallory")
    act(work, item_changes.trash, world.items["Stripe dashboard"])

    with runtime.work(writing=True) as uow:
        purged = item_changes.purge_expired(uow, clock.now() - timedelta(days=30))

    assert purged == 2
    events = trail.events("item.purged")
    assert {event["target"] for event in events} == {DB, "Lakeside mail"}
    assert {event["actor_kind"] for event in events} == {"system"}
    assert {event["chain"] for event in events} == set(world.organizations.values())
    assert not any(is_system(event["chain"]) for event in events)
    with work("alice") as uow:
        assert items.find(uow, world.items["Stripe dashboard"]).trashed_at


def test_one_organizations_purge_leaves_the_others_alone(work, world):
    old = datetime.now(UTC) - timedelta(days=31)
    with time_machine.travel(old, tick=False):
        act(work, item_changes.trash, world.items[DB])
        act(work, item_changes.trash, world.items["Lakeside mail"], who="mallory")

    with work("mallory", writing=True) as uow:
        assert item_changes.purge_expired(uow, clock.now() - timedelta(days=30)) == 1

    with work("alice") as uow:
        assert items.find(uow, world.items[DB]).trashed_at == old


def test_a_purge_goes_on_working_for_everybody_afterwards(runtime, work, world):
    old = datetime.now(UTC) - timedelta(days=31)
    with time_machine.travel(old, tick=False):
        act(work, item_changes.trash, world.items[DB])

    with runtime.work(writing=True) as uow:
        item_changes.purge_expired(uow, clock.now())
        assert uow.actor.organization_id is None
        assert item_changes.purge_expired(uow, clock.now()) == 0
        assert len(uow.session.scalars(select(Item)).all()) == 3
