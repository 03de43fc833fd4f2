"""Vaults: found, made, changed, deleted."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest

from errors import Conflict, Invalid, NotFound
from policy import Right
from services import item_changes, items, vaults
from tests.world import login

DB = "prod/db primary"


def act(work, use_case, vault_id, who="alice", **arguments):
    with work(who, writing=True) as uow:
        return use_case(uow, vaults.find(uow, vault_id), **arguments)


def change(work, world, vault="Production", **changes):
    wanted = {"name": vault, "description": "", "max_versions": None} | changes
    return act(work, vaults.change, world.vaults[vault], **wanted)


def make(work, name, description="", who="noah"):
    with work(who, writing=True) as uow:
        return vaults.create(uow, name, description).id


def test_a_vault_of_another_organization_is_not_there(work, world):
    with work("mallory") as uow, pytest.raises(NotFound):
        vaults.find(uow, world.vaults["Production"])
    with work("alice") as uow:
        assert vaults.find(uow, world.vaults["Production"]).name == "Production"
        with pytest.raises(NotFound):
            vaults.find(uow, uuid4())


def test_its_maker_is_the_first_manager(work, world, trail):
    vault_id = make(work, " Servers ", "Racks")

    with work("noah") as uow:
        vault = vaults.find(uow, vault_id)
        [line] = vaults.grants(uow, vault)
        assert (vault.name, vault.description, vault.max_versions) == ("Servers", "Racks", None)
        assert (line.holder_id, line.right, line.ends_at, line.active) == (
            world.people["noah"],
            Right.MANAGE,
            None,
            True,
        )
    assert trail.actions() == ["vault.created", "grant.given"]
    assert {event["target_id"] for event in trail.events()} == {str(vault_id)}
    assert trail.one("grant.given")["extra"] == {
        "user": str(world.people["noah"]),
        "right": "manage",
        "ends_at": None,
    }


@pytest.mark.parametrize("name", ["", "  ", "x" * 121, "a\nb", "a\0", "a\ud800"])
def test_names_that_are_refused(work, world, trail, name):
    with pytest.raises(Invalid) as refused:
        make(work, name)
    assert refused.value.field == "name"
    with pytest.raises(Invalid):
        change(work, world, name=name)
    assert trail.actions() == []


@pytest.mark.parametrize("description", ["x" * 501, "a\0", "\ud800"])
def test_descriptions_that_are_refused(work, description):
    with pytest.raises(Invalid) as refused:
        make(work, "x", description)

    assert refused.value.field == "description"


def test_names_are_unique_in_an_organization_and_not_beyond(work, world):
    with pytest.raises(Conflict, match="called Production already"):
        make(work, "Production")
    with pytest.raises(Conflict):
        change(work, world, vault="Board", name="Production")

    make(work, "Production", who="mallory")


def test_a_change_names_what_it_changed(work, world, trail):
    change(work, world, name="Live", description="What customers use", max_versions=5)
    with work("alice") as uow:
        vault = vaults.find(uow, world.vaults["Production"])
        assert (vault.name, vault.description, vault.max_versions) == ("Live", "What customers use", 5)
    assert trail.one("vault.changed")["extra"] == {"fields": ["name", "description", "max_versions"]}


def test_a_change_of_nothing_is_none(work, world, trail):
    change(work, world)

    assert trail.actions() == []


@pytest.mark.parametrize("max_versions", [0, -1, 1001])
def test_a_limit_of_versions_that_makes_no_sense_is_refused(work, world, max_versions):
    with pytest.raises(Invalid) as refused:
        change(work, world, max_versions=max_versions)

    assert refused.value.field == "max_versions"


def test_a_new_limit_destroys_older_versions_of_this_vault_at_once(work, world):
    def lines(item):
        with work("alice") as uow:
            return [line.number for line in items.history(uow, items.find(uow, world.items[item]))]

    for item in (DB, "Board portal"):
        for number in range(3):
            with work("alice", writing=True) as uow:
                contents = replace(login(item), tags=(str(number),), fields=())
                found = items.find(uow, world.items[item])
                item_changes.edit(uow, found, contents, expected_version=found.version)

    change(work, world, max_versions=2)

    assert lines(DB) == [4, 3]
    assert lines("Board portal") == [4, 3, 2, 1]


def test_only_an_empty_vault_is_deleted_the_trash_included(work, world, trail):
    board = world.vaults["Board"]
    with pytest.raises(Conflict, match="holds 1 credential, the trash included"):
        act(work, vaults.delete, board)
    with work("alice", writing=True) as uow:
        item_changes.trash(uow, items.find(uow, world.items["Board portal"]))
    with pytest.raises(Conflict):
        act(work, vaults.delete, board)
    assert "vault.deleted" not in trail.actions()

    with work("alice", writing=True) as uow:
        item_changes.purge(uow, items.find(uow, world.items["Board portal"]))
    act(work, vaults.delete, board)

    event = trail.one("vault.deleted")
    assert (event["target_id"], event["target"]) == (str(board), "Board")
    with work("alice") as uow, pytest.raises(NotFound):
        vaults.find(uow, board)


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        ("alice", [("Board", Right.MANAGE, 1), ("Production", Right.MANAGE, 2)]),
        ("adam", [("Board", None, 1), ("Production", None, 2)]),
        ("audrey", []),
        ("mia", [("Production", Right.EDIT, 2)]),
        ("ula", [("Production", Right.USE, 2)]),
        ("noah", []),
        ("mallory", [("Harbor", Right.MANAGE, 1)]),
    ],
)
def test_owners_and_admins_see_that_a_vault_is_there_others_need_a_right(work, who, expected):
    with work(who) as uow:
        lines = [(line.vault.name, line.right, line.items) for line in vaults.visible(uow)]

    assert lines == expected


def test_a_right_shows_no_higher_than_the_role_allows(work, world, sql):
    sql(
        "UPDATE access_grant SET user_id = ? WHERE user_id = ?",
        world.people["audrey"].hex,
        world.people["mia"].hex,
    )

    with work("audrey") as uow:
        assert [line.right for line in vaults.visible(uow)] == [Right.USE]


def test_the_trash_does_not_count(work, world):
    with work("alice", writing=True) as uow:
        item_changes.trash(uow, items.find(uow, world.items[DB]))

    with work("mia") as uow:
        assert [line.items for line in vaults.visible(uow)] == [1]
