"""The same way with the keyboard alone: everything can be reached, and one sees where one is."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.journeys import steps

pytestmark = pytest.mark.browser

MOST_STEPS = 60
SEEN = """
() => {
  const part = document.activeElement;
  const box = part.getBoundingClientRect();
  // The frame of the search field stands around the field and its sign.
  const framed = [part, part.closest("[role=search]") ?? part].map((one) => getComputedStyle(one));
  const ringed = framed.some((one) => one.outlineStyle !== "none" && parseFloat(one.outlineWidth) >= 2);
  // Around what a browser itself puts into a field, such as a calendar's button, it draws the ring itself.
  const seen = ringed || !part.matches(":focus");
  return {seen, inside: box.bottom > 0 && box.top < innerHeight};
}
"""
NAME = """
() => {
  const part = document.activeElement;
  const words = (part.labels?.[0] ?? part).cloneNode(true);
  for (const unspoken of words.querySelectorAll("[aria-hidden=true]")) unspoken.remove();
  return (part.getAttribute("aria-label") ?? words.textContent).replace(/\\s+/g, " ").trim();
}
"""


def tab_to(page: Page, name: str) -> None:
    """Press Tab until the part called *name* has the focus; every part on the way shows that it has it."""
    passed = []
    for _ in range(MOST_STEPS):
        page.keyboard.press("Tab")
        passed.append(page.evaluate(NAME))
        look = page.evaluate(SEEN)
        assert look["seen"], f"one does not see that {passed[-1]!r} has the focus on {page.url}"
        assert look["inside"], f"{passed[-1]!r} has the focus out of sight on {page.url}"
        if re.match(rf"{re.escape(name)}( optional)?$", passed[-1]):
            return
    raise AssertionError(f"Tab does not lead to {name!r} on {page.url}, only to {passed}")


def press(page: Page, name: str) -> None:
    tab_to(page, name)
    page.keyboard.press("Enter")


def heading_is(page: Page, words: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(words)


def test_a_credential_is_made_opened_and_changed_without_a_mouse(visit, world):
    page = visit().open("/sign-in")
    expect(page.get_by_label("Access token")).to_be_focused()
    page.keyboard.type(world.tokens["mia"])
    page.keyboard.press("Enter")
    heading_is(page, "Overview")

    press(page, "Vaults")
    heading_is(page, "Vaults")
    press(page, "New vault")
    heading_is(page, "New vault")
    tab_to(page, "Name")
    page.keyboard.type("By hand")
    page.keyboard.press("Enter")
    heading_is(page, "By hand")
    press(page, "New credential")
    heading_is(page, "New credential")
    tab_to(page, "Name")
    page.keyboard.type("printer")
    tab_to(page, "Password")
    page.keyboard.type("tray 2")
    press(page, "Save")
    heading_is(page, "printer")

    press(page, "Reveal Password")
    expect(steps.field(page, "password")).to_have_text("tray 2")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Password")).to_be_visible()
    page.keyboard.press("Escape")

    page.keyboard.press("/")
    expect(page.get_by_role("searchbox", name="Search")).to_be_focused()
    page.keyboard.type("printer")
    page.keyboard.press("Enter")
    heading_is(page, "Search")
    press(page, "printer")
    heading_is(page, "printer")

    press(page, "Account menu of Mia")
    press(page, "Sign out")
    heading_is(page, "Sign in")


def test_the_first_step_of_the_keyboard_leads_past_the_navigation(visit):
    page = visit("mia").open("/o/northwind/vaults")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    expect(page.get_by_role("link", name="Skip to content")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()


def test_a_form_that_comes_back_leads_to_what_must_be_mended(visit, world):
    window = visit("mia")
    page = window.open(f"/o/northwind/vaults/{world.vaults['Production']}/items/new")
    page.get_by_label("Name", exact=True).fill("prod//db")
    with window.answered(422):
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_role("alert")).to_contain_text("Please correct this")
    name = page.get_by_label("Name", exact=True)
    expect(name).to_be_focused()
    expect(name).to_have_attribute("aria-invalid", "true")
    expect(name).to_have_accessible_description(re.compile("segment|folder|/"))
