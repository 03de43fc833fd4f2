"""Coming in and going out: the page, its cookie, its limits."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie

import pytest
import time_machine

from app import create_app, prepare
from crypto.tokens import new_token
from tests.browser import Browser
from tests.guesses import wrong_secret
from tests.world import settings_for

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SITE = "https://vault.northwind.example"
ADMIN_TOKEN = "b0f6d1c24e8a49d3a7c5e1f29b8d7c6a5e4f3d2c1b0a9f8e7d6c5b4a39281706"
REFUSED = "This token does not open anything here."


@pytest.fixture
def deployed(database):
    app = create_app(settings_for(database, APP_ENV="production", PUBLIC_URL=SITE))
    yield app
    app.extensions["chatelaine"].close()


def try_token(browser, text, status=422):
    browser.open("/sign-in")
    return browser.submit("sign-in", status, token=text)


def cookie_of(answer, name):
    jar = SimpleCookie()
    for line in answer.headers.getlist("Set-Cookie"):
        jar.load(line)
    return jar.get(name)


def is_signed_in(browser):
    browser.open("/account")
    return browser.path == "/account"


# Coming in


def test_a_good_token_leads_into_the_organization(browser, world, trail):
    mia = browser()
    page = try_token(mia, f"  {world.tokens['mia']}\n", status=200)
    assert mia.path == "/o/northwind/"
    assert page.h1.get_text(strip=True) == "Overview"
    event = trail.one("session.started")
    assert (event["actor"], event["address"]) == ("Mia", "192.0.2.10")
    assert world.tokens["mia"] not in str(event)


def test_who_is_signed_in_needs_no_sign_in_page(browser):
    mia = browser("mia")
    mia.open("/sign-in")
    assert mia.path == "/o/northwind/"


def test_a_wrong_token_is_answered_with_one_sentence_and_never_shown_again(browser):
    page = try_token(browser(), "chl_signin_wrong")
    assert REFUSED in page.words
    assert "chl_signin_wrong" not in str(page)


def test_an_empty_form_is_no_attempt(browser, trail):
    assert "Paste your access token." in try_token(browser(), "").words
    assert trail.events() == []


def scrubbed(page):
    """The page without what differs from answer to answer in any case."""
    text = str(page)
    text = re.sub(r"<input[^>]*csrf_token[^>]*>", "", text)
    return re.sub(r'nonce="[^"]*"', "", text)


def test_the_answer_is_the_same_whatever_is_wrong(app, world, runtime):
    with runtime.engine.begin() as connection:
        for statement, name in (
            ("UPDATE access_token SET expires_at = 1 WHERE id = ?", "ula"),
            ("UPDATE access_token SET revoked_at = 1 WHERE id = ?", "noah"),
        ):
            connection.exec_driver_sql(statement, (world.token_ids[name].hex,))
        connection.exec_driver_sql(
            "UPDATE membership SET disabled_at = 1 WHERE id = ?", (world.members["audrey"].hex,)
        )
    locked = Browser(app, "198.51.100.99")
    for _ in range(5):
        try_token(locked, wrong_secret(world.tokens["mia"]))
    bodies = {
        scrubbed(try_token(Browser(app, f"198.51.100.{number}"), text))
        for number, text in enumerate(
            (
                new_token("signin")[0],
                "nonsense",
                "x" * 5000,
                "ümläut\u202e",
                world.tokens["ula"],
                world.tokens["noah"],
                world.tokens["audrey"],
            )
        )
    }
    bodies.add(scrubbed(try_token(locked, world.tokens["mia"])))
    assert len(bodies) == 1
    assert REFUSED in bodies.pop()


# Where to go


@pytest.mark.parametrize(
    "path", ["/o/northwind/people", "/account", "/o/northwind/tokens?state=active&q=a%20b"]
)
def test_one_is_led_back_to_where_one_wanted_to_go(browser, world, path):
    alice = browser()
    alice.open(path)
    assert alice.path.startswith("/sign-in?next=")
    alice.submit("sign-in", token=world.tokens["alice"])
    assert alice.path == path


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "\t//evil.example",
        " //evil.example",
        "https:evil.example",
        "https://evil.example",
        "http:/evil.example",
        "javascript:alert(1)",
        "evil.example",
        "/\u202eevil",
        "///evil.example",
    ],
)
def test_nobody_is_led_to_another_site(app, world, target):
    mia = Browser(app)
    page = mia.open("/sign-in")
    answer = mia._send(
        "POST",
        "/sign-in",
        data={"csrf_token": mia.csrf(), "token": world.tokens["mia"], "next": target},
    )
    assert page.status == 200
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/o/northwind/"


# The cookie


def test_the_cookie_of_a_local_installation(app, world):
    mia = Browser(app)
    mia.open("/sign-in")
    answer = mia._send("POST", "/sign-in", data={"csrf_token": mia.csrf(), "token": world.tokens["mia"]})
    cookie = cookie_of(answer, "chatelaine")
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert cookie["path"] == "/"
    assert not cookie["secure"]
    assert not cookie["domain"]
    assert not cookie["max-age"]
    assert not cookie["expires"]


def test_the_cookie_in_production(deployed, world):
    mia = Browser(deployed, base_url=SITE)
    mia.open("/sign-in")
    answer = mia._send("POST", "/sign-in", data={"csrf_token": mia.csrf(), "token": world.tokens["mia"]})
    cookie = cookie_of(answer, "__Host-chatelaine")
    assert cookie["httponly"]
    assert cookie["secure"]
    assert cookie["samesite"] == "Lax"
    assert cookie["path"] == "/"
    assert not cookie["domain"]
    for part in world.tokens["mia"].split("_"):
        assert len(part) < 8 or part not in cookie.value


def test_nothing_from_before_the_sign_in_lives_on(app, world):
    """Whoever planted a cookie, and knows the CSRF token on the page, has neither afterwards."""
    mia = Browser(app)
    mia.open("/sign-in")
    before, seed = mia.client.get_cookie("chatelaine").value, mia.csrf()
    mia.submit("sign-in", token=world.tokens["mia"])
    thief = Browser(app)
    thief.client.set_cookie("chatelaine", before)
    assert not is_signed_in(thief)
    mia.post("/account/sessions/end-others", {"csrf_token": seed}, status=400)


def test_the_session_id_turns_at_every_sign_in_and_the_one_before_is_dead(app, world):
    mia = Browser(app)
    try_token(mia, world.tokens["mia"], status=200)
    before = mia.client.get_cookie("chatelaine").value
    answer = mia._send("POST", "/sign-in", data={"csrf_token": mia.csrf(), "token": world.tokens["mia"]})
    assert answer.status_code == 302
    assert is_signed_in(mia)
    thief = Browser(app)
    thief.client.set_cookie("chatelaine", before)
    assert not is_signed_in(thief)


def test_a_made_up_cookie_opens_nothing(app):
    stranger = Browser(app)
    stranger.client.set_cookie("chatelaine", "eyJzaWQiOiJBQUFBQUFBQSJ9.aaaaaa.bbbbbbbbbbbbbb")
    assert not is_signed_in(stranger)


# Going out


def test_a_copied_cookie_is_dead_after_the_sign_out(app, browser, trail):
    mia = browser("mia")
    copy = mia.client.get_cookie("chatelaine").value
    page = mia.press("Sign out")
    assert "You are signed out." in page.words
    assert trail.one("session.ended")["actor"] == "Mia"
    thief = Browser(app)
    thief.client.set_cookie("chatelaine", copy)
    assert not is_signed_in(thief)
    assert "Your session has ended." in thief.page.words
    assert "Your session has ended." not in thief.open("/sign-in").words


def test_signing_out_takes_a_form_of_ours(browser):
    mia = browser("mia")
    mia.post("/sign-out", {}, status=400)
    mia.open("/sign-out", status=405)
    assert is_signed_in(mia)


# Time


def test_a_session_ends_after_half_an_hour_of_idleness(browser, world):
    with time_machine.travel(NOON, tick=False) as clock:
        mia = browser("mia")
        clock.shift(timedelta(minutes=30, seconds=-1))
        assert is_signed_in(mia)
        mia = browser("mia")
        clock.shift(timedelta(minutes=30))
        assert not is_signed_in(mia)
        assert "Your session has ended." in mia.page.words


def test_use_keeps_a_session_alive_until_twelve_hours_have_passed(browser, runtime):
    with time_machine.travel(NOON, tick=False) as clock:
        mia = browser("mia")
        for _ in range(12 * 3 - 1):
            clock.shift(timedelta(minutes=20))
            assert is_signed_in(mia)
            # The marks of use are written behind the answer: let them come to their end.
            runtime.committer.close()
        clock.shift(timedelta(minutes=20, seconds=-1))
        assert is_signed_in(mia)
        clock.shift(timedelta(seconds=1))
        assert not is_signed_in(mia)


def test_a_session_ends_with_the_token_that_opened_it(browser, runtime, world):
    mia = browser("mia")
    with runtime.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE access_token SET expires_at = 1 WHERE id = ?", (world.token_ids["mia"].hex,)
        )
    assert not is_signed_in(mia)


def test_a_session_survives_a_restart(database, app, browser, world):
    mia = browser("mia")
    cookie = mia.client.get_cookie("chatelaine").value
    app.extensions["chatelaine"].close()
    again = create_app(settings_for(database))
    window = Browser(again)
    window.client.set_cookie("chatelaine", cookie)
    assert is_signed_in(window)
    again.extensions["chatelaine"].close()


# Limits


def test_the_eleventh_attempt_in_a_minute_has_to_wait(app, world):
    with time_machine.travel(NOON, tick=False) as clock:
        guesser = Browser(app, "198.51.100.7")
        for _ in range(10):
            try_token(guesser, new_token("signin")[0])
        page = try_token(guesser, world.tokens["mia"], status=429)
        wait = int(page.answer.headers["Retry-After"])
        assert 0 < wait <= 60
        assert f"You can try again in {wait} seconds." in page.words
        try_token(Browser(app, "198.51.100.8"), world.tokens["mia"], status=200)
        clock.shift(timedelta(seconds=wait))
        try_token(guesser, world.tokens["mia"], status=200)


def test_one_ipv6_network_counts_as_one_address(app, world):
    with time_machine.travel(NOON, tick=False):
        for number in range(10):
            try_token(Browser(app, f"2001:db8:1:2::{number}"), new_token("signin")[0])
        try_token(Browser(app, "2001:db8:1:2:ffff::1"), world.tokens["mia"], status=429)
        try_token(Browser(app, "2001:db8:1:3::1"), world.tokens["mia"], status=200)


def test_a_lock_survives_a_restart(database, app, world):
    for _ in range(5):
        try_token(Browser(app, "203.0.113.5"), wrong_secret(world.tokens["mia"]))
    app.extensions["chatelaine"].close()
    again = create_app(settings_for(database))
    assert REFUSED in try_token(Browser(again, "203.0.113.5"), world.tokens["mia"]).words
    try_token(Browser(again, "203.0.113.6"), world.tokens["mia"], status=200)
    again.extensions["chatelaine"].close()


# The operator's first token


def test_the_first_token_opens_nothing_until_it_is_replaced(tmp_path):
    settings = settings_for(tmp_path / "new.db", ADMIN_TOKEN=ADMIN_TOKEN)
    assert prepare(settings) is None
    app = create_app(settings)
    owner, other = Browser(app), Browser(app)
    try_token(owner, ADMIN_TOKEN, status=200)
    try_token(other, ADMIN_TOKEN, status=200)
    for path in ("/", "/account", "/o/my-team/", "/o/my-team/people", "/o/my-team/tokens/new"):
        page = owner.open(path)
        assert owner.path == "/account/token"
        assert "Make your own" in page.words
    owner.post("/o/my-team/people/invite", {"csrf_token": owner.csrf(), "email": "a@b.example"}, status=302)
    owner.open("/account/token")
    own = owner.submit("replace-token").select_one("#token")["value"]
    assert own != ADMIN_TOKEN
    assert is_signed_in(owner)
    assert not is_signed_in(other), "who else came in with the first token is out"
    try_token(Browser(app), ADMIN_TOKEN)
    try_token(Browser(app), own, status=200)
    app.extensions["chatelaine"].close()


def test_the_first_token_may_sign_out(tmp_path):
    settings = settings_for(tmp_path / "new.db", ADMIN_TOKEN=ADMIN_TOKEN)
    prepare(settings)
    app = create_app(settings)
    owner = Browser(app)
    try_token(owner, ADMIN_TOKEN, status=200)
    owner.post("/sign-out", {"csrf_token": owner.csrf()}, status=200)
    assert not is_signed_in(owner)
    app.extensions["chatelaine"].close()
