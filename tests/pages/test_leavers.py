"""What must change when somebody leaves: opened, and still the same."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest

from policy import Right, Scope
from services import api_tokens, leavers, people
from services.contents import Contents, Field, ItemType, Kind
from tests import world as worlds
from tests.attached import attach

STRIPE = "Stripe dashboard"
PRIMARY = "prod/db primary"


@pytest.fixture
def rhea(browser, world):
    """Rhea opens values."""
    rhea = browser("rhea")

    def reveal(item, field="password"):
        rhea.open(f"/o/northwind/items/{world.items[item]}")
        rhea.submit(f"reveal-{field}")

    rhea.reveal = reveal
    return rhea


@pytest.fixture
def mia(browser, world):
    """Mia edits credentials."""
    mia = browser("mia")

    def edit(item, **changes):
        mia.open(f"/o/northwind/items/{world.items[item]}/edit")
        mia.submit("item-form", **changes)

    mia.edit = edit
    return mia


@pytest.fixture
def lists(browser, world):
    """Read the two lists of Rhea's page, as the auditor does: names with what is still the same."""
    audrey = browser("audrey")

    def read():
        page = audrey.open(f"/o/northwind/people/{world.members['rhea']}/opened")
        found = []
        for label in ("To be changed", "Changed since"):
            rows = page.select(f'[aria-label="{label}"] tbody tr')
            found.append({row.th.get_text(): row.select("td")[1].get_text(strip=True) for row in rows})
        return tuple(found)

    return read


def test_what_somebody_opened_must_change_until_it_was_changed(rhea, mia, lists):
    assert lists() == ({}, {})
    rhea.reveal(STRIPE)
    rhea.reveal(PRIMARY)
    assert lists() == ({STRIPE: "Password", PRIMARY: "Password"}, {})

    mia.edit(STRIPE, password="another one")
    assert lists() == ({PRIMARY: "Password"}, {STRIPE: "Changed since"})

    rhea.reveal(STRIPE)
    assert lists() == ({STRIPE: "Password", PRIMARY: "Password"}, {})


def test_a_change_of_something_else_changes_nothing_of_it(rhea, mia, lists):
    rhea.reveal(STRIPE)
    mia.edit(STRIPE, user_name="somebody@else.example", tags="new")
    assert lists() == ({STRIPE: "Password"}, {})


def test_an_earlier_version_that_was_restored_leaves_it_in_doubt(rhea, mia, lists, world):
    rhea.reveal(STRIPE)
    mia.edit(STRIPE, password="another one")
    mia.open(f"/o/northwind/items/{world.items[STRIPE]}/versions/1")
    mia.submit("restore-version")
    assert lists() == ({STRIPE: "Password"}, {})


def test_a_field_that_has_another_name_by_now_is_in_doubt(rhea, mia, lists, world):
    mia.open(f"/o/northwind/items/{world.items[STRIPE]}/edit")
    mia.press("Add another field")
    mia.submit("item-form", **{"custom-0-name": "Word", "custom-0-value": "ostrich"})
    rhea.reveal(STRIPE, "word")
    mia.edit(STRIPE, **{"custom-0-name": "Backup word"})
    assert lists() == ({STRIPE: "Word"}, {})


def test_a_code_is_worth_nothing_later(rhea, lists):
    rhea.reveal(PRIMARY, "totp")
    assert lists() == ({}, {})


def test_what_is_public_anyway_needs_no_change(rhea, add, lists):
    certificate = Field("Certificate", Kind.MULTILINE, "-----BEGIN CERTIFICATE-----")
    (item,) = add(Contents("web", ItemType.CERTIFICATE, fields=(certificate,)))
    rhea.open(f"/o/northwind/items/{item}")
    rhea.submit("reveal-certificate")
    assert lists() == ({}, {})


def test_the_seed_is_worth_something(browser, runtime, world):
    item = world.items[PRIMARY]
    mia = browser("mia")
    mia.open(f"/o/northwind/items/{item}")
    mia.post(f"/o/northwind/items/{item}/reveal", {"csrf_token": mia.csrf(), "field": "totp seed"}, 200)
    with runtime.work(writing=False, actor=world.actor("audrey")) as uow:
        subject = leavers.of_person(uow, people.find(uow, world.members["mia"]))
        report = leavers.report(uow, subject)
    assert [(one.name, one.fields) for one in report.still] == [(PRIMARY, ("TOTP",))]


def test_what_their_programs_opened_counts_as_theirs(app, runtime, lists, world):
    with runtime.work(writing=True, actor=world.actor("rhea")) as uow:
        token = api_tokens.issue(uow, "job", [Scope.ITEMS_REVEAL], timedelta(days=1)).text
    answer = app.test_client().post(
        f"/api/v1/items/{world.items[STRIPE]}/reveal", headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.status_code == 200
    assert "Password" in lists()[0][STRIPE]


def test_what_was_destroyed_needs_no_change(rhea, browser, lists, world):
    rhea.reveal(PRIMARY)
    alice = browser("alice")
    item = f"/o/northwind/items/{world.items[PRIMARY]}"
    alice.open(item)
    alice.submit("trash")
    assert lists()[0] == {f"{PRIMARY} In the trash": "Password"}
    alice.open(f"{item}/purge")
    alice.submit("purge-form")
    assert lists() == ({}, {})
    page = browser("audrey").open(f"/o/northwind/people/{world.members['rhea']}/opened")
    assert "1 more that they opened was destroyed since." in page.words


def test_a_reveal_whose_event_cannot_be_read_is_in_doubt(rhea, mia, lists, database):
    rhea.reveal(STRIPE)
    spoil = "UPDATE audit_event SET payload = zeroblob(200) WHERE action = 'item.revealed' RETURNING seq"
    assert len(worlds.past_the_program(database, spoil)) == 1
    mia.edit(STRIPE, password="another one")
    assert lists() == ({STRIPE: "Perhaps all of it"}, {})


def test_what_others_opened_is_not_theirs(mia, lists, world):
    mia.open(f"/o/northwind/items/{world.items[STRIPE]}")
    mia.submit("reveal-password")
    assert lists() == ({}, {})


def test_the_page_says_when_it_has_not_looked_at_all(rhea, browser, world, monkeypatch):
    monkeypatch.setattr(leavers, "LOOKED_AT", 1)
    rhea.reveal(STRIPE)
    rhea.reveal(PRIMARY)
    page = browser("audrey").open(f"/o/northwind/people/{world.members['rhea']}/opened")
    assert "only the newest" in page.words
    assert [row.th.get_text() for row in page.select('[aria-label="To be changed"] tbody tr')] == [PRIMARY]


def test_the_vaults_that_they_could_open_are_named(browser, world):
    page = browser("audrey").open(f"/o/northwind/people/{world.members['rhea']}/opened")
    rows = page.select('[aria-label="What they could have opened"] tbody tr')
    assert ["Production", "Reveal", "No end"] in [
        [cell.get_text(strip=True) for cell in row.select("th, td")] for row in rows
    ]


def test_the_list_is_taken_out_as_a_table_and_that_is_recorded(rhea, browser, world, trail):
    rhea.reveal(STRIPE)
    audrey = browser("audrey")
    audrey.open(f"/o/northwind/people/{world.members['rhea']}/opened")
    answer = audrey.submit("export").answer
    rows = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True), newline="")))
    assert [(row["Credential"], row["Still the same"]) for row in rows] == [(STRIPE, "Password")]
    event = trail.one("audit.exported")
    assert event["target_id"] == str(world.people["rhea"])


def test_disabling_somebody_shows_what_they_know(rhea, browser, world):
    rhea.reveal(STRIPE)
    adam = browser("adam")
    adam.open(f"/o/northwind/people/{world.members['rhea']}")
    page = adam.submit("disable")
    assert page.h1.get_text() == "What Rhea opened"
    assert STRIPE in page.words


def test_reading_it_opens_no_value_and_records_no_reveal(rhea, lists, trail):
    rhea.reveal(STRIPE)
    before = trail.actions().count("item.revealed")
    lists()
    assert trail.actions().count("item.revealed") == before


def test_a_file_that_was_downloaded_is_among_what_must_change(rhea, lists, world, runtime):
    mia = world.actor("mia", {world.vaults["Production"]: Right.EDIT})
    file_id = attach(runtime, mia, world.items[STRIPE])
    rhea.open(f"/o/northwind/items/{world.items[STRIPE]}")
    rhea.submit(f"download-{file_id}")
    assert lists() == ({STRIPE: "Files"}, {})
