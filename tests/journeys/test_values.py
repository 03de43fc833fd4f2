"""Values in the page: they come when asked for, and go by themselves."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from policy import Right
from tests.journeys import looks, steps
from tests.world import PASSWORD

pytestmark = pytest.mark.browser

DOTS = re.compile("^•+$")


@pytest.fixture
def item(visit, world):
    """Rhea, who may reveal, on a credential's page; the page's clock stands still."""
    window = visit("rhea")
    window.page.clock.install()
    window.open(f"/o/northwind/items/{world.items['prod/db primary']}")
    return window


def test_a_revealed_value_hides_itself_after_half_a_minute(item):
    page = item.page
    password = steps.field(page, "password")
    reveal = page.get_by_role("button", name="Reveal Password")
    reveal.click()
    expect(password).to_have_text(PASSWORD)
    expect(reveal).to_have_attribute("aria-pressed", "true")

    page.clock.fast_forward(29_000)
    expect(password).to_have_text(PASSWORD)
    page.clock.fast_forward(2_000)

    expect(password).to_have_text(DOTS)
    expect(reveal).to_have_attribute("aria-pressed", "false")
    assert PASSWORD not in page.content()


def test_a_second_click_hides_a_value(item):
    page = item.page
    for shown in (PASSWORD, DOTS):
        page.get_by_role("button", name="Reveal Password").click()
        expect(steps.field(page, "password")).to_have_text(shown)


def test_a_value_does_not_wait_on_the_page_that_one_comes_back_to(item):
    page = item.page
    page.get_by_role("button", name="Reveal Password").click()
    expect(steps.field(page, "password")).to_have_text(PASSWORD)
    page.get_by_role("link", name="History", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("History")
    page.go_back()
    expect(steps.field(page, "password")).to_have_text(DOTS)
    assert PASSWORD not in page.content()


def test_a_value_is_shown_large_with_a_word_for_each_sign(item):
    page = item.page
    page.get_by_role("button", name="Reveal Password").click()
    page.get_by_role("button", name="Show Password large").click()
    dialog = page.get_by_role("dialog", name="Password")
    expect(dialog.locator(".glyphs b")).to_have_text(list(PASSWORD))
    expect(dialog).to_contain_text("charlie")
    looks.assert_everybody_can_use(page)
    page.keyboard.press("Escape")
    # The browser tells of the closing only after the dialog is hidden.
    expect(page.locator("#large .glyphs")).to_be_empty()
    expect(page.locator("#large")).to_be_hidden()
    assert "charlie" not in page.content()


def test_a_code_counts_down_and_the_next_one_follows(item):
    page = item.page
    code = steps.field(page, "totp")
    page.get_by_role("button", name="Reveal TOTP", exact=True).click()
    expect(code).to_have_text(re.compile(r"^\d{3} \d{3}$"))
    left = page.get_by_label("Time left for this code")
    expect(left).to_be_visible()
    before = float(left.get_attribute("value"))
    page.clock.run_for(1_000)
    expect(left).not_to_have_attribute("value", f"{before:g}")

    with page.expect_response("**/reveal") as answer:
        page.clock.run_for(31_000)
    assert answer.value.json()["kind"] == "otp"
    expect(code).to_have_text(re.compile(r"^\d{3} \d{3}$"))
    # A forgotten tab asks no further.
    page.clock.run_for(31_000)
    expect(code).to_have_text(DOTS)


def test_copying_fills_the_clipboard_without_showing_and_clears_it_again(item):
    page = item.page
    item.allow_clipboard()
    page.get_by_role("button", name="Copy Password").click()
    expect(page.get_by_text("Copied.")).to_be_visible()
    expect(steps.field(page, "password")).to_have_text(DOTS)
    assert item.pasted() == PASSWORD

    page.clock.run_for(31_000)

    assert item.pasted() == ""


def test_a_user_name_is_copied_as_it_stands(item):
    item.allow_clipboard()
    item.page.get_by_role("button", name="Copy User name").click()
    expect(item.page.get_by_text("Copied.")).to_be_visible()
    assert item.pasted() == "vault_rw"


@pytest.fixture
def rhea_may_only_look(item, house, world):
    """Her right to reveal is gone while her page is open."""
    set_right = "UPDATE access_grant SET right = ? WHERE user_id = ? AND right = ?"
    who = world.people["rhea"].hex
    assert house.change(set_right, Right.USE, who, Right.REVEAL) == 1
    yield
    assert house.change(set_right, Right.REVEAL, who, Right.USE) == 1


def test_a_reveal_that_the_server_refuses_is_told_in_words(item, rhea_may_only_look):
    page = item.page
    with item.answered(403):
        page.get_by_role("button", name="Reveal Password").click()
        expect(page.locator("#toast")).to_be_visible()
    expect(page.locator("#toast")).to_contain_text(re.compile("permission|may not|right"))
    expect(steps.field(page, "password")).to_have_text(DOTS)
