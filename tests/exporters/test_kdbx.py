"""KeePass files that we write open in pykeepass with everything in them, and in our own importer."""

from __future__ import annotations

import io
import os
from dataclasses import replace

import pytest
from pykeepass import PyKeePass
from pykeepass.exceptions import CredentialsError

from crypto.otp import code_at, parse_otp
from exporters import kdbx
from exporters.record import File
from importers import formats
from importers.source import Source
from tests.exporters.bundles import EVERYTHING, LINK, PRIVATE_KEY, SEED, bundle, credential, written
from tests.exporters.opened import PASSPHRASE


@pytest.fixture(scope="module")
def sealed():
    return written("keepass")


@pytest.fixture(autouse=True)
def cheap(sealed, monkeypatch):
    """Derive keys at the full cost once; what a file holds does not depend on it."""
    monkeypatch.setattr(kdbx, "PASSES", 1)


@pytest.fixture(scope="module")
def opened(sealed):
    return PyKeePass(io.BytesIO(sealed), password=PASSPHRASE)


def entry(opened, title):
    return opened.find_entries(title=title, first=True)


def test_pykeepass_opens_it_with_the_passphrase_alone(sealed, opened):
    assert opened.version == (4, 0)
    assert (opened.kdf_algorithm, opened.encryption_algorithm) == ("argon2id", "aes256")
    assert len(opened.entries) == len(EVERYTHING.credentials)
    with pytest.raises(CredentialsError):
        PyKeePass(io.BytesIO(sealed), password=PASSPHRASE + "x")


def test_pykeepass_finds_every_value(opened):
    for given in EVERYTHING.credentials:
        found = entry(opened, given.leaf)
        # pykeepass drops control characters; the file holds them, as our own importer shows.
        values = {one.value.replace("\x0b", "") for one in given.values if one.value}
        held = {found.password, found.notes, found.username, *found.custom_properties.values()}
        assert values - held <= {SEED}
        assert "/".join(found.path[:-1]) == given.name.rpartition("/")[0]


def test_a_login_has_its_parts_where_keepass_looks_for_them(opened):
    found = entry(opened, "Primary <1> & “two”")
    assert (found.username, found.password) == ("röot", "S3cret!! ü→  \t")
    assert found.url == "https://db.example.com"
    assert found.custom_properties["KP2A_URL"] == "https://db2.example.com/a,b"
    assert found.notes == "First line\nSecond line\r\n"
    assert (found.otp, found.tags) == (LINK, ["db", "prod"])
    assert (found.expires, found.expiry_time.date()) == (True, EVERYTHING.credentials[0].expires_on)
    assert found.ctime == found.mtime == EVERYTHING.made_at
    assert found.custom_properties["Plan"] == "left\r\nright\n"
    assert entry(opened, "Alarm").expires is False


def test_what_is_secret_is_protected_in_memory_too(opened):
    found = entry(opened, "Primary <1> & “two”")
    shown = {name: found.is_custom_property_protected(name) for name in found.custom_properties}
    assert shown == {
        "Door code": True, "Floor": False, "Manual": False, "Serviced": False, "Plan": True,
        "Spare code": True, "Settings": True, "Empty": False, "KP2A_URL": False,
    }  # fmt: skip
    assert entry(opened, "deploy").is_custom_property_protected("Private key")


def test_a_bare_seed_becomes_the_link_that_makes_the_same_codes(opened):
    link = entry(opened, "Bank").otp
    assert link.startswith("otpauth://totp/Bank:?secret=")
    assert code_at(parse_otp(link), 59) == code_at(parse_otp(SEED), 59)


def read(data, passphrase=PASSPHRASE):
    format_ = formats.recognise(data)
    assert format_.key == "keepass"
    reading = formats.read(Source(data, passphrase=passphrase), format_)
    return {one.name: one for one in reading.entries}, reading.unread


def test_the_importer_reads_everything(sealed):
    entries, unread = read(sealed)
    assert unread == ()
    for given in EVERYTHING.credentials:
        found = entries[given.leaf]
        held = {found.notes, found.user_name, *(one.value for one in (*found.fields, *found.custom))}
        held.add(SEED if found.totp and given.leaf == "Bank" else found.totp)
        assert {one.value for one in given.values if one.value} - held == set()
        assert "/".join(found.folder) == given.name.rpartition("/")[0]
        assert found.unread == ()
    primary = entries["Primary <1> & “two”"]
    assert (primary.urls, primary.tags) == (EVERYTHING.credentials[0].urls, ("db", "prod"))
    assert primary.expires_on == EVERYTHING.credentials[0].expires_on
    assert {one.name: one.value for one in entries["deploy"].custom}["Private key"] == PRIVATE_KEY


def test_a_file_of_several_blocks_opens():
    """Values that do not pack well, more than a megabyte of them."""
    long = [credential(f"k{n}", replace(EVERYTHING.credentials[0].values[0], value=os.urandom(24_000).hex()))
            for n in range(60)]  # fmt: skip
    data = written("keepass", bundle(*long))
    assert len(data) > 2 * 1024 * 1024
    assert len(PyKeePass(io.BytesIO(data), password=PASSPHRASE).entries) == 60


def test_fields_that_are_called_like_keepass_s_own_keep_their_values():
    names = ("Title", "UserName", "Notes", "otp", "TOTP Seed", "KP2A_URL")
    value = EVERYTHING.credentials[0].values[3]
    one = credential("x", *(replace(value, name=name, value=f"of {name}") for name in names))
    found = PyKeePass(io.BytesIO(written("keepass", bundle(one))), password=PASSPHRASE).entries[0]
    assert (found.title, found.username, found.notes, found.otp) == ("x", None, None, None)
    assert set(found.custom_properties.values()) == {f"of {name}" for name in names}


def test_files_stand_on_the_entries_that_they_belong_to():
    """In whatever order the folders come, and also two that are called alike."""
    value = EVERYTHING.credentials[0].values[0]
    pem, other, late = (File("a.pem", "", bytes([n]) * 40_000) for n in range(3))
    ones = (
        credential("deep/down/first", value, files=(pem, other)),
        credential("second", value, files=(late,)),
        credential("third", value),
    )
    data = written("keepass", bundle(*ones))
    found = PyKeePass(io.BytesIO(data), password=PASSPHRASE)
    held = {one.title: {each.filename: each.data for each in one.attachments} for one in found.entries}
    assert held == {
        "first": {"a.pem": pem.content, "a.pem (2)": other.content},
        "second": {"a.pem": late.content},
        "third": {},
    }
    assert read(data)[0]["first"].unread == ("Attachments are left behind: 2.",)


def test_earlier_versions_stand_in_the_history_of_their_entry():
    value = EVERYTHING.credentials[0].values[0]
    old, older = (credential("x", replace(value, value=words)) for words in ("old", "older"))
    one = replace(credential("x", replace(value, value="new")), history=(old, older))
    data = written("keepass", bundle(one, EVERYTHING.credentials[0]))
    found = PyKeePass(io.BytesIO(data), password=PASSPHRASE).find_entries(title="x", first=True)
    assert found.password == "new"
    assert [one.password for one in found.history] == ["older", "old"]
    # KeePassXC refuses the whole file otherwise.
    assert found._element.findall("History/Entry/History") == []
    entries, _ = read(data)
    assert entries["x"].unread == ("Former versions are left behind: 2.",)
    assert entries["x"].fields[0].value == "new"
    assert entries["Primary <1> & “two”"].fields[0].value == value.value


@pytest.mark.parametrize("place", [30, 200, 320, 500, -1])
def test_an_altered_byte_is_found(sealed, place):
    altered = bytearray(sealed)
    altered[place] ^= 1
    with pytest.raises(formats.Refused):
        read(bytes(altered))
