"""`./chatelaine audit`: exit codes, what is printed, and what is left in the log."""

from __future__ import annotations

import csv
import io
import json
import stat
from uuid import UUID

import pytest
from click.testing import CliRunner

from commands.audit import audit
from crypto.chain import heads_digest, verify_checkpoint
from services.checkpoints import verifier_key
from tests import world as worlds
from tests.trail import Trail
from tests.world import FLASK_KEY, MASTER_KEY


@pytest.fixture
def command(database, tmp_path):
    """Run a command on the world's database."""
    environment = {
        "APP_ENV": "local",
        "FLASK_SECRET_KEY": FLASK_KEY,
        "ENCRYPTION_KEYS": MASTER_KEY,
        **worlds.environment_of(database),
        "AUDIT_SINK": str(tmp_path / "notes"),
    }

    def command(*arguments, code=0):
        result = CliRunner(env=environment).invoke(audit, arguments, catch_exceptions=False)
        assert result.exit_code == code, result.output
        return result

    return command


@pytest.fixture
def kept(tmp_path):
    """Where AUDIT_SINK leads."""
    return tmp_path / "notes"


def test_a_sound_log_is_verified(command, runtime):
    trail = Trail(runtime)
    result = command("verify")
    assert "events verified: 3 chains" in result.stdout
    assert "Verifying" in result.stderr
    events = trail.events("audit.verified")
    assert {event["target"] for event in events} == {"system", "northwind", "lakeside"}
    assert {event["extra"]["faults"] for event in events} == {0}
    assert all(event["success"] for event in events)


def test_a_log_stays_sound_through_its_own_verifications(command):
    for _ in range(3):
        command("verify")


def test_each_fault_is_named_and_the_exit_code_is_1(command, file, runtime):
    file.set(5, "mac", b"x")
    file.set(3, "success", 0, file.lake)
    trail = Trail(runtime)
    result = command("verify", code=1)
    lines = result.stdout.splitlines()
    assert "lakeside 3: its success says False, and its payload True" in lines
    assert any(line.startswith("northwind 5: its MAC is wrong") for line in lines)
    assert lines[-1].startswith("3 faults found: 3 chains"), "with the figures of the day"
    northwind = next(event for event in trail.events("audit.verified") if event["target"] == "northwind")
    assert northwind["success"] is False
    assert northwind["extra"]["faults"] == 1
    assert northwind["extra"]["first_fault"].startswith("northwind 5: its MAC is wrong")


def test_one_organization_can_be_verified_alone(command, file):
    file.set(3, "mac", b"x", file.lake)
    assert "1 chain," in command("verify", "--organization", "northwind").stdout
    command("verify", "--organization", "lakeside", code=1)


def test_an_unknown_organization_is_wrong_usage(command):
    assert (
        "There is no organization nowhere." in command("verify", "--organization", "nowhere", code=2).stderr
    )


def test_a_result_can_be_read_by_programs(command, file):
    file.set(5, "mac", b"x")
    found = json.loads(command("verify", "--json", code=1).stdout)
    assert found["count"] == 1
    assert (found["faults"][0]["place"], found["faults"][0]["number"]) == ("northwind", 5)


def test_the_second_place_finds_what_the_database_has_lost(command, file, kept):
    command("checkpoint")
    command("verify")
    assert command("verify", "--against", str(kept)).exit_code == 0
    last = file.size() - 1
    file.run("DELETE FROM audit_event WHERE chain_id = ? AND seq > ?", file.north, last)
    file.run(
        "UPDATE audit_chain SET size = ?, head = ?, last_at = ? WHERE chain_id = ?",
        last,
        file.event(last, "hash"),
        file.event(last, "at"),
        file.north,
    )
    file.run("UPDATE audit_day SET events = events - 1 WHERE chain_id = ?", file.north)
    file.run("DELETE FROM audit_checkpoint WHERE id > 1")
    command("verify")
    result = command("verify", "--against", str(kept), code=1)
    assert "the database has lost this checkpoint" in result.stdout


def test_a_file_that_there_is_not_is_wrong_usage(command, tmp_path):
    command("verify", "--against", str(tmp_path / "none"), code=2)


def test_the_checkpoint_is_printed_and_kept_in_the_second_place(command, kept, runtime):
    with runtime.work(writing=True) as uow:
        keys = uow.keys
    command("verify")
    note = command("checkpoint").stdout
    assert note in kept.read_text()
    assert verify_checkpoint(note, keys.audit_public_key()).total > 0
    assert command("checkpoint").stdout == note, "nothing has happened since"


def test_the_public_key_is_printed_alone(command, runtime):
    with runtime.engine.connect() as connection:
        expected = verifier_key(runtime.keys_for(connection))
    assert command("public-key").stdout == f"{expected}\n"


def test_figures_that_are_wrong_are_counted_anew(command, file):
    right = file.run("SELECT * FROM audit_day ORDER BY chain_id")
    file.run("UPDATE audit_day SET events = 0, reveals = 7, failures = 9, first_seq = 3")
    file.run("INSERT INTO audit_day VALUES (?, '2020-01-01', 1, 1, 1, 1)", file.north)
    command("verify", code=1)
    file.run("DELETE FROM audit_day WHERE chain_id = ?", file.lake)
    assert "3 days counted anew." in command("recount").stdout
    command("verify")
    assert [row[:3] for row in file.run("SELECT * FROM audit_day ORDER BY chain_id")] == [
        row[:3] for row in right
    ]


# Export


def test_the_export_of_everything_ends_with_the_checkpoints(command, runtime):
    lines = [json.loads(line) for line in command("export").stdout.splitlines()]
    heads = [line for line in lines if "export" in line]
    assert len(heads) == 3
    assert all(line["complete"] for line in heads)
    checkpoints = [line for line in lines if "checkpoint" in line]
    with runtime.engine.connect() as connection:
        public = runtime.keys_for(connection).audit_public_key()
    for line in checkpoints:
        signed = [(UUID(hex=chain), int(size), bytes.fromhex(head)) for chain, size, head in line["heads"]]
        assert verify_checkpoint(line["checkpoint"], public).root == heads_digest(signed)
    known = {(line["chain"], line["seq"]): line["hash"] for line in lines if "seq" in line}
    chain, size, head = checkpoints[0]["heads"][-1]
    assert known[str(UUID(hex=chain)), int(size)] == head


def test_an_export_is_recorded_in_the_log_that_it_is_of(command, runtime, north):
    trail = Trail(runtime)
    command("export", "--organization", "northwind")
    event = trail.one("audit.exported")
    assert (event["chain"], event["actor"], event["organization"]) == (north, "system", str(north))


def test_the_export_of_a_table_has_its_head_once(command):
    table = list(csv.DictReader(io.StringIO(command("export", "--format", "csv").stdout, newline="")))
    assert len([row for row in table if row["Number"] == "1"]) == 3


def test_days_bound_the_export(command, file):
    lines = command(
        "export", "--organization", "northwind", "--from", "2020-01-01", "--to", "2020-01-02"
    ).stdout
    head = json.loads(lines.splitlines()[0])
    assert (head["from"], head["to"], len(lines.splitlines())) == (1, 0, 1)


def test_the_file_of_an_export_is_the_callers_alone_and_never_overwritten(command, tmp_path):
    path = tmp_path / "log.jsonl"
    command("export", "--output", str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    written = path.read_text()
    assert "is there already" in command("export", "--output", str(path), code=2).stderr
    assert path.read_text() == written


def test_a_wrong_day_is_wrong_usage(command):
    command("export", "--from", "yesterday", code=2)
