"""The formats in the clear: their published shape, and that importers read all of them."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest

from crypto.fingerprints import ssh_fingerprint
from importers import formats
from importers.entry import EntryType
from importers.source import Source
from tests.exporters.bundles import (
    EVERYTHING,
    LINK,
    PRIVATE_KEY,
    PUBLIC_KEY,
    SEED,
    bundle,
    credential,
    written,
)

ITEM = {
    *("id", "organizationId", "folderId", "type", "reprompt", "name", "notes", "favorite", "fields"),
    *("collectionIds", "passwordHistory", "revisionDate", "creationDate", "deletedDate"),
}
"""The members of every item in an export of a personal vault."""
OF_TYPE = {
    1: ("login", {"fido2Credentials", "uris", "username", "password", "totp"}),
    2: ("secureNote", {"type"}),
    5: ("sshKey", {"privateKey", "publicKey", "keyFingerprint"}),
}


@pytest.fixture(scope="module")
def exported():
    return json.loads(written("bitwarden-json"))


def read(key, data):
    """Read a file as an import does, by what the file itself tells of its format."""
    format_ = formats.recognise(data)
    assert format_.key == key
    return {entry.name: entry for entry in formats.read(Source(data), format_).entries}


def test_every_item_has_the_published_shape(exported):
    assert set(exported) == {"encrypted", "folders", "items"}
    assert exported["encrypted"] is False
    folders = {folder["id"]: folder["name"] for folder in exported["folders"]}
    assert sorted(folders.values()) == ["app", "servers", "servers/db"]
    for item in exported["items"]:
        part, members = OF_TYPE[item["type"]]
        assert set(item) == ITEM | {part}
        assert set(item[part]) == members
        assert item["folderId"] is None or item["folderId"] in folders
        for field in item["fields"]:
            assert set(field) == {"name", "value", "type", "linkedId"}
            assert field["type"] in {0, 1}


def test_a_login_has_its_parts_where_bitwarden_looks_for_them(exported):
    item = exported["items"][0]
    assert item["name"] == "Primary <1> & “two”"
    assert item["login"]["username"] == "röot"
    assert item["login"]["password"] == "S3cret!! ü→ \x0b \t"
    assert item["login"]["totp"] == LINK
    assert [uri["uri"] for uri in item["login"]["uris"]] == list(EVERYTHING.credentials[0].urls)
    assert {field["name"]: field["type"] for field in item["fields"]} == {
        "Door code": 1, "Floor": 0, "Manual": 0, "Serviced": 0, "Plan": 1, "Spare code": 1, "Settings": 1,
        "Empty": 0, "Tags": 0, "Expires": 0,
    }  # fmt: skip


def test_an_ssh_key_is_one_only_with_all_three_of_its_parts(exported):
    whole = exported["items"][3]
    assert whole["sshKey"]["keyFingerprint"] == ssh_fingerprint(PUBLIC_KEY)
    lacking = bundle(credential("k", EVERYTHING.credentials[3].values[0], type_="ssh-key"))
    [item] = json.loads(written("bitwarden-json", lacking))["items"]
    assert item["type"] == 2
    assert item["fields"] == [{"name": "Private key", "value": PRIVATE_KEY, "type": 1, "linkedId": None}]


def test_a_fingerprint_is_the_one_that_ssh_keygen_prints():
    assert ssh_fingerprint(PUBLIC_KEY) == "SHA256:y9ozojcHd1Ed/aAXAOg/fCj2yvZhjHgCSId2la24zhw"
    for none in ("", "ssh-ed25519", "ssh-ed25519 ***", "ssh-rsa " + PUBLIC_KEY.split()[1], "a b c"):
        assert ssh_fingerprint(none) == ""


def test_the_importer_reads_everything_of_the_json():
    entries = read("bitwarden-json", written("bitwarden-json"))
    assert len(entries) == len(EVERYTHING.credentials)
    for given in EVERYTHING.credentials:
        entry = entries[given.leaf]
        held = {entry.totp, entry.notes, entry.user_name}
        held |= {field.value for field in (*entry.fields, *entry.custom)}
        assert {value.value for value in given.values if value.value} - held == set()
        assert "/".join(entry.folder) == given.name.rpartition("/")[0]
    assert entries["deploy"].type is EntryType.SSH_KEY
    assert entries["Bank"].totp == SEED


def test_the_name_of_the_vault_is_the_outermost_folder_where_there_are_several():
    there = (*EVERYTHING.credentials[:1], replace(EVERYTHING.credentials[1], vault="Board/room"))
    shared = replace(EVERYTHING.credentials[5], vault="")
    export = json.loads(written("bitwarden-json", bundle(*there, shared)))
    assert [folder["name"] for folder in export["folders"]] == [
        "Board-room",
        "Production/servers/db",
        "Shared with you",
    ]


def rows(key, what=EVERYTHING):
    return list(csv.DictReader(io.StringIO(written(key, what).decode(), newline="")))


def test_the_table_for_other_programs_keeps_values_as_they_are():
    first, stripe, *_ = rows("csv")
    assert (first["folder"], first["name"], first["type"]) == ("servers/db", "Primary <1> & “two”", "login")
    assert first["login_password"] == "S3cret!! ü→ \x0b \t"
    assert first["login_totp"] == LINK
    assert first["login_uri"] == "https://db.example.com,https://db2.example.com/a,b"
    assert "Door code: =1+2\nFloor: +3" in first["fields"]
    assert (stripe["login_username"], stripe["login_password"]) == ("@me", "-sk_live")


def test_the_importer_reads_the_table():
    entries = read("bitwarden-csv", written("csv"))
    primary = entries["Primary <1> & “two”"]
    assert primary.urls == EVERYTHING.credentials[0].urls
    assert primary.fields[0].value == "S3cret!! ü→ \x0b \t"
    assert {field.name: field.value for field in primary.custom}["Door code"] == "=1+2"
    assert {field.name: field.value for field in entries["deploy"].custom}["Private key"] == PRIVATE_KEY


def test_no_cell_of_the_table_for_spreadsheets_is_a_formula():
    evil = [credential(f"{mark}cmd|x", user_name=f"{mark}1") for mark in "=+-@\uff1d"]
    for key, count in (("csv-guarded", 0), ("csv", 10)):
        cells = [cell for row in rows(key, bundle(*evil)) for cell in row.values()]
        assert sum(cell[:1] in set("=+-@\t\r\uff1d") for cell in cells if cell) == count
    assert rows("csv-guarded", bundle(evil[0]))[0]["name"] == "'=cmd|x"
