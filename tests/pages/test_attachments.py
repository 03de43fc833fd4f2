"""Files on a credential's page: added, listed, downloaded and removed, and who may none of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from urllib.parse import quote

import pytest

from errors import Unavailable
from policy import Right
from services import attachment_changes, item_changes, items
from services.items import Protection
from services.rules import AttachmentRules
from services.virus_scan import Infected, Scanner
from tests.attached import PEM, attach
from tests.pages.conftest import MISSING
from tests.world import past_the_program

DB = "prod/db primary"


@pytest.fixture
def server_pem(runtime, world):
    """A file on prod/db primary; its id."""
    return attach(runtime, world.actor("mia", {world.vaults["Production"]: Right.EDIT}), world.items[DB])


def add(somebody, name="server.pem", content=PEM, status=200):
    return somebody.submit("add-file", status, file=(BytesIO(content), name))


def listed(page):
    return [row.select_one("bdi").get_text() for row in page.select(".files li")]


def error_of(page):
    field = page.select_one('input[type="file"]')
    assert field["aria-invalid"] == "true"
    return page.select_one(f"#{field['id']}-error").get_text(" ", strip=True)


def test_a_file_is_added_listed_downloaded_and_removed(browser, primary, trail):
    mia = browser("mia")
    mia.open(primary)
    page = add(mia)
    assert listed(page) == ["server.pem"]
    assert "Text, 59 bytes, added just now by Mia" in page.words
    assert "server.pem is added." in page.words

    [download] = [form["id"] for form in page.select('form[id^="download-"]')]
    answer = mia.submit(download).answer
    assert answer.get_data() == PEM

    mia.open(primary)
    [remove] = [form["id"] for form in mia.page.select('form[id^="remove-"]')]
    page = mia.submit(remove)
    assert listed(page) == []
    assert trail.actions()[-3:] == ["file.added", "file.downloaded", "file.removed"]
    assert [event["extra"]["version"] for event in trail.events("file.removed")] == [3]
    assert "server.pem" not in repr(trail.events())

    page = mia.open(f"{primary}/versions/2")
    assert listed(page) == ["server.pem"]
    assert mia.submit(download).answer.get_data() == PEM
    assert "changed Files" in mia.open(f"{primary}/history").words


def test_a_download_is_kept_and_never_shown(browser, primary, server_pem):
    mia = browser("mia")
    mia.open(primary)
    headers = mia.submit(f"download-{server_pem}").answer.headers
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["Content-Length"] == str(len(PEM))
    assert headers["Content-Disposition"] == (
        "attachment; filename=\"server.pem\"; filename*=UTF-8''server.pem"
    )
    assert headers["Content-Security-Policy"] == "default-src 'none'; sandbox; frame-ancestors 'none'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"


def test_a_name_of_other_letters_is_told_in_both_ways(browser, primary):
    mia = browser("mia")
    mia.open(primary)
    add(mia, "Schlüssel, 100%?.txt", b"x")
    [download] = [form["id"] for form in mia.page.select('form[id^="download-"]')]
    told = mia.submit(download).answer.headers["Content-Disposition"]
    kept = "Schlüssel, 100%_.txt"
    assert told == f"attachment; filename=\"Schl_ssel, 100__.txt\"; filename*=UTF-8''{quote(kept)}"


def test_markup_in_a_name_is_text(browser, primary):
    mia = browser("mia")
    mia.open(primary)
    page = add(mia, "<img src=x onerror=alert(1)>.svg", b"<svg onload='alert(1)'/>")
    assert listed(page) == ["_img src=x onerror=alert(1)_.svg"]
    [download] = [form["id"] for form in page.select('form[id^="download-"]')]
    assert mia.submit(download).answer.headers["Content-Type"] == "application/octet-stream"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.exe", b"MZ\x90\0", "Files of this type are not taken"),
        ("a.png", b"%PDF-1.7", "The name ends in .png, and the content is another: PDF."),
        ("a.txt", b"", "Choose a file that is not empty."),
        ("a.txt", b"x" * 1025, "The file is too large: at most"),
        ("", b"", "Choose a file."),
    ],
)
def test_what_is_not_taken_is_told_beside_the_field(browser, primary, runtime, name, content, words):
    runtime.rules = replace(runtime.rules, attachments=AttachmentRules(max_bytes=1024))
    mia = browser("mia")
    mia.open(primary)
    assert words in error_of(add(mia, name, content, 422))
    assert list(runtime.files.list()) == []


def test_a_second_file_of_a_name_is_refused(browser, primary, server_pem, runtime):
    mia = browser("mia")
    mia.open(primary)
    assert "already has a file called server.pem" in error_of(add(mia, status=422))
    assert len(list(runtime.files.list())) == 1


def test_what_fails_at_the_last_step_leaves_nothing(browser, primary, runtime, monkeypatch):
    mia = browser("mia")
    mia.open(primary)
    real = attachment_changes.add

    def add_late(uow, item, draft):
        return real(uow, item, replace(draft, begun=draft.begun - timedelta(hours=1)))

    monkeypatch.setattr(attachment_changes, "add", add_late)
    page = add(mia, status=409)
    assert "Storing the file took too long." in error_of(page)
    assert list(runtime.files.list()) == []


def test_a_right_that_is_gone_by_then_counts(browser, primary, runtime, monkeypatch, world, database):
    mia = browser("mia")
    mia.open(primary)
    real = runtime.files.put

    def put(name, pieces):
        real(name, pieces)
        past_the_program(database, "DELETE FROM access_grant WHERE user_id = ?", world.people["mia"].hex)

    monkeypatch.setattr(runtime.files, "put", put)
    add(mia, status=404)
    assert list(runtime.files.list()) == []


def test_who_only_sees_a_credential_sees_what_it_has_and_gets_none_of_it(browser, primary, server_pem, trail):
    ula = browser("ula")
    page = ula.open(primary)
    assert listed(page) == ["server.pem"]
    assert page.select('form[id^="download-"], form[id^="remove-"], #add-file') == []
    ula.post(f"/o/northwind/files/{server_pem}/download", {"csrf_token": ula.csrf()}, 403)
    assert trail.events("file.downloaded") == []


def test_who_reveals_downloads_and_changes_nothing(browser, primary, server_pem, trail):
    rhea = browser("rhea")
    page = rhea.open(primary)
    assert page.select('form[id^="remove-"], #add-file') == []
    assert rhea.submit(f"download-{server_pem}").answer.get_data() == PEM
    rhea.open(primary)
    token = rhea.csrf()
    for path in (f"{primary}/files", f"/o/northwind/files/{server_pem}/remove"):
        rhea.post(path, {"csrf_token": token}, 403)
    assert trail.one("file.downloaded")["actor"] == "Rhea"


def test_a_file_of_nobody_s_is_not_found(refuses):
    refuses(f"/o/northwind/files/{MISSING}/download", "mia", 404, posting=True)


def test_a_download_asks_again_who_one_is_where_a_reveal_does(
    browser, primary, server_pem, runtime, world, trail, clock
):
    protect(runtime, world, confirm=True)
    rhea = browser("rhea")
    rhea.open(primary)
    clock.shift(timedelta(minutes=6))
    page = rhea.submit(f"download-{server_pem}")
    assert page.select_one("h1").get_text() != DB
    assert rhea.path.startswith("/account/confirm")
    assert trail.events("file.downloaded") == []


def test_a_download_waits_for_a_second_person_where_a_reveal_does(
    browser, primary, server_pem, runtime, world, trail
):
    protect(runtime, world, approval_minutes=15)
    rhea = browser("rhea")
    page = rhea.open(primary)
    assert page.select('form[id^="download-"]') == []
    path = f"/o/northwind/files/{server_pem}/download"
    rhea.post(path, {"csrf_token": rhea.csrf()}, 403)
    assert trail.events("file.downloaded") == []

    rhea.open(primary)
    rhea.submit("ask-approval", reason="Renewing it.")
    alice = browser("alice")
    alice.open("/o/northwind/requests")
    alice.submit(next(form["id"] for form in alice.page.select("form[id]") if "approve" in form["id"]))
    rhea.open(primary)
    assert rhea.submit(f"download-{server_pem}").answer.get_data() == PEM


def protect(runtime, world, **wanted):
    actor = world.actor("alice", {world.vaults["Production"]: Right.MANAGE})
    with runtime.work(writing=True, actor=actor) as uow:
        item_changes.protect(uow, items.find(uow, world.items[DB]), Protection(**wanted))


def test_downloads_are_counted_with_reveals(browser, primary, server_pem):
    rhea = browser("rhea")
    rhea.open(primary)
    for _ in range(59):
        rhea.json("reveal-password")
    rhea.open(primary)
    rhea.submit(f"download-{server_pem}")
    rhea.open(primary)
    rhea.submit(f"download-{server_pem}", 429)


def test_nothing_leaves_when_its_event_cannot_be_stored(browser, primary, server_pem, runtime, monkeypatch):
    rhea = browser("rhea")
    rhea.open(primary)

    def refuse(*_):
        raise Unavailable

    monkeypatch.setattr(runtime.committer, "submit", refuse)
    answer = rhea.submit(f"download-{server_pem}", 503).answer
    assert PEM not in answer.get_data()


def test_an_installation_that_wants_none_offers_none(browser, primary, runtime):
    runtime.rules = replace(runtime.rules, attachments=AttachmentRules(max_bytes=0))
    mia = browser("mia")
    page = mia.open(primary)
    assert page.select_one("#add-file") is None
    mia.post(f"{primary}/files", {"csrf_token": mia.csrf(), "file": (BytesIO(b"x"), "a.txt")}, 409)


def test_what_was_altered_is_said_and_not_sent(browser, primary, server_pem, runtime, trail):
    [stored] = [each.name for each in runtime.files.list()]
    runtime.files.put(stored, [b"x" * 200])
    rhea = browser("rhea")
    rhea.open(primary)
    page = rhea.submit(f"download-{server_pem}", 409)
    assert "This cannot be decrypted" in page.words
    assert trail.one("decryption.failed")["extra"]["part"] == "content of a file"


def test_a_trashed_credential_keeps_its_files_and_takes_no_more(browser, primary, server_pem):
    mia = browser("mia")
    mia.open(primary)
    mia.submit("trash")
    page = mia.open(primary)
    assert listed(page) == ["server.pem"]
    assert page.select('form[id^="remove-"], #add-file') == []
    mia.post(f"/o/northwind/files/{server_pem}/remove", {"csrf_token": mia.csrf()}, 409)


def test_a_file_that_the_scanner_dislikes_is_recorded(browser, primary, runtime, trail, monkeypatch):
    scanner = Scanner("nowhere")
    runtime.rules = replace(runtime.rules, attachments=AttachmentRules(scanner=scanner))
    monkeypatch.setattr(Scanner, "look_at", lambda *_: (_ for _ in ()).throw(Infected("Eicar")))
    mia = browser("mia")
    mia.open(primary)
    assert "found Eicar in this file" in error_of(add(mia, status=422))
    event = trail.one("file.added")
    assert (event["success"], event["extra"]["found"]) == (False, "Eicar")
    assert list(runtime.files.list()) == []
