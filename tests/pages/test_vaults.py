"""Vaults, through the pages that people use."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from services.contents import Field, Kind
from tests.pages.conftest import MISSING
from tests.world import login

VAULTS = "/o/northwind/vaults"


def names(page):
    return [row.select_one("th a").get_text() for row in page.select("tbody tr")]


def folders(page):
    return [link.get_text(" ", strip=True) for link in page.select(".folders a")]


def states(page):
    pills = [row.select_one(".pill").get_text() for row in page.select("tbody tr")]
    return dict(zip(names(page), pills, strict=True))


def test_the_list_shows_the_vaults_that_one_may_see_and_what_one_may_do_there(browser):
    page = browser("mia").open(VAULTS)

    assert names(page) == ["Production"]
    assert page.select_one("tbody .pill").get_text() == "Edit"
    assert page.select_one("tbody td.end").get_text() == "2"


def test_somebody_without_any_vault_is_told_what_to_do(browser):
    page = browser("noah").open(VAULTS)

    assert "Make the first vault" in page.words


def test_an_auditor_without_any_vault_is_told_whom_to_ask(browser):
    page = browser("audrey").open(VAULTS)

    assert "Ask somebody who manages one" in page.words
    assert "New vault" not in page.words


def test_an_admin_sees_locked_vaults_that_lead_to_their_access_page(browser, world):
    page = browser("adam").open(VAULTS)

    assert names(page) == ["Board", "Production"]
    assert {pill.get_text() for pill in page.select("tbody .pill")} == {"Nothing yet"}
    assert page.select_one("tbody th a")["href"] == f"{VAULTS}/{world.vaults['Board']}/access"
    assert "#lock" in page.select_one("tbody use")["href"]


def test_whoever_makes_a_vault_manages_it(browser, trail):
    noah = browser("noah")
    noah.open(VAULTS + "/new")

    page = noah.submit("vault-form", name="Mail", description="Everything about mail")

    assert page.h1.get_text() == "Mail"
    assert "Everything about mail" in page.words
    assert page.select_one('a[href$="/access"]') is not None
    assert trail.one("vault.created")["target"] == "Mail"
    assert trail.one("grant.given")["extra"]["right"] == "manage"


@pytest.mark.parametrize(
    ("name", "status", "sentence"),
    [
        ("", 422, "Enter a name."),
        ("   ", 422, "Enter a name."),
        ("x" * 121, 422, "at most 120 characters"),
        ("Production", 409, "There is a vault called Production already."),
    ],
)
def test_a_name_that_cannot_be_taken_comes_back_with_the_reason(browser, trail, name, status, sentence):
    alice = browser("alice")
    alice.open(VAULTS + "/new")

    page = alice.submit("vault-form", status, name=name, description="kept")

    assert sentence in page.select_one("[role=alert]").get_text()
    assert page.select_one("#description").get_text().strip() == "kept"
    assert trail.events("vault.created") == []


def test_an_auditor_may_not_make_a_vault(refuses):
    refuses(VAULTS + "/new", "audrey", 403)


def test_a_manager_renames_a_vault_and_limits_its_history(browser, production, trail):
    alice = browser("alice")
    alice.open(production + "/edit")

    page = alice.submit("vault-form", name="Live", max_versions="3")

    assert page.h1.get_text() == "Live"
    assert trail.one("vault.changed")["extra"]["fields"] == ["name", "max_versions"]
    assert alice.open(production + "/edit").select_one("#max_versions")["value"] == "3"


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("many", "Enter a whole number."),
        ("0", "Keep 1 to 1000 versions"),
        ("1001", "Keep 1 to 1000 versions"),
    ],
)
def test_a_number_of_versions_must_be_one(browser, production, trail, typed, sentence):
    alice = browser("alice")
    alice.open(production + "/edit")

    page = alice.submit("vault-form", 422, max_versions=typed)

    assert sentence in page.select_one("[role=alert]").get_text()
    assert trail.events("vault.changed") == []


def test_only_an_empty_vault_is_deleted(browser, production, trail):
    alice = browser("alice")
    alice.open(production + "/edit")

    page = alice.submit("delete-vault", 409)

    assert "still holds 2 credentials" in page.select_one("[role=alert]").get_text()
    assert trail.events("vault.deleted") == []


def test_an_empty_vault_goes_for_good(browser, trail):
    alice = browser("alice")
    alice.open(VAULTS + "/new")
    alice.submit("vault-form", name="Short-lived")
    alice.open(alice.path + "/edit")

    page = alice.submit("delete-vault")

    assert names(page) == ["Board", "Production"]
    assert trail.one("vault.deleted")["target"] == "Short-lived"


@pytest.mark.parametrize(
    ("path", "posting", "who", "status"),
    [
        ("", False, "noah", 404),
        ("", False, "adam", 404),
        ("", False, "mallory", 404),
        ("/edit", False, "mia", 403),
        ("/edit", True, "mia", 403),
        ("/edit", False, "noah", 404),
        ("/edit", True, "adam", 404),
        ("/delete", True, "mia", 403),
        ("/delete", True, "noah", 404),
        ("/delete", True, "mallory", 404),
        ("/items/new", False, "rhea", 403),
        ("/items/new", True, "rhea", 403),
        ("/items/new", True, "noah", 404),
    ],
)
def test_a_vault_refuses_too_small_a_right_and_hides_from_strangers(
    refuses, production, path, posting, who, status
):
    refuses(production + path, who, status, posting=posting)


@pytest.mark.parametrize("path", ["", "/edit", "/access", "/items/new"])
def test_a_missing_vault_and_one_of_another_organization_are_not_there(refuses, world, path):
    refuses(f"{VAULTS}/{MISSING}{path}", "alice", 404)
    refuses(f"{VAULTS}/{world.vaults['Harbor']}{path}", "alice", 404)


@pytest.mark.parametrize("path", ["/delete", "/access/take"])
def test_what_only_posts_cannot_be_opened(browser, production, path):
    browser("alice").open(production + path, 405)


def test_a_vault_lists_its_credentials_with_tags_and_user_names(browser, production):
    page = browser("ula").open(production)

    assert names(page) == ["prod/db primary", "Stripe dashboard"]
    row = page.select("tbody tr")[0]
    assert row.select_one(".tag").get_text() == "prod"
    assert row.select_one("small").get_text() == "vault_rw"


def test_only_those_who_may_reveal_get_buttons_for_it(browser, production):
    assert browser("ula").open(production).select("[data-reveal]") == []
    button = browser("rhea").open(production).select_one("[data-reveal]")
    assert button.get_text() == "Reveal Password of prod/db primary"


def test_a_row_reveals_and_copies_its_main_secret_without_script(browser, production, trail):
    rhea = browser("rhea")
    rhea.open(production)

    page = rhea.press("Reveal Password of Stripe dashboard")

    assert page.select_one('[data-field="password"]').get_text() == "correct horse 4 staple"
    assert trail.one("item.revealed")["target"] == "Stripe dashboard"


def test_a_vault_without_credentials_invites_to_keep_the_first(browser):
    alice = browser("alice")
    alice.open(VAULTS + "/new")

    page = alice.submit("vault-form", name="Empty")

    assert "Keep the first one" in page.words


def test_folders_lead_into_folders(browser, production, add):
    add(login("prod/eu/replica"), login("staging/db"))
    mia = browser("mia")

    page = mia.open(production)
    assert folders(page) == ["prod 2", "staging 1"]

    page = mia.open(page.select_one(".folders a")["href"])
    assert names(page) == ["prod/db primary", "prod/eu/replica"]
    assert folders(page) == ["All folders", "prod", "eu 1"]

    page = mia.open(page.select(".folders a")[-1]["href"])
    assert names(page) == ["prod/eu/replica"]


def test_a_list_goes_on_after_fifty_rows(browser, production, add):
    add(*(login(f"host {number:02}", fields=()) for number in range(60)))
    mia = browser("mia")

    first = mia.open(production)
    second = mia.open(first.select_one('a[rel="next"]')["href"])

    assert (len(names(first)), len(names(second))) == (50, 12)
    assert names(first) + names(second) == sorted(names(first) + names(second), key=str.casefold)
    assert second.select_one('a[rel="next"]') is None
    assert names(mia.open(second.select_one(".pager a")["href"])) == names(first)


def test_what_cannot_be_decrypted_stands_in_the_list_and_says_so(
    browser, production, world, destroy_overview
):
    destroy_overview(world.items["Stripe dashboard"])

    page = browser("mia").open(production)

    assert any(name.startswith("cannot be decrypted (key ") for name in names(page))
    assert "Broken" in states(page).values()


def test_the_state_says_what_expires_and_what_is_weak(browser, production, add):
    noon = (datetime.now(UTC) + timedelta(days=1)).replace(hour=12)
    with time_machine.travel(noon, tick=False):
        for name, days in (("a past", -1), ("b soon", 6), ("c later", 20)):
            add(login(name, expires_on=noon.date() + timedelta(days=days)))
        weak = (Field("Password", Kind.HIDDEN, "aaaa"),)
        add(login("d weak", fields=weak))
        add(login("e both", fields=weak, expires_on=noon.date() + timedelta(days=6)))

        page = browser("mia").open(production)

    assert states(page)["a past"] == "Expired yesterday"
    assert states(page)["b soon"] == "Expires in 6 d"
    assert states(page)["c later"] == "OK"
    assert states(page)["d weak"] == "Weak"
    assert states(page)["e both"] == "Expires in 6 d, weak"
