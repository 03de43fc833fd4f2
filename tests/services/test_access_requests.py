"""Asking for access and for approval: somebody else decides, once, and it ends by itself."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from errors import Conflict, Denied, Invalid, NotFound
from policy import ActorKind, Right, Scope
from services import access_requests, grants, groups, item_changes, items, vaults
from services.items import Protection
from tests.services.test_item_races import race

PORTAL = "Board portal"
STRIPE = "Stripe dashboard"


@pytest.fixture
def listed(work, world):
    """The vault Board, listed."""
    with work("alice", writing=True) as uow:
        vault = vaults.find(uow, world.vaults["Board"])
        vaults.change(uow, vault, name="Board", description="", max_versions=None, listed=True)
        uow.finish()


@pytest.fixture
def guarded(work, world):
    """Stripe dashboard, of which a second person must approve each reveal for an hour."""
    with work("alice", writing=True) as uow:
        item_changes.protect(uow, items.find(uow, world.items[STRIPE]), Protection(approval_minutes=60))
        uow.finish()


def ask(work, world, who="noah", right=Right.REVEAL, reason="The report is due"):
    with work(who, writing=True) as uow:
        access_requests.ask_for_access(uow, vaults.find(uow, world.vaults["Board"]), right, reason)
        uow.finish()


def ask_to_reveal(work, world, who="rhea", reason="A customer cannot pay"):
    with work(who, writing=True) as uow:
        access_requests.ask_for_approval(uow, items.find(uow, world.items[STRIPE]), reason)
        uow.finish()


def decide(work, what, *arguments, who="alice"):
    with work(who, writing=True) as uow:
        [one] = access_requests.waiting(uow)
        what(uow, one, *arguments)
        uow.finish()


def reveal(work, world, who="rhea"):
    with work(who) as uow:
        shown = items.reveal(uow, items.find(uow, world.items[STRIPE]), "Password")
        uow.finish()
        return shown.value


def test_a_listed_vault_can_be_asked_for_and_a_manager_grants(work, world, listed, trail):
    with work("noah") as uow:
        assert [vault.name for vault in access_requests.listed(uow)] == ["Board"]
    ask(work, world)
    ends_at = datetime.now(UTC) + timedelta(days=7)
    decide(work, access_requests.grant_access, Right.USE, ends_at)

    with work("noah") as uow:
        assert vaults.effective_right(uow, world.vaults["Board"]) is Right.USE
        assert access_requests.listed(uow) == []
        [mine] = access_requests.mine(uow)
        assert (mine.outcome, mine.ends_at) == ("granted", ends_at)
    asked = trail.one("grant.requested")
    assert (asked["actor"], asked["target"], asked["extra"]) == (
        "Noah",
        "Board",
        {"right": "reveal", "reason": "The report is due"},
    )
    given = trail.one("grant.given")
    assert (given["actor"], given["extra"]["reason"]) == ("Alice", "The report is due")


def test_what_is_not_listed_is_not_there_to_ask_for(work, world, trail):
    with work("noah", writing=True) as uow:
        assert access_requests.listed(uow) == []
        with pytest.raises(NotFound):
            access_requests.ask_for_access(uow, vaults.find(uow, world.vaults["Board"]), Right.USE, "Please")
    assert trail.actions() == []


def test_who_sees_a_vault_may_ask_for_more_and_for_no_less(work, world):
    with work("ula", writing=True) as uow:
        vault = vaults.find(uow, world.vaults["Production"])
        with pytest.raises(Invalid, match="already"):
            access_requests.ask_for_access(uow, vault, Right.USE, "Why not")
        access_requests.ask_for_access(uow, vault, Right.REVEAL, "On call this week")


def test_nobody_decides_for_themselves(work, world, listed, guarded):
    ask(work, world, who="adam")
    with work("adam", writing=True) as uow:
        assert access_requests.waiting(uow) == []
        [mine] = access_requests.mine(uow)
        for decision in (access_requests.approve, access_requests.decline):
            with pytest.raises((Denied, NotFound)):
                decision(uow, mine)
        with pytest.raises(Denied, match="Somebody else"):
            access_requests.grant_access(uow, mine, Right.REVEAL, None)
    ask_to_reveal(work, world, who="alice")
    with work("alice", writing=True) as uow:
        mine = next(one for one in access_requests.mine(uow) if one.item_id)
        with pytest.raises(Denied, match="Somebody else"):
            access_requests.approve(uow, mine)


def test_a_request_waits_for_those_who_may_decide_it(work, world, listed, guarded):
    ask(work, world)
    ask_to_reveal(work, world)
    waits = {}
    for who in ("alice", "adam", "mia", "audrey", "noah", "rhea"):
        with work(who) as uow:
            waits[who] = len(access_requests.waiting(uow))
    assert waits == {"alice": 2, "adam": 2, "mia": 0, "audrey": 0, "noah": 0, "rhea": 0}


def test_who_manages_the_single_credential_may_approve_too(work, world, guarded):
    with work("alice", writing=True) as uow:
        grants.grant(uow, items.find(uow, world.items[STRIPE]), world.people["ula"], Right.MANAGE)
        uow.finish()
    ask_to_reveal(work, world)

    decide(work, access_requests.approve, who="ula")
    assert reveal(work, world)


def test_asking_twice_is_asking_once(work, world, listed):
    ask(work, world)
    with pytest.raises(Conflict, match="asked already"):
        ask(work, world)


def test_a_request_says_why(work, world, listed, sql):
    for reason, sentence in ((" ", "Say why"), ("x" * 301, "at most 300")):
        with pytest.raises(Invalid, match=sentence):
            ask(work, world, reason=reason)
    ask(work, world, reason="canary-reason")
    [[sealed]] = sql("SELECT reason FROM access_request")
    assert b"canary" not in bytes(sealed)


def test_declined_is_declined_and_can_be_asked_again(work, world, listed, trail):
    ask(work, world)
    decide(work, access_requests.decline)
    assert trail.one("grant.declined")["extra"] == {"user": str(world.people["noah"])}
    with work("noah") as uow:
        assert vaults.effective_right(uow, world.vaults["Board"]) is None
    ask(work, world)
    with work("alice") as uow:
        assert len(access_requests.waiting(uow)) == 1
        assert [one.outcome for one in access_requests.decided(uow)] == ["declined"]


def test_ones_own_request_can_be_taken_back_once(work, world, listed, trail):
    ask(work, world)
    with work("noah", writing=True) as uow:
        [mine] = access_requests.mine(uow)
        access_requests.withdraw(uow, mine)
        with pytest.raises(Conflict, match="meanwhile"):
            access_requests.withdraw(uow, mine)
        uow.finish()
    assert trail.one("grant.withdrawn")["target"] == "Board"
    with work("alice", writing=True) as uow:
        assert access_requests.waiting(uow) == []
        assert access_requests.decided(uow) == []
        with pytest.raises(Conflict):
            access_requests.grant_access(uow, mine, Right.USE, None)
        uow.finish()
    with work("noah") as uow:
        assert vaults.effective_right(uow, world.vaults["Board"]) is None


def test_of_who_was_disabled_nothing_waits(work, world, listed, sql):
    ask(work, world)
    with work("alice") as uow:
        [one] = access_requests.waiting(uow)
    sql("UPDATE membership SET disabled_at = 1 WHERE id = ?", world.members["noah"].hex)
    with work("alice") as uow:
        assert access_requests.waiting(uow) == []
        with pytest.raises(NotFound):
            access_requests.find(uow, one.id)


def test_no_value_leaves_before_a_second_person_has_approved(work, world, guarded, trail):
    with pytest.raises(Denied, match="approve this first"):
        reveal(work, world)
    with work("rhea") as uow, pytest.raises(Denied):
        items.reveal_all(uow, items.find(uow, world.items[STRIPE]))
    assert trail.events("item.revealed") == []

    ask_to_reveal(work, world)
    with pytest.raises(Denied):
        reveal(work, world)
    decide(work, access_requests.approve, who="adam")

    assert reveal(work, world)
    approved = trail.one("reveal.approved")
    assert (approved["actor"], approved["target"]) == ("Adam", STRIPE)
    assert approved["extra"] == {"user": str(world.people["rhea"]), "minutes": 60}


def test_an_approval_ends_by_itself_and_is_one_persons(work, world, guarded):
    ask_to_reveal(work, world)
    decide(work, access_requests.approve)
    now = datetime.now(UTC)

    with pytest.raises(Denied):
        reveal(work, world, who="mia")
    with time_machine.travel(now + timedelta(minutes=59), tick=False):
        assert reveal(work, world)
    with time_machine.travel(now + timedelta(minutes=61), tick=False), pytest.raises(Denied):
        reveal(work, world)


def test_only_what_was_granted_is_an_approval(work, world, guarded, sql):
    ask_to_reveal(work, world)
    decide(work, access_requests.approve)
    assert reveal(work, world)
    for outcome in ("declined", "withdrawn"):
        sql("UPDATE access_request SET outcome = ?", outcome)
        with pytest.raises(Denied):
            reveal(work, world)


def test_an_approval_is_for_one_credential(work, world, guarded):
    ask_to_reveal(work, world)
    decide(work, access_requests.approve)
    with work("alice", writing=True) as uow:
        other = items.find(uow, world.items["prod/db primary"])
        item_changes.protect(uow, other, Protection(approval_minutes=60))
        uow.finish()

    with work("rhea") as uow, pytest.raises(Denied):
        items.reveal(uow, items.find(uow, world.items["prod/db primary"]), "Password")


def test_a_program_never_reveals_what_needs_approval(work, world, guarded):
    from dataclasses import replace

    ask_to_reveal(work, world)
    decide(work, access_requests.approve)
    with work("rhea") as uow:
        uow.act_as(replace(uow.actor, kind=ActorKind.TOKEN, scopes=frozenset(Scope)))
        with pytest.raises(Denied, match="no program"):
            items.reveal_all(uow, items.find(uow, world.items[STRIPE]))


def test_what_needs_no_approval_is_not_asked_for(work, world):
    with pytest.raises(Conflict, match="nobody's approval"):
        ask_to_reveal(work, world)


def test_protection_of_the_vault_counts_for_everything_in_it(work, world):
    with work("alice", writing=True) as uow:
        vault = vaults.find(uow, world.vaults["Production"])
        protection = Protection(confirm=True, approval_minutes=240)
        vaults.change(uow, vault, name=vault.name, description="", max_versions=None, protection=protection)
        item_changes.protect(uow, items.find(uow, world.items[STRIPE]), Protection(approval_minutes=15))
        uow.finish()
    with work("rhea") as uow:
        assert items.find(uow, world.items[STRIPE]).protection == Protection(True, 15)
        assert items.find(uow, world.items["prod/db primary"]).protection == Protection(True, 240)
        assert items.find(uow, world.items[PORTAL]).protection == Protection()


@pytest.mark.parametrize("way", ["move", "duplicate"])
def test_what_was_protected_stays_so_wherever_it_goes(work, world, way):
    """Who may edit, and not manage, must not get around the vault's mark by carrying things out of it."""
    protection = Protection(confirm=True, approval_minutes=60)
    with work("alice", writing=True) as uow:
        vault = vaults.find(uow, world.vaults["Production"])
        vaults.change(uow, vault, name=vault.name, description="", max_versions=None, protection=protection)
        grants.grant(uow, vaults.find(uow, world.vaults["Board"]), world.people["mia"], Right.EDIT)
        uow.finish()
    with work("mia", writing=True) as uow:
        item = items.find(uow, world.items[STRIPE])
        if way == "move":
            item_changes.move(uow, item, vaults.find(uow, world.vaults["Board"]))
            carried = item.id
        else:
            carried = item_changes.duplicate(uow, item, "A copy")
        uow.finish()
    with work("alice", writing=True) as uow:
        vault = vaults.find(uow, world.vaults["Production"])
        vaults.change(uow, vault, name=vault.name, description="", max_versions=None)
        uow.finish()
    with work("mia") as uow:
        found = items.find(uow, carried)
        assert found.protection == found.own_protection == protection
        with pytest.raises(Denied):
            items.reveal(uow, found, "Password")


def test_an_approval_cannot_count_for_ever(work, world, trail):
    with work("alice", writing=True) as uow, pytest.raises(Invalid):
        item_changes.protect(uow, items.find(uow, world.items[STRIPE]), Protection(approval_minutes=99_999))
    with work("alice", writing=True) as uow, pytest.raises(Invalid):
        vaults.change(
            uow,
            vaults.find(uow, world.vaults["Production"]),
            name="Production",
            description="",
            max_versions=None,
            protection=Protection(approval_minutes=1),
        )
    assert trail.actions() == []


def test_changing_the_protection_is_recorded_once(work, world, trail):
    for _ in range(2):
        with work("alice", writing=True) as uow:
            item_changes.protect(uow, items.find(uow, world.items[STRIPE]), Protection(True, 480))
            uow.finish()
    event = trail.one("item.protected")
    assert (event["target"], event["extra"]) == (STRIPE, {"confirm": True, "approval_minutes": 480})


def test_of_many_who_decide_at_once_one_wins(work, world, listed, trail):
    ask(work, world)
    with work("alice") as uow:
        [one] = access_requests.waiting(uow)

    def deciding(who, right):
        def job():
            with work(who, writing=True) as uow:
                access_requests.grant_access(uow, access_requests.find(uow, one.id), right, None)
                uow.finish()
                return right

        return job

    outcomes = race(*(deciding(who, right) for who in ("alice", "adam") for right in list(Right)[:3]))

    won = [outcome for outcome in outcomes if isinstance(outcome, Right)]
    assert len(won) == 1
    assert threading.active_count() < 20
    with work("noah") as uow:
        assert vaults.effective_right(uow, world.vaults["Board"]) is won[0]
    assert len(trail.events("grant.given")) == 1


def test_a_group_that_manages_decides_too(work, world, listed):
    with work("alice", writing=True) as uow:
        group = groups.create(uow, "Board keepers")
        groups.add(uow, group, [world.people["mia"]])
        grants.grant(uow, vaults.find(uow, world.vaults["Board"]), group.id, Right.MANAGE)
        uow.finish()
    ask(work, world)

    decide(work, access_requests.grant_access, Right.REVEAL, None, who="mia")
    with work("noah") as uow:
        assert vaults.effective_right(uow, world.vaults["Board"]) is Right.REVEAL
