"""Credentials: their page, favorites, copies, moves, and whom they refuse."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import time_machine

from blueprints.filters import ago
from policy import Right
from services import clock, vaults
from tests.pages.conftest import MISSING
from tests.pages.credentials import facts, reveal
from tests.world import PASSWORD, login


def test_a_favorite_is_ones_own_and_stands_in_the_list(browser, primary, production, trail):
    mia = browser("mia")
    mia.open(primary)
    page = mia.press("Add to favorites")

    assert page.select_one("#favorite button")["title"] == "Remove from favorites"
    favorites = mia.open(production + "?favorite=1")
    assert [a.get_text() for a in favorites.select("tbody th a")] == ["prod/db primary"]
    assert browser("rhea").open(primary).select_one("#favorite button")["title"] == "Add to favorites"
    mia.open(primary)
    assert mia.press("Remove from favorites").select_one("#favorite button")["title"] == "Add to favorites"
    assert [action for action in trail.actions() if action.startswith("item.")] == []


def test_a_duplicate_has_the_values_and_a_history_of_its_own(browser, primary, trail):
    mia = browser("mia")
    page = mia.open(primary + "/duplicate")
    assert page.select_one("#duplicate-form #name")["value"] == "prod/db primary (copy)"

    page = mia.submit("duplicate-form", name="prod/db standby")

    assert page.h1.get_text() == "prod/db standby"
    assert facts(page)["Version"] == "1"
    assert reveal(mia, "password") == PASSWORD
    assert trail.one("item.created")["extra"]["copy_of"] in primary


@pytest.mark.parametrize(("name", "status"), [("Stripe dashboard", 409), ("", 422), ("a//b", 422)])
def test_a_duplicate_needs_a_name_that_is_free(browser, primary, trail, name, status):
    mia = browser("mia")
    mia.open(primary + "/duplicate")

    page = mia.submit("duplicate-form", status, name=name)

    assert page.select_one("#name-error") is not None
    assert trail.events("item.created") == []


def test_a_moved_credential_keeps_its_address_and_leaves_those_behind_who_may_not_follow(
    browser, world, primary, trail
):
    alice = browser("alice")
    page = alice.open(primary + "/move")
    assert [o.get_text() for o in page.select("#vault_id option")] == ["Board"]

    page = alice.submit("move-form", vault_id=str(world.vaults["Board"]))

    assert facts(page)["Vault"] == "Board"
    assert reveal(alice, "password") == PASSWORD
    browser("mia").open(primary, 404)
    extra = trail.one("item.moved")["extra"]
    assert extra["to"] == str(world.vaults["Board"])


def test_one_moves_only_to_where_one_may_edit(browser, world, primary, runtime, trail):
    with runtime.work(writing=True, actor=world.actor("alice")) as uow:
        vaults.grant(uow, vaults.find(uow, world.vaults["Board"]), world.people["mia"], Right.REVEAL)
    mia = browser("mia")
    page = mia.open(primary + "/move")
    assert "nowhere to move it" in page.words

    for vault in ("Board", "Harbor", "Production"):
        mia.post(primary + "/move", {"csrf_token": mia.csrf(), "vault_id": str(world.vaults[vault])}, 422)
        mia.open(primary + "/move")

    assert trail.events("item.moved") == []


def test_a_name_that_is_taken_in_the_other_vault_stops_the_move(browser, world, primary, add):
    add(login("prod/db primary"), vault="Board")
    alice = browser("alice")
    alice.open(primary + "/move")

    page = alice.submit("move-form", 409)

    assert "already has a credential called" in page.select_one("[role=alert]").get_text()


def test_who_may_see_it_is_told_to_those_who_decide(browser, primary):
    page = browser("alice").open(primary)
    lines = [line.get_text(" ", strip=True) for line in page.select(".feed li")]

    assert lines == ["Alice Manage", "Mia Edit", "Rhea Reveal", "Ula Use"]
    assert "Who may see it" not in browser("mia").open(primary).words


def test_the_log_about_it_is_one_click_away_for_those_who_may_read_it(browser, world, primary):
    page = browser("alice").open(primary)
    link = next(a for a in page.select("a") if a.get_text() == "Who did what")

    assert link["href"] == f"/o/northwind/audit?target={world.items['prod/db primary']}"
    assert "Who did what" not in browser("mia").open(primary).words


def test_each_right_finds_its_buttons_and_no_others(browser, primary):
    def offered(who):
        page = browser(who).open(primary)
        words = {part.get_text(" ", strip=True) for part in page.select("main a, main button")}
        return words & {
            "Reveal Password",
            "Copy Password",
            "Edit",
            "History",
            "Move to trash",
            "Reveal Seed of TOTP",
        }

    assert offered("ula") == {"History"}
    assert offered("rhea") == {"History", "Reveal Password", "Copy Password"}
    assert offered("mia") == {
        "History",
        "Reveal Password",
        "Copy Password",
        "Edit",
        "Move to trash",
        "Reveal Seed of TOTP",
    }


def test_a_credential_that_cannot_be_decrypted_says_so_and_shows_nothing_empty(
    browser, world, primary, destroy_overview, trail
):
    destroy_overview(world.items["prod/db primary"])
    mia = browser("mia")

    page = mia.open(primary)

    assert page.h1.get_text().startswith("cannot be decrypted (key ")
    assert page.select("[data-field]") == []
    assert "Empty" not in page.words
    assert not trail.events("decryption.failed")[0]["success"]
    mia.open(primary + "/edit", 409)
    mia.open(primary + "/history")


READERS = ("", "/history", "/versions/1")
REVEALS = ("/reveal", "/copy")
EDITS = ("/edit", "/move", "/duplicate", "/trash", "/restore", "/versions/1/restore")


@pytest.mark.parametrize("path", [*READERS, *EDITS[:3], "/purge"])
def test_strangers_cannot_tell_that_a_credential_exists(refuses, primary, path):
    for who in ("noah", "adam", "mallory"):
        refuses(primary + path, who, 404)


@pytest.mark.parametrize("path", [*REVEALS, *EDITS, "/purge", "/favorite"])
def test_strangers_can_do_nothing_with_a_credential(refuses, primary, path):
    for who in ("noah", "mallory"):
        refuses(primary + path, who, 404, posting=True)


@pytest.mark.parametrize("path", EDITS)
def test_who_may_only_reveal_cannot_change(refuses, primary, path):
    refuses(primary + path, "rhea", 403, posting=True)


@pytest.mark.parametrize("path", [*READERS, *EDITS[:3], "/purge"])
def test_a_missing_credential_and_one_of_another_organization_are_not_there(refuses, world, path):
    refuses(f"/o/northwind/items/{MISSING}{path}", "alice", 404)
    refuses(f"/o/northwind/items/{world.items['Lakeside mail']}{path}", "alice", 404)


@pytest.mark.parametrize("path", [*REVEALS, "/trash", "/restore", "/favorite", "/versions/1/restore"])
def test_what_only_posts_cannot_be_opened(browser, primary, path):
    browser("mia").open(primary + path, 405)


def test_a_row_shows_each_reader_their_own_star_and_what_they_may_do(browser, primary, production):
    """Rows are kept between pages; what differs between readers must not be."""
    readers = {name: browser(name) for name in ("mia", "rhea", "ula")}

    def row_of(name):
        rows = readers[name].open(production).select("tbody tr")
        return next(row for row in rows if "db primary" in row.a.get_text())

    # A row says how long ago it was changed: at one moment, only readers differ.
    with time_machine.travel(clock.now(), tick=False):
        before = {name: str(row_of(name)) for name in readers}
        readers["mia"].open(primary)
        readers["mia"].press("Add to favorites")
        starred, after = row_of("mia"), {name: row_of(name) for name in ("rhea", "ula")}

    assert starred.select_one(".vh").get_text() == "Favorite"
    assert str(after["rhea"]) == before["rhea"]
    assert after["rhea"].select("[data-reveal]")
    assert str(after["ula"]) == before["ula"]
    assert not after["ula"].select("[data-reveal]")


def test_a_row_says_how_long_ago_it_was_changed_at_each_look(browser, production):
    rhea = browser("rhea")
    shown = rhea.open(production).select_one("tbody time")
    changed = datetime.fromisoformat(shown["datetime"])
    for minutes in (7, 8):
        with time_machine.travel(clock.now() + timedelta(minutes=minutes), tick=False):
            expected = ago(changed, clock.now())
            assert rhea.open(production).select_one("tbody time").get_text() == expected
            assert expected != shown.get_text()
