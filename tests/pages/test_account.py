"""My account: my sessions, my token, proving that it is me."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from services import tokens
from tests.browser import Browser

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0"


def sessions_on(page):
    return page.select('[aria-label="My sessions"] tbody tr')


def is_signed_in(browser):
    browser.open("/account")
    return browser.path == "/account"


@pytest.fixture
def two(browser):
    """Mia at her desk and on her phone."""
    return browser("mia"), browser("mia", address="198.51.100.7")


# Sessions


def test_my_sessions_are_listed_with_device_address_and_times(app, world, browser):
    phone = Browser(app, "198.51.100.7")
    phone.open("/sign-in")
    answer = phone._send(
        "POST",
        "/sign-in",
        data={"csrf_token": phone.csrf(), "token": world.tokens["mia"]},
        headers={"User-Agent": FIREFOX},
    )
    assert answer.status_code == 302
    rows = sessions_on(browser("mia").open("/account"))
    assert len(rows) == 2
    (other,) = [row for row in rows if "198.51.100.7" in row.get_text()]
    (this,) = [row for row in rows if "This one" in row.get_text()]
    assert other.select_one(f'[title="{FIREFOX}"]').get_text() == "Firefox on Linux"
    assert other.select_one("button").get_text(strip=True) == "End"
    assert not this.select("button")


def test_another_session_is_ended_from_here(two, trail):
    desk, phone = two
    desk.open("/account")
    desk.press("End")
    assert len(sessions_on(desk.page)) == 1
    assert is_signed_in(desk)
    assert not is_signed_in(phone)
    assert "Your session has ended." in phone.page.words
    assert trail.one("session.ended")["actor"] == "Mia"


def test_all_others_are_ended_at_once(browser, two):
    desk, phone = two
    tablet = browser("mia", address="198.51.100.8")
    rhea = browser("rhea")
    desk.open("/account")
    assert "2 other sessions have ended." in desk.press("End all other sessions").words
    assert is_signed_in(desk)
    assert is_signed_in(rhea)
    assert not is_signed_in(phone)
    assert not is_signed_in(tablet)


def test_nobody_ends_anothers_session(browser, two, trail):
    desk, _ = two
    action = desk.open("/account").select_one("form[id^=end-]")["action"]
    rhea = browser("rhea")
    rhea.open("/account")
    rhea.post(action, {"csrf_token": rhea.csrf()}, status=404)
    assert trail.one("access.denied")["actor"] == "Rhea"
    assert len(sessions_on(desk.open("/account"))) == 2


# The warning


def test_the_page_warns_when_my_token_ends_within_two_weeks(app, world, runtime, browser):
    with runtime.work(writing=False, actor=world.actor("mia")) as uow:
        ends = tokens.find(uow, world.token_ids["mia"]).expires_at
    for before, warned in ((timedelta(days=14, hours=1), False), (timedelta(days=14), True)):
        with time_machine.travel(ends - before, tick=False):
            page = browser("mia").open("/account")
            callouts = page.select(".callout")
            assert bool(callouts) is warned
            if warned:
                assert callouts[0].find("a", string="Replace my token")["href"] == "/account/token"


# Replacing my token


def test_i_replace_my_token_and_stay_signed_in_here_alone(app, world, two, trail):
    desk, phone = two
    desk.open("/account/token")
    page = desk.submit("replace-token", overlap_hours="0")
    new = page.select_one("#token")["value"]
    assert is_signed_in(desk)
    assert not is_signed_in(phone)
    stranger = Browser(app)
    stranger.open("/sign-in")
    stranger.submit("sign-in", 422, token=world.tokens["mia"])
    stranger.submit("sign-in", token=new)
    assert new not in str(trail.events())
    assert new not in str(desk.open("/account"))


def test_the_old_token_works_on_for_as_long_as_i_choose(app, world, browser):
    with time_machine.travel(NOON, tick=False) as clock:
        mia = browser("mia")
        mia.open("/account/token")
        mia.submit("replace-token", overlap_hours="2")
        for status in (200, 422):
            old = Browser(app)
            old.open("/sign-in")
            old.submit("sign-in", status, token=world.tokens["mia"])
            clock.shift(timedelta(hours=2))


@pytest.mark.parametrize("hours", ["-1", "169", "many"])
def test_an_overlap_that_cannot_be_is_refused(browser, hours):
    mia = browser("mia")
    mia.open("/account/token")
    page = mia.submit("replace-token", 422, overlap_hours=hours)
    assert page.select_one("#overlap_hours-error")
    assert page.select_one("#token") is None


def test_my_token_is_replaced_five_times_an_hour(browser):
    mia = browser("mia")
    for status in (200, 200, 200, 200, 200, 429):
        mia.open("/account/token")
        page = mia.submit("replace-token", status)
    assert 0 < int(page.answer.headers["Retry-After"]) <= 3600


# Proving that it is me


def test_what_is_dangerous_asks_for_the_token_again_after_five_minutes(browser, world, trail):
    with time_machine.travel(NOON, tick=False) as clock:
        mia = browser("mia")
        mia.open("/account/token")
        assert mia.path == "/account/token"
        clock.shift(timedelta(minutes=5, seconds=1))
        page = mia.open("/account/token")
        assert mia.path == "/account/confirm?next=/account/token"
        assert page.h1.get_text(strip=True) == "Confirm that it is you"
        mia.submit("confirm", token=world.tokens["mia"])
        assert mia.path == "/account/token"
        assert trail.one("session.confirmed")["actor"] == "Mia"


def test_a_form_that_was_open_too_long_does_nothing_before_the_confirmation(browser, world, trail):
    with time_machine.travel(NOON, tick=False) as clock:
        mia = browser("mia")
        mia.open("/account/token")
        clock.shift(timedelta(minutes=5, seconds=1))
        page = mia.submit("replace-token")
        assert page.select_one("form#confirm")
        assert trail.events("token.replaced") == []


@pytest.mark.parametrize("whose", ["rhea", "nobody"])
def test_only_my_own_token_confirms(browser, world, whose):
    with time_machine.travel(NOON, tick=False) as clock:
        mia = browser("mia")
        clock.shift(timedelta(minutes=6))
        mia.open("/account/token")
        page = mia.submit("confirm", 422, token=world.tokens.get(whose, "nonsense"))
        assert "This token does not open anything here." in page.words
        mia.open("/account/token")
        assert mia.path.startswith("/account/confirm")


def test_confirming_leads_nowhere_else(browser, world):
    mia = browser("mia")
    for target in ("//evil.example", "https://evil.example", "/\\evil.example"):
        page = mia.open(f"/account/confirm?next={target}")
        assert page.select_one('[name="next"]') is None
        data = {"csrf_token": mia.csrf(), "token": world.tokens["mia"], "next": target}
        assert mia._send("POST", "/account/confirm", data=data).headers["Location"] == "/"


def test_confirming_is_tried_ten_times_a_minute(browser, world):
    with time_machine.travel(NOON, tick=False):
        mia = browser("mia")
        mia.open("/account/confirm")
        for _ in range(10):
            mia.submit("confirm", 422, token="nonsense")
        page = mia.submit("confirm", 429, token=world.tokens["mia"])
        assert 0 < int(page.answer.headers["Retry-After"]) <= 60


def test_an_account_takes_a_session(app):
    stranger = Browser(app)
    for path in ("/account", "/account/token", "/account/confirm"):
        stranger.open(path)
        assert stranger.path.startswith("/sign-in?next=/account")
