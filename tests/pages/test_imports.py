"""Moving in through the pages: choose a file, see what would become of it, store it, take it back."""

from __future__ import annotations

import json
from datetime import timedelta
from io import BytesIO

import pytest
import time_machine
from sqlalchemy import func, select

from errors import Conflict
from importers.limits import FILE_MAX
from models import ImportedItem, ImportPart, ImportRun, Item, Vault
from services import clock, import_runs, maintenance
from tests.importers.files import FILES, NAMES, OUT, PASSWORD
from tests.pages.conftest import MISSING
from tests.world import past_the_program

CSV = b"name,username,password,url,notes\nRouter,admin,geheim-1,https://router.example,\nMail,ada,geheim-2,,hi\n"


def choose(browser, production, data=CSV, status=200, name="export.csv", **given):
    browser.open(f"{production}/import")
    return browser.submit("import-form", status, file=(BytesIO(data), name), **given)


def store(browser):
    page = browser.page
    button = page.select_one("#apply button")
    page = browser.press(" ".join(button.get_text().split()))
    while page.select_one("#go-on"):
        page = browser.press("Go on")
    return page


def facts(page):
    return [
        [cell.get_text(" ", strip=True) for cell in row.select("th, td")] for row in page.select("tbody tr")
    ]


def item_named(browser, production, name):
    page = browser.open(production)
    return next(link["href"] for link in page.select("tbody th a") if link.get_text() == name)


def rows(runtime, model):
    with runtime.work(writing=False) as uow:
        return uow.session.scalar(select(func.count()).select_from(model))


def test_a_file_is_shown_before_anything_of_it_is_stored(browser, production, runtime, trail):
    before = rows(runtime, Item)
    page = choose(browser("mia"), production)

    assert "2 new, 0 here already, 0 that cannot be kept" in page.words
    assert [row[0] for row in facts(page)] == ["Router admin", "Mail ada"]
    assert "geheim" not in str(page)
    assert rows(runtime, Item) == before
    recorded = trail.one("import.previewed")
    assert recorded["extra"] == {"format": "csv", "new": 2, "duplicate": 0, "refused": 0}
    assert recorded["target"] == "Production"


def test_what_was_shown_is_stored_with_an_event_each_and_nothing_of_the_file_is_left(
    browser, production, runtime, trail
):
    mia = browser("mia")
    choose(mia, production)
    page = store(mia)

    assert "2 of 2 credentials were stored" in page.words
    started = trail.one("import.started")["extra"]
    assert (started["file"], started["new"]) == ("export.csv", 2)
    made = trail.events("item.created")
    assert [event["target"] for event in made] == ["Router", "Mail"]
    assert {event["extra"]["import"] for event in made} == {started["import"]}
    assert rows(runtime, ImportPart) == 0


def test_an_imported_credential_opens_like_any_other(browser, production):
    mia = browser("mia")
    choose(mia, production)
    store(mia)
    page = mia.open(item_named(mia, production, "Router"))

    assert "https://router.example" in page.words
    page = mia.press("Reveal Password")
    assert page.select_one('[data-field="password"]').get_text(strip=True) == "geheim-1"
    history = mia.open(f"{mia.path.removesuffix('/reveal')}/history")
    assert "imported it" in history.words


def test_every_format_goes_in_through_the_page_and_out_again(browser, production):
    mia = browser("mia")
    for key in FILES:
        name = NAMES.get(key, "export")
        page = choose(mia, production, FILES[key], name=name, passphrase=PASSWORD, folder=f"in/{key}")
        assert f"{len(OUT[key])} new, 0 here already, 0 that cannot be kept" in page.words
        page = store(mia)
        assert f"{len(OUT[key])} of {len(OUT[key])} credentials were stored" in page.words
        result = mia.path
        listed = mia.open(f"{production}?folder=in/{key}").words
        assert [entry.name for entry in OUT[key] if entry.name not in listed] == []
        mia.open(result)
        assert f"{len(OUT[key])} credentials are in the trash" in mia.submit("undo").words


def test_the_same_file_again_brings_nothing_new(browser, production):
    mia = browser("mia")
    data = FILES["bitwarden-json"]
    choose(mia, production, data)
    store(mia)
    page = choose(mia, production, data)

    assert "0 new, 5 here already" in page.words
    assert page.select_one("#apply") is None
    assert all("with the same values" in row[3] for row in facts(page))


def test_what_is_called_alike_and_is_another_is_stored_beside_it(browser, production):
    mia = browser("mia")
    choose(mia, production)
    store(mia)
    page = choose(mia, production, CSV.replace(b"geheim-1", b"geheim-3"))

    assert [row[0] for row in facts(page)] == ["Router (2) admin", "Mail row 3"]
    assert "The name Router is taken." in facts(page)[0][3]
    store(mia)
    assert "Router (2)" in mia.open(production).words
    assert "0 new, 2 here already" in choose(mia, production, CSV.replace(b"geheim-1", b"geheim-3")).words


def test_a_credential_that_asks_for_more_before_a_reveal_is_not_opened_to_compare(browser, production, world):
    mia = browser("mia")
    choose(mia, production)
    store(mia)
    router = item_named(mia, production, "Router").rpartition("/")[2]
    manager = browser("alice")
    manager.open(f"/o/northwind/items/{router}/access")
    manager.submit("protection-form", confirm="y")

    page = choose(mia, production)
    assert "1 new, 1 here already" in page.words


def test_what_cannot_be_kept_is_said_and_the_rest_is_stored(browser, production):
    mia = browser("mia")
    data = b"name,username,password,url\nGood,a,b,\nLong,a," + b"x" * 70_000 + b",\n"
    page = choose(mia, production, data)

    assert "1 new, 0 here already, 1 that cannot be kept" in page.words
    page = mia.open(f"{mia.path}?only=refused")
    ((name, _, verdict, notes),) = facts(page)
    assert (name, verdict) == ("Long row 3", "Cannot be kept")
    assert "Password is too long" in notes
    mia.open(mia.path.partition("?")[0])
    assert "1 of 1 credentials were stored" in store(mia).words


def test_the_columns_of_any_table_can_be_chosen_before_storing(browser, production):
    mia = browser("mia")
    page = choose(mia, production, b"what,who,Code,x\nMail,ada,geheim,1\n", format="csv")
    assert [row[0] for row in facts(page)] == ["Untitled"]

    fields = {"columns-0": "name", "columns-1": "user-name", "columns-2": "password", "columns-3": "nothing"}
    page = mia.submit("columns-form", **fields)
    assert facts(page)[0][:2] == ["Mail ada", "Password"]
    store(mia)
    mia.open(item_named(mia, production, "Mail"))
    assert mia.press("Reveal Password").select_one('[data-field="password"]').get_text(strip=True) == "geheim"


def test_a_column_cannot_become_anything_else(browser, production):
    mia = browser("mia")
    choose(mia, production, b"what,who\nMail,ada\n", format="csv")
    page = mia.submit("columns-form", 422, **{"columns-0": "everything"})
    assert "Choose one from the list." in page.words


REFUSED = [
    (b"", {}, "The file is empty"),
    (b"\x89PNG", {}, "Nothing here knows this file"),
    (FILES["bitwarden-protected"], {}, "does not open without it"),
    (FILES["bitwarden-protected"], {"passphrase": "wrong"}, "The password does not open this file"),
    (b"[" * 100_000, {"format": "json"}, "deep"),
    (b"name,password\n" + b"a,b\n" * 20_000, {}, "more than 10,000 entries"),
    ("name,password\nä,b\n".encode("latin-1"), {"format": "csv"}, "not text in UTF-8"),
    (CSV, {"folder": "a//b"}, "before and after each slash"),
    (CSV, {"folder": "x" * 150}, "at most 120 characters"),
]


def test_a_file_that_cannot_be_read_is_refused_beside_its_field(browser, production, runtime):
    mia = browser("mia")
    for data, given, words in REFUSED:
        page = choose(mia, production, data, 422, **given)
        assert words in page.select_one(".callout.bad").get_text()
    assert (rows(runtime, ImportRun), rows(runtime, ImportPart)) == (0, 0)


def test_a_request_that_is_larger_than_any_file_is_refused(browser, production):
    answer = browser("mia").client.post(
        f"{production}/import",
        data=b"a" * (FILE_MAX + 512 * 1024),
        content_type="multipart/form-data; boundary=b",
        base_url="http://localhost",
    )
    assert answer.status_code == 413


def test_nothing_of_a_file_lies_readable_in_the_database_or_on_the_disk(
    browser, production, database, monkeypatch
):
    """Werkzeug's own way is a file that goes to the disk when it grows above 500 KB."""

    def refuse(*_arguments, **_options):
        raise AssertionError("an upload went to a temporary file")

    monkeypatch.setattr("werkzeug.formparser.SpooledTemporaryFile", refuse)
    data = b"name,password\nKanarienvogel,Zaunkoenig\n"
    choose(browser("mia"), production, data, name="Rotkehlchen.csv")
    for table, column in (("import_run", "summary"), ("import_part", "contents")):
        kept = past_the_program(database, f"SELECT {column} FROM {table}")
        assert kept
        for (value,) in kept:
            assert b"Kanarien" not in bytes(value)
            assert b"Zaunkoenig" not in bytes(value)
            assert b"Rotkehlchen" not in bytes(value)


def test_a_preview_is_for_whoever_made_it(browser, production):
    mia = browser("mia")
    choose(mia, production)
    path = mia.path
    browser("alice").open(path, 404)
    store(mia)
    assert "2 of 2" in browser("alice").open(path).words


def test_a_preview_ends_after_an_hour(browser, production, runtime):
    mia = browser("mia")
    choose(mia, production)
    with time_machine.travel(clock.now() + timedelta(minutes=61), tick=False):
        mia = browser("mia")
        mia.open(mia.path, 200)
        maintenance.run(runtime)
    assert (rows(runtime, ImportRun), rows(runtime, ImportPart)) == (0, 0)


def test_a_preview_can_be_let_go(browser, production, runtime):
    mia = browser("mia")
    choose(mia, production)
    page = mia.press("Discard")
    assert "Nothing of the file is kept" in page.words
    assert (rows(runtime, ImportRun), rows(runtime, ImportPart)) == (0, 0)


def test_a_whole_import_is_taken_back_except_what_was_changed_since(browser, production, runtime, trail):
    mia = browser("mia")
    choose(mia, production)
    store(mia)
    result = mia.path
    mia.open(f"{item_named(mia, production, 'Mail')}/edit")
    mia.submit("item-form", notes="changed")
    mia.open(result)
    page = mia.submit("undo")

    assert "1 credentials are in the trash. 1 was changed since and stays in the vault." in page.words
    assert trail.one("import.undone")["extra"]["made"] == 2
    assert [event["target"] for event in trail.events("item.trashed")] == ["Router"]
    assert "Router" not in mia.open(production).words
    assert "Mail" in mia.open(production).words
    assert rows(runtime, ImportedItem) == 0
    assert "Undone" in mia.open(f"{production}/import").words


def test_an_import_goes_on_where_it_was_left(browser, production, runtime, monkeypatch):
    monkeypatch.setattr("blueprints.imports.SECONDS", 0)
    data = b"name,password\n" + b"".join(b"n%d,p%d\n" % (n, n) for n in range(250))
    mia = browser("mia")
    choose(mia, production, data)
    page = mia.submit("apply")
    assert "100 of 250 stored" in page.words
    assert page.select_one("progress")["value"] == "100"
    page = mia.press("Go on")
    assert "200 of 250 stored" in page.words
    assert "250 of 250 credentials were stored" in mia.press("Go on").words
    assert rows(runtime, ImportedItem) == 250


def test_an_import_that_is_stopped_keeps_what_is_stored_and_nothing_else(
    browser, production, runtime, monkeypatch
):
    monkeypatch.setattr("blueprints.imports.SECONDS", 0)
    data = b"name,password\n" + b"".join(b"n%d,p\n" % n for n in range(150))
    mia = browser("mia")
    choose(mia, production, data)
    mia.submit("apply")
    page = mia.press("Stop here")
    assert "100 of 150 credentials were stored" in page.words
    assert rows(runtime, ImportPart) == 0
    page = mia.submit("undo")
    assert "100 credentials are in the trash. None was changed since." in page.words


def test_what_was_left_halfway_ends_by_itself_and_can_be_undone(browser, production, runtime, monkeypatch):
    monkeypatch.setattr("blueprints.imports.SECONDS", 0)
    data = b"name,password\n" + b"".join(b"n%d,p\n" % n for n in range(150))
    mia = browser("mia")
    choose(mia, production, data)
    mia.submit("apply")
    path = mia.path
    with time_machine.travel(clock.now() + timedelta(minutes=61), tick=False):
        maintenance.run(runtime)
        assert rows(runtime, ImportPart) == 0
        mia = browser("mia")
        assert "100 of 150 credentials were stored" in mia.open(path).words
        assert "100 credentials are in the trash" in mia.submit("undo").words


def test_a_part_is_stored_once_however_often_it_is_sent(browser, production, runtime, world):
    mia = browser("mia")
    choose(mia, production)
    with runtime.work(writing=False, actor=world.actor("mia")) as uow:
        run = uow.session.scalars(select(ImportRun)).one()
        batch = import_runs.next_batch(uow, run)
    store(mia)
    with runtime.work(writing=True, actor=world.actor("mia")) as uow:
        run = uow.session.get(ImportRun, run.id)
        with pytest.raises(Conflict):
            import_runs.store(uow, run, uow.session.get(Vault, run.vault_id), batch)


def test_a_full_organization_stops_an_import_with_a_sentence(browser, production, runtime, database):
    past_the_program(database, "UPDATE organization SET items_max = 3 WHERE slug = 'northwind'")
    mia = browser("mia")
    choose(mia, production)
    page = mia.submit("apply")
    assert "Ask the operator of this installation for more" in page.words
    assert rows(runtime, ImportedItem) == 0
    assert "2 new" in page.words


def test_whoever_may_not_edit_the_vault_may_not_import(browser, production):
    browser("rhea").open(f"{production}/import", 403)
    browser("noah").open(f"{production}/import", 404)
    browser("mia").open(f"/o/northwind/imports/{MISSING}", 404)
    assert "Import" not in browser("rhea").open(production).words


def test_a_right_that_was_taken_away_meanwhile_stops_the_import(
    browser, production, runtime, database, world
):
    mia = browser("mia")
    choose(mia, production)
    path, token = mia.path, mia.csrf()
    past_the_program(
        database, 'UPDATE access_grant SET "right" = 2 WHERE user_id = ?', world.people["mia"].hex
    )
    mia.post(f"{path}/apply", {"csrf_token": token}, 403)
    assert rows(runtime, ImportedItem) == 0


def test_a_right_that_goes_while_passwords_are_rated_stops_it(
    browser, production, runtime, database, world, monkeypatch
):
    """The guard has let the request in by then; who may is asked again where it is stored."""
    mia = browser("mia")
    choose(mia, production)
    rated = import_runs.next_batch

    def rate_and_lose(uow, run):
        batch = rated(uow, run)
        uow.release()
        take = 'UPDATE access_grant SET "right" = 2 WHERE user_id = ?'
        past_the_program(database, take, world.people["mia"].hex)
        return batch

    monkeypatch.setattr(import_runs, "next_batch", rate_and_lose)
    mia.post(f"{mia.path}/apply", {"csrf_token": mia.csrf()}, 403)
    assert rows(runtime, ImportedItem) == 0


def test_a_vault_goes_with_the_previews_for_it(browser, runtime):
    alice = browser("alice")
    alice.open("/o/northwind/vaults/new")
    vault = alice.submit("vault-form", name="Short-lived") and alice.path
    choose(alice, vault)
    alice.open(f"{vault}/edit")
    alice.submit("delete-vault")
    assert (rows(runtime, ImportRun), rows(runtime, ImportPart)) == (0, 0)


def test_odd_entries_become_credentials_that_our_rules_allow(browser, production):
    items = [
        {
            "type": 1,
            "name": "a/b\n",
            "login": {"uris": [{"uri": "javascript:alert(1)"}], "totp": "steam://AB"},
        },
        {"type": 1, "name": "", "login": {"username": "u" * 600}},
        {"type": 2, "name": "N" * 300, "fields": [{"name": "x", "value": "1"}, {"name": "X", "value": "2"}]},
        {"type": 2, "name": "many", "fields": [{"name": f"f{n}", "value": "v"} for n in range(90)]},
        {"type": 1, "name": "\ud800", "login": {"password": "\ud800"}},
        {"type": 1, "name": "..", "login": {"password": "p"}},
    ]
    mia = browser("mia")
    page = choose(mia, production, json.dumps({"encrypted": False, "folders": [], "items": items}).encode())
    found = {row[0]: row[1:] for row in facts(page)}

    assert found["a-b"][0] == "URL, Authenticator"
    assert "No codes can be made of its TOTP" in found["a-b"][2]
    assert found["Untitled"][0] == "User name"
    (long,) = (name for name in found if name.startswith("NNN"))
    assert found[long][0] == "Whole name, x, X (2)"
    assert {"many", "many, part 2", "many, part 3", "Untitled (2)"} <= found.keys()
    assert "7 new, 0 here already, 1 that cannot be kept" in page.words
    store(mia)
