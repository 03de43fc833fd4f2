"""Fixtures for single sign-on: a provider on loopback, an application that knows it, people who go there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from app import create_app
from tests import world as worlds
from tests.browser import Browser, Page
from tests.sso.provider import CLIENT_ID, CLIENT_SECRET, Provider

NEW = "new@northwind.example"


@pytest.fixture
def provider() -> Iterator[Provider]:
    """A provider that keeps to the protocol."""
    with Provider() as provider:
        yield provider


@pytest.fixture
def changes() -> dict[str, str]:
    """Settings of the installation besides the usual; tests override it."""
    return {}


@pytest.fixture
def app(database: Path, provider: Provider, changes: dict[str, str]) -> Iterator[Flask]:
    """An installation that knows the provider as work."""
    app = create_app(
        worlds.settings_for(
            database,
            OIDC_PROVIDERS="work",
            OIDC_WORK_ISSUER=provider.issuer,
            OIDC_WORK_CLIENT_ID=CLIENT_ID,
            OIDC_WORK_CLIENT_SECRET=CLIENT_SECRET,
            OIDC_WORK_LABEL="Work & Co",
            **changes,
        )
    )
    yield app
    app.extensions["chatelaine"].close()


class Visitor(Browser):
    """Somebody with a browser and an account at the provider."""

    def __init__(self, app: Flask, provider: Provider, address: str) -> None:
        super().__init__(app, address)
        self.provider = provider

    def set_out(self, next_: str | None = None) -> str:
        """Press the button on the sign-in page; return the address at the provider that one is led to."""
        self.open("/sign-in" + (f"?next={next_}" if next_ else ""))
        return self.onward(self.submit("with-work"))

    def onward(self, page: Page) -> str:
        """Return where the page leads on to."""
        link = str(page.select_one("main a.btn.primary")["href"])
        assert page.select_one('meta[http-equiv="refresh"]')["content"] == f"0; url={link}"
        return link

    def come_in(self, status: int = 200, next_: str | None = None, **claims: object) -> Page:
        """Go to the provider by the button, and come back with what it says."""
        return self.open(self.provider.answer(self.set_out(next_), **claims), status)

    def link(self, status: int = 200, **claims: object) -> Page:
        """Link an account from the account page."""
        self.open("/account")
        return self.open(self.provider.answer(self.onward(self.submit("link-work")), **claims), status)

    def is_in(self) -> bool:
        self.open("/account")
        return self.path == "/account"


@pytest.fixture
def visitor(app: Flask, provider: Provider, world: worlds.World) -> Callable[..., Visitor]:
    """Open a browser: signed in with somebody's token, or as nobody."""

    def open_browser(name: str | None = None, address: str = "192.0.2.10") -> Visitor:
        browser = Visitor(app, provider, address)
        if name is not None:
            browser.open("/sign-in")
            browser.submit("sign-in", token=world.tokens[name])
        return browser

    return open_browser


@pytest.fixture
def invite(browser: Callable[..., Browser]) -> Callable[..., None]:
    """Let Alice invite somebody."""

    def invite(email: str = NEW, role: str = "member") -> None:
        alice = browser("alice")
        alice.open("/o/northwind/people/invite")
        alice.submit("invite", email=email, role=role)

    return invite
