"""The trash: out of sight, back again, or gone for good."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import func, select

from models import Item, ItemVersion
from tests.world import PASSWORD

TRASH = "/o/northwind/trash"


@pytest.fixture
def trashed(browser, primary):
    """The credential after Mia has put it into the trash."""
    mia = browser("mia")
    mia.open(primary)
    mia.submit("trash")
    return primary


def names(page):
    return [link.get_text() for link in page.select("tbody th a")]


def test_a_credential_leaves_its_vault_for_the_trash(browser, primary, production, trail):
    mia = browser("mia")
    mia.open(primary)

    page = mia.press("Move to trash")

    assert mia.path == production
    assert "Moved to the trash" in page.words
    assert names(page) == ["Stripe dashboard"]
    assert names(mia.open(TRASH)) == ["prod/db primary"]
    event = trail.one("item.trashed")
    assert (event["target"], event["actor"]) == ("prod/db primary", "Mia")


def test_its_page_says_where_it_is_and_for_how_long(browser, trashed):
    page = browser("mia").open(trashed)

    callout = page.select_one(".callout.warn").get_text(" ", strip=True)
    assert "Mia moved it here" in callout
    left = page.select(".callout.warn time")[1]
    assert left["datetime"].startswith((datetime.now(UTC) + timedelta(days=30)).date().isoformat())
    words = {part.get_text(" ", strip=True) for part in page.select("main a, main button")}
    assert words.isdisjoint({"Edit", "Move to trash", "Duplicate"})


def test_restoring_brings_it_back_whole(browser, trashed, trail):
    mia = browser("mia")
    mia.open(TRASH)

    page = mia.press("Restore prod/db primary")

    assert page.h1.get_text() == "prod/db primary"
    assert mia.json("reveal-password")["value"] == PASSWORD
    assert trail.one("item.restored")["target"] == "prod/db primary"
    assert "The trash is empty" in mia.open(TRASH).words


def test_a_name_that_was_taken_meanwhile_stops_the_restoring(browser, trashed, production):
    mia = browser("mia")
    mia.open(production + "/items/new")
    mia.submit("item-form", name="prod/db primary")
    mia.open(trashed)

    page = mia.submit("restore", 409)

    assert "Rename that one, then restore this one." in page.words


def test_what_lies_in_the_trash_stays_as_it_is(browser, trashed, trail):
    mia = browser("mia")
    mia.open(trashed + "/edit")
    page = mia.submit("item-form", 409, user_name="x")
    assert "in the trash" in page.select_one("[role=alert]").get_text()
    mia.post(trashed + "/trash", {"csrf_token": mia.csrf()}, 409)

    assert trail.events("item.changed") == []


def test_what_does_not_lie_in_the_trash_is_not_destroyed(browser, primary, trail):
    alice = browser("alice")
    alice.open(primary + "/purge")

    page = alice.submit("purge-form", 409)

    assert "Move it there before you destroy it" in page.words
    assert trail.events("item.purged") == []


def test_a_manager_destroys_it_for_good(browser, trashed, runtime, world, trail):
    alice = browser("alice")
    page = alice.open(TRASH)
    page = alice.open(page.select_one('td.acts a[href$="/purge"]')["href"])
    assert "This cannot be undone" in page.words

    alice.submit("purge-form")

    assert alice.path == TRASH
    alice.open(trashed, 404)
    assert trail.one("item.purged")["target"] == "prod/db primary"
    item_id = world.items["prod/db primary"]
    with runtime.engine.connect() as connection:
        for column in (Item.id, ItemVersion.item_id):
            assert connection.scalar(select(func.count()).where(column == item_id)) == 0


def test_destroying_asks_to_confirm_before_the_form_is_filled_in(browser, trashed, world, trail):
    alice = browser("alice")
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=6), tick=False):
        page = alice.open(trashed + "/purge")
        assert page.h1.get_text() == "Confirm that it is you"

        page = alice.submit("confirm", token=world.tokens["alice"])
        assert page.h1.get_text() == "Destroy prod/db primary"
        alice.submit("purge-form")

    assert len(trail.events("item.purged")) == 1


def test_each_right_is_offered_what_it_may(browser, trashed):
    def offered(who):
        page = browser(who).open(TRASH)
        return [part.get_text(" ", strip=True) for part in page.select("td.acts a, td.acts button")]

    assert offered("ula") == []
    assert offered("mia") == ["Restore prod/db primary"]
    assert offered("alice") == ["Restore prod/db primary", "Destroy"]
    assert names(browser("noah").open(TRASH)) == []
    assert names(browser("adam").open(TRASH)) == []


@pytest.mark.parametrize(
    ("path", "who", "posting"),
    [
        ("/trash", "rhea", True),
        ("/restore", "rhea", True),
        ("/purge", "mia", True),
        ("/purge", "mia", False),
        ("/purge", "rhea", False),
    ],
)
def test_too_small_a_right_neither_restores_nor_destroys(refuses, trashed, path, who, posting):
    refuses(trashed + path, who, 403, posting=posting)


def test_the_trash_of_another_organization_is_not_there(refuses):
    refuses(TRASH, "mallory", 404)
