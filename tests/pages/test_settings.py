"""The settings page: what counts, and no secret."""

from __future__ import annotations

import pytest

from app import create_app
from crypto.keyring import MasterKeys
from services.csp_reports import Violation, store
from services.schema import newest_revision
from tests.browser import Browser
from tests.world import FLASK_KEY, MASTER_KEY, on_postgresql, settings_for

SETTINGS = "/o/northwind/settings"
OTHER_KEY = "_____wECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxw"


def rows_of(page, table):
    return [
        [" ".join(cell.get_text(" ").split()) for cell in row.select("th, td")]
        for row in page.select(f'[aria-label="{table}"] tbody tr')
    ]


@pytest.mark.parametrize("name", ["alice", "adam", "audrey"])
def test_who_watches_over_the_organization_sees_what_counts(browser, name):
    page = browser(name).open(SETTINGS)
    rows = {row[0]: row[1:] for row in rows_of(page, "Configuration")}
    assert rows["APP_ENV"] == ["local", "environment"]
    assert rows["SESSION_HOURS"] == ["12", "default"]
    assert rows["FLASK_SECRET_KEY"][0] == "set"
    assert rows["ENCRYPTION_KEYS"][0] == "set"
    assert rows["ADMIN_TOKEN"][0] == "not set"


def test_others_do_not(refuses):
    refuses(SETTINGS, "mia", 403)
    refuses(SETTINGS, "mallory", 404)


def test_no_secret_stands_there(browser, world, database):
    text = str(browser("alice").open(SETTINGS))
    for secret in (FLASK_KEY, MASTER_KEY, *world.tokens.values(), str(database)):
        assert secret not in text


def test_the_page_says_what_the_installation_runs_on(browser, runtime):
    page = browser("alice").open(SETTINGS)
    facts = {term.get_text(): term.find_next("dd").get_text(" ", strip=True) for term in page.select("dt")}
    assert facts["Version"].count(".") == 2
    assert facts["Schema"] == newest_revision()
    assert facts["Database"].startswith("PostgreSQL 15" if on_postgresql() else "SQLite 3.")
    with runtime.engine.connect() as connection:
        assert facts["Instance"] == str(runtime.keys_for(connection).instance)
    assert facts["Audit public key"].startswith(f"chatelaine/{facts['Instance']}+")
    runtime.checkpoints.make()
    assert "just now" in browser("alice").open(SETTINGS).words.partition("Last checkpoint")[2][:20]


def test_master_keys_are_named_by_their_ids_with_what_needs_them(database, world):
    settings = settings_for(database, ENCRYPTION_KEYS=f"{OTHER_KEY}:{MASTER_KEY}")
    app = create_app(settings)
    alice = Browser(app)
    alice.open("/sign-in")
    alice.submit("sign-in", token=world.tokens["alice"])
    first, second = rows_of(alice.open(SETTINGS), "Master keys")
    new, old = MasterKeys.parse(f"{OTHER_KEY}:{MASTER_KEY}").ids
    assert first == [new, "First: wraps new keys", "0"]
    assert second[:2] == [old, "Still needed"]
    assert int(second[2]) > 4
    app.extensions["chatelaine"].close()


def test_data_keys_are_those_of_the_organization_and_the_system(browser):
    rows = rows_of(browser("alice").open(SETTINGS), "Data keys")
    assert {row[1] for row in rows} == {"System", "Northwind"}
    assert [row[0] for row in rows if row[1] == "Northwind"] == ["audit", "data"]
    assert {(row[2], row[3]) for row in rows} == {("1", "Active")}


def test_what_browsers_reported_is_shown(browser, runtime):
    with runtime.work(writing=True) as uow:
        store(uow, [Violation("script-src", "inline", "http://localhost/o/northwind/people")])
    ((directive, blocked, *_),) = rows_of(browser("alice").open(SETTINGS), "Reports of the content policy")
    assert (directive, blocked) == ("script-src", "inline")
