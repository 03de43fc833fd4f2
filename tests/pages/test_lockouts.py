"""Lockouts: seen and lifted by those whose people they are."""

from __future__ import annotations

import pytest

from crypto.tokens import new_token
from tests.browser import Browser
from tests.guesses import wrong_secret

LOCKOUTS = "/o/northwind/lockouts"
GUESSER = "203.0.113.77"


@pytest.fixture
def fail(app):
    """Fail to sign in from the guesser's address."""

    def fail(text, times=1):
        guesser = Browser(app, GUESSER)
        for _ in range(times):
            guesser.open("/sign-in")
            guesser.submit("sign-in", 422, token=text)

    return fail


def rows_on(page):
    return [" ".join(row.get_text(" ").split()) for row in page.select("tbody tr")]


def test_nobody_is_locked_out(browser):
    assert "Nobody is locked out" in browser("adam").open(LOCKOUTS).words


def test_a_lock_is_seen_and_lifted(app, browser, world, fail, trail):
    fail(wrong_secret(world.tokens["mia"]), 5)
    fail(world.tokens["mia"])
    adam = browser("adam")
    (row,) = rows_on(adam.open(LOCKOUTS))
    handle = world.tokens["mia"].split("_")[2]
    assert row.startswith(f"Token {handle} Mia {GUESSER} Locked 6 in ")
    assert "Lifted." in adam.press("Lift").words
    assert trail.one("lockout.lifted")["target"] == f"{handle} from {GUESSER}"
    mia = Browser(app, GUESSER)
    mia.open("/sign-in")
    mia.submit("sign-in", token=world.tokens["mia"])


def test_counts_of_no_organization_are_the_operators(browser, world, fail):
    fail(new_token("signin")[0], 2)
    assert rows_on(browser("adam").open(LOCKOUTS)) == []
    assert rows_on(browser("mallory").open("/o/lakeside/lockouts")) == []
    rows = rows_on(browser("alice").open(LOCKOUTS))
    assert len(rows) == 2
    assert any("All from one address" in row for row in rows)
    assert any("unknown" in row for row in rows)


def test_only_admins_see_and_lift(refuses, browser, world, fail):
    fail(wrong_secret(world.tokens["mia"]))
    action = browser("adam").open(LOCKOUTS).select_one("form[id^=lift-]")["action"]
    for name in ("audrey", "mia"):
        refuses(LOCKOUTS, name, 403)
        refuses(action, name, 403, posting=True)
    refuses(LOCKOUTS, "mallory", 404)
    refuses(action.replace("northwind", "lakeside"), "mallory", 404, posting=True)


def test_an_admin_does_not_lift_what_is_the_operators(refuses, browser, fail):
    fail(new_token("signin")[0])
    actions = [form["action"] for form in browser("alice").open(LOCKOUTS).select("form[id^=lift-]")]
    assert len(actions) == 2
    for action in actions:
        refuses(action, "adam", 404, posting=True)


def test_a_lock_is_lifted_once(browser, world, fail):
    fail(wrong_secret(world.tokens["mia"]))
    adam = browser("adam")
    action = adam.open(LOCKOUTS).select_one("form[id^=lift-]")["action"]
    adam.press("Lift")
    adam.post(action, {"csrf_token": adam.csrf()}, status=404)
