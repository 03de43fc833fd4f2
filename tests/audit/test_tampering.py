"""Whoever changes the log past the program is found, at the place where they did it."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from crypto.chain import event_hash, genesis
from services import audit_verify
from services.audit_faults import KEPT, Faults
from tests.audit.conftest import File
from tests.world import LAKESIDE, NORTHWIND

PLACE = 7
"""An event in the middle of Northwind's chain."""


def flipped(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


def without_figures(found):
    return [fault for fault in found if "the figures of" not in fault]


def test_a_log_that_nobody_touched_has_no_fault(runtime, reveal):
    reveal()
    report = audit_verify.verify(runtime)
    assert report.faults == ()
    assert {chain.place for chain in report.chains} == {"system", NORTHWIND, LAKESIDE}
    assert report.events > 20
    assert report.checkpoints >= 1
    assert sum(chain.items for chain in report.chains) == 4


def test_a_changed_payload_is_found(file, faults):
    file.set(PLACE, "payload", flipped(file.event(PLACE, "payload")))
    assert faults() == [f"northwind {PLACE}: its payload was changed"]


def test_a_payload_from_another_event_is_found(file, faults):
    file.set(PLACE, "payload", file.event(PLACE + 1, "payload"))
    assert faults() == [f"northwind {PLACE}: its payload was changed"]


def test_a_changed_hash_is_found(file, faults):
    file.set(PLACE, "hash", flipped(file.event(PLACE, "hash")))
    assert faults() == [f"northwind {PLACE}: its hash was changed"]


def test_a_changed_mac_is_found(file, faults):
    file.set(PLACE, "mac", flipped(file.event(PLACE, "mac")))
    assert faults() == [
        f"northwind {PLACE}: its MAC is wrong: it was changed, or the hash was made without the key"
    ]


def test_a_changed_id_is_found(file, faults):
    file.set(PLACE, "id", uuid4().hex)
    assert faults() == [f"northwind {PLACE}: its payload does not open in its place: its id was changed"]


def test_a_changed_time_is_found(file, faults):
    file.run("UPDATE audit_event SET at = at + 1 WHERE chain_id = ? AND seq = ?", file.north, PLACE)
    assert faults()[0] == f"northwind {PLACE}: its time was changed, or the event before it"


def test_a_time_before_that_of_the_event_before_is_found(file, faults):
    file.run("UPDATE audit_event SET at = at - 86400000000 WHERE chain_id = ? AND seq = ?", file.north, PLACE)
    assert f"northwind {PLACE}: its time is before that of the event before it" in faults()


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("action", "item.copied"),
        ("actor_id", UUID(int=7).hex),
        ("target_type", "nothing"),
        ("target_id", UUID(int=7).hex),
        ("target_id", None),
        ("success", 0),
    ],
)
def test_a_changed_column_is_found_though_no_hash_covers_it(file, faults, column, value):
    file.set(PLACE, column, value)
    found = [fault for fault in faults() if column in fault]
    assert len(found) == 1
    assert found[0].startswith(f"northwind {PLACE}: its {column} says ")


def test_a_removed_event_is_found(file, faults):
    file.run("DELETE FROM audit_event WHERE chain_id = ? AND seq = ?", file.north, PLACE)
    assert without_figures(faults()) == [f"northwind {PLACE}: missing"]


def test_removed_events_are_found(file, faults):
    file.run("DELETE FROM audit_event WHERE chain_id = ? AND seq BETWEEN ? AND ?", file.north, 1, 4)
    assert without_figures(faults()) == ["northwind 1: missing, with all up to 4"]


def test_an_event_after_a_gap_is_checked_too(file, faults):
    file.run("DELETE FROM audit_event WHERE chain_id = ? AND seq = ?", file.north, PLACE)
    file.set(PLACE + 1, "mac", flipped(file.event(PLACE + 1, "mac")))
    assert [fault.partition(":")[0] for fault in faults()[:2]] == [
        f"northwind {PLACE}",
        f"northwind {PLACE + 1}",
    ]


def test_an_event_before_the_first_is_found(file, faults):
    file.run(
        "INSERT INTO audit_event SELECT chain_id, 0, id, at, action, actor_id, target_type, target_id, "
        "success, payload, hash, mac FROM audit_event WHERE chain_id = ? AND seq = 1",
        file.north,
    )
    assert "northwind 0: there is an event with this number, and chains begin with 1" in faults()


def test_two_events_in_each_others_place_are_found(file, faults):
    for old, new in ((PLACE, -1), (PLACE + 1, PLACE), (-1, PLACE + 1)):
        file.set(old, "seq", new)
    places = [fault.partition(":")[0] for fault in faults()]
    assert places[0] == f"northwind {PLACE}"
    assert f"northwind {PLACE + 1}" in places


def rebuild(file: File, instance: UUID, first: int) -> None:
    """Make every hash follow again from *first* on, which needs no key."""
    chain = UUID(file.north)
    previous = genesis(instance, chain) if first == 1 else file.event(first - 1, "hash")
    for seq in range(first, file.size() + 1):
        previous = event_hash(chain, seq, file.event(seq, "at"), previous, file.event(seq, "payload"))
        file.set(seq, "hash", previous)
    file.run(
        "UPDATE audit_chain SET size = ?, head = ? WHERE chain_id = ?", file.size(), previous, file.north
    )


@pytest.fixture
def instance(runtime):
    with runtime.engine.connect() as connection:
        return runtime.keys_for(connection).instance


def test_a_chain_rebuilt_without_the_key_is_found_where_it_begins(file, faults, instance):
    file.run("UPDATE audit_event SET at = at + 1 WHERE chain_id = ? AND seq = ?", file.north, PLACE)
    rebuild(file, instance, PLACE)
    found = faults()
    wrong = "its MAC is wrong: it was changed, or the hash was made without the key"
    assert found[0] == f"northwind {PLACE}: {wrong}"
    assert f"northwind {file.size()}: {wrong}" in found
    assert any("is not the one that checkpoint" in fault for fault in found)


def test_a_chain_that_closed_ranks_over_a_removed_event_is_found_there(file, faults, instance):
    size = file.size()
    file.run("DELETE FROM audit_event WHERE chain_id = ? AND seq = ?", file.north, PLACE)
    for seq in range(PLACE + 1, size + 1):
        file.set(seq, "seq", seq - 1)
    rebuild(file, instance, PLACE)
    assert faults(organization_id=UUID(file.north))[0].startswith(f"northwind {PLACE}: its MAC is wrong")


def test_an_event_added_without_the_key_is_found(file, faults, instance):
    size = file.size()
    file.run(
        "INSERT INTO audit_event SELECT chain_id, ?, id, at, action, actor_id, target_type, target_id, "
        "success, payload, hash, mac FROM audit_event WHERE chain_id = ? AND seq = ?",
        size + 1,
        file.north,
        size,
    )
    rebuild(file, instance, size + 1)
    assert faults()[0].startswith(f"northwind {size + 1}: its MAC is wrong")


def test_events_carried_to_another_organization_are_found_in_both(file, faults):
    columns = "id, at, action, actor_id, target_type, target_id, success, payload, hash, mac"
    rows = [
        file.run(f"SELECT {columns} FROM audit_event WHERE chain_id = ? AND seq = 2", chain)[0]
        for chain in (file.north, file.lake)
    ]
    assignments = columns.replace(",", " = ?,") + " = ?"
    for chain, row in zip((file.lake, file.north), rows, strict=True):
        file.run(f"UPDATE audit_event SET {assignments} WHERE chain_id = ? AND seq = 2", *row, chain)
    text = "its payload was changed"
    assert {f"northwind 2: {text}", f"lakeside 2: {text}"} <= set(faults())


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("size = size + 1", "the chain is said to end here, and its last event is"),
        ("head = zeroblob(32)", "the end of the chain is not as its last event says"),
        ("last_at = last_at + 1", "the end of the chain is not as its last event says"),
    ],
)
def test_a_changed_end_of_the_chain_is_found(file, faults, change, found):
    file.run(f"UPDATE audit_chain SET {change} WHERE chain_id = ?", file.north)
    assert len(faults()) == 1
    assert found in faults()[0]


def test_a_removed_end_of_the_chain_is_found(file, faults):
    file.run("DELETE FROM audit_chain WHERE chain_id = ?", file.north)
    assert faults() == [f"northwind: nothing says where the chain ends; its last event is {file.size()}"]


@pytest.mark.parametrize(
    "change", ["events = events + 1", "reveals = 7", "failures = 7", "first_seq = 2", "day = '2020-01-01'"]
)
def test_changed_figures_of_a_day_are_found(file, faults, change):
    file.run(f"UPDATE audit_day SET {change} WHERE chain_id = ?", file.north)
    assert faults()
    assert all("the figures of" in fault for fault in faults())


def test_a_whole_chain_that_is_gone_is_found(file, faults):
    size = file.size()
    for table in ("audit_event", "audit_chain", "audit_day"):
        file.run(f"DELETE FROM {table} WHERE chain_id = ?", file.north)
    found = faults()
    assert "northwind: nothing says where the chain ends; its last event is 0" in found
    assert any(fault.startswith("northwind 1: missing with all that followed") for fault in found)
    assert any(f"has signed {size} events" in fault for fault in found)


def test_a_thousand_faults_are_told_and_the_rest_counted():
    many = Faults()
    for seq in range(KEPT + 5):
        many.add(NORTHWIND, seq, "wrong")
    assert (len(many.told), many.count) == (KEPT, KEPT + 5)
