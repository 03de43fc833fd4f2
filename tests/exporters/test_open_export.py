"""The script that opens an encrypted export: run where nothing of the program is there."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

from crypto.passphrase import PassphraseHasher
from crypto.sealed_file import seal_bytes
from importers import formats
from importers.source import Source
from tests.exporters.bundles import EVERYTHING, written
from tests.exporters.opened import PASSPHRASE, SCRIPT

VECTOR = SCRIPT.parent.parent / "tests" / "vectors" / "export.chatelaine"


@pytest.fixture(scope="module")
def sealed():
    return written("chatelaine")


@pytest.fixture
def run(tmp_path):
    """Run the script on some bytes, alone in a folder, by a Python that knows installed packages only."""
    shutil.copy(SCRIPT, tmp_path)

    def run(data, typed=PASSPHRASE):
        (tmp_path / "export.chatelaine").write_bytes(data)
        return subprocess.run(
            [sys.executable, "-P", "open_export.py", "export.chatelaine"],
            cwd=tmp_path, env={"PYTHONUTF8": "1"}, input=typed + "\n", capture_output=True, text=True,
            check=False,
        )  # fmt: skip

    return run


def test_it_prints_every_credential(run, sealed):
    done = run(sealed)
    assert done.stderr == ""
    head, *found = map(json.loads, done.stdout.splitlines())
    assert head == {
        "export": "chatelaine",
        "version": 1,
        "organization": "Northwind",
        "made_at": "2027-01-15T12:30:00+00:00",
        "made_by": "Mia",
        "vaults": 1,
        "credentials": len(EVERYTHING.credentials),
        "left_out": {"use": 3},
    }
    for given, one in zip(EVERYTHING.credentials, found, strict=True):
        assert (one["name"], one["type"]) == (given.name, given.type)
        assert [field["value"] for field in one["fields"]] == [each.value for each in given.values]


def test_a_file_of_the_first_version_still_opens_everywhere(run, sealed):
    """It was kept when the format was made: what people have put away must go on opening."""
    kept = VECTOR.read_bytes()
    _, *rows = map(json.loads, run(kept).stdout.splitlines())
    _, *now = map(json.loads, run(sealed).stdout.splitlines())
    assert [row["fields"] for row in rows] == [row["fields"] for row in now]
    format_ = formats.recognise(kept)
    entries = formats.read(Source(kept, passphrase=PASSPHRASE), format_).entries
    assert [one.name for one in entries] == [one.leaf for one in EVERYTHING.credentials]


def test_nothing_in_the_file_can_be_read_without_its_passphrase(run, sealed):
    for words in (b"Northwind", b"Mia", b"S3cret", b"Primary"):
        assert words not in sealed
    done = run(sealed, "another passphrase altogether")
    assert (done.returncode, done.stdout) == (1, "")
    assert "This does not open" in done.stderr


@pytest.mark.parametrize("place", [16, 40, 80, 110, -1])
def test_an_altered_byte_is_found(run, sealed, place):
    altered = bytearray(sealed)
    altered[place] ^= 1
    done = run(bytes(altered))
    assert (done.returncode, done.stdout) == (1, "")
    assert "This does not open" in done.stderr


def test_a_file_that_was_cut_does_not_open(run, sealed):
    done = run(sealed[:-20])
    assert (done.returncode, done.stdout) == (1, "")


def test_what_was_sealed_for_something_else_does_not_open(run):
    backup = seal_bytes(b"x", PASSPHRASE, purpose="backup 1 keys", hasher=PassphraseHasher())
    assert "This does not open" in run(backup).stderr
    assert "This is no encrypted export." in run(b"name,password\n" * 20).stderr
