"""Who may use a vault, and that somebody always manages it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import time_machine

from errors import Conflict, Invalid, NotFound
from policy import Right
from services import vaults
from services.actors import rights_of


@pytest.fixture
def grant(work, world):
    def grant(person, right, ends_at=None, *, vault="Production", who="alice"):
        with work(who, writing=True) as uow:
            vaults.grant(uow, vaults.find(uow, world.vaults[vault]), world.people[person], right, ends_at)

    return grant


@pytest.fixture
def take(work, world):
    def take(person, *, vault="Production", who="alice"):
        with work(who, writing=True) as uow:
            vaults.take(uow, vaults.find(uow, world.vaults[vault]), world.people[person])

    return take


@pytest.fixture
def rights(runtime, world):
    """Return a person's rights, by the name of the vault."""

    def rights(person):
        with runtime.engine.connect() as connection:
            found = rights_of(
                connection, world.organizations["northwind"], world.people[person], datetime.now(UTC)
            )
        return {name: found[vault_id] for name, vault_id in world.vaults.items() if vault_id in found}

    return rights


def tomorrow():
    return datetime.now(UTC) + timedelta(days=1)


def test_a_right_is_given_changed_and_taken(grant, take, rights, world, trail):
    ends_at = tomorrow()
    grant("noah", Right.REVEAL)
    assert rights("noah") == {"Production": Right.REVEAL}
    grant("noah", Right.EDIT, ends_at)
    assert rights("noah") == {"Production": Right.EDIT}
    take("noah")
    assert rights("noah") == {}

    noah = str(world.people["noah"])
    assert [(event["action"], event["target"], event["extra"]) for event in trail.events()] == [
        ("grant.given", "Production", {"user": noah, "right": "reveal", "ends_at": None}),
        (
            "grant.changed",
            "Production",
            {"user": noah, "right": "edit", "ends_at": ends_at.isoformat(), "was": "reveal"},
        ),
        ("grant.taken", "Production", {"user": noah, "was": "edit"}),
    ]


def test_an_owner_may_give_themselves_a_right_and_it_is_recorded(grant, rights, trail, world):
    grant("adam", Right.REVEAL, vault="Board", who="adam")

    assert rights("adam") == {"Board": Right.REVEAL}
    event = trail.one("grant.given")
    assert (event["actor"], event["extra"]["user"]) == ("Adam", str(world.people["adam"]))


def test_the_same_right_again_is_no_change(grant, trail):
    grant("mia", Right.EDIT)

    assert trail.actions() == []


def test_only_an_active_member_of_the_organization_can_be_given_a_right(work, world, grant, sql, trail):
    with pytest.raises(Invalid) as refused:
        grant("mallory", Right.USE)
    assert refused.value.field == "holder_id"
    with pytest.raises(Invalid), work("alice", writing=True) as uow:
        vaults.grant(uow, vaults.find(uow, world.vaults["Production"]), uuid4(), Right.USE)

    sql("UPDATE membership SET disabled_at = 1 WHERE id = ?", world.members["noah"].hex)
    with pytest.raises(Invalid):
        grant("noah", Right.USE)
    assert trail.actions() == []


@pytest.mark.parametrize("right", [Right.REVEAL, Right.EDIT, Right.MANAGE])
def test_an_auditor_can_be_given_use_at_most(grant, rights, right):
    with pytest.raises(Invalid, match="use at most") as refused:
        grant("audrey", right)
    assert refused.value.field == "right"

    grant("audrey", Right.USE)
    assert rights("audrey") == {"Production": Right.USE}


def test_an_end_lies_in_the_future(grant):
    with pytest.raises(Invalid) as refused:
        grant("noah", Right.USE, datetime.now(UTC) - timedelta(seconds=1))

    assert refused.value.field == "ends_at"


def test_a_right_ends_by_itself_and_can_be_given_again(grant, rights, work, world):
    ends_at = tomorrow()
    grant("noah", Right.EDIT, ends_at)

    with time_machine.travel(ends_at, tick=False):
        assert rights("noah") == {}
        with work("alice") as uow:
            lines = vaults.grants(uow, vaults.find(uow, world.vaults["Production"]))
            assert {line.name: line.active for line in lines}["Noah"] is False
        grant("noah", Right.EDIT)
        assert rights("noah") == {"Production": Right.EDIT}


def test_what_was_not_given_cannot_be_taken(take, trail):
    with pytest.raises(NotFound):
        take("noah")

    assert trail.actions() == []


def test_the_last_manager_stays(grant, take, rights, trail):
    with pytest.raises(Conflict, match="needs a manager"):
        take("alice")
    with pytest.raises(Conflict):
        grant("alice", Right.EDIT)
    with pytest.raises(Conflict):
        grant("alice", Right.MANAGE, tomorrow())
    assert trail.actions() == []

    grant("mia", Right.MANAGE)
    take("alice")
    assert rights("alice") == {"Board": Right.MANAGE}
    with pytest.raises(Conflict):
        take("mia")


def test_a_manager_whose_right_ends_does_not_count(grant, take):
    grant("mia", Right.MANAGE, tomorrow())

    with pytest.raises(Conflict):
        take("alice")


def test_a_disabled_manager_does_not_count(grant, take, sql, world):
    grant("mia", Right.MANAGE)
    sql("UPDATE membership SET disabled_at = 1 WHERE id = ?", world.members["mia"].hex)

    with pytest.raises(Conflict):
        take("alice")


def test_a_manager_who_became_an_auditor_does_not_count(grant, take, sql, world):
    grant("mia", Right.MANAGE)
    sql("UPDATE membership SET role = 'auditor' WHERE id = ?", world.members["mia"].hex)

    with pytest.raises(Conflict):
        take("alice")


def test_where_nobody_manages_any_more_an_owner_takes_over(grant, take, sql, world, rights):
    sql("UPDATE membership SET disabled_at = 1 WHERE id = ?", world.members["alice"].hex)
    take("ula", who="adam")

    grant("adam", Right.MANAGE, who="adam")
    take("alice", who="adam")

    assert rights("adam") == {"Production": Right.MANAGE}


def test_the_list_of_grants_says_who_has_what(work, world, sql):
    sql("UPDATE membership SET disabled_at = 1 WHERE id = ?", world.members["mia"].hex)

    with work("alice") as uow:
        lines = vaults.grants(uow, vaults.find(uow, world.vaults["Production"]))

    assert [(line.name, line.right, line.active, line.disabled) for line in lines] == [
        ("Alice", Right.MANAGE, True, False),
        ("Mia", Right.EDIT, False, True),
        ("Rhea", Right.REVEAL, True, False),
        ("Ula", Right.USE, True, False),
    ]
    assert lines[0].email == "alice@northwind.example"
    assert {line.granted_by for line in lines} == {world.people["alice"]}
