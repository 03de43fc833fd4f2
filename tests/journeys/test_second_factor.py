"""A second factor in a real browser: set up by its key, asked for at the next sign-in, recovered."""

from __future__ import annotations

from datetime import UTC, datetime

import pyotp
import pytest
from playwright.sync_api import expect

from tests.journeys import looks, steps

pytestmark = pytest.mark.browser


@pytest.fixture
def half_a_minute_later(house):
    """Let a code of the same half minute count again: no test waits for the next."""
    return lambda: house.change("UPDATE factor SET last_step = 0")


def test_setting_up_and_coming_back(visit, world, half_a_minute_later):
    window = visit("noah")
    page = window.open("/account")
    page.get_by_role("link", name="Set up", exact=True).click()
    looks.assert_everybody_can_use(page)
    page.get_by_role("button", name="Set up an authenticator app").click()
    expect(page.get_by_role("img", name="QR code for your authenticator app")).to_be_visible()
    looks.assert_everybody_can_use(page)
    app = pyotp.TOTP(page.get_by_label("Key").input_value().replace(" ", ""))
    with window.answered(422):
        page.get_by_label("Authentication code").fill("12345")
        page.get_by_role("button", name="Continue").click()
        expect(page.locator("#code-error")).to_be_visible()
    page.get_by_label("Authentication code").fill(app.at(datetime.now(UTC)))
    page.get_by_role("button", name="Continue").click()
    codes = page.get_by_role("list", name="Recovery codes").get_by_role("listitem")
    expect(codes).to_have_count(10)
    looks.assert_everybody_can_use(page)
    recovery = codes.first.text_content()
    page.get_by_role("link", name="I have kept them").click()
    steps.sign_out(page)

    half_a_minute_later()
    page.get_by_label("Access token").fill(world.tokens["noah"])
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your second factor")
    looks.assert_everybody_can_use(page)
    page.get_by_label("Authentication code").fill(app.at(datetime.now(UTC)))
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("button", name="Account menu")).to_be_visible()
    steps.sign_out(page)

    page.get_by_label("Access token").fill(world.tokens["noah"])
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_label("Authentication code").fill(recovery)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("A recovery code was used. 9 are left")).to_be_visible()
    assert window.problems == []
