"""Files in a real browser: from the disk to the server and back to the disk, large ones too."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.journeys import looks

pytestmark = pytest.mark.browser

TEN_MIB = 10 * 1024 * 1024
LARGE = b"0123456789abcde\n" * (TEN_MIB // 16)
NAME = "Schlüssel mit einem sehr langen Namen, der nirgends umbrochen werden möchte.txt"


def choose(page, path, content):
    path.write_bytes(content)
    page.get_by_label("Add a file").set_input_files(path)
    page.get_by_role("button", name="Add", exact=True).click()


def fetched(window, name):
    # Chromium calls a page that became a download a request that failed.
    with window.answered(200), window.page.expect_download() as download:
        window.page.get_by_role("button", name=f"Download {name}").click()
    assert download.value.suggested_filename == name
    return Path(download.value.path()).read_bytes()


def remove(page, name):
    page.get_by_role("button", name=f"Remove {name}").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove", exact=True).click()
    expect(page.get_by_role("button", name=f"Download {name}")).to_have_count(0)


def test_files_come_back_as_they_went_and_the_page_stays_usable(visit, world, tmp_path):
    window = visit("mia")
    page = window.open(f"/o/northwind/items/{world.items['Stripe dashboard']}")
    choose(page, tmp_path / NAME, b"hello")
    choose(page, tmp_path / "large.txt", LARGE)
    expect(page.locator(".files")).to_contain_text("10 MiB")
    with window.answered(422):
        choose(page, tmp_path / "refused.exe", b"MZ\x90\0")
        expect(page.locator("#file-error")).to_contain_text("Files of this type are not taken")
    looks.assert_everybody_can_use(page)
    assert fetched(window, NAME) == b"hello"
    assert fetched(window, "large.txt") == LARGE
    remove(page, NAME)


def test_all_of_it_works_without_script(visit, world, tmp_path):
    window = visit("mia", java_script_enabled=False)
    page = window.open(f"/o/northwind/items/{world.items['prod/db primary']}")
    choose(page, tmp_path / NAME, b"hello")
    assert fetched(window, NAME) == b"hello"
    remove(page, NAME)
