"""On a telephone: search and navigation wait behind a button each, and everything stays within reach."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys import looks, steps
from tests.world import PASSWORD

pytestmark = pytest.mark.browser


@pytest.fixture
def phone(visit):
    return visit("mia", viewport=looks.NARROW, color_scheme="dark", has_touch=True)


def test_one_finds_and_reveals_a_credential(phone):
    page = phone.page
    page.get_by_role("button", name="Open search").tap()
    search = page.get_by_role("searchbox", name="Search")
    expect(search).to_be_focused()
    assert looks.narrow_and_dark(page) == []
    search.fill("stripe")
    search.press("Enter")
    page.get_by_role("link", name="Stripe dashboard").tap()
    page.get_by_role("button", name="Reveal Password").tap()
    expect(steps.field(page, "password")).to_have_text(PASSWORD)
    expect(steps.field(page, "password")).to_be_in_viewport()
    assert looks.narrow_and_dark(page) == []


def test_the_navigation_opens_over_the_page_and_leads_on(phone):
    page = phone.page
    vaults = page.locator("nav#side").get_by_role("link", name="Vaults", exact=True)
    expect(vaults).to_be_hidden()
    page.get_by_role("button", name="Open navigation").tap()
    assert looks.narrow_and_dark(page) == []
    vaults.tap()
    expect(page.get_by_role("heading", level=1)).to_have_text("Vaults")


@pytest.mark.parametrize("way", ["mouse", "keyboard"])
def test_a_menu_closes_again(phone, way):
    page = phone.page
    page.get_by_role("button", name="Account menu").tap()
    leave = page.get_by_role("button", name="Sign out")
    expect(leave).to_be_in_viewport()
    assert looks.narrow_and_dark(page) == []
    if way == "mouse":
        page.mouse.click(20, 500)
    else:
        page.keyboard.press("Escape")
    expect(leave).to_be_hidden()
