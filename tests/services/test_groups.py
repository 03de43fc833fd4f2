"""Groups: who is in them has their rights, and nobody else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from errors import Conflict, Denied, Invalid, NotFound
from policy import Permission, Right
from services import grants, groups, items, vaults
from services.access import demand, holds

PORTAL = "Board portal"


@pytest.fixture
def ops(work, world):
    """The group Ops, with Noah and Mia in it."""
    with work("adam", writing=True) as uow:
        group = groups.create(uow, "Ops")
        groups.add(uow, group, [world.people["noah"], world.people["mia"]])
        uow.finish()
    return group.id


@pytest.fixture
def share(work, world):
    """Give a group a right on the vault Board, or on the one item in it."""

    def share(group_id, right, *, item=None, **more):
        with work("alice", writing=True) as uow:
            place = items.find(uow, world.items[item]) if item else vaults.find(uow, world.vaults["Board"])
            grants.grant(uow, place, group_id, right, **more)
            uow.finish()

    return share


def right_in_board(work, world, who):
    with work(who) as uow:
        return vaults.effective_right(uow, world.vaults["Board"])


def test_who_is_in_a_group_has_its_rights_and_nobody_else(work, world, ops, share):
    share(ops, Right.REVEAL)

    assert right_in_board(work, world, "noah") is Right.REVEAL
    assert right_in_board(work, world, "mia") is Right.REVEAL
    assert right_in_board(work, world, "rhea") is None


def test_who_joins_gains_and_who_leaves_loses_at_once(work, world, ops, share, trail):
    share(ops, Right.EDIT)
    with work("adam", writing=True) as uow:
        group = groups.find(uow, ops)
        assert groups.add(uow, group, [world.people["rhea"], world.people["mia"]]) == 1
        groups.remove(uow, group, world.people["noah"])
        uow.finish()

    assert right_in_board(work, world, "rhea") is Right.EDIT
    assert right_in_board(work, world, "noah") is None
    assert [event["extra"].get("email") for event in trail.events("group.joined")] == [
        "rhea@northwind.example"
    ]
    left = trail.one("group.left")
    assert (left["target"], left["extra"]) == ("Ops", {"user": str(world.people["noah"])})


def test_the_stronger_of_ones_own_right_and_the_groups_counts(work, world, ops, share):
    share(ops, Right.USE)
    with work("alice", writing=True) as uow:
        grants.grant(uow, vaults.find(uow, world.vaults["Board"]), world.people["mia"], Right.EDIT)
        uow.finish()
    assert right_in_board(work, world, "mia") is Right.EDIT

    share(ops, Right.MANAGE)
    assert right_in_board(work, world, "mia") is Right.MANAGE


def test_a_groups_right_ends_by_itself(work, world, ops, share):
    ends_at = datetime.now(UTC) + timedelta(hours=1)
    share(ops, Right.REVEAL, ends_at=ends_at)
    assert right_in_board(work, world, "noah") is Right.REVEAL

    with time_machine.travel(ends_at, tick=False):
        assert right_in_board(work, world, "noah") is None


def test_an_auditor_in_a_group_still_reveals_nothing(work, world, ops, share):
    share(ops, Right.MANAGE)
    with work("adam", writing=True) as uow:
        groups.add(uow, groups.find(uow, ops), [world.people["audrey"]])
        uow.finish()

    assert right_in_board(work, world, "audrey") is Right.USE
    with work("audrey") as uow, pytest.raises(Denied):
        demand(uow, Permission.ITEM_REVEAL, world.vaults["Board"])


def test_a_group_may_be_given_a_single_credential(work, world, ops, share):
    share(ops, Right.REVEAL, item=PORTAL)

    with work("noah") as uow:
        item = items.find(uow, world.items[PORTAL])
        assert holds(uow, Permission.ITEM_REVEAL, item.vault_id, item.id)
        assert not holds(uow, Permission.VAULT_READ, item.vault_id)
    assert right_in_board(work, world, "noah") is None


def test_deleting_a_group_takes_what_it_gave(work, world, ops, share, trail):
    share(ops, Right.REVEAL)
    share(ops, Right.REVEAL, item=PORTAL)
    with work("adam", writing=True) as uow:
        groups.delete(uow, groups.find(uow, ops))
        uow.finish()

    with work("noah") as uow:
        assert dict(uow.actor.rights) == {}
    with work("alice") as uow:
        assert not any(line.is_group for line in grants.grants(uow, vaults.find(uow, world.vaults["Board"])))
    assert trail.one("group.deleted")["extra"] == {"members": 2, "grants": 2}


def test_a_group_is_no_manager_that_a_vault_could_be_left_with(work, world, ops, share):
    share(ops, Right.MANAGE)

    with work("alice", writing=True) as uow, pytest.raises(Conflict, match="needs a manager"):
        grants.take(uow, vaults.find(uow, world.vaults["Board"]), world.people["alice"])


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("", "Enter a name"), (" ", "Enter a name"), ("x" * 121, "at most 120"), ("a\nb", "one line")],
)
def test_what_no_group_can_be_called(work, name, sentence):
    with work("adam", writing=True) as uow, pytest.raises(Invalid, match=sentence):
        groups.create(uow, name)


def test_two_groups_of_one_name_cannot_be_told_apart(work, ops, trail):
    with work("adam", writing=True) as uow, pytest.raises(Conflict, match="called Ops already"):
        groups.create(uow, "Ops")
    with work("adam", writing=True) as uow:
        groups.rename(uow, groups.find(uow, ops), "Operations")
        groups.rename(uow, groups.find(uow, ops), "Operations")
        groups.create(uow, "Ops")
        uow.finish()
    assert trail.one("group.changed")["extra"] == {"was": "Ops"}


def test_only_active_people_of_the_organization_are_put_into_a_group(work, world, ops, sql):
    sql("UPDATE membership SET disabled_at = 1 WHERE id = ?", world.members["ula"].hex)
    for who in ("sam", "ula"):
        with work("adam", writing=True) as uow, pytest.raises(Invalid, match="belong to the organization"):
            groups.add(uow, groups.find(uow, ops), [world.people["rhea"], world.people[who]])
    with work("adam", writing=True) as uow, pytest.raises(Invalid):
        groups.add(uow, groups.find(uow, ops), [])


def test_who_was_disabled_is_not_counted_and_gains_nothing(work, world, ops, share, sql):
    share(ops, Right.REVEAL)
    sql("UPDATE membership SET disabled_at = 1 WHERE id = ?", world.members["noah"].hex)

    with work("adam") as uow:
        [line] = groups.everything(uow)
        assert (line.name, line.members, line.grants) == ("Ops", 1, 1)
        found = groups.members(uow, groups.find(uow, ops))
        assert [(one.name, one.disabled) for one in found] == [("Mia", False), ("Noah", True)]


def test_another_organizations_group_is_not_there(work, world, ops):
    with work("mallory", writing=True) as uow:
        with pytest.raises(NotFound):
            groups.find(uow, ops)
        assert groups.everything(uow) == []
        with pytest.raises(Invalid, match="or a group"):
            grants.grant(uow, vaults.find(uow, world.vaults["Harbor"]), ops, Right.USE)


def test_who_is_not_in_a_group_cannot_be_taken_out(work, world, ops):
    with work("adam", writing=True) as uow, pytest.raises(NotFound):
        groups.remove(uow, groups.find(uow, ops), world.people["rhea"])
