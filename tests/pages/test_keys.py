"""The operator's page of keys: what there is, and each step of turning them, without any script."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app import create_app
from crypto.keyring import MasterKeys
from services import key_status, maintenance, reencryption
from tests import world as worlds
from tests.browser import Browser
from tests.trail import Trail
from tests.world import MASTER_KEY, NEW_MASTER_KEY

OLD_ID, NEW_ID = MasterKeys.parse(MASTER_KEY).primary_id, MasterKeys.parse(NEW_MASTER_KEY).primary_id
PAGE = "/instance/keys"


@pytest.fixture
def alice(browser):
    alice = browser("alice")
    alice.open("/o/northwind/")
    return alice


@pytest.fixture
def start(database, world):
    """Start the program anew with these master keys; return the operator's browser, and the application."""
    started = []

    def start(*ring):
        app = create_app(worlds.settings_for(database, ENCRYPTION_KEYS=":".join(ring)))
        started.append(app)
        alice = Browser(app)
        alice.open("/sign-in")
        alice.submit("sign-in", token=world.tokens["alice"])
        return alice, app

    yield start
    for app in started:
        app.extensions["chatelaine"].close()


def table(page, label):
    """Return the rows of a table, each as the words of its cells."""
    rows = page.select(f'[aria-label="{label}"] tbody tr')
    return [[" ".join(cell.get_text(" ").split()) for cell in row.select("th, td")] for row in rows]


def steps(page):
    """Return which steps of replacing the master key are done."""
    return ["done" in (step.get("class") or []) for step in page.select("ol.checklist > li")]


def test_a_new_installation_shows_its_keys_and_nothing_to_do(alice):
    page = alice.open(PAGE)
    assert table(page, "Master keys")[0][:3] == [OLD_ID, "First: wraps new keys", "12"]
    assert [row[0] for row in table(page, "Data keys in use")] == ["Lakeside", "Northwind", "System"]
    assert len(table(page, "All keys")) == 12
    assert page.select_one(".callout.warn") is None
    assert steps(page) == [False] * 5
    assert MASTER_KEY not in str(page)


def test_the_page_is_found_from_the_list_of_organizations(alice):
    assert alice.open("/instance").select_one(f'main a[href="{PAGE}"]') is not None


def test_it_leads_through_the_replacement_of_the_master_key(start, world):
    alice, _ = start(NEW_MASTER_KEY, MASTER_KEY)
    page = alice.open(PAGE)
    assert "12 keys are still under an earlier master key" in page.words
    assert steps(page) == [True, True, False, False, False]
    page = alice.submit("rotate")
    assert "12 keys are wrapped under the first master key now." in page.words
    assert steps(page) == [True, True, True, True, False]
    assert f"No row needs {OLD_ID} any more" in page.words
    assert table(page, "Master keys")[1][:3] == [OLD_ID, "May be removed", "0"]
    alice, _ = start(NEW_MASTER_KEY)
    page = alice.open(PAGE)
    assert [row[0] for row in table(page, "Master keys")] == [NEW_ID]
    alice.open(f"/o/northwind/items/{world.items['Board portal']}")
    assert "correct horse" in alice.submit("reveal-password").words


@pytest.mark.parametrize("action", ["rotate", "{northwind}/reencrypt", "system/reencrypt"])
def test_each_turn_asks_again_who_one_is(clock, come_in, world, trail, action):
    alice = come_in("alice")
    clock.shift(timedelta(minutes=6))
    alice.open(PAGE)
    form = {"csrf_token": alice.csrf()}
    path = f"{PAGE}/{action.format(northwind=world.organizations['northwind'])}"
    answer = alice.post(path, form, 302).answer
    assert answer.headers["Location"].startswith("/account/confirm")
    assert not [event for event in trail.events() if event["action"].startswith("key.")]


def test_it_is_recorded_who_wrapped_the_keys(start):
    alice, app = start(NEW_MASTER_KEY, MASTER_KEY)
    trail = Trail(app.extensions["chatelaine"])
    alice.open(PAGE)
    alice.submit("rotate")
    events = trail.events("key.rewrapped")
    assert len(events) == 12
    assert {event["actor"] for event in events} == {"Alice"}


def test_a_data_key_is_replaced_while_the_server_goes_on(alice, app, trail):
    alice.open(PAGE)
    page = alice.submit("turn-2")
    assert "Northwind: everything comes under version 2 of the data key." in page.words
    app.extensions["reencrypter"].wait()
    page = alice.open(PAGE)
    assert table(page, "Data keys in use")[1][:4:3] == ["Northwind", "3 of 3 rows"]
    done = trail.one("key.reencrypted")
    assert (done["actor"], done["extra"]["rows"]) == ("Alice", 3)
    assert done["path"].endswith("/reencrypt")


def test_the_installation_has_one_of_its_own(alice, app, trail):
    alice.open(PAGE)
    assert "version 2 of the data key" in alice.submit("turn-3").words
    app.extensions["reencrypter"].wait()
    assert trail.one("key.turned")["organization"] is None


def test_what_was_interrupted_can_go_on_and_shows_how_far_it_is(alice, app, runtime, world):
    northwind = world.organizations["northwind"]
    with runtime.work(writing=True) as uow:
        reencryption.begin(uow, northwind)
    page = alice.open(PAGE)
    bar = page.select_one("progress")
    assert (bar["value"], bar["max"]) == ("0", "3")
    assert "Northwind: 3 rows are still under version 1" in page.words
    told = alice.open(f"{PAGE}/progress").answer.get_json()
    assert told[str(northwind)] == {"done": 0, "rows": 3, "running": False}
    alice.open(PAGE)
    alice.press("Go on")
    app.extensions["reencrypter"].wait()
    assert alice.open(PAGE).select_one("progress") is None


def test_while_it_runs_the_page_offers_to_look_again(alice, runtime, world, monkeypatch):
    northwind = world.organizations["northwind"]
    with runtime.work(writing=True) as uow:
        reencryption.begin(uow, northwind)
    monkeypatch.setattr(reencryption, "is_running", lambda _runtime, owner: owner == northwind)
    page = alice.open(PAGE)
    row = page.select_one("[data-running]").find_parent("tr")
    assert row.select_one("a.btn").get_text() == "Look again"
    assert row.select_one("form") is None


def test_the_housekeeping_goes_on_with_what_a_stopped_process_left(runtime, world):
    with runtime.work(writing=True) as uow:
        reencryption.begin(uow, world.organizations["northwind"])
    assert maintenance.run(runtime)["re-encrypted"] == 3
    assert maintenance.run(runtime)["re-encrypted"] == 0


def test_the_operator_is_told_on_the_overview_when_a_key_is_a_year_old(alice, browser, monkeypatch):
    assert "days old" not in alice.open("/o/northwind/").words
    monkeypatch.setattr(key_status, "OLD", timedelta(0))
    page = alice.open("/o/northwind/")
    assert "The master key is 0 days old: replace it." in page.words
    assert "Northwind: the data key is 0 days old: re-encrypt." in page.words
    assert "days old" not in browser("adam").open("/o/northwind/").words


def test_whoever_is_not_the_operator_finds_nothing(browser):
    browser("adam").open(PAGE, status=404)
