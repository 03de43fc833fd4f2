"""Signed checkpoints: when they are made, where they go, and what they find."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import time_machine

from crypto.chain import verify_checkpoint
from models import Action
from services import audit_verify, checkpoints, item_changes, items, vaults
from services.audit_append import append
from services.checkpoints import EVERY, EVERY_EVENTS, CheckpointKeeper, file_sink, standard_output_sink
from services.database import writing
from services.events import Origin, Target, make_event
from tests import world as worlds

PRESENT = datetime.now(UTC) + timedelta(days=1)
"""After the world was made."""


@pytest.fixture
def notes():
    """What a second place has received."""
    return []


@pytest.fixture
def keeper(runtime, notes):
    """A keeper past its start, and nothing to sign."""
    keeper = CheckpointKeeper(runtime, notes.append)
    keeper.tend(0)
    notes.clear()
    return keeper


def total(note):
    return int(note.splitlines()[1])


def test_the_start_of_a_process_is_signed(runtime, notes, reveal):
    reveal()
    keeper = CheckpointKeeper(runtime, notes.append)
    keeper.tend(0)
    assert len(notes) == 1
    keeper.tend(0)
    assert len(notes) == 1


def test_a_checkpoint_says_where_all_chains_end_and_anyone_can_check_it(runtime, notes, keeper, reveal):
    reveal()
    keeper.make()
    with runtime.engine.connect() as connection:
        keys = runtime.keys_for(connection)
    checkpoint = verify_checkpoint(notes[0], keys.audit_public_key())
    assert checkpoint.name == f"chatelaine/{keys.instance}"
    assert checkpoint.total == audit_verify.verify(runtime).events


def test_a_checkpoint_is_made_every_hundred_events(notes, keeper):
    keeper.tend(EVERY_EVENTS - 1)
    assert notes == []


def test_the_hundredth_event_is_signed_at_once(notes, keeper, reveal):
    reveal()
    keeper.tend(EVERY_EVENTS - 1)
    assert notes == []
    keeper.tend(1)
    assert len(notes) == 1


def test_events_that_writers_append_by_themselves_count_too(notes, keeper, work, world):
    for number in range(EVERY_EVENTS // 2):
        with work("mia", writing=True) as uow:
            item = items.find(uow, world.items["Stripe dashboard"])
            item_changes.trash(uow, item)
            item_changes.restore(uow, items.find(uow, item.id))
        assert notes == [], number
    keeper.tend(0)
    assert len(notes) == 1


def test_few_events_are_signed_after_five_minutes(runtime, notes, reveal):
    with time_machine.travel(PRESENT, tick=False) as clock:
        keeper = CheckpointKeeper(runtime, notes.append)
        keeper.tend(0)
        reveal()
        notes.clear()
        keeper.tend(1)
        clock.shift(EVERY - timedelta(seconds=1))
        keeper.tend(0)
        assert notes == []
        clock.shift(1)
        keeper.tend(0)
        assert len(notes) == 1
        clock.shift(EVERY)
        keeper.tend(0)
        assert len(notes) == 1, "nothing has happened since"


def test_the_end_of_a_process_is_signed(database, notes, world):
    runtime = worlds.open_world(database)
    runtime.checkpoints = CheckpointKeeper(runtime, notes.append)
    with runtime.work(writing=True, actor=world.actor("alice")) as uow:
        vaults.create(uow, "Last")
    runtime.close()
    assert len(notes) == 1


def test_a_second_place_that_fails_gets_the_checkpoint_with_the_next(runtime, notes, reveal, caplog):
    broken = [True]

    def sink(note):
        if broken:
            raise OSError("no space left")
        notes.append(note)

    keeper = CheckpointKeeper(runtime, sink)
    reveal()
    with caplog.at_level(logging.ERROR):
        keeper.make()
    assert "second place" in caplog.text
    broken.clear()
    keeper.tend(0)
    assert len(notes) == 1


def test_a_file_takes_the_notes_one_after_the_other(tmp_path, runtime, reveal, faults):
    path = tmp_path / "notes"
    keeper = CheckpointKeeper(runtime, file_sink(path))
    for _ in range(3):
        reveal()
        keeper.make()
    kept = path.read_text()
    report = audit_verify.verify(runtime, against=kept)
    assert report.notes == 3
    assert report.faults == ()


def test_standard_output_takes_the_notes_as_lines(capsys, runtime, reveal):
    keeper = CheckpointKeeper(runtime, standard_output_sink)
    for _ in range(2):
        reveal()
        keeper.make()
    printed = capsys.readouterr().out
    assert printed.count("\n") == 2
    report = audit_verify.verify(runtime, against=f"noise\n2027 app: {printed}noise")
    assert report.notes == 2
    assert report.faults == ()


def test_start_up_says_loudly_that_the_log_is_shorter_than_signed(runtime, file, reveal, caplog):
    reveal()
    runtime.checkpoints.make()
    cut(file, 3)
    with caplog.at_level(logging.ERROR):
        CheckpointKeeper(runtime, None).tend(0)
    assert "run audit verify" in caplog.text


def test_the_public_key_is_written_as_programs_for_signed_notes_take_it(runtime):
    with runtime.engine.connect() as connection:
        keys = runtime.keys_for(connection)
    name, key_id, key = checkpoints.verifier_key(keys).split("+", 2)
    assert name == f"chatelaine/{keys.instance}"
    assert len(key_id) == 8
    assert len(key) == 44


# What they find


def cut(file, events):
    """Cut off the newest events as if they had never been, as far as that goes without a key."""
    last = file.size() - events
    file.run("DELETE FROM audit_event WHERE chain_id = ? AND seq > ?", file.north, last)
    file.run(
        "UPDATE audit_chain SET size = ?, head = ?, last_at = ? WHERE chain_id = ?",
        last,
        file.event(last, "hash"),
        file.event(last, "at"),
        file.north,
    )
    return last


@pytest.fixture
def long_log(runtime, reveal, notes, file):
    """A log with three checkpoints in both places, and reveals at its end that somebody might hide."""
    runtime.checkpoints = CheckpointKeeper(runtime, notes.append)
    for _ in range(3):
        reveal()
        reveal()
        runtime.checkpoints.make()
    return file


def without_figures(found):
    return [fault for fault in found if "figures" not in fault]


def test_an_end_that_was_cut_off_is_found_by_the_checkpoints(long_log, faults):
    size = long_log.size()
    last = cut(long_log, 2)
    newest = long_log.run("SELECT max(id) FROM audit_checkpoint")[0][0]
    assert without_figures(faults()) == [
        (
            f"northwind {last + 1}: missing with all that followed: the chain ends at {last}, "
            f"and checkpoint {newest} has signed {size} events"
        )
    ]


def test_an_end_cut_off_with_its_checkpoints_is_found_by_the_second_place(long_log, faults, notes):
    cut(long_log, 2)
    long_log.run("DELETE FROM audit_checkpoint WHERE id = (SELECT max(id) FROM audit_checkpoint)")
    assert without_figures(faults()) == [], "nothing in the database itself tells"
    found = without_figures(faults(against="\n".join(notes)))
    signed = total(notes[-1])
    assert found == [
        (
            f"second sink, note 3: the database has lost this checkpoint over {signed} events; "
            "2 of those events are missing"
        )
    ]


def test_a_log_that_went_on_after_its_end_was_cut_off_is_found(long_log, faults, notes, reveal):
    cut(long_log, 2)
    long_log.run("DELETE FROM audit_checkpoint WHERE id = (SELECT max(id) FROM audit_checkpoint)")
    for _ in range(5):
        reveal()
    found = without_figures(faults(against="\n".join(notes)))
    assert found == [
        f"second sink, note 3: the database has lost this checkpoint over {total(notes[-1])} events"
    ]


def test_a_checkpoint_that_was_removed_is_found_by_the_second_place(long_log, faults, notes):
    long_log.run("DELETE FROM audit_checkpoint WHERE note = ?", notes[1])
    assert faults() == []
    assert len(faults(against="\n".join(notes))) == 1


def test_a_note_that_was_changed_in_the_second_place_is_found(long_log, faults, notes):
    changed = notes[1].replace(f"\n{total(notes[1])}\n", f"\n{total(notes[1]) + 1}\n")
    found = faults(against="\n".join([notes[0], changed, notes[2]]))
    assert found == ["second sink, note 2: The signature of this checkpoint does not match its text."]


def test_notes_in_another_order_are_found(long_log, faults, notes):
    found = faults(against="\n".join([notes[1], notes[0], notes[2]]))
    assert found == ["second sink, note 2: it says less than the one before it"]


def newest(file):
    return file.run("SELECT max(id) FROM audit_checkpoint")[0][0]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("note = replace(note, 'chatelaine/', 'chatelainf/')", "This checkpoint is not signed by this key."),
        ("note = 'x'", "This is not a signed checkpoint."),
        ("total = total + 1", "its time or its total is not the one that was signed"),
        ("at = at + 1000000", "its time or its total is not the one that was signed"),
        ("heads = 'x'", "its list of chains cannot be read"),
        (
            "heads = substr(heads, 1, length(heads) - 1) || CASE WHEN heads LIKE '%0' THEN '1' ELSE '0' END",
            "its list of chains is not the one that was signed",
        ),
    ],
)
def test_a_changed_checkpoint_is_found(long_log, faults, change, found):
    number = newest(long_log)
    long_log.run(f"UPDATE audit_checkpoint SET {change} WHERE id = ?", number)
    assert f"checkpoint {number}: {found}" in faults()


def test_checkpoints_in_another_order_are_found(long_log, faults):
    number = newest(long_log)
    for old, new in ((number, 0), (number - 1, number), (0, number - 1)):
        long_log.run("UPDATE audit_checkpoint SET id = ? WHERE id = ?", new, old)
    assert any(fault.startswith(f"checkpoint {number}: the chain ") for fault in faults())


def test_a_chain_that_was_rewritten_by_somebody_with_the_keys_is_found(long_log, runtime, faults, world):
    """Whoever holds the database and the master key can write any chain, but not unsay what was signed."""
    last = cut(long_log, 2)
    with writing(runtime.engine, runtime.write_lock) as connection:
        innocent = make_event(
            world.actor("alice"),
            Origin(),
            Action.SESSION_STARTED,
            Target("session", None),
            organization_id=UUID(long_log.north),
            success=True,
            extra={},
        )
        append(connection, runtime.keys_for(connection), [innocent, innocent])
    found = without_figures(faults())
    number = newest(long_log)
    assert found == [f"northwind {last + 2}: its hash is not the one that checkpoint {number} has signed"]
