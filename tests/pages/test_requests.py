"""Asking for access to a vault, and deciding about it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

REQUESTS = "/o/northwind/requests"


@pytest.fixture
def board(world):
    """Where the vault Board stands."""
    return f"/o/northwind/vaults/{world.vaults['Board']}"


@pytest.fixture
def listed(browser, board):
    """The vault Board, listed by its manager."""
    alice = browser("alice")
    alice.open(board + "/edit")
    alice.submit("vault-form", listed=["y"])
    return board


def test_a_listed_vault_is_seen_asked_for_and_granted_for_a_week(browser, world, listed, trail):
    noah = browser("noah")
    page = noah.open("/o/northwind/vaults")
    assert "Board" in page.select_one("main").get_text()
    noah.open(listed, 404)
    noah.open(page.select_one('a[href$="/ask"]')["href"])
    page = noah.submit("ask-form", right="2", reason="The report is due")
    assert noah.path == REQUESTS
    assert "Waiting" in page.select_one("tbody tr").get_text()
    assert "You have asked" in noah.open("/o/northwind/vaults").words

    alice = browser("alice")
    page = alice.open(REQUESTS)
    assert "The report is due" in page.words
    day = (datetime.now(UTC) + timedelta(days=7)).date().isoformat()
    assert page.select_one('input[type="date"]')["value"] == day
    form = page.select_one('form[id^="grant-"]')["id"]
    page = alice.submit(form)
    assert "Noah has access from now on" in page.words

    noah.open(listed)
    assert trail.one("grant.given")["extra"]["ends_at"].startswith(
        (datetime.now(UTC) + timedelta(days=8)).date().isoformat()
    )
    assert "Granted" in noah.open(REQUESTS).select_one("tbody tr").get_text()


def test_an_unlisted_vault_is_as_good_as_none(browser, board, refuses):
    page = browser("noah").open("/o/northwind/vaults")
    assert "Board" not in str(page)
    refuses(board + "/ask", "noah", 404)
    refuses(board + "/ask", "noah", 404, posting=True)
    refuses("/o/northwind/vaults/00000000-0000-4000-8000-000000000000/ask", "noah", 404)


def test_a_declined_request_says_who_declined(browser, listed):
    noah, adam = browser("noah"), browser("adam")
    noah.open(listed + "/ask")
    noah.submit("ask-form", reason="Curious")
    adam.open(REQUESTS)
    adam.press("Decline")
    page = noah.open(REQUESTS)
    assert "Declined" in page.select_one("tbody tr").get_text()
    assert "Adam" in page.select_one("tbody tr").get_text()
    noah.open(listed, 404)


@pytest.mark.parametrize(("reason", "sentence"), [("", "Say why"), ("x" * 301, "at most 300")])
def test_a_request_without_a_good_reason_is_refused_beside_its_field(browser, listed, reason, sentence):
    noah = browser("noah")
    noah.open(listed + "/ask")
    page = noah.submit("ask-form", 422, reason=reason)
    assert sentence in page.select_one("#reason-error").get_text()


def test_asking_again_while_it_waits_is_refused(browser, listed):
    noah = browser("noah")
    noah.open(listed + "/ask")
    noah.submit("ask-form", reason="One")
    noah.open(listed + "/ask")
    page = noah.submit("ask-form", 409, reason="Two")
    assert "You have asked already" in page.words


def test_a_day_in_the_past_is_refused_and_what_was_typed_stays(browser, listed):
    noah, alice = browser("noah"), browser("alice")
    noah.open(listed + "/ask")
    noah.submit("ask-form", reason="One")
    page = alice.open(REQUESTS)
    page = alice.submit(page.select_one('form[id^="grant-"]')["id"], 422, ends_at="2020-01-01")
    assert "Choose a time in the future" in page.select_one("[role=alert]").get_text()
    assert page.select_one('input[type="date"]')["value"] == "2020-01-01"
    assert "Waiting for you" in page.words
    alice.submit(page.select_one('form[id^="grant-"]')["id"], 422, right="9")
    noah.open(listed, 404)


def test_ones_own_request_is_taken_back(browser, listed):
    noah = browser("noah")
    noah.open(listed + "/ask")
    noah.submit("ask-form", reason="One")
    page = noah.press("Take back")
    assert "Taken back" in page.select_one("tbody tr").get_text()
    assert "Nothing waits for you" in browser("alice").open(REQUESTS).words


def test_somebody_elses_request_is_not_there(browser, listed, refuses):
    noah = browser("noah")
    noah.open(listed + "/ask")
    page = noah.submit("ask-form", reason="One")
    action = page.select_one('form[id^="withdraw-"]')["action"]
    refuses(action, "ula", 404, posting=True)
    refuses(action, "alice", 404, posting=True)
    refuses(action.replace("withdraw", "grant"), "noah", 404, posting=True)
    refuses(action.replace("withdraw", "approve"), "alice", 404, posting=True)


def test_the_overview_says_that_something_waits(browser, listed):
    noah = browser("noah")
    noah.open(listed + "/ask")
    noah.submit("ask-form", reason="One")
    page = browser("alice").open("/o/northwind/")
    assert page.select_one(f'main a[href="{REQUESTS}"]') is not None
    assert noah.open("/o/northwind/").select_one(f'main a[href="{REQUESTS}"]') is None
