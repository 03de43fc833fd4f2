"""1PUX exports import completely, of every category; archives that no export is are refused."""

from __future__ import annotations

import io
import json
import struct
import time
import zipfile

import pytest

from importers import formats
from importers.entry import Entry, EntryKind, EntryType, Reading
from importers.limits import Refused
from importers.source import Source


def field(identifier: str, title: str, **value) -> dict:
    return {"id": identifier, "title": title, "value": value, "indexAtSource": 0, "guarded": False}


def item(category: str, title: str, *fields: dict, **more) -> dict:
    details = {"loginFields": [], "notesPlain": "", "sections": [{"title": "", "fields": list(fields)}]}
    return {
        "uuid": "a",
        "state": more.pop("state", "active"),
        "categoryUuid": category,
        "overview": {"title": title, "url": "", "urls": None, "tags": [], **more.pop("overview", {})},
        "details": {**details, **more},
    }


def archive(
    text: bytes | None = None, *items: dict, way: int = zipfile.ZIP_DEFLATED, **members: bytes
) -> bytes:
    export = {"accounts": [{"vaults": [{"attrs": {"name": "Team"}, "items": list(items)}]}]}
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", way, compresslevel=1) as written:
        written.writestr("export.attributes", '{"version": 3}')
        written.writestr("export.data", json.dumps(export) if text is None else text)
        for name, content in members.items():
            written.writestr(name, content)
    return held.getvalue()


def read(data: bytes) -> Reading:
    return formats.read(Source(data), formats.recognise(data))


def only(made: dict) -> Entry:
    (entry,) = read(archive(None, made)).entries
    return entry


def values(entry: Entry) -> dict[str, str]:
    return {one.name: one.value for one in (*entry.fields, *entry.custom)}


def test_a_login_arrives_with_everything():
    entry = only(
        item(
            "001",
            "GitHub",
            field("TOTP_1", "one-time password", totp="otpauth://totp/a?secret=JBSWY3DPEHPK3PXP"),
            field("x1", "Recovery", concealed="r-1"),
            field("x2", "Since", date=1_577_836_800),
            field("x3", "Ends", monthYear=202712),
            field("x4", "Mail", email={"email_address": "a@example.com", "provider": None}),
            field("x5", "Home", address={"street": "1 Way", "city": "Town", "zip": ""}),
            field("x6", "Scan", file={"fileName": "a.png", "documentId": "d"}),
            field("x7", "Friend", reference="uuid"),
            field("x8", "Site", url="https://a.example.com"),
            field("x9", "Empty", string=""),
            field("y1", "New kind", hologram="h"),
            overview={
                "url": "https://a",
                "urls": [{"url": "https://a"}, {"url": "https://b"}],
                "tags": ["x"],
            },
            loginFields=[
                {"value": "me", "name": "username", "fieldType": "T", "designation": "username"},
                {"value": "s3cret", "name": "password", "fieldType": "P", "designation": "password"},
                {"value": "4711", "name": "pin", "fieldType": "P", "designation": ""},
                {"value": "Sign in", "name": "button", "fieldType": "B", "designation": ""},
            ],
            notesPlain="A note",
            passwordHistory=[{"value": "old", "time": 1}],
        )
    )
    assert (entry.name, entry.folder, entry.type, entry.user_name) == (
        *("GitHub", ("Team",), EntryType.LOGIN, "me"),
    )
    assert (entry.urls, entry.tags, entry.notes) == (("https://a", "https://b"), ("x",), "A note")
    assert entry.totp.startswith("otpauth://")
    assert values(entry) == {
        "Password": "s3cret",
        "pin": "4711",
        "Recovery": "r-1",
        "Since": "2020-01-01",
        "Ends": "2027-12",
        "Mail": "a@example.com",
        "Home": "1 Way, Town",
        "Site": "https://a.example.com",
        "New kind": "h",
    }
    kinds = {one.name: one.kind for one in entry.custom}
    assert (kinds["pin"], kinds["Since"], kinds["New kind"]) == (
        *(EntryKind.HIDDEN, EntryKind.DATE, EntryKind.HIDDEN),
    )
    assert len(entry.unread) == 3


def test_categories_become_our_types():
    database = only(
        item(
            "102",
            "DB",
            field("hostname", "server", string="db.example.com"),
            field("port", "port", string="5432"),
            field("database", "database", string="app"),
            field("username", "username", string="root"),
            field("password", "password", concealed="pw"),
            field("sid", "SID", string="XE"),
        )
    )
    assert (database.type, database.user_name) == (EntryType.DATABASE, "root")
    assert values(database) == {
        "Host": "db.example.com",
        "Port": "5432",
        "Database": "app",
        "Password": "pw",
        "SID": "XE",
    }
    key = only(item("112", "Key", field("credential", "credential", concealed="k-1")))
    assert (key.type, values(key)) == (EntryType.API_KEY, {"API key": "k-1"})
    ssh = {"privateKey": "-----BEGIN\nx", "metadata": {"publicKey": "ssh-ed25519 A"}}
    shell = only(item("114", "SSH", field("private_key", "private key", sshKey=ssh)))
    assert (shell.type, values(shell)) == (
        EntryType.SSH_KEY,
        {"Private key": "-----BEGIN\nx", "Public key": "ssh-ed25519 A"},
    )
    password = only(item("005", "Old", password="pw"))
    assert (password.type, values(password)) == (EntryType.LOGIN, {"Password": "pw"})
    card = only(item("002", "Card", field("ccnum", "number", creditCardNumber="4111"), state="archived"))
    assert (card.type, values(card), card.tags) == (EntryType.NOTE, {"number": "4111"}, ("archived",))


def test_older_exports_wrap_each_item():
    assert only({"item": item("003", "Note", notesPlain="n")}).notes == "n"


@pytest.mark.parametrize("value", [None, 1, "a", [], [1], {"sections": 1}, {"sections": [{"fields": [1]}]}])
def test_odd_shapes_are_read_as_far_as_they_go(value):
    odd = {**item("001", "Odd"), "details": value, "overview": value}
    assert only(odd).folder == ("Team",)


def refusal(data: bytes) -> str:
    begun = time.thread_time()
    with pytest.raises(Refused) as refused:
        formats.read(Source(data), formats.find("1password-1pux"))
    assert time.thread_time() - begun < 1
    return str(refused.value)


def test_an_archive_that_unpacks_to_too_much_is_refused():
    assert "50 MiB" in refusal(archive(b"{}", **{"files/a": bytes(51 * 1024**2)}))


def test_an_archive_that_lies_about_its_size_is_refused():
    data = archive(b"[" + b" " * 4096 + b"]")
    lying = data.replace(struct.pack("<L", 4098), struct.pack("<L", 2))
    assert lying != data
    assert "damaged" in refusal(lying)


@pytest.mark.parametrize("name", ["../a", "/etc/passwd", "files/../../a", "C:/a", "..\\a"])
def test_an_archive_that_names_files_outside_is_refused(name):
    assert "outside" in refusal(archive(b"{}", **{name: b""}))


def test_other_archives_are_refused():
    assert "packed in a way" in refusal(archive(None, item("001", "A"), way=zipfile.ZIP_LZMA))
    encrypted = bytearray(archive())
    for place in _headers(encrypted):
        encrypted[place] |= 1
    assert "encrypted" in refusal(bytes(encrypted))
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as written:
        written.writestr("a.txt", "a")
    assert "export.data" in refusal(held.getvalue())


def _headers(data: bytes):
    """Yield where the flags of each line of the directory stand."""
    place = data.find(b"PK\x01\x02")
    while place >= 0:
        yield place + 8
        place = data.find(b"PK\x01\x02", place + 4)


def test_an_archive_of_too_many_files_is_refused_before_it_is_listed():
    data = bytearray(archive())
    end = data.rfind(b"PK\x05\x06")
    data[end + 12 : end + 16] = struct.pack("<L", 3 * 1024**2)
    assert "too many" in refusal(bytes(data))
    large = bytes(data[:end]) + b"PK\x06\x07" + bytes(16) + archive()[end:]
    assert "too many" in refusal(large)


def test_a_damaged_archive_is_refused():
    data = archive(None, item("001", "A"))
    for length in range(0, len(data), 11):
        refusal(data[:length] or b"PK")
    for place in range(0, len(data), 7):
        changed = bytearray(data)
        changed[place] ^= 0x5A
        try:
            formats.read(Source(bytes(changed)), formats.find("1password-1pux"))
        except Refused:
            continue


def test_what_is_no_export_is_refused():
    assert "1Password" in refusal(archive(b"[]"))
    assert "deep" in refusal(archive(b"[" * 5000 + b"]" * 5000))
    assert refusal(archive(b"{}")).endswith(".")
