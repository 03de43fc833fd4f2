"""Fixtures for all tests: the world, an application on it, browsers, and the audit log."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path

import pytest
from flask import Flask

from app import create_app
from services.runtime import Runtime
from tests import world as worlds
from tests.browser import Browser
from tests.trail import Trail
from tests.world import World


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, World]:
    """The world, made once."""
    path = tmp_path_factory.mktemp("world") / "template.db"
    return path, worlds.build(path)


@pytest.fixture
def database(template: tuple[Path, World], tmp_path: Path) -> Path:
    """This test's own copy of the world."""
    path = tmp_path / "chatelaine.db"
    worlds.copy(template[0], path)
    return path


@pytest.fixture
def world(template: tuple[Path, World]) -> World:
    """Who and what there is."""
    return deepcopy(template[1])


@pytest.fixture
def app(database: Path) -> Iterator[Flask]:
    """A local installation on the world."""
    app = create_app(worlds.settings_for(database))
    yield app
    app.extensions["chatelaine"].close()


@pytest.fixture
def runtime(app: Flask) -> Runtime:
    """The application's long-lived parts, for services without a request."""
    runtime: Runtime = app.extensions["chatelaine"]
    return runtime


@pytest.fixture
def browser(app: Flask, world: World) -> Callable[..., Browser]:
    """Open a browser: signed in as somebody of the world, or as nobody."""

    def open_browser(name: str | None = None, address: str = "192.0.2.10") -> Browser:
        browser = Browser(app, address)
        if name is not None:
            browser.open("/sign-in")
            browser.submit("sign-in", token=world.tokens[name])
        return browser

    return open_browser


@pytest.fixture
def trail(runtime: Runtime) -> Trail:
    """What the audit log says, decrypted."""
    return Trail(runtime)
