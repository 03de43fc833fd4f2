"""An operator makes an organization, somebody of another owns it, and goes to and fro between the two."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.journeys import looks, steps
from tests.journeys.crowded import LONG_WORD

pytestmark = pytest.mark.browser


def link_on(page, house) -> str:
    address = page.get_by_label("One-time link").input_value()
    return "/" + address.partition("://")[2].partition("/")[2]


@pytest.fixture(params=[True, False], ids=["with script", "without script"])
def scripts(request):
    """Whether pages may run scripts."""
    return request.param


@pytest.fixture
def name(scripts):
    """What the new organization of this test is called."""
    return "Hillside" if scripts else "Valley"


@pytest.fixture
def look(scripts):
    """Look at a page in both ways; axe is a script itself."""
    return looks.assert_everybody_can_use if scripts else lambda _page: None


@pytest.fixture
def window(visit, scripts):
    """Open a window with or without scripts."""

    def open_window(who=None):
        return visit(who) if scripts else visit(who, java_script_enabled=False)

    return open_window


def test_an_organization_from_its_making_to_its_end(window, world, house, name, look):
    page = window("alice").page
    link = make(page, world, house, name, look)
    rhea = accept(window, world, link, name, look)
    go_to_and_fro(rhea.page)

    page.get_by_role("link", name="Done").click()
    page.get_by_role("link", name=name).click()
    look(page)
    page.get_by_role("button", name="Suspend").click()
    page.get_by_role("dialog").get_by_role("button", name="Suspend").click()
    expect(page.get_by_text("Suspended", exact=True)).to_be_visible()
    look(page)
    with rhea.answered(403):
        rhea.open(f"/o/{name.lower()}/")
        expect(rhea.page.get_by_text(f"{name} is suspended.")).to_be_visible()
        look(rhea.page)
    page.get_by_role("button", name="Resume").click()
    page.get_by_label("Name of the organization").fill(name)
    page.get_by_role("button", name="Delete this organization").click()
    expect(page.get_by_text("It is closed, and will be destroyed")).to_be_visible()
    look(page)
    page.get_by_role("button", name="Keep it").click()
    rhea.open(f"/o/{name.lower()}/")
    expect(rhea.page.get_by_role("heading", level=1)).to_have_text("Overview")


def make(page, world, house, name, look):
    """As the operator: make an organization; return the path of its first owner's link."""
    page.get_by_role("button", name="Change the organization").click()
    look(page)
    page.get_by_role("link", name="All organizations").click()
    look(page)
    page.get_by_role("link", name="New organization").click()
    steps.confirm_if_asked(page, world.tokens["alice"])
    look(page)
    page.get_by_label("Name of the organization").fill(name)
    page.get_by_label("E-mail address").fill("rhea@northwind.example")
    page.get_by_role("button", name="Create").click()
    look(page)
    return link_on(page, house)


def accept(window, world, link, name, look):
    """As Rhea, who has an account: sign in and accept; meanwhile Noah is turned away."""
    rhea = window()
    page = rhea.open(link)
    expect(page.get_by_role("heading", level=1)).to_have_text("You have an account here")
    look(page)
    noah = window("noah")
    noah.open(link)
    expect(noah.page.get_by_text("you are signed in as noah@northwind.example")).to_be_visible()
    look(noah.page)
    page.get_by_role("link", name="Sign in and accept").click()
    page.get_by_label("Access token").fill(world.tokens["rhea"])
    page.get_by_role("button", name="Sign in").click()
    look(page)
    page.get_by_role("button", name="Accept").click()
    expect(page).to_have_url(re.compile(f"/o/{name.lower()}/$"))
    return rhea


def go_to_and_fro(page):
    """Work in the new organization, then in the old one."""
    steps.new_vault(page, "Ours")
    page.get_by_role("button", name="Change the organization").click()
    page.get_by_role("link", name="Northwind").click()
    expect(page).to_have_url(re.compile("/o/northwind/$"))
    expect(page.get_by_role("button", name="Change the organization")).to_contain_text("Northwind")


def test_the_organization_is_changed_with_the_keyboard_alone(visit):
    page = visit("alice").page
    button = page.get_by_role("button", name="Change the organization")
    button.focus()
    page.keyboard.press("Enter")
    menu = page.get_by_role("navigation", name="Organizations")
    expect(menu).to_be_visible()
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(menu.get_by_role("link", name="Northwind")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Organizations")


def test_a_long_name_pushes_nothing_out_of_the_head(visit, house):
    house.change("UPDATE organization SET name = ? WHERE slug = 'northwind'", LONG_WORD)
    page = visit("alice").page
    try:
        page.goto(f"{house.address}/o/northwind/vaults")
        looks.assert_everybody_can_use(page)
        page.get_by_role("button", name="Change the organization").click()
        looks.assert_everybody_can_use(page)
        page.goto(f"{house.address}/instance")
        looks.assert_everybody_can_use(page)
    finally:
        house.change("UPDATE organization SET name = 'Northwind' WHERE slug = 'northwind'")
