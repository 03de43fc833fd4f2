"""Two people change the same credential: whoever saves second sees both versions, and nothing is lost."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.journeys import looks, steps

pytestmark = pytest.mark.browser


def test_the_second_of_two_edits_is_refused_with_both_versions(visit, world):
    path = f"/o/northwind/items/{world.items['Stripe dashboard']}"
    mia, alice = visit("mia"), visit("alice")
    for window in (mia, alice):
        window.open(f"{path}/edit")
    mia.page.get_by_label("User name").fill("mia-was-here")
    mia.page.get_by_label("Password").first.fill("set by mia")
    mia.page.get_by_role("button", name="Save", exact=True).click()
    expect(steps.field(mia.page, "user name")).to_have_text("mia-was-here")

    page = alice.page
    page.get_by_label("User name").fill("alice-too")
    with alice.answered(409):
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_role("main")).to_contain_text("Mia has saved version 2 meanwhile")
    both = page.get_by_role("region", name="Two versions")
    expect(both.get_by_role("row", name="User name")).to_contain_text("mia-was-here")
    expect(both.get_by_role("row", name="User name")).to_contain_text("alice-too")
    assert "set by mia" not in page.content()
    expect(page.get_by_label("User name")).to_have_value("alice-too")

    looks.assert_everybody_can_use(page)
    page.get_by_role("button", name="Save over version 2").click()
    expect(steps.field(page, "user name")).to_have_text("alice-too")
    # Her empty password field kept what Mia has stored meanwhile.
    page.get_by_role("button", name="Reveal Password").click()
    expect(steps.field(page, "password")).to_have_text("set by mia")


def test_one_can_drop_the_own_version(visit, world):
    path = f"/o/northwind/items/{world.items['Board portal']}"
    first, second = visit("alice"), visit("alice")
    for window in (first, second):
        window.open(f"{path}/edit")
    first.page.get_by_label("User name").fill("first")
    first.page.get_by_role("button", name="Save", exact=True).click()
    expect(steps.field(first.page, "user name")).to_have_text("first")
    second.page.get_by_label("User name").fill("second")
    with second.answered(409):
        second.page.get_by_role("button", name="Save", exact=True).click()
        expect(second.page.get_by_role("link", name="Drop mine, keep theirs")).to_be_visible()
    second.page.get_by_role("link", name="Drop mine, keep theirs").click()
    expect(steps.field(second.page, "user name")).to_have_text("first")
