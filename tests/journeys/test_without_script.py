"""Everything works without JavaScript; script only spares people a page."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Error, expect

from tests.journeys import steps
from tests.world import PASSWORD

pytestmark = pytest.mark.browser


@pytest.fixture
def alice(visit, world):
    return visit("alice", java_script_enabled=False)


def test_a_credential_is_made_revealed_changed_and_found(alice):
    page = alice.page
    steps.new_vault(page, "No script")
    steps.new_credential(page, "router", User_name="admin", Password="first  one", Notes="Two\nlines")

    page.get_by_role("button", name="Reveal Password").click()
    expect(steps.field(page, "password")).to_have_text("first  one", use_inner_text=False)
    assert steps.field(page, "password").text_content() == "first  one"
    page.get_by_role("link", name="Edit", exact=True).click()
    page.get_by_label("Password").first.fill("second")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("button", name="Reveal Password").click()
    expect(steps.field(page, "password")).to_have_text("second")
    page.get_by_role("button", name="Reveal Notes").click()
    assert steps.field(page, "notes").text_content() == "Two\nlines"

    page.get_by_role("searchbox", name="Search").fill("rout")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="router", exact=True).click()
    page.get_by_role("link", name="History", exact=True).click()
    page.get_by_role("link", name="Version 1").click()
    page.get_by_role("button", name="Reveal Password").click()
    assert steps.field(page, "password").text_content() == "first  one"


def test_another_type_shows_its_fields_by_a_button(alice):
    page = alice.page
    steps.new_vault(page, "Types")
    page.get_by_role("link", name="New credential", exact=True).click()
    page.get_by_label("Name", exact=True).fill("deploy key")
    page.get_by_label("Type", exact=True).select_option("SSH key")
    page.get_by_role("button", name="Show fields").click()
    expect(page.get_by_label("Name", exact=True)).to_have_value("deploy key")
    page.get_by_label("Passphrase").first.fill("open sesame")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("button", name="Reveal Passphrase").click()
    expect(steps.field(page, "passphrase")).to_have_text("open sesame")


def test_what_only_script_can_do_is_not_offered(alice, world):
    page = alice.open(f"/o/northwind/items/{world.items['Board portal']}")
    for name in ("Copy Password", "Copy User name", "Show Password large", "Color theme"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)


def test_a_password_is_generated_on_a_page_of_its_own(alice):
    page = alice.open("/o/northwind/generator")
    page.get_by_label("Words", exact=True).first.check()
    page.get_by_role("button", name="Another").click()
    made = page.locator("#generated")
    words = made.text_content().split("-")
    assert len(words) == 6
    assert all(word.islower() for word in words)


def test_access_is_given_and_somebody_is_invited(alice, world):
    page = alice.page
    steps.new_vault(page, "Shared by hand")
    page.get_by_role("link", name="Access", exact=True).click()
    steps.confirm_if_asked(page, world.tokens["alice"])
    steps.choose(page, "Person or group", "Noah")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("row", name="Noah")).to_contain_text("Reveal")

    page.get_by_role("link", name="People", exact=True).click()
    page.get_by_role("link", name="Invite").click()
    page.get_by_label("E-mail").fill("nina@northwind.example")
    page.get_by_role("button", name="Make the link").click()
    expect(page.get_by_label("One-time link")).to_have_value(re.compile(r"/enrol/chl_enrol_"))


def test_one_signs_out(alice):
    page = alice.page
    steps.sign_out(page)
    alice.open("/o/northwind/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_a_value_shown_on_a_page_is_kept_by_no_cache(alice, world):
    """The way back leads to a page that the browser has not kept and may not ask for again by itself."""
    page = alice.open(f"/o/northwind/items/{world.items['Board portal']}")
    page.get_by_role("button", name="Reveal Password").click()
    expect(steps.field(page, "password")).to_have_text(PASSWORD)
    page.get_by_role("link", name="Vaults", exact=True).first.click()
    with pytest.raises(Error, match="ERR_CACHE_MISS"):
        page.go_back()
    assert len(alice.problems) == 1
    assert "ERR_CACHE_MISS" in alice.problems.pop()
