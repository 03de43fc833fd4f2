"""What script adds to every page: the color theme, the way to the search field."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_the_color_theme_that_somebody_chose_stays(visit):
    """It is in the page that the server sends, so that nothing flashes, and it colors the page."""
    window = visit("mia", color_scheme="light")
    page = window.open("/account")
    background = "() => getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    button = page.get_by_role("button", name="Color theme")
    button.click()
    expect(button).to_have_accessible_name("Color theme: light")
    button.click()
    expect(button).to_have_accessible_name("Color theme: dark")
    assert page.evaluate(background) != light

    page.reload()

    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate(background) != light


def test_a_slash_leads_to_the_search_field_and_stays_a_slash_where_one_types(visit):
    page = visit("mia").page
    page.keyboard.press("/")
    search = page.get_by_role("searchbox", name="Search")
    expect(search).to_be_focused()
    page.keyboard.type("prod/db")
    expect(search).to_have_value("prod/db")


def test_search_and_navigation_stay_on_the_account_page(visit):
    page = visit("mia").open("/account")
    page.get_by_role("searchbox", name="Search").fill("stripe")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Stripe dashboard")).to_be_visible()
    page.go_back()
    page.get_by_role("link", name="Vaults", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Vaults")
