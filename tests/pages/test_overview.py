"""The first page: what each person sees on it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from models import Action
from services.contents import Field, ItemType, Kind
from services.events import Target
from tests.pages.backups import note_backup
from tests.world import login

HERE = "/o/northwind/"
NOTHING = Target("item", None, "x")
START = datetime.now(UTC).replace(hour=12, minute=0) + timedelta(days=1)
"""Noon of tomorrow: after the world was made, and while its tokens live."""


def figures(page):
    return {
        stat.h2.get_text(strip=True): stat.select_one(".num").get_text(strip=True)
        for stat in page.select(".stat")
    }


def card(page, title):
    """Return the words of the card called *title*; empty: there is none."""
    for found in page.select("section.card"):
        if found.h2 and found.h2.get_text(strip=True) == title:
            return " ".join(found.get_text(" ").split())
    return ""


def short(name, **changes):
    return login(name, fields=(Field("Password", Kind.HIDDEN, "123456"),), **changes)


# Figures


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        ("alice", {"Credentials": "3", "Vaults": "2", "People": "7", "Tokens ending soon": "0"}),
        ("adam", {"Credentials": "0", "Vaults": "2", "People": "7", "Tokens ending soon": "0"}),
        ("audrey", {"Credentials": "0", "Vaults": "0", "People": "7", "Tokens ending soon": "0"}),
        ("ula", {"Credentials": "2", "Vaults": "1", "Tokens ending soon": "0"}),
        ("noah", {"Credentials": "0", "Vaults": "0", "Tokens ending soon": "0"}),
    ],
)
def test_everybody_sees_the_figures_of_what_they_may_see(browser, who, expected):
    assert figures(browser(who).open(HERE)) == expected


def test_another_organization_is_not_counted(browser):
    assert figures(browser("mallory").open("/o/lakeside/"))["Credentials"] == "1"
    assert "Stripe" not in browser("mallory").open("/o/lakeside/").words


def test_strangers_see_nothing(browser):
    browser("mallory").open(HERE, 404)


def test_tokens_that_end_within_fourteen_days_are_counted(browser, runtime):
    with runtime.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE access_token SET expires_at = expires_at - 78 * 86400000000 "
            "WHERE user_id IN (SELECT id FROM user_account WHERE name IN ('Mia', 'Rhea', 'Mallory'))"
        )
    assert figures(browser("alice").open(HERE))["Tokens ending soon"] == "2"
    mia = browser("mia").open(HERE)
    assert figures(mia)["Tokens ending soon"] == "1"
    assert "Your sign-in token ends soon" in card(mia, "What needs attention")
    assert "Your sign-in token" not in browser("alice").open(HERE).words


# Attention


def test_where_all_is_well_nothing_asks_for_attention(browser):
    assert card(browser("mia").open(HERE), "What needs attention") == (
        "What needs attention Nothing What expires, is weak or cannot be read will show here."
    )


def test_credentials_that_expire_are_named_the_soonest_first(browser, add):
    today = datetime.now(UTC).date()
    add(
        login("In thirteen days", expires_on=today + timedelta(days=13)),
        login("In sixteen days", expires_on=today + timedelta(days=16)),
        login("Long ago", expires_on=today - timedelta(days=3)),
    )
    words = card(browser("mia").open(HERE), "What needs attention")
    assert words.index("Long ago Expired 3 d ago") < words.index("In thirteen days Expires in 13 d")
    assert "sixteen" not in words


def test_of_many_that_expire_the_rest_is_a_link(browser, add):
    today = datetime.now(UTC).date()
    add(*(login(f"number {n}", expires_on=today) for n in range(8)))
    page = browser("mia").open(HERE)
    assert "3 more expire soon" in card(page, "What needs attention")
    assert page.select_one('a[href="/o/northwind/search?expiring=1"]')


def test_weak_secrets_are_named(browser, add):
    (weak,) = add(short("Door"))
    page = browser("mia").open(HERE)
    assert "1 weak secret Door" in card(page, "What needs attention")
    assert page.select_one(f'a[href="/o/northwind/items/{weak}"]')


def test_what_cannot_be_decrypted_is_named(browser, add, destroy_overview):
    (item,) = add(login("Soon broken"))
    destroy_overview(item)
    assert "1 cannot be decrypted" in card(browser("mia").open(HERE), "What needs attention")


def test_nobody_hears_of_what_they_may_not_see(browser, add):
    add(short("Secret door", expires_on=datetime.now(UTC).date()), vault="Board")
    assert "Secret door" not in browser("mia").open(HERE).words
    assert "Secret door" in browser("alice").open(HERE).words


def test_todays_failed_sign_ins_show_to_those_who_read_the_log(browser, happen):
    with time_machine.travel(START, tick=False) as clock:
        happen(Action.SIGNIN_FAILED, success=False, times=7)
        clock.shift(timedelta(days=1))
        happen(Action.SIGNIN_FAILED, success=False)
        happen(Action.SIGNIN_LOCKED, success=False)
        page = browser("alice").open(HERE)
        assert "2 failed sign-ins today" in card(page, "What needs attention")
        link = next(a for a in page.select("a") if a.get_text() == "See where from")
        assert len(browser("alice").open(link["href"]).select("tr[data-action]")) == 2
        assert "failed sign-in" not in browser("mia").open(HERE).words


def test_an_admin_hears_that_there_is_only_one_owner(browser):
    assert "There is only one owner" in card(browser("adam").open(HERE), "What needs attention")
    assert "There is only one owner" not in browser("mia").open(HERE).words


# Activity


def test_those_who_read_the_log_see_what_everybody_did(browser, happen):
    happen(Action.ITEM_REVEALED, target=Target("item", None, "prod"), extra={"field": "Password"})
    words = card(browser("audrey").open(HERE), "Recent activity")
    assert "Mia revealed Password prod" in words


def test_others_see_only_what_they_did_themselves(browser, happen):
    happen(Action.ITEM_REVEALED, who="rhea", target=Target("item", None, "hers"))
    happen(Action.ITEM_REVEALED, who="mia", target=Target("item", None, "mine"))
    page = browser("mia").open(HERE)
    words = card(page, "What you did lately")
    assert "You revealed mine" in words
    assert "hers" not in page.words
    assert not page.select("figure.chart")


def test_ten_events_are_enough(browser, happen):
    happen(Action.ITEM_REVEALED, times=20)
    assert len(browser("alice").open(HERE).select(".feed li[data-action]")) == 10


def test_the_chart_counts_reveals_of_thirty_days(browser, happen):
    with time_machine.travel(START, tick=False) as clock:
        happen(Action.ITEM_REVEALED, times=3)
        clock.shift(timedelta(days=2))
        happen(Action.ITEM_COPIED, times=2)
        page = browser("audrey").open(HERE)
    numbers = [int(cell.get_text()) for cell in page.select("figure.chart td")]
    assert numbers == [2, 0, 3] + [0] * 27
    assert len(page.select("figure.chart rect")) == 30
    assert "5 reveals and copies in 30 days; today 2." in page.select_one("figure.chart desc").get_text()


# The first hour


def test_the_first_hour_is_the_owners_and_operators(browser):
    words = card(browser("alice").open(HERE), "Your first hour")
    assert "A second owner" in words
    assert "The master key, kept elsewhere as well" in words
    assert "A backup, made and tried" in words
    for who in ("adam", "audrey", "mia"):
        assert card(browser(who).open(HERE), "Your first hour") == ""
    mallory = card(browser("mallory").open("/o/lakeside/"), "Your first hour")
    assert "A second owner" in mallory
    assert "master key" not in mallory
    assert "backup" not in mallory


def make_owner(runtime, world, name):
    with runtime.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE membership SET role = 'owner' WHERE user_id = ?", (world.people[name].hex,)
        )


def test_the_first_hour_ends_when_all_of_it_is_done(browser, runtime, world, trail):
    alice = browser("alice")
    alice.open(HERE)
    words = card(alice.submit("key-proof", key_id=runtime.masters.primary_id.upper()), "Your first hour")
    assert "Key id of your copy" not in words
    assert "A second owner" in words
    event = trail.one("setting.changed")
    assert event["extra"] == {"setting": "copy of the master key", "key": runtime.masters.primary_id}
    make_owner(runtime, world, "adam")
    assert "A backup, made and tried" in card(alice.open(HERE), "Your first hour")
    note_backup(runtime, sound=True)
    assert card(alice.open(HERE), "Your first hour") == ""
    assert "only one owner" not in browser("adam").open(HERE).words


def test_an_owner_who_is_disabled_does_not_count(browser, runtime, world):
    make_owner(runtime, world, "adam")
    with runtime.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE membership SET disabled_at = 1 WHERE user_id = ?", (world.people["adam"].hex,)
        )
    assert "Invite one" in card(browser("alice").open(HERE), "Your first hour")


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("00000000", "That is not the id of the key in use"),
        ("", "Type the 8 characters"),
        ("x" * 41, "Never type the key itself here"),
    ],
)
def test_a_wrong_id_proves_nothing(browser, trail, typed, words):
    alice = browser("alice")
    alice.open(HERE)
    page = alice.submit("key-proof", 422, key_id=typed)
    assert words in page.words
    assert trail.events("setting.changed") == []
    assert "Key id of your copy" in card(alice.open(HERE), "Your first hour")


def test_another_key_must_be_proven_anew(browser, runtime, monkeypatch):
    alice = browser("alice")
    alice.open(HERE)
    alice.submit("key-proof", key_id=runtime.masters.primary_id)
    monkeypatch.setattr(runtime.masters, "primary_id", "0badc0de")
    assert "Key id of your copy" in card(alice.open(HERE), "Your first hour")


@pytest.mark.parametrize("who", ["adam", "audrey", "mia"])
def test_only_the_operator_proves_the_key(browser, runtime, who):
    somebody = browser(who)
    somebody.open(HERE)
    somebody.post(
        f"{HERE}key-proof",
        {"csrf_token": somebody.csrf(), "key_id": runtime.masters.primary_id},
        403,
    )


def test_who_has_no_vault_is_told_what_to_do(browser):
    noah = browser("noah").open(HERE)
    assert "No vaults yet" in noah.words
    assert noah.select_one('a[href="/o/northwind/vaults/new"]')
    assert "Nothing is shared with you yet" in browser("audrey").open(HERE).words


def test_no_secret_stands_on_the_page(browser, add):
    add(login("Typed", type=ItemType.LOGIN, fields=(Field("Password", Kind.HIDDEN, "Xq9-unseen-value"),)))
    assert "Xq9-unseen-value" not in str(browser("alice").open(HERE))
