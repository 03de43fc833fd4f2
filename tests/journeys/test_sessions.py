"""Sessions end by time, and one comes back to where one was."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys import steps

pytestmark = pytest.mark.browser

HOUR = 3_600_000_000
"""In the microseconds that the database counts in."""


@pytest.fixture
def let_an_hour_pass(house, world):
    """Move somebody's sessions an hour into the past."""

    def pass_(name):
        earlier = "UPDATE user_session SET seen_at = seen_at - ? WHERE user_id = ?"
        moved = house.change(earlier, HOUR, world.people[name].hex)
        assert moved

    return pass_


def test_an_expired_session_leads_to_the_sign_in_and_back(visit, world, let_an_hour_pass):
    path = f"/o/northwind/items/{world.items['Stripe dashboard']}"
    window = visit("mia")
    page = window.open(path)
    let_an_hour_pass("mia")
    page.get_by_role("link", name="History", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    page.get_by_label("Access token").fill(world.tokens["mia"])
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page).to_have_url(f"{window.house}{path}/history")


def test_a_reveal_after_the_session_has_expired_leads_to_the_sign_in(visit, world, let_an_hour_pass):
    """Without a word about script: the page is loaded again, and the server leads on."""
    path = f"/o/northwind/items/{world.items['Stripe dashboard']}"
    window = visit("rhea")
    page = window.open(path)
    let_an_hour_pass("rhea")
    with window.answered(401):
        page.get_by_role("button", name="Reveal Password").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    page.get_by_label("Access token").fill(world.tokens["rhea"])
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page).to_have_url(f"{window.house}{path}")


def test_a_dangerous_step_asks_again_who_one_is_and_goes_on(visit, world, house):
    window = visit("alice")
    earlier = "UPDATE user_session SET confirmed_at = confirmed_at - ? WHERE user_id = ?"
    aged = house.change(earlier, HOUR, world.people["alice"].hex)
    assert aged
    path = f"/o/northwind/vaults/{world.vaults['Production']}/access"
    page = window.open(path)
    expect(page.get_by_role("heading", level=1)).to_have_text("Confirm that it is you")
    with window.answered(422):
        page.get_by_label("Access token").fill("wrong")
        page.get_by_role("button", name="Confirm").click()
        expect(page.get_by_label("Access token")).to_have_attribute("aria-invalid", "true")
    steps.confirm_if_asked(page, world.tokens["alice"])
    expect(page).to_have_url(window.house + path)


def test_a_session_ended_elsewhere_is_over_at_the_next_click(visit):
    first, second = visit("noah"), visit("noah")
    page = second.open("/account")
    page.get_by_role("button", name="End all other sessions").click()
    expect(page.get_by_text("One other session has ended.")).to_be_visible()
    first.open("/o/northwind/vaults")
    expect(first.page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_a_wrong_token_gets_one_answer_and_keeps_nothing_in_the_page(visit, world):
    window = visit()
    page = window.open("/sign-in")
    token = world.tokens["sam"][:-1] + ("a" if world.tokens["sam"][-1] != "a" else "b")
    page.get_by_label("Access token").fill(token)
    with window.answered(422):
        page.get_by_role("button", name="Sign in", exact=True).click()
        expect(page.get_by_label("Access token")).to_have_attribute("aria-invalid", "true")
    assert token not in page.content()
