"""From an empty machine to a credential that somebody looked at, and the proof of it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.journeys import looks, steps
from tests.journeys.house import House

pytestmark = pytest.mark.browser

PASSWORD = "hunter2 but lönger € 🗝"


@pytest.fixture
def new_house(tmp_path):
    """A server that has never been started before."""
    with House(tmp_path / "chatelaine.db", TRUSTED_PROXIES="0") as house:
        yield house


def test_an_owner_gets_from_the_first_link_to_the_proof_of_a_reveal(visit, new_house):
    window = visit(house=new_house)
    page = window.page
    window.allow_clipboard()

    token = enrol(page, new_house)
    sign_in(page, token)
    looks.assert_everybody_can_use(page)
    steps.new_vault(page, "Office")
    steps.new_credential(page, "mail/postmaster", User_name="postmaster", Password=PASSWORD)

    password = steps.field(page, "password")
    expect(password).not_to_contain_text(PASSWORD)
    page.get_by_role("button", name="Reveal Password").click()
    expect(password).to_have_text(PASSWORD)
    page.get_by_role("button", name="Copy Password").click()
    expect(page.get_by_text("Copied.")).to_be_visible()
    assert window.pasted() == PASSWORD

    page.get_by_role("link", name="Edit", exact=True).click()
    page.get_by_label("User name").fill("admin")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(steps.field(page, "user name")).to_have_text("admin")
    page.get_by_role("link", name="History", exact=True).click()
    expect(page.get_by_role("main")).to_contain_text("User name")

    page.get_by_role("link", name="Audit", exact=True).click()
    for action in ("item.created", "item.revealed", "item.copied", "item.changed", "session.started"):
        expect(page.locator(f'[data-action="{action}"]').first).to_be_visible()
    assert PASSWORD not in page.content()

    leave_for_good(window, "/o/")


def enrol(page, house):
    """Open the link that the first start printed; return the token that the page shows once."""
    link = re.search(rf"{re.escape(house.address)}/enrol/\S+", house.said)
    assert link, house.said
    page.goto(link[0])
    assert page.url == f"{house.address}/enrol", "the secret of the link stands in the address"
    looks.assert_everybody_can_use(page)
    page.get_by_role("button", name="Create my token").click()
    field = page.get_by_label("Your access token")
    expect(field).not_to_be_editable()
    token = field.input_value()
    looks.assert_everybody_can_use(page)
    page.get_by_role("link", name="Continue to sign in").click()
    return token


def sign_in(page, token):
    page.get_by_label("Access token").fill(token)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")


def leave_for_good(window, inside):
    """Sign out; neither the way back nor the old cookie shows anything any more."""
    page = window.page
    before, cookies = page.url, window.context.cookies()
    steps.sign_out(page)
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    assert PASSWORD not in page.content()
    window.context.add_cookies(cookies)
    page.goto(before)
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    assert inside in before
