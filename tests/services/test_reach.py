"""Who can see a thing, and why: what the pages tell is what a request may do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
import time_machine

from errors import Conflict, Invalid
from policy import Permission, Right, right_on
from services import grants, groups, items, reach, vaults
from services.access import holds
from services.notes import UNREADABLE

PORTAL = "Board portal"
NORTHWIND = ("alice", "adam", "audrey", "mia", "rhea", "ula", "noah")


def board(uow, world):
    return vaults.find(uow, world.vaults["Board"])


def portal(uow, world):
    return items.find(uow, world.items[PORTAL])


def test_a_right_on_one_credential_shows_it_and_nothing_else(work, world):
    with work("alice", writing=True) as uow:
        grants.grant(uow, portal(uow, world), world.people["noah"], Right.REVEAL, reason="Annual report")
        uow.finish()

    with work("noah") as uow:
        index = uow.runtime.indexes.of(uow)
        page = index.page(uow.actor.rights)
        assert [entry.name for entry in page.entries] == [PORTAL]
        assert page.total == 1
        assert index.counts(uow.actor.rights).live == 1
        assert [line.name for line in index.tags(uow.actor.rights)] == ["prod"]
        assert index.page(uow.actor.rights, query="board").total == 1
        assert index.page(uow.actor.rights, vault_id=world.vaults["Board"]).total == 0
        assert vaults.visible(uow) == []
        assert items.shared(uow) == 1


def test_a_right_on_a_credential_of_a_vault_that_is_seen_doubles_no_row(work, world):
    with work("alice", writing=True) as uow:
        item = items.find(uow, world.items["Stripe dashboard"])
        grants.grant(uow, item, world.people["ula"], Right.EDIT)
        uow.finish()

    with work("ula") as uow:
        assert uow.runtime.indexes.of(uow).page(uow.actor.rights).total == 2
        assert items.shared(uow) == 0
        item = items.find(uow, world.items["Stripe dashboard"])
        other = items.find(uow, world.items["prod/db primary"])
        assert holds(uow, Permission.ITEM_EDIT, item.vault_id, item.id)
        assert not holds(uow, Permission.ITEM_EDIT, other.vault_id, other.id)
        assert not holds(uow, Permission.ITEM_PLACE, item.vault_id, item.id)


def test_a_shared_credential_goes_to_the_trash_and_out_of_it_for_its_guests_too(work, world):
    from services import item_changes

    with work("alice", writing=True) as uow:
        grants.grant(uow, portal(uow, world), world.people["noah"], Right.REVEAL)
        item_changes.trash(uow, portal(uow, world))
        uow.finish()

    with work("noah") as uow:
        index = uow.runtime.indexes.of(uow)
        assert index.page(uow.actor.rights).total == 0
        assert index.page(uow.actor.rights, state="trash").total == 1
        assert index.counts(uow.actor.rights).trashed == 1
        assert items.shared(uow) == 0
    with work("alice", writing=True) as uow:
        item_changes.purge(uow, portal(uow, world))
        uow.finish()
    with work("noah") as uow:
        assert dict(uow.actor.rights) == {}


def test_a_cursor_tells_nothing_of_what_one_cannot_see(work, world):
    with work("noah") as uow:
        index = uow.runtime.indexes.of(uow)
        hidden, seen = world.items[PORTAL], world.items["Stripe dashboard"]
        both = index.page({world.vaults["Production"], hidden}, after=hidden.hex)
        assert [entry.name for entry in both.entries] == ["prod/db primary", "Stripe dashboard"]
        without = index.page({hidden}, after=seen.hex)
        assert [entry.name for entry in without.entries] == [PORTAL]


def test_an_item_may_have_no_manager_of_its_own(work, world):
    with work("alice", writing=True) as uow:
        grants.grant(uow, portal(uow, world), world.people["noah"], Right.MANAGE)
        grants.take(uow, portal(uow, world), world.people["noah"])
        assert grants.grants(uow, portal(uow, world)) == []


def test_why_somebody_can_see_a_credential_is_told_grant_by_grant(work, world):
    ends_at = datetime.now(UTC) + timedelta(days=1)
    with work("alice", writing=True) as uow:
        group = groups.create(uow, "Ops")
        groups.add(uow, group, [world.people["noah"]])
        grants.grant(uow, board(uow, world), group.id, Right.USE, reason="On call")
        grants.grant(uow, portal(uow, world), world.people["noah"], Right.EDIT, ends_at, "Migration")
        uow.finish()

    with work("alice") as uow:
        found = reach.viewers(uow, board(uow, world), portal(uow, world))
    assert [(one.name, one.right) for one in found] == [("Alice", Right.MANAGE), ("Noah", Right.EDIT)]
    own, by_group = found[1].reasons
    assert (own.on_item, own.group, own.note, own.ends_at, own.lasts) == (
        True,
        None,
        "Migration",
        ends_at,
        True,
    )
    assert (by_group.on_item, by_group.group, by_group.note) == (False, "Ops", "On call")
    with work("alice") as uow, time_machine.travel(ends_at, tick=False):
        uow.now = ends_at
        found = reach.viewers(uow, board(uow, world), portal(uow, world))
        assert [(one.name, one.right) for one in found] == [("Alice", Right.MANAGE), ("Noah", Right.USE)]
        assert [one.lasts for one in found[1].reasons] == [True, False]


def test_who_is_disabled_sees_nothing_and_is_still_named(work, world, sql):
    sql("UPDATE membership SET disabled_at = 1 WHERE id = ?", world.members["mia"].hex)

    with work("alice") as uow:
        vault = vaults.find(uow, world.vaults["Production"])
        mia = next(one for one in reach.viewers(uow, vault) if one.name == "Mia")
        assert (mia.disabled, mia.right, mia.reasons[0].right) == (True, None, Right.EDIT)
        [one] = reach.reach_of(uow, world.people["mia"])
        assert (one.name, one.right) == ("Production", Right.EDIT)


def test_what_has_ended_is_left_out_unless_it_is_asked_for(work, world):
    ends_at = datetime.now(UTC) + timedelta(days=1)
    with work("alice", writing=True) as uow:
        grants.grant(uow, board(uow, world), world.people["noah"], Right.REVEAL, ends_at)
        uow.finish()
    with work("alice") as uow:
        [one] = reach.reach_of(uow, world.people["noah"])
        assert (one.name, one.right, one.ends_at) == ("Board", Right.REVEAL, ends_at)
        uow.now = ends_at
        assert reach.reach_of(uow, world.people["noah"]) == []
        [one] = reach.reach_of(uow, world.people["noah"], ended=True)
        assert (one.right, one.reasons[0].lasts) == (None, False)


@pytest.mark.parametrize("seed", range(12))
def test_what_is_told_is_what_a_request_may_do(work, world, seed):
    """Random grants to people and groups, some ended: the report and the rights of a request agree."""
    random = Random(seed)
    now = datetime.now(UTC)
    with work("alice", writing=True) as uow:
        made = [groups.create(uow, f"Group {number}") for number in range(3)]
        for group in made:
            groups.add(uow, group, [world.people[name] for name in random.sample(NORTHWIND, 3)])
        holders = [group.id for group in made] + [world.people[name] for name in NORTHWIND[1:]]
        places = [
            *(vaults.find(uow, world.vaults[name]) for name in ("Production", "Board")),
            *(items.find(uow, world.items[name]) for name in (PORTAL, "Stripe dashboard")),
        ]
        for _ in range(14):
            ends_at = random.choice([None, now + timedelta(hours=1), now + timedelta(hours=3)])
            try:
                grants.grant(
                    uow, random.choice(places), random.choice(holders), random.choice(list(Right)), ends_at
                )
            except (Invalid, Conflict):
                continue
        uow.finish()

    with time_machine.travel(now + timedelta(hours=2), tick=False):
        with work("alice") as uow:
            told = {
                (one.user_id, place.id): one.right
                for place in places
                for one in (
                    reach.viewers(uow, place)
                    if place.id in world.vaults.values()
                    else reach.viewers(uow, vaults.find(uow, place.vault_id), place)
                )
            }
            reached = {
                (world.people[name], one.item_id or one.vault_id): one.right
                for name in NORTHWIND
                for one in reach.reach_of(uow, world.people[name])
            }
        for name in NORTHWIND:
            with work(name) as uow:
                for place in places:
                    ids = (place.id,) if place.id in world.vaults.values() else (place.vault_id, place.id)
                    right = right_on(uow.actor, *ids)
                    assert told.get((uow.actor.id, place.id)) == right
                for place_id in uow.actor.rights:
                    assert reached[uow.actor.id, place_id] == right_on(uow.actor, place_id)
                assert len([one for who, one in reached if who == uow.actor.id]) == len(uow.actor.rights)


def test_reasons_lie_encrypted_and_open_only_in_their_own_row(work, world, sql, runtime):
    with work("alice", writing=True) as uow:
        grants.grant(uow, board(uow, world), world.people["noah"], Right.USE, reason="canary-reason-one")
        grants.grant(uow, board(uow, world), world.people["mia"], Right.USE, reason="canary-reason-two")
        uow.finish()
    blobs = [bytes(row[0]) for row in sql("SELECT reason FROM access_grant WHERE reason IS NOT NULL")]
    assert len(blobs) == 2
    assert not any(b"canary" in blob for blob in blobs)

    sql("UPDATE access_grant SET reason = ? WHERE user_id = ?", blobs[0], world.people["mia"].hex)
    sql("UPDATE access_grant SET reason = ? WHERE user_id = ?", blobs[1], world.people["noah"].hex)
    with work("alice") as uow:
        assert {line.reason for line in grants.grants(uow, board(uow, world))} == {"", UNREADABLE}


@pytest.mark.parametrize("reason", ["x" * 301, "two\nlines", "bell\a"])
def test_a_reason_is_one_line_of_300_characters(work, world, reason):
    with work("alice", writing=True) as uow, pytest.raises(Invalid) as refused:
        grants.grant(uow, board(uow, world), world.people["noah"], Right.USE, reason=reason)
    assert refused.value.field == "reason"
