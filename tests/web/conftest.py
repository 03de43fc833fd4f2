"""Applications with other settings than the usual ones: above all one that stands in production."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app import create_app
from policy import Scope
from services import api_tokens
from services.runtime import Runtime
from services.token_limits import Limits
from tests import world as worlds
from tests.browser import Browser
from tests.world import World

PUBLIC = "https://vault.example.org"
METRICS_TOKEN = "x7Qn2Vb9LkZs4TfWc8YpJm3RdHg6AeUi1OoBtKvXwEz"


@pytest.fixture
def make_app(database: Path) -> Iterator[Callable[..., Flask]]:
    """Make an application on this test's world; ``production=True`` puts it behind https."""
    made: list[Flask] = []

    def make(*, production: bool = False, **changes: str) -> Flask:
        if production:
            changes = {"APP_ENV": "production", "PUBLIC_URL": PUBLIC, **changes}
        made.append(create_app(worlds.settings_for(database, **changes)))
        return made[-1]

    yield make
    for app in made:
        app.extensions["chatelaine"].close()


@pytest.fixture
def sign_in(world: World) -> Callable[..., Browser]:
    """Open a browser on an application of one's own making, signed in as somebody."""

    def open_browser(app: Flask, name: str | None = None, address: str = "192.0.2.10") -> Browser:
        production = app.config["SETTINGS"].is_production
        browser = Browser(app, address, PUBLIC if production else "http://localhost")
        if name is not None:
            browser.open("/sign-in")
            browser.submit("sign-in", token=world.tokens[name])
        return browser

    return open_browser


class Program:
    """A program that calls the API: no cookies, one header."""

    def __init__(self, app: Flask, token: str | None, token_id: UUID | None, address: str) -> None:
        self.client = app.test_client(use_cookies=False)
        self.token_id = token_id
        self.token = token
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._origin = {"REMOTE_ADDR": address}

    def get(self, path: str, **arguments: Any) -> TestResponse:
        return self._send("GET", path, **arguments)

    def post(self, path: str, **arguments: Any) -> TestResponse:
        return self._send("POST", path, **arguments)

    def patch(self, path: str, **arguments: Any) -> TestResponse:
        return self._send("PATCH", path, **arguments)

    def delete(self, path: str, **arguments: Any) -> TestResponse:
        return self._send("DELETE", path, **arguments)

    def _send(self, method: str, path: str, **arguments: Any) -> TestResponse:
        headers = {**self._headers, **arguments.pop("headers", {})}
        return self.client.open(path, method=method, headers=headers, environ_base=self._origin, **arguments)


@pytest.fixture
def api(app: Flask, runtime: Runtime, world: World) -> Callable[..., Program]:
    """Open a program with an API token of somebody's; without a name, one that has none."""

    def open_program(name: str | None, *scopes: Scope, address: str = "192.0.2.20", **limits: Any) -> Program:
        if name is None:
            return Program(app, None, None, address)
        with runtime.work(writing=True, actor=world.actor(name)) as uow:
            minted = api_tokens.issue(uow, "nightly job", scopes, timedelta(days=30), limits=Limits(**limits))
        return Program(app, minted.text, minted.id, address)

    return open_program
