"""A second person: invited, enrolled, given more and more, and sent away."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.journeys import looks, steps
from tests.world import PASSWORD

pytestmark = pytest.mark.browser

ITEM = "Board portal"


def test_somebody_comes_sees_reveals_and_goes(visit, world):
    alice, nora = visit("alice"), visit()
    enrol(nora, invite(alice))
    path = f"/o/northwind/items/{world.items[ITEM]}"

    with nora.answered(404):
        nora.open(path)
        expect(nora.page.get_by_role("heading", level=1)).to_have_text("There is nothing here")
    give(alice, world, "Use")
    page = nora.open(path)
    expect(page.get_by_role("heading", level=1)).to_have_text(ITEM)
    expect(page.get_by_role("button", name="Reveal Password")).to_have_count(0)
    give(alice, world, "Reveal")
    page.reload()
    page.get_by_role("button", name="Reveal Password").click()
    expect(steps.field(page, "password")).to_have_text(PASSWORD)

    disable(alice)
    page.get_by_role("link", name="History", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    assert PASSWORD not in page.content()


def invite(alice):
    """Invite Nora; return the link that is shown once."""
    page = alice.open("/o/northwind/people")
    page.get_by_role("link", name="Invite").click()
    page.get_by_label("E-mail").fill("nora@northwind.example")
    page.get_by_role("button", name="Make the link").click()
    link = page.get_by_label("One-time link").input_value()
    assert re.fullmatch(rf"{re.escape(alice.house)}/enrol/\S+", link)
    return link


def enrol(nora, link):
    page = nora.page
    page.goto(link)
    page.get_by_label("Name").fill("Nora")
    page.get_by_role("button", name="Create my token").click()
    token = page.get_by_label("Your access token").input_value()
    page.get_by_role("link", name="Continue to sign in").click()
    page.get_by_label("Access token").fill(token)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    with nora.answered(410):
        page.goto(link)
        expect(page.get_by_role("heading", level=1)).to_have_text("This link no longer works")


def give(alice, world, right):
    page = alice.open(f"/o/northwind/vaults/{world.vaults['Board']}/access")
    steps.choose(page, "Person or group", "Nora")
    steps.choose(page, "May", right)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("row", name="Nora")).to_contain_text(right)


def disable(alice):
    page = alice.open("/o/northwind/people")
    page.get_by_role("link", name="Nora", exact=True).click()
    page.get_by_role("button", name="Shut out", exact=True).first.click()
    looks.assert_everybody_can_use(page)
    page.get_by_role("dialog").get_by_role("button", name="Shut out now").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("opened")
