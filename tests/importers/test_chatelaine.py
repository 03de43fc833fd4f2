"""The encrypted file of this program: what is wrong with one is said, and nothing hostile is computed."""

from __future__ import annotations

import gzip
import json
import struct
import time
from dataclasses import replace

import pytest

from crypto import sealed_file
from crypto.passphrase import PassphraseHasher
from crypto.sealed_file import seal_bytes
from exporters.record import File
from importers import formats
from importers.chatelaine import PURPOSE
from importers.entry import EntryKind, EntryType
from importers.limits import UNPACKED_MAX, Refused
from importers.source import Source
from tests.exporters.bundles import EVERYTHING, bundle, written
from tests.exporters.opened import PASSPHRASE


@pytest.fixture(autouse=True)
def cheap(monkeypatch):
    """Seal at the least cost that a file may have."""
    monkeypatch.setattr(sealed_file, "COST", sealed_file.LEAST)


def read(data, passphrase=PASSPHRASE):
    format_ = formats.recognise(data)
    assert format_.key == "chatelaine"
    return formats.read(Source(data, passphrase=passphrase), format_)


def sealed(content, purpose=PURPOSE):
    return seal_bytes(content, PASSPHRASE, purpose=purpose, hasher=PassphraseHasher())


def lines(*rows, **head):
    first = {"export": "chatelaine", "version": 1, "vaults": 1, **head}
    return gzip.compress("\n".join(map(json.dumps, [first, *rows])).encode())


def test_everything_comes_out_as_it_was_and_what_was_left_out_is_said():
    reading = read(written("chatelaine"))
    assert len(reading.entries) == len(EVERYTHING.credentials)
    assert reading.unread == ("Whoever exported it could not take everything along: 3 left out then.",)
    primary = reading.entries[0]
    assert (primary.folder, primary.name) == (("servers", "db"), "Primary <1> & “two”")
    assert primary.exact


def test_a_reference_comes_in_as_text_and_says_so():
    [entry] = [one for one in read(written("chatelaine")).entries if one.type is EntryType.SECRET]
    assert (entry.custom[2].kind, entry.custom[2].value) == (EntryKind.TEXT, "VAULT_REF_KEY")
    assert entry.unread == ("It referred to a variable of the server; the variable's name is kept as text.",)


def test_files_and_versions_are_left_behind_and_that_is_said():
    files = (File("a.pem", "", b"x"), File("b.pem", "", b"y"))
    one = replace(EVERYTHING.credentials[1], files=files, history=EVERYTHING.credentials[2:3])
    [entry] = read(written("chatelaine", bundle(one))).entries
    assert entry.unread == ("Files are left behind: 2.", "Former versions are left behind: 1.")


def test_vaults_become_folders_where_there_are_several():
    first, second, third, *_ = EVERYTHING.credentials
    data = written("chatelaine", bundle(first, replace(second, vault="Board"), replace(third, vault="")))
    found = read(data).entries
    assert [one.folder[0] for one in found] == ["Production", "Board", "Shared with you"]
    assert not any(one.exact for one in found)


@pytest.mark.parametrize("passphrase", ["another one that is long", "x" * 2000])
def test_another_passphrase_opens_nothing(passphrase):
    with pytest.raises(Refused, match="does not open") as refusal:
        read(written("chatelaine"), passphrase)
    assert refusal.value.field == "passphrase"


def test_a_backup_is_no_export():
    with pytest.raises(Refused, match="restored, not imported"):
        read(sealed(b"x", purpose="backup 1 data"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"no gzip", "damaged"),
        (lines()[:-9], "damaged"),
        (gzip.compress(b"{}\n{}"), "damaged"),
        (gzip.compress(b"[1"), "not JSON"),
        (lines(version=2), "newer version"),
        (lines(), "Nothing in the file"),
        (lines(*[{}] * 10_001), "10,000"),
        (gzip.compress(b" " * (UNPACKED_MAX + 1)), "unpacks to more"),
    ],
    ids=["packed", "cut", "head", "json", "newer", "empty", "many", "large"],
)
def test_what_is_wrong_inside_is_said(content, words):
    with pytest.raises(Refused, match=words):
        read(sealed(content))


@pytest.mark.parametrize("rows", [[1], [{"fields": 3, "urls": {}, "tags": [[]], "expires": "soon"}], [[]]])
def test_rows_of_another_shape_give_what_is_there(rows):
    [entry] = read(sealed(lines(*rows))).entries
    assert (entry.name, entry.fields, entry.custom, entry.expires_on) == ("", (), (), None)


def test_a_file_that_asks_for_too_much_is_refused_before_anything_is_computed():
    data = bytearray(written("chatelaine"))
    data[9:16] = struct.pack(">BHI", 16, 10, 262_144)
    begun = time.perf_counter()
    with pytest.raises(Refused, match="more computing"):
        read(bytes(data))
    data[9:16] = struct.pack(">BHI", 255, 65_535, 2**32 - 1)
    with pytest.raises(Refused, match="does not open"):
        read(bytes(data))
    assert time.perf_counter() - begun < 0.5
