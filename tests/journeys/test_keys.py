"""Replacing a data key in a browser: the page follows it by itself, and reveals go on."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests import world as worlds
from tests.crash import turning
from tests.world import PASSWORD

pytestmark = pytest.mark.browser

ROWS = 1000


def test_the_page_follows_a_re_encryption_to_its_end(visit, house, world):
    runtime = worlds.open_world(house.database)
    turning.plant(runtime, world.organizations["northwind"], world.vaults["Production"], ROWS)
    runtime.close()
    window = visit("alice")
    window.open("/instance/keys")
    row = window.page.get_by_role("row").filter(has_text="Northwind").filter(has=window.page.locator("form"))
    expect(row).to_contain_text(f"{ROWS + 3} of {ROWS + 3} rows")
    row.get_by_role("button", name="Replace").click()
    expect(window.page.get_by_role("progressbar")).to_be_visible()
    expect(window.page.get_by_role("progressbar")).to_have_count(0)
    expect(row).to_contain_text(f"{ROWS + 3} of {ROWS + 3} rows")
    window.open(f"/o/northwind/items/{world.items['Board portal']}")
    window.page.locator("#reveal-password button").click()
    expect(window.page.locator("main")).to_contain_text(PASSWORD)
