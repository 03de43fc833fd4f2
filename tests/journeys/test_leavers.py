"""Somebody goes: shut out, their list ticked off, their things handed over; then everybody starts anew."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys import looks, steps

pytestmark = pytest.mark.browser

STRIPE = "Stripe dashboard"
PRIMARY = "prod/db primary"
NOTE = "Turned at the bank's own desk"


def row_of(page, item):
    return page.get_by_role("region", name="To be changed").get_by_role("row", name=item)


@pytest.mark.parametrize("how", [{}, {"java_script_enabled": False}], ids=["with script", "without script"])
def test_a_leaver_is_shut_out_and_the_list_is_worked_through(visit, world, how):
    leaver = "mia" if how else "rhea"
    name = leaver.title()
    window = visit(leaver)
    for item in (STRIPE, PRIMARY):
        page = window.open(f"/o/northwind/items/{world.items[item]}")
        page.get_by_role("button", name="Reveal Password").click()
        expect(steps.field(page, "password")).not_to_have_text("••••••••••")

    adam = visit("adam", **how)
    page = adam.open("/o/northwind/people")
    page.get_by_role("link", name=f"Shut {name} out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Shut {name} out")
    page.get_by_role("button", name="Shut out now").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"What {name} opened")
    expect(page.get_by_text("0 of 2 dealt with")).to_be_visible()

    row_of(page, STRIPE).get_by_role("button", name="Tick off").click()
    dialog = page.get_by_role("dialog", name="Tick off")
    expect(dialog).to_be_visible()
    if not how:
        looks.assert_everybody_can_use(page)
    dialog.get_by_label("What was done").select_option("Needs no change")
    dialog.get_by_label("Note").fill(NOTE)
    dialog.get_by_role("button", name="Tick off").click()
    expect(page.get_by_text("1 of 2 dealt with")).to_be_visible()
    expect(row_of(page, STRIPE)).to_contain_text(NOTE)

    page.get_by_role("link", name="To do").click()
    expect(row_of(page, PRIMARY)).to_be_visible()
    expect(row_of(page, STRIPE)).to_have_count(0)
    page.get_by_role("link", name="Ticked off").click()
    row_of(page, STRIPE).get_by_role("button", name="Take the tick back").click()
    expect(page.get_by_text("0 of 2 dealt with")).to_be_visible()


def test_on_a_telephone_each_row_stands_within_the_screen_with_its_button(visit, world):
    page = visit("alice").open(f"/o/northwind/items/{world.items[STRIPE]}")
    page.get_by_role("button", name="Reveal Password").click()
    expect(steps.field(page, "password")).not_to_have_text("••••••••••")
    phone = visit("adam", viewport=looks.NARROW, color_scheme="dark", has_touch=True)
    page = phone.open(f"/o/northwind/people/{world.members['alice']}/opened")
    region = page.get_by_role("region", name="To be changed")
    assert region.evaluate("(region) => region.scrollWidth <= region.clientWidth")
    button = row_of(page, STRIPE).get_by_role("button", name="Tick off")
    button.scroll_into_view_if_needed()
    expect(button).to_be_in_viewport(ratio=1)
    button.tap()
    looks.assert_everybody_can_use(page)


def test_things_are_handed_over_to_somebody_who_can_see_them(visit, world):
    adam = visit("adam")
    page = adam.open(f"/o/northwind/people/{world.members['alice']}/opened")
    steps.choose(page, "To", "Ula")
    page.get_by_role("button", name="Hand over").click()
    expect(page.get_by_text("3 things handed over.")).to_be_visible()
    looks.assert_everybody_can_use(page)
    page = visit("ula").open(f"/o/northwind/items/{world.items[STRIPE]}")
    expect(page.locator("dt", has_text="Responsible").locator("+ dd")).to_have_text("Ula")


def test_the_colors_are_chosen_without_script(visit):
    audrey = visit("audrey", java_script_enabled=False, color_scheme="light")
    page = audrey.open("/account")
    page.get_by_role("link", name="Edit profile", exact=True).click()
    page.get_by_label("Colors").select_option("Dark")
    page.get_by_role("button", name="Use these colors").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    audrey.open("/account/activity")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_at_last_an_owner_lets_everybody_start_anew_and_copies_a_link(visit):
    alice = visit("alice")
    alice.allow_clipboard()
    page = alice.open("/o/northwind/people")
    page.get_by_role("link", name="Reset all second factors").click()
    page.get_by_label("Name of the organization").fill("Northwind")
    page.get_by_role("button", name="Reset all second factors").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Everybody starts anew")
    looks.assert_everybody_can_use(page)
    link = page.get_by_label("Noah, noah@northwind.example").input_value()
    page.get_by_role("button", name="Copy").nth(3).click()
    # It is copied a moment later.
    expect(page.get_by_text("Copied.")).to_be_visible()
    copied = alice.pasted()
    assert "/enrol/" in copied
    assert copied in page.locator("#main").evaluate(
        "(main) => [...main.querySelectorAll('input')].map((field) => field.value)"
    )
    noah = visit().open("/enrol/" + link.rpartition("/")[2])
    noah.get_by_role("button", name="Create my token").click()
    expect(noah.locator("#token")).to_be_visible()
