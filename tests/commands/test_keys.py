"""`./chatelaine keys` as an operator runs it: nothing but ids and counts is ever printed."""

from __future__ import annotations

import json
import os

import pytest

from cli import EXIT_CONFIGURATION, main
from commands import keys
from crypto.keyring import MasterKeys
from errors import Invalid
from tests import world as worlds
from tests.world import MASTER_KEY, NEW_MASTER_KEY

OLD_ID, NEW_ID = MasterKeys.parse(MASTER_KEY).primary_id, MasterKeys.parse(NEW_MASTER_KEY).primary_id


@pytest.fixture
def both(monkeypatch):
    """The new key in front of the old one."""
    monkeypatch.setenv("ENCRYPTION_KEYS", f"{NEW_MASTER_KEY}:{MASTER_KEY}")


def test_status_shows_every_key_and_what_needs_it(run):
    out, _ = run("keys", "status")
    assert f"{OLD_ID}  first" in out
    assert "northwind  data" in out
    assert "There is nothing to do." in out
    assert MASTER_KEY not in out


def test_status_for_a_program_to_read(run):
    told = json.loads(run("keys", "status", "--json")[0])
    assert [key["id"] for key in told["master_keys"]] == [OLD_ID]
    rows = {(key["of"], key["purpose"]): key["rows"] for key in told["data_keys"]}
    assert rows["northwind", "data"] == 3
    assert told["tasks"] == []


def test_status_works_while_a_key_is_missing_and_says_so(run, monkeypatch):
    monkeypatch.setenv("ENCRYPTION_KEYS", NEW_MASTER_KEY)
    out, _ = run("keys", "status", status=1)
    assert f"{OLD_ID}  missing  12" in out
    assert "Put it back" in out


def test_rotating_prints_how_many_keys_of_each_purpose(run, both):
    out, words = run("keys", "rotate")
    assert f"Rotating to the master key {NEW_ID}" in words
    assert out.splitlines() == [
        "audit: 3",
        "audit-mac: 1",
        "audit-sign: 1",
        "data: 3",
        "index-mac: 1",
        "session-mac: 1",
        "throttle-mac: 1",
        "token-mac: 1",
        "Rotation complete: 12 keys wrapped anew.",
    ]
    assert run("keys", "rotate")[0] == "Rotation complete: 0 keys wrapped anew.\n"
    for line in (out, words):
        assert MASTER_KEY not in line
        assert NEW_MASTER_KEY not in line


@pytest.fixture
def mask():
    """A command sets it for its process, which is that of all tests here."""
    before = os.umask(0o077)
    os.umask(before)
    yield
    os.umask(before)


@pytest.mark.usefixtures("mask")
def test_a_start_without_a_needed_key_is_refused_with_the_count(run, monkeypatch, capsys):
    monkeypatch.setenv("ENCRYPTION_KEYS", NEW_MASTER_KEY)
    monkeypatch.setattr("sys.argv", ["chatelaine", "keys", "rotate"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == EXIT_CONFIGURATION
    assert f"{OLD_ID} (12 rows)" in capsys.readouterr().err


def test_re_encrypting_one_organization_leaves_the_others(run):
    out, words = run("keys", "reencrypt", "--organization", "northwind")
    assert out == "northwind: 3 rows re-encrypted under version 2.\n"
    assert words == "northwind: version 2 of the data key ...\n"
    rows = {
        (key["of"], key["version"]): key["rows"]
        for key in json.loads(run("keys", "status", "--json")[0])["data_keys"]
        if key["purpose"] == "data"
    }
    assert rows == {
        ("northwind", 2): 3,
        ("northwind", 1): 0,
        ("lakeside", 1): 1,
        ("System", 1): 0,
    }


def test_re_encrypting_everything_takes_the_installation_itself_along(run):
    out, _ = run("keys", "reencrypt")
    assert out.splitlines() == [
        "lakeside: 1 rows re-encrypted under version 2.",
        "northwind: 3 rows re-encrypted under version 2.",
        "system: 0 rows re-encrypted under version 2.",
    ]


def test_an_organization_that_is_not_there_is_wrong_usage(run):
    _, words = run("keys", "reencrypt", "--organization", "harbor", status=2)
    assert "There is no organization harbor." in words


def test_rows_that_cannot_be_decrypted_are_counted_and_the_exit_code_says_so(run, database, world):
    worlds.past_the_program(
        database,
        "UPDATE item_version SET details = ? WHERE item_id = ?",
        bytes(120),
        world.items["Board portal"].hex,
    )
    out, words = run("keys", "reencrypt", "--organization", "northwind", status=1)
    assert out.startswith("northwind: 2 rows re-encrypted")
    assert "1 rows cannot be decrypted and stay as they are" in words


def test_the_bar_shows_how_far_it_is_and_how_fast(capsys):
    show = keys._Bar("rows")
    show(50, 200)
    show(200, 200)
    first, last = capsys.readouterr().err.strip("\r\n").split("\r")
    assert first.startswith("[#######.......................] 50 of 200 rows ")
    assert last.startswith(f"[{'#' * 30}] 200 of 200 rows ")
    assert last.rstrip().endswith("/s")


def test_an_organization_is_destroyed_once_its_name_was_typed(run, database, world, monkeypatch):
    out, words = run("keys", "shred", "lakeside", typed="Lakeside\n")
    assert "This destroys Lakeside for good" in words
    assert out == "Lakeside is destroyed.\n"
    assert [one["slug"] for one in json.loads(run("organizations", "list", "--json")[0])] == ["northwind"]
    told = json.loads(run("keys", "status", "--json")[0])
    assert {key["state"] for key in told["data_keys"] if key["of"] == "A deleted organization"} == {
        "destroyed"
    }
    assert told["tasks"] == []


def test_another_name_destroys_nothing(run):
    with pytest.raises(Invalid, match="not the name"):
        run("keys", "shred", "lakeside", typed="Northwind\n")
    assert "lakeside" in run("organizations", "list")[0]


def test_where_traces_are_left_it_says_what_to_do(run, monkeypatch):
    monkeypatch.setattr(keys.shredding, "scrub", lambda *_: False)
    _, words = run("keys", "shred", "lakeside", typed="Lakeside\n", status=1)
    assert "sqlite3 FILE VACUUM" in words
