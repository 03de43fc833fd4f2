"""Fixtures for tests in a real browser against the real server."""

from __future__ import annotations

import os
import shutil

import pytest
from playwright.sync_api import expect, sync_playwright

from tests import world as worlds
from tests.journeys.house import House
from tests.journeys.visit import PATIENCE, Visit

SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--disable-sync",
    "--no-first-run",
]


# Not for the whole session: while Playwright runs, no other test of the thread could run an event loop.
@pytest.fixture(scope="package")
def chromium():
    """One Chromium for all journeys."""
    path = shutil.which("chromium")
    if path is None:
        left_out = "Chromium is not installed"
        if os.environ.get("CI", "") not in {"", "0", "false"}:
            pytest.fail(f"{left_out}, and with CI set no test may be left out")
        pytest.skip(left_out)
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=SWITCHES)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def addresses():
    """Each window comes from an address of its own, so that they do not use up each other's sign-ins."""
    return (f"192.0.2.{number}" for number in range(1, 255))


@pytest.fixture(scope="module")
def house(template, tmp_path_factory):
    """A server on the world, for the tests of one file."""
    database = tmp_path_factory.mktemp("house") / "chatelaine.db"
    worlds.copy(template[0], database)
    with House(database) as house:
        yield house


@pytest.fixture
def visit(chromium, house, world, addresses):
    """Open a browser window for somebody or nobody; what goes wrong in it fails the test."""
    visits = []

    def open_window(name=None, *, house=house, **options):
        window = Visit(chromium, house.address, address=next(addresses), **options)
        visits.append(window)
        if name is not None:
            window.sign_in(world.tokens[name])
        return window

    yield open_window
    problems = [problem for window in visits for problem in window.problems]
    for window in visits:
        window.close()
    assert not problems, "\n".join(problems[:20])
