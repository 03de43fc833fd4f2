"""Fixtures for all tests: the world, an application on it, browsers, and the audit log."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path

import pytest
from flask import Flask

from app import create_app
from services import postgresql
from services.runtime import Runtime
from tests import cheap_apps, dialect, memory, servers
from tests import world as worlds
from tests.browser import Browser
from tests.trail import Trail
from tests.world import World


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a run choose its database."""
    parser.addoption(
        "--database",
        choices=("sqlite", "postgresql"),
        default="sqlite",
        help="what the tests run on; PostgreSQL is started for the run, in a temporary folder",
    )

    parser.addoption(
        "--large", action="store_true", help="with as many rows as were promised, where a run has fewer"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Tell it to everything that opens a database."""
    cheap_apps.save()
    if folder := memory.roomy():
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", folder)
    os.environ["TEST_DATABASE"] = config.getoption("--database")
    if worlds.on_postgresql():
        # What tests do on a bare connection sees all rows, as on SQLite. The program opens none of its own:
        # tests/test_architecture.py looks.
        postgresql.UNNAMED = postgresql.EVERY_ORGANIZATION
        dialect.teach()


def pytest_collection_finish() -> None:
    """Keep the garbage collector from walking through the program again and again: a fifth of a run."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 10, 10)


def pytest_unconfigure() -> None:
    """End what was started for the run."""
    if servers.databases.cache_info().currsize:
        servers.databases().close()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out, in each run, what is about the other database."""
    chosen = config.getoption("--database")
    left_out = [item for item in items if not _belongs(item, chosen)]
    items[:] = [item for item in items if _belongs(item, chosen)]
    config.hook.pytest_deselected(items=left_out)


ON_BOTH = (
    "tests/audit",
    "tests/clients",
    "tests/core",
    "tests/isolation",
    "tests/journeys/test_second_factor.py",
    "tests/matrix",
    "tests/pages",
    "tests/postgresql",
    "tests/races",
    "tests/services",
    "tests/sso",
    "tests/web",
)
"""What touches the database. The rest is about files, keys, the browser or the server."""


def _belongs(item: pytest.Item, chosen: str) -> bool:
    if chosen == "sqlite":
        return item.get_closest_marker("postgresql") is None
    return item.get_closest_marker("sqlite") is None and item.nodeid.startswith(ON_BOTH)


@pytest.fixture(autouse=True)
def databases_of_one_test() -> Iterator[None]:
    """Drop the databases that a test has made by itself; those of wider fixtures stay."""
    if not worlds.on_postgresql():
        yield
        return
    kept = servers.databases().paths
    yield
    servers.databases().remove_all_but(kept)


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
            # The page that this leads to is opened when something is done there.
            browser.submit("sign-in", token=world.tokens[name], status=302)
        return browser

    return open_browser


@pytest.fixture
def trail(runtime: Runtime) -> Trail:
    """What the audit log says, decrypted."""
    return Trail(runtime)
