"""One of everything, each holding a word of its own; then every byte that was written is searched for them.

Words stand for what a credential holds: its name, user name, addresses, tags, notes, values, custom fields.
Names of organizations, people, vaults and tokens are plain by decision, and no words.
"""

from __future__ import annotations

import base64
import logging
import os
import re
import secrets
import string
import tempfile
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import pytest
from flask import Flask

from app import create_app
from services import backups, logs
from services.contents import TYPE_FIELDS, ItemType
from tests import world as worlds
from tests.backups.place import files_in
from tests.browser import Browser
from tests.exporters.opened import PASSPHRASE
from tests.world import World


class Canaries:
    """Hands out words, and remembers where each was put."""

    def __init__(self) -> None:
        self.words: dict[str, str] = {}

    def word(self, place: str) -> str:
        word = "canary" + "".join(secrets.choice(string.ascii_lowercase) for _ in range(18))
        self.words[word] = place
        return word

    def seed(self, place: str) -> str:
        seed = base64.b32encode(secrets.token_bytes(20)).decode()
        self.words[seed] = place
        return seed


def disguises(word: str) -> set[bytes]:
    """Return how a word may stand in a file: plain, folded, reversed, in hex, in base64, in UTF-16."""
    plain = word.encode()
    found = {
        plain,
        plain.lower(),
        plain.upper(),
        plain[::-1],
        plain.hex().encode(),
        plain.hex().upper().encode(),
    }
    found |= {word.encode("utf-16-le"), word.encode("utf-16-be")}
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + plain)
        # The ends mix with the neighbors; what lies between is the word's alone.
        found |= {encoded[4:-4], encoded[4:-4].replace(b"+", b"-").replace(b"/", b"_")}
    return found


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where everything is written: the database, its side files, the log, temporary files."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setenv("SQLITE_TMPDIR", str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    return tmp_path


@pytest.fixture
def app(folder: Path, template: tuple[Path, World]) -> Iterator[Flask]:
    worlds.copy(template[0], folder / "chatelaine.db")
    settings = worlds.settings_for(folder / "chatelaine.db", AUDIT_SINK=str(folder / "checkpoints"))
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    with (folder / "log.jsonl").open("w", encoding="utf-8") as stream:
        logs.configure("json", "DEBUG", stream)
        app = create_app(settings)
        yield app
        app.extensions["chatelaine"].close()
    root.handlers[:] = before
    root.setLevel(level)


def fill_in(canaries: Canaries, type_: ItemType) -> dict[str, str]:
    """Return a form's values for a credential of *type_*, a word in each."""
    values = {"name": f"{canaries.word('folder')}/{canaries.word('name')}", "tags": canaries.word("tag")}
    if type_.has_account:
        values |= {
            "user_name": canaries.word("user name"),
            "urls": f"https://{canaries.word('host name')}.example/{canaries.word('path')}",
        }
    for spec in TYPE_FIELDS[type_]:
        key = spec.name.lower().replace(" ", "_")
        values[key] = canaries.seed("seed") if spec.name == "TOTP" else canaries.word(spec.name)
    return values


def make(mia: Browser, canaries: Canaries, vault: str, type_: ItemType) -> dict[str, str]:
    values = fill_in(canaries, type_)
    mia.open(f"{vault}/items/new?type={type_.value}")
    mia.submit("item-form", **values, add_field="1")
    own = {"custom-0-name": canaries.word("custom name"), "custom-0-value": canaries.word("custom value")}
    mia.submit("item-form", **own, **{"custom-0-kind": "hidden"})
    return values


def press_all(mia: Browser, pattern: str) -> int:
    """Send each form of the present page whose id matches."""
    ids = [form["id"] for form in mia.page.select("form[id]") if re.fullmatch(pattern, form["id"])]
    for form_id in ids:
        mia.json(form_id)
    return len(ids)


def live(mia: Browser, alice: Browser, canaries: Canaries, world: World) -> list[bytes]:
    """Do everything that can be done with credentials; return what left the house in files."""
    vault = f"/o/northwind/vaults/{world.vaults['Production']}"
    for type_ in ItemType:
        values = make(mia, canaries, vault, type_)
        here = mia.path
        assert press_all(mia, "reveal-.*") == press_all(mia, "copy-.*") >= min(2, len(TYPE_FIELDS[type_]) + 1)
        # What programs keep has no notes.
        place = "notes" if TYPE_FIELDS[type_] else "custom-0-value"
        mia.open(f"{here}/edit")
        mia.submit("item-form", name=canaries.word("new name"), **{place: canaries.word("new notes")})
        # The second of two edits of one version is refused with both shown.
        other = Browser(mia.client.application)
        other.client = mia.client
        mia.open(f"{here}/edit")
        other.open(f"{here}/edit")
        mia.submit("item-form", **{place: canaries.word("first of two")})
        second = {place: canaries.word("second of two"), "name": canaries.word("refused name")}
        other.submit("item-form", 409, **second)
        mia.open(f"{here}/history")
        mia.open(f"{here}/versions/1")
        mia.submit("restore-version")
        mia.open(f"{here}/duplicate")
        mia.submit("duplicate-form", name=canaries.word("copy's name"))
        mia.open(here)
        mia.submit("favorite")
        mia.open(f"/o/northwind/search?q={values['name'].split('/')[1]}")
        mia.open(f"/o/northwind/search?q={canaries.word('search')}")
        mia.open(f"{vault}?folder={values['name'].split('/')[0]}")
        mia.open(here)
        mia.submit("trash")
        mia.open("/o/northwind/trash")
        mia.open(here)
        mia.submit("restore")
    attach(mia, canaries, f"/o/northwind/items/{world.items['Stripe dashboard']}")
    mistakes(mia, canaries, vault)
    return leave(alice, mia, canaries, world)


def attach(mia: Browser, canaries: Canaries, here: str) -> None:
    """Put files on a credential, small and of many chunks; read them, take one off; have some refused."""
    for size in (1, 20_000):
        word = canaries.word("content of a file")
        mia.open(here)
        file = (BytesIO(f"{word}\n".encode() * size), f"{canaries.word('name of a file')}.txt")
        mia.submit("add-file", file=file)
        form = mia.page.select('form[id^="download-"]')[-1]["id"]
        assert mia.submit(form).answer.get_data().startswith(word.encode())
    mia.open(here)
    mia.submit(mia.page.select_one('form[id^="remove-"]')["id"])
    for content, name in ((b"MZ\0", "exe"), (b"%PDF-1.7", "png")):
        word = canaries.word("content of a refused file").encode()
        mia.open(here)
        file = (BytesIO(content + word), f"{canaries.word('name of a refused file')}.{name}")
        mia.submit("add-file", 422, file=file)


def mistakes(mia: Browser, canaries: Canaries, vault: str) -> None:
    """What is refused leaves no trace either."""
    mia.open(f"{vault}/items/new")
    mia.submit("item-form", 422, name="", password=canaries.word("refused password"), totp="no seed")
    mia.open(f"{vault}/items/new")
    mia.submit("item-form", 422, name=canaries.word("refused name"), urls="x" * 3000)
    mia.post(f"{vault}/items/new", {"name": canaries.word("forged name")}, 400)
    mia.client.post(
        "/csp-report",
        json={"csp-report": {"effective-directive": "img-src", "blocked-uri": canaries.word("blocked"),
                             "document-uri": f"http://localhost/?{canaries.word('document')}"}},
    )  # fmt: skip
    nobody = Browser(mia.client.application, "192.0.2.77")
    nobody.open("/sign-in")
    nobody.submit("sign-in", 422, token=canaries.word("sign-in"))


def leave(alice: Browser, mia: Browser, canaries: Canaries, world: World) -> list[bytes]:
    """Purge something; take the audit log out in both forms."""
    item = f"/o/northwind/items/{world.items['prod/db primary']}"
    alice.open(item)
    alice.submit("trash")
    alice.open(f"{item}/purge")
    alice.submit("purge-form")
    alice.open("/o/northwind/audit")
    alice.open("/o/northwind/audit/1")
    files = []
    for kind in ("csv", "jsonl"):
        for choice in ({}, {"names": "y"}):
            alice.open("/o/northwind/audit/export")
            files.append(alice.submit("export", format=kind, **choice).answer.get_data())
    return files


SEALED, CLEAR = ("chatelaine", "keepass"), ("bitwarden-json", "csv", "csv-guarded")


def take_out(person: Browser, *formats: str) -> list[bytes]:
    """Export everything in each of the formats."""
    files = []
    for key in formats:
        person.open("/o/northwind/export")
        secret = PASSPHRASE if key in SEALED else ""
        given = {"format": key, "passphrase": secret, "again": secret, "reason": "Moving out"}
        files.append(person.submit("export-form", **given).answer.get_data())
    return files


def written(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def hits(content: dict[str, bytes], words: dict[str, str]) -> list[str]:
    return [
        f"{place} in {name}"
        for name, data in content.items()
        for word, place in words.items()
        if any(disguise in data for disguise in disguises(word))
    ]


@pytest.fixture
def signed_in(app: Flask, world: World) -> Callable[[str], Browser]:
    def open_browser(name: str) -> Browser:
        browser = Browser(app)
        browser.open("/sign-in")
        browser.submit("sign-in", token=world.tokens[name])
        return browser

    return open_browser


def test_no_word_of_a_credential_is_ever_written_down(app, folder, world, signed_in):
    canaries = Canaries()
    mia, alice = signed_in("mia"), signed_in("alice")

    exports = live(mia, alice, canaries, world)
    sealed, clear = take_out(alice, *SEALED), take_out(mia, *CLEAR)

    back_up(app.extensions["chatelaine"], folder)
    content = written(folder)
    files = {
        "unsealed",
        "chatelaine.db",
        "chatelaine.db-wal",
        "chatelaine.db-shm",
        "chatelaine.db.rates",
        "log.jsonl",
    }
    assert files <= content.keys()
    assert len(content["log.jsonl"]) > 10_000
    assert len(canaries.words) > 120
    assert hits(content, canaries.words) == []

    # Once more with everything moved from the write-ahead log into the file, and the log cut short.
    app.extensions["chatelaine"].close()
    assert hits(written(folder), canaries.words) == []
    check_exports(exports, canaries)
    assert hits(dict(zip(SEALED, sealed, strict=True)), canaries.words) == []
    assert all("Password in" in " ".join(hits({key: data}, canaries.words))
               for key, data in zip(CLEAR, clear, strict=True))  # fmt: skip


def back_up(runtime, folder):
    """Make a backup, and open it as far as its key alone goes."""
    files = files_in(folder / "backups")
    manifest = backups.create(runtime, files).manifest
    files.fetch_data(manifest, folder / "unsealed", lambda *_: None)


NAMES = {"folder", "name", "new name", "copy's name", "custom name"}
"""What the audit log calls a credential and its fields: only an auditor who asks for it takes it out."""


def check_exports(exports: list[bytes], canaries: Canaries) -> None:
    table, named_table, lines, named_lines = exports
    assert table.count(b"item.revealed") > 10
    assert lines.count(b"\n") > 50
    assert hits({"the table": table, "the lines": lines}, canaries.words) == []
    named = {"the table with names": named_table, "the lines with names": named_lines}
    values = {word: place for word, place in canaries.words.items() if place not in NAMES}
    assert hits(named, values) == []
    assert hits(named, canaries.words) != []


@pytest.mark.parametrize("form", [0, 3, 5, 8])
def test_the_search_finds_a_word_in_every_disguise(tmp_path, form):
    """A search that finds nothing must be one that could find something."""
    word = Canaries().word("x")
    disguised = sorted(disguises(word))[form]
    (tmp_path / "file").write_bytes(os.urandom(1000) + disguised + os.urandom(1000))

    assert hits(written(tmp_path), {word: "x"}) == ["x in file"]
