"""A credential that was changed past the program no longer is what its newest event says."""

from __future__ import annotations

import pytest

from models import Base
from policy import Right
from services import item_changes, items, vaults
from tests.world import login


@pytest.fixture
def item(work, world):
    """An item with two versions, and a second one in the trash."""
    with work("mia", writing=True) as uow:
        stored = items.find(uow, world.items["Stripe dashboard"])
        item_changes.edit(uow, stored, login("Stripe dashboard", user_name="new"), expected_version=1)
    return world.items["Stripe dashboard"]


def test_items_that_were_changed_by_the_program_have_no_fault(work, world, item, faults):
    with work("mia", writing=True) as uow:
        database = items.find(uow, world.items["prod/db primary"])
        item_changes.trash(uow, database)
        item_changes.restore(uow, items.find(uow, database.id))
        copy = item_changes.duplicate(uow, items.find(uow, item), "Copy")
        item_changes.trash(uow, items.find(uow, copy))
    with work("alice", writing=True) as uow:
        board = vaults.find(uow, world.vaults["Board"])
        assert uow.actor.rights[board.id] is Right.MANAGE
        item_changes.move(uow, items.find(uow, item), board)
        item_changes.purge(uow, items.find(uow, copy))
    assert faults() == []


def changed_seq(file, item):
    return file.run(
        "SELECT max(seq) FROM audit_event WHERE target_id = ? AND action LIKE 'item.%'", item.hex
    )[0][0]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("version = 1", "has version 1, and its newest event says 2"),
        ("version = 3", "has version 3, and its newest event says 2"),
        ("trashed_at = 1", "is in the trash, and its newest event says live"),
    ],
)
def test_a_changed_state_or_version_is_found(item, file, faults, change, found):
    file.run(f"UPDATE item SET {change} WHERE id = ?", item.hex)
    assert f"northwind {changed_seq(file, item)}: credential {item} {found}" in faults()


def test_an_item_carried_to_another_vault_is_found(item, file, faults, world):
    file.run("UPDATE item SET vault_id = ? WHERE id = ?", world.vaults["Board"].hex, item.hex)
    assert faults() == [
        (
            f"northwind {changed_seq(file, item)}: credential {item} is in another vault "
            "than its newest event says"
        )
    ]


def test_a_version_that_is_gone_is_found(item, file, faults):
    file.run("DELETE FROM item_version WHERE item_id = ? AND number = 2", item.hex)
    assert faults() == [
        (
            f"northwind {changed_seq(file, item)}: credential {item} has version 2, "
            "and the newest that is kept is 1"
        )
    ]


def test_an_item_that_is_gone_is_found(item, file, faults):
    file.run("DELETE FROM item_version WHERE item_id = ?", item.hex)
    file.run("DELETE FROM item WHERE id = ?", item.hex)
    assert faults() == [
        f"northwind {changed_seq(file, item)}: credential {item} is gone, and no event says why"
    ]


def test_an_item_that_no_event_has_made_is_found(item, file, faults):
    for table in ("item", "item_version"):
        key = "id" if table == "item" else "item_id"
        columns = Base.metadata.tables[table].columns.keys()
        copied = ", ".join(
            {"id": "'" + "ab" * 16 + "'", "item_id": "'" + "ab" * 16 + "'", "name_digest": "zeroblob(1)"}.get(
                c, c
            )
            for c in columns
        )
        file.run(
            f"INSERT INTO {table} ({', '.join(columns)}) SELECT {copied} FROM {table} WHERE {key} = ?",
            item.hex,
        )
    assert faults() == [
        "northwind: credential abababab-abab-abab-abab-abababababab is there, and no event has made it"
    ]


def test_a_purged_item_that_is_back_is_found(work, item, file, faults):
    rows = {
        table: file.run(f"SELECT * FROM {table} WHERE {key} = ?", item.hex)
        for table, key in (("item", "id"), ("item_version", "item_id"))
    }
    with work("alice", writing=True) as uow:
        item_changes.trash(uow, items.find(uow, item))
        item_changes.purge(uow, items.find(uow, item))
    for table, kept in rows.items():
        for row in kept:
            file.run(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", *row)
    assert faults() == [
        f"northwind {changed_seq(file, item)}: credential {item} is live, and its newest event says destroyed"
    ]


def test_of_an_item_whose_newest_event_cannot_be_read_nothing_is_claimed(item, file, faults):
    seq = changed_seq(file, item)
    file.set(seq, "id", "00" * 16)
    file.run("UPDATE item SET version = 1 WHERE id = ?", item.hex)
    assert faults() == [f"northwind {seq}: its payload does not open in its place: its id was changed"]
