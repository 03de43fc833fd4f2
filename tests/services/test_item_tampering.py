"""Somebody who can write to the database moves encrypted texts about: refused, recorded, shown as broken."""

from __future__ import annotations

from dataclasses import replace

import pytest

from errors import NotFound, Undecryptable
from services import item_changes, items, vaults
from services.contents import Field, Kind
from services.index import Indexes
from tests.world import PASSWORD, login

DB = "prod/db primary"
OTHER = "Stripe dashboard"
BOARD = "Board portal"
LAKESIDE = "Lakeside mail"


@pytest.fixture
def second_version(work, world):
    with work("mia", writing=True) as uow:
        contents = replace(login(DB), fields=(Field("Password", Kind.HIDDEN, "second"),))
        item_changes.edit(uow, items.find(uow, world.items[DB]), contents, expected_version=1)


CARRY = {
    "overview": (
        "UPDATE item_version SET overview = "
        "(SELECT overview FROM item_version WHERE item_id = ? AND number = ?) "
        "WHERE item_id = ? AND number = ?"
    ),
    "details": (
        "UPDATE item_version SET details = "
        "(SELECT details FROM item_version WHERE item_id = ? AND number = ?) "
        "WHERE item_id = ? AND number = ?"
    ),
}


def carry(sql, world, column, source, target, *, number=1, to_number=1):
    """Write one item's encrypted text over another's."""
    sql(
        CARRY[column],
        world.items[source].hex,
        number,
        world.items[target].hex,
        to_number,
    )


def flip(sql, world, target, position):
    item_id = world.items[target].hex
    blob = bytearray(sql("SELECT overview FROM item_version WHERE item_id = ?", item_id)[0][0])
    blob[position] ^= 1
    sql("UPDATE item_version SET overview = ? WHERE item_id = ?", bytes(blob), item_id)


def assert_overview_is_broken(runtime, work, world, trail, *, key=1, version=1):
    item_id = world.items[DB]
    words = f"cannot be decrypted (key {key or 'unknown'})"
    runtime.indexes = Indexes()
    with work("alice") as uow:
        page = runtime.indexes.of(uow).page(list(world.vaults.values()))
        entry = runtime.indexes.of(uow).get(item_id)
    assert page.total == len(page.entries) == 3
    assert entry.broken
    assert entry.name == entry.leaf == words
    assert (entry.user_name, entry.urls, entry.tags, entry.type) == ("", (), (), None)
    event = trail.one("decryption.failed")
    assert event["success"] is False
    assert event["target_id"] == str(item_id)
    assert event["chain"] == world.organizations["northwind"]
    assert event["extra"] == {"version": version, "part": "overview", "key": key}

    with work("alice") as uow:
        item = items.find(uow, item_id)
        assert len(uow.events) == 1
        assert item.overview is None
        assert item.name == words
        with pytest.raises(Undecryptable, match=r"cannot be decrypted \(key"):
            items.reveal(uow, item, "Password")
        with pytest.raises(Undecryptable):
            items.reveal_all(uow, item)
    for change in (
        lambda uow, item: item_changes.edit(uow, item, login(DB), expected_version=item.version),
        lambda uow, item: item_changes.move(uow, item, vaults.find(uow, world.vaults["Board"])),
        lambda uow, item: item_changes.duplicate(uow, item, "copy"),
    ):
        with pytest.raises(Undecryptable), work("alice", writing=True) as uow:
            change(uow, items.find(uow, item_id))
    # The index, the page of the item, and each change that was undone have met it.
    assert len(trail.events("decryption.failed")) == 5
    assert not {"item.revealed", "item.changed", "item.moved", "item.created"} & set(trail.actions())


def assert_details_are_broken(work, world, trail, *, key=1, version=1):
    with work("rhea") as uow:
        item = items.find(uow, world.items[DB])
        assert item.name == DB
        with pytest.raises(Undecryptable, match=r"^cannot be decrypted \(key "):
            items.reveal(uow, item, "Password", version=version)
    event = trail.one("decryption.failed")
    assert event["success"] is False
    assert event["extra"] == {"version": version, "part": "details", "key": key}
    assert "item.revealed" not in trail.actions()


@pytest.mark.parametrize("source", [OTHER, BOARD])
def test_another_items_overview_is_refused(runtime, work, world, trail, sql, source):
    carry(sql, world, "overview", source, DB)

    assert_overview_is_broken(runtime, work, world, trail)


def test_another_organizations_overview_is_refused(runtime, work, world, trail, sql):
    carry(sql, world, "overview", LAKESIDE, DB)

    assert_overview_is_broken(runtime, work, world, trail)


def test_the_details_in_place_of_the_overview_are_refused(runtime, work, world, trail, sql):
    sql("UPDATE item_version SET overview = details WHERE item_id = ?", world.items[DB].hex)

    assert_overview_is_broken(runtime, work, world, trail)


@pytest.mark.usefixtures("second_version")
def test_an_earlier_overview_in_place_of_the_newest_is_refused(runtime, work, world, trail, sql):
    carry(sql, world, "overview", DB, DB, number=1, to_number=2)

    assert_overview_is_broken(runtime, work, world, trail, version=2)


@pytest.mark.parametrize(
    ("position", "key"), [(0, 0), (1, 0), (3, 0), (7, 0), (9, 1), (50, 1), (80, 1), (-1, 1)]
)
def test_a_changed_bit_of_the_overview_is_refused(runtime, work, world, trail, sql, position, key):
    flip(sql, world, DB, position)

    assert_overview_is_broken(runtime, work, world, trail, key=key)


@pytest.mark.parametrize("source", [OTHER, BOARD, LAKESIDE])
def test_another_items_values_are_refused(work, world, trail, sql, source):
    carry(sql, world, "details", source, DB)

    assert_details_are_broken(work, world, trail)


def test_the_overview_in_place_of_the_values_is_refused(work, world, trail, sql):
    sql("UPDATE item_version SET details = overview WHERE item_id = ?", world.items[DB].hex)

    assert_details_are_broken(work, world, trail)


@pytest.mark.usefixtures("second_version")
@pytest.mark.parametrize(("number", "to_number"), [(1, 2), (2, 1)])
def test_another_versions_values_are_refused(work, world, trail, sql, number, to_number):
    before = len(trail.events())
    carry(sql, world, "details", DB, DB, number=number, to_number=to_number)

    with work("rhea") as uow:
        item = items.find(uow, world.items[DB])
        with pytest.raises(Undecryptable):
            items.reveal(uow, item, "Password", version=to_number)
    assert [event["action"] for event in trail.events()[before:]] == ["decryption.failed"]


def test_an_item_carried_into_another_vault_is_refused(runtime, work, world, trail, sql):
    sql(
        "UPDATE item SET vault_id = ? WHERE id = ?",
        world.vaults["Production"].hex,
        world.items[BOARD].hex,
    )

    with work("mia") as uow:
        entry = runtime.indexes.of(uow).get(world.items[BOARD])
        item = items.find(uow, world.items[BOARD])
        assert entry.broken
        assert "Board portal" not in entry.text
        assert item.vault_id == world.vaults["Production"]
        assert item.overview is None
        for version in (None, 1):
            with pytest.raises(Undecryptable):
                items.reveal(uow, item, "Password", version=version)
        assert items.history(uow, item)[0].broken
    assert set(trail.actions()) == {"decryption.failed"}

    with pytest.raises(Undecryptable), work("mia", writing=True) as uow:
        item_changes.restore_version(uow, items.find(uow, world.items[BOARD]), 1)


def test_earlier_versions_do_not_open_in_a_vault_they_were_carried_into(work, world, sql):
    with work("alice", writing=True) as uow:
        contents = replace(login(BOARD), fields=(Field("Password", Kind.HIDDEN, "second"),))
        item_changes.edit(uow, items.find(uow, world.items[BOARD]), contents, expected_version=1)
    sql(
        "UPDATE item SET vault_id = ? WHERE id = ?",
        world.vaults["Production"].hex,
        world.items[BOARD].hex,
    )

    with work("mia") as uow:
        item = items.find(uow, world.items[BOARD])
        with pytest.raises(Undecryptable):
            items.reveal(uow, item, "Password", version=1)
    with pytest.raises(Undecryptable), work("mia", writing=True) as uow:
        item_changes.restore_version(uow, items.find(uow, world.items[BOARD]), 1)


def test_turning_an_item_back_does_not_open_what_came_after(work, world, sql):
    """Board once held the item; who holds Board's grants must not read what Production put into it later."""
    with work("alice", writing=True) as uow:
        item_changes.move(
            uow, items.find(uow, world.items[BOARD]), vaults.find(uow, world.vaults["Production"])
        )
    sql(
        "UPDATE item SET vault_id = ?, version = 1 WHERE id = ?",
        world.vaults["Board"].hex,
        world.items[BOARD].hex,
    )

    with work("alice") as uow:
        item = items.find(uow, world.items[BOARD])
        assert item.overview is not None
        with pytest.raises(NotFound):
            items.reveal(uow, item, "Password", version=2)
        assert [line.number for line in items.history(uow, item)] == [1]


@pytest.mark.usefixtures("second_version")
def test_a_newest_version_that_does_not_open_is_repaired_from_an_earlier_one(runtime, work, world, sql):
    carry(sql, world, "overview", OTHER, DB, to_number=2)

    with work("mia", writing=True) as uow:
        item = items.find(uow, world.items[DB])
        assert items.reveal(uow, item, "Password", version=1).value == PASSWORD
        assert item_changes.restore_version(uow, item, 1) == 3

    with work("mia") as uow:
        item = items.find(uow, world.items[DB])
        assert items.reveal(uow, item, "Password").value == PASSWORD
        assert runtime.indexes.of(uow).get(item.id).name == DB


@pytest.mark.usefixtures("second_version")
def test_a_broken_earlier_version_is_a_line_of_the_history_and_an_event(work, world, trail, sql):
    carry(sql, world, "overview", OTHER, DB, to_number=1)

    with work("mia") as uow:
        lines = items.history(uow, items.find(uow, world.items[DB]))

    assert [(line.number, line.broken) for line in lines] == [(2, False), (1, True)]
    assert trail.one("decryption.failed")["extra"]["version"] == 1


@pytest.mark.usefixtures("second_version")
def test_a_broken_earlier_version_is_not_revealed(work, world, trail, sql):
    carry(sql, world, "overview", OTHER, DB, to_number=1)

    with work("mia") as uow:
        item = items.find(uow, world.items[DB])
        for read in (items.overview_at, items.values):
            with pytest.raises(Undecryptable):
                read(uow, item, 1)
        with pytest.raises(Undecryptable):
            items.reveal(uow, item, "Password", version=1)

    assert [event["extra"]["part"] for event in trail.events("decryption.failed")] == ["overview"] * 3
    assert "item.revealed" not in trail.actions()


def test_a_broken_item_can_be_thrown_away_restored_and_destroyed(work, world, sql):
    carry(sql, world, "overview", OTHER, DB)

    for use_case in (item_changes.trash, item_changes.restore, item_changes.trash, item_changes.purge):
        with work("alice", writing=True) as uow:
            use_case(uow, items.find(uow, world.items[DB]))


def test_a_process_reports_a_broken_overview_once(runtime, work, world, trail, sql):
    carry(sql, world, "overview", OTHER, DB)

    with work("alice", writing=True) as uow:
        runtime.indexes.of(uow)
    for _ in range(3):
        with work("alice") as uow:
            runtime.indexes.of(uow)
    with work("alice", writing=True) as uow:
        item_changes.trash(uow, items.find(uow, world.items[OTHER]))
        runtime.indexes.of(uow)
    with work("alice") as uow:
        runtime.indexes.of(uow)

    assert len(trail.events("decryption.failed")) == 1
