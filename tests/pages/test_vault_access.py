"""Who may use a vault, through its access page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from models import Grant
from policy import Right


def rows(page):
    return {row.select_one("small").get_text(): row for row in page.select("tbody tr")}


def right_of(page, name):
    return rows(page)[f"{name}@northwind.example"].select_one(".pill").get_text()


def test_a_manager_gives_a_right_that_counts_at_once(browser, world, production, trail):
    alice, noah = browser("alice"), browser("noah")
    noah.open(production, 404)
    alice.open(production + "/access")

    page = alice.submit("grant-form", holder_id=str(world.people["noah"]), right="2")

    assert right_of(page, "noah") == "Reveal"
    noah.open(production)
    event = trail.one("grant.given")
    assert event["target"] == "Production"
    assert event["extra"] == {"user": str(world.people["noah"]), "right": "reveal", "ends_at": None}


def test_a_right_is_changed_from_its_row(browser, world, production, trail):
    alice = browser("alice")
    page = alice.open(production + "/access")

    form = alice.open(rows(page)["ula@northwind.example"].select_one("a")["href"].partition("#")[0])
    assert form.select_one("#holder_id option[selected]").get_text().startswith("Ula")
    assert form.select_one("#right option[selected]")["value"] == str(Right.USE.value)
    page = alice.submit("grant-form", right="3")

    assert right_of(page, "ula") == "Edit"
    assert trail.one("grant.changed")["extra"]["was"] == "use"


def test_a_right_ends_with_the_day_that_was_chosen(browser, world, production):
    noon = (datetime.now(UTC) + timedelta(days=1)).replace(hour=12)
    day = noon.date()
    with time_machine.travel(noon, tick=False):
        alice = browser("alice")
        alice.open(production + "/access")
        page = alice.submit(
            "grant-form", holder_id=str(world.people["noah"]), right="1", ends_at=day.isoformat()
        )
        assert (
            rows(page)["noah@northwind.example"]
            .select_one("time")["title"]
            .startswith((day + timedelta(days=1)).isoformat())
        )
        browser("noah").open(production)
    with time_machine.travel(noon.replace(hour=23, minute=59), tick=False):
        browser("noah").open(production)
    with time_machine.travel((noon + timedelta(days=1)).replace(hour=0, minute=1), tick=False):
        browser("noah").open(production, 404)
        alice = browser("alice")
        page = alice.open(production + "/access")
        assert "Ended" in rows(page)["noah@northwind.example"].get_text()


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"ends_at": "2020-01-01"}, "Choose a time in the future"),
        ({"ends_at": "soon"}, "Write the day as year-month-day"),
        ({"right": "9"}, "Choose one from the list."),
        ({"holder_id": "nobody"}, "Choose one from the list."),
    ],
)
def test_what_cannot_be_given_is_refused_with_the_reason(browser, world, production, trail, typed, sentence):
    alice = browser("alice")
    alice.open(production + "/access")

    page = alice.submit("grant-form", 422, **{"holder_id": str(world.people["noah"]), **typed})

    assert sentence in page.select_one("[role=alert]").get_text()
    assert trail.events("grant.given") == []


def test_nobody_from_outside_the_organization_can_be_chosen(browser, world, production, trail):
    alice = browser("alice")
    page = alice.open(production + "/access")
    assert "Sam" not in page.select_one("#holder_id").get_text()

    alice.submit("grant-form", 422, holder_id=str(world.people["sam"]))

    assert trail.events("grant.given") == []


def test_an_auditor_is_given_use_at_most(browser, world, production):
    alice = browser("alice")
    alice.open(production + "/access")

    page = alice.submit("grant-form", 422, holder_id=str(world.people["audrey"]), right="2")
    assert "can be given use at most" in page.select_one("[role=alert]").get_text()

    page = alice.submit("grant-form", right="1")
    assert right_of(page, "audrey") == "Use"


def test_taking_a_right_away_counts_at_once(browser, world, production, trail):
    alice, rhea = browser("alice"), browser("rhea")
    rhea.open(production)
    page = alice.open(production + "/access")

    form = rows(page)["rhea@northwind.example"].select_one("form")["id"]
    page = alice.submit(form)

    assert "rhea@northwind.example" not in rows(page)
    rhea.open(production, 404)
    assert trail.one("grant.taken")["extra"]["was"] == "reveal"


def test_taking_what_nobody_has_is_not_found(browser, world, production):
    alice = browser("alice")
    alice.open(production + "/access")

    alice.post(
        production + "/access/take", {"csrf_token": alice.csrf(), "holder_id": str(world.people["noah"])}, 404
    )
    alice.open(production + "/access")
    alice.post(production + "/access/take", {"csrf_token": alice.csrf(), "holder_id": "x"}, 404)


def test_the_last_manager_stays(browser, world, production, trail):
    alice = browser("alice")
    page = alice.open(production + "/access")

    page = alice.submit(rows(page)["alice@northwind.example"].select_one("form")["id"], 409)
    assert "needs a manager" in page.select_one("[role=alert]").get_text()
    page = alice.submit("grant-form", 409, holder_id=str(world.people["alice"]), right="2")

    assert "needs a manager" in page.select_one("[role=alert]").get_text()
    assert trail.events("grant.taken") == trail.events("grant.changed") == []


def test_a_manager_who_leaves_ends_on_the_list_of_vaults(browser, world, production):
    alice = browser("alice")
    alice.open(production + "/access")
    alice.submit("grant-form", holder_id=str(world.people["mia"]), right="4")
    mia = browser("mia")
    page = mia.open(production + "/access")

    page = mia.submit(rows(page)["mia@northwind.example"].select_one("form")["id"])

    assert page.h1.get_text() == "Vaults"
    assert "No vaults yet" in page.words


def test_an_admin_gives_themselves_access_and_that_is_recorded(browser, world, production, primary, trail):
    adam = browser("adam")
    adam.open(primary, 404)
    adam.open(production + "/access")

    adam.submit("grant-form", holder_id=str(world.people["adam"]), right="2")

    adam.open(primary)
    event = trail.one("grant.given")
    assert event["actor"] == "Adam"
    assert event["extra"]["user"] == str(world.people["adam"])


def test_a_vault_that_nobody_manages_is_taken_over(browser, world, production, runtime, trail):
    with runtime.engine.begin() as connection:
        connection.execute(Grant.__table__.delete().where(Grant.right == Right.MANAGE))
    adam = browser("adam")
    page = adam.open(production + "/access")
    assert "Nobody manages this vault" in page.words

    adam.submit("take-over")

    page = adam.open(production + "/access")
    assert right_of(page, "adam") == "Manage"
    assert "Nobody manages" not in page.words
    assert trail.one("grant.given")["extra"]["right"] == "manage"


def test_the_access_page_asks_to_confirm_once_the_confirmation_is_old(browser, world, production):
    alice = browser("alice")
    later = datetime.now(UTC) + timedelta(minutes=6)
    with time_machine.travel(later, tick=False):
        page = alice.open(production + "/access")
        assert page.h1.get_text() == "Confirm that it is you"

        page = alice.submit("confirm", token=world.tokens["alice"])
        assert page.h1.get_text() == "Access to Production"


@pytest.mark.parametrize(
    ("path", "posting", "who", "status"),
    [
        ("/access", False, "mia", 403),
        ("/access", True, "mia", 403),
        ("/access/take", True, "mia", 403),
        ("/access", False, "audrey", 404),
        ("/access", False, "noah", 404),
        ("/access", True, "noah", 404),
        ("/access/take", True, "noah", 404),
        ("/access", True, "mallory", 404),
    ],
)
def test_only_managers_and_admins_decide(refuses, production, path, posting, who, status):
    refuses(production + path, who, status, posting=posting)
