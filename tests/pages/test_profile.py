"""My account: what I am called, the colors of pages, what I did last."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete, update

from models import Action, Membership
from policy import Scope
from services import api_tokens, audit, profile
from services.events import Target
from tests.browser import Browser
from tests.world import past_the_program

PROFILE = "/account/profile"
ACTIVITY = "/account/activity"


def deeds_on(page):
    rows = page.select('[aria-label="My recent activity"] tbody tr')
    return [(row.th.get_text(" ", strip=True), row.td.get_text(strip=True)) for row in rows]


def seat_at_lakeside(runtime, world):
    """Let Mia belong to two organizations: the seat of Sam at Lakeside becomes hers."""
    with runtime.engine.begin() as connection:
        theirs = Membership.id == world.members["sam"]
        connection.execute(update(Membership).where(theirs).values(user_id=world.people["mia"]))


# My name


def test_i_change_what_i_am_called_and_that_is_recorded(browser, world, trail):
    mia = browser("mia")
    page = mia.open(PROFILE)
    assert page.select_one("#name")["value"] == "Mia"
    assert "mia@northwind.example" in page.words
    page = mia.submit("profile", name="  Mia   Müller ")
    assert mia.path == "/account"
    assert "Mia Müller" in page.select_one("dl").get_text()
    event = trail.one("person.changed")
    assert event["extra"] == {"fields": ["name"], "from": "Mia", "to": "Mia Müller"}
    assert (event["target_id"], event["chain"]) == (
        str(world.people["mia"]),
        world.organizations["northwind"],
    )
    assert "Mia Müller" in browser("adam").open("/o/northwind/people").words


def test_the_same_name_again_is_no_event(browser, trail):
    mia = browser("mia")
    mia.open(PROFILE)
    mia.submit("profile", name="Mia ")
    assert trail.events("person.changed") == []


@pytest.mark.parametrize("name", ["", "   ", "x" * 121, "Mia\x07"])
def test_a_name_that_cannot_be_is_refused_beside_its_field(browser, trail, name):
    mia = browser("mia")
    mia.open(PROFILE)
    page = mia.submit("profile", 422, name=name)
    assert page.select_one("#name-error")
    assert trail.events("person.changed") == []


def test_whoever_belongs_nowhere_any_more_is_recorded_where_their_token_is_from(
    browser, runtime, world, trail
):
    mia = browser("mia")
    with runtime.engine.begin() as connection:
        connection.execute(delete(Membership).where(Membership.id == world.members["mia"]))
    mia.open(PROFILE)
    mia.submit("profile", name="Mina")
    assert trail.one("person.changed")["chain"] == world.organizations["northwind"]


def test_the_log_of_each_organization_says_so(browser, runtime, world, trail):
    mia = browser("mia")
    seat_at_lakeside(runtime, world)
    mia.open(PROFILE)
    mia.submit("profile", name="Mina")
    assert {event["chain"] for event in trail.events("person.changed")} == set(world.organizations.values())


# Colors


@pytest.mark.parametrize("theme", ["light", "dark", "auto"])
def test_the_colors_that_i_choose_stay_without_any_script(browser, theme):
    mia = browser("mia")
    mia.open(PROFILE)
    page = mia.submit("colors", scheme=theme)
    assert page.html["data-theme"] == theme
    assert mia.open("/account").html["data-theme"] == theme
    assert mia.open(PROFILE).select_one("#scheme option[selected]")["value"] == theme
    cookie = mia.client.get_cookie("theme")
    assert (cookie.path, cookie.max_age) == ("/", 365 * 24 * 60 * 60)
    assert not cookie.http_only


@pytest.mark.parametrize("theme", ["pink", "", None])
def test_colors_that_there_are_not_are_refused(browser, theme):
    mia = browser("mia")
    mia.open(PROFILE)
    page = mia.submit("colors", 422, scheme=theme)
    assert page.select_one("form#colors .error")
    assert mia.client.get_cookie("theme") is None


# What I did


def test_what_i_did_last_is_told_in_words_the_newest_first(browser, world):
    rhea = browser("rhea")
    rhea.open(f"/o/northwind/items/{world.items['Stripe dashboard']}")
    rhea.submit("reveal-password")
    rhea.open(f"/o/northwind/items/{world.items['Stripe dashboard']}/edit", 403)
    deeds = deeds_on(rhea.open(ACTIVITY))
    assert deeds[:3] == [
        ("Was refused item:edit Failed", "items.edit"),
        ("Revealed Password", "Stripe dashboard"),
        ("Signed in", ""),
    ]


def test_what_others_did_is_not_among_it(browser, world, happen):
    happen(Action.ITEM_REVEALED, who="mia")
    happen(Action.PERSON_CHANGED, who="alice")
    for who in ("noah", "sam"):
        did = [words for words, _ in deeds_on(browser(who).open(ACTIVITY))]
        assert did == ["Signed in", "Created a token signin"]


def test_what_my_programs_did_is_told_with_their_name(app, browser, runtime, world):
    with runtime.work(writing=True, actor=world.actor("rhea")) as uow:
        text = api_tokens.issue(uow, "nightly job", [Scope.ITEMS_REVEAL], timedelta(days=1)).text
    app.test_client().post(
        f"/api/v1/items/{world.items['Stripe dashboard']}/reveal",
        headers={"Authorization": f"Bearer {text}"},
    )
    deeds = deeds_on(browser("rhea").open(ACTIVITY))
    assert ("Revealed Password, TOTP, Notes Rhea (nightly job)", "Stripe dashboard") in deeds


def test_only_the_last_twenty_are_shown_of_all_places_together(browser, happen, runtime, world):
    happen(Action.ITEM_REVEALED, times=30)
    mia = browser("mia")
    assert len(deeds_on(mia.open(ACTIVITY))) == profile.RECENT == 20
    seat_at_lakeside(runtime, world)
    there = replace(world.actor("mia"), organization_id=world.organizations["lakeside"])
    with runtime.work(writing=True, actor=there) as uow:
        for number in range(15):
            audit.record(uow, Action.ITEM_COPIED, Target("item", None, f"there {number}"))
    deeds = deeds_on(mia.open(ACTIVITY))
    assert len(deeds) == profile.RECENT
    assert deeds[0] == ("Copied", "there 14")
    assert ("Signed in", "") in deeds[15:]


def test_an_event_that_cannot_be_read_says_so(browser, happen, database):
    happen(Action.ITEM_REVEALED)
    spoil = "UPDATE audit_event SET payload = zeroblob(200) WHERE action = 'item.revealed'"
    past_the_program(database, spoil)
    assert ("Revealed", "cannot be decrypted") in deeds_on(browser("mia").open(ACTIVITY))


def test_all_of_it_takes_a_session(app):
    stranger = Browser(app)
    for path in (PROFILE, ACTIVITY):
        stranger.open(path)
        assert stranger.path.startswith("/sign-in?next=/account")


def test_my_account_leads_to_all_of_it(browser, world):
    page = browser("mia").open("/account")
    programs = f"/o/northwind/tokens?kind=api&owner={world.people['mia']}"
    for path in (PROFILE, ACTIVITY, programs, "/account/factor", "/account/token"):
        assert page.select(f'a[href="{path}"]'), path
