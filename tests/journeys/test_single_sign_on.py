"""Single sign-on in a real browser, with a real provider as a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime

import pyotp
import pytest
from playwright.sync_api import expect

from tests import world as worlds
from tests.journeys import looks, steps
from tests.journeys.house import House, _free_port

pytestmark = pytest.mark.browser

STYLES = "https://cdn.jsdelivr.net/"
"""From where the provider's pages want their looks."""
PEOPLE = {
    "zoe": {"email": "zoe@nw.example", "email_verified": True, "name": "Zoe"},
    "max": {"email": "max@nw.example", "email_verified": True, "name": "Max", "amr": ["pwd", "mfa"]},
    "eve": {"email": "eve@evil.example", "email_verified": True, "name": "Eve"},
}


class Provider(House):
    """oidc-provider-mock as a process."""

    greeting = "Uvicorn running"

    def __init__(self, folder):
        self.port = _free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.words = folder / "provider.out"

    def __enter__(self):
        people = [
            word for name in PEOPLE for word in ("--user-claims", json.dumps({"sub": name, **PEOPLE[name]}))
        ]
        command = [
            sys.executable,
            "-m",
            "oidc_provider_mock",
            "--port",
            str(self.port),
            "--require-nonce=true",
        ]
        with self.words.open("wb") as output:
            self._process = subprocess.Popen([*command, *people], stdout=output, stderr=subprocess.STDOUT)
        self._wait()
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(20)


@pytest.fixture(scope="module")
def provider(tmp_path_factory):
    with Provider(tmp_path_factory.mktemp("provider")) as provider:
        yield provider


@pytest.fixture(scope="module")
def build(template, tmp_path_factory, provider):
    """Start a house that knows the provider."""

    def build(**settings):
        database = tmp_path_factory.mktemp("house") / "chatelaine.db"
        worlds.copy(template[0], database)
        return House(
            database,
            OIDC_PROVIDERS="work",
            OIDC_WORK_ISSUER=provider.address,
            OIDC_WORK_CLIENT_ID="chatelaine",
            OIDC_WORK_CLIENT_SECRET="invented client secret",
            OIDC_WORK_ORGANIZATION="northwind",
            OIDC_WORK_ALLOWED_DOMAINS="nw.example",
            **settings,
        )

    return build


@pytest.fixture(scope="module")
def house(build):
    with build() as house:
        yield house


@pytest.fixture
def guest(visit, provider):
    """Open a window that may go to the provider as well."""

    def open_window(*args, **options):
        window = visit(*args, **options)
        window.elsewhere = (provider.address, STYLES)
        window.context.route(f"{STYLES}**", lambda route: route.fulfill(body="", content_type="text/css"))
        return window

    return open_window


def go_in(window, name, button="Sign in with Work"):
    """Press the button, and say at the provider who one is."""
    page = window.page
    page.get_by_role("button", name=button).click()
    with window.answered(404):
        expect(page.get_by_role("heading", name="Authorize Client")).to_be_visible()
        page.get_by_placeholder("sub").fill(name)
        page.get_by_role("button", name="Authorize", exact=True).click()
    return page


def test_by_the_button_to_the_provider_and_back(guest):
    """The content policy lets no form end on another site; the way there is none of a form."""
    window = guest()
    page = window.open("/sign-in")
    expect(page.get_by_role("button", name="Sign in with Work")).to_be_visible()
    looks.assert_everybody_can_use(page)
    go_in(window, "zoe")
    expect(page.get_by_role("button", name="Account menu of Zoe")).to_be_visible()
    page.goto("/account")
    looks.assert_everybody_can_use(page)
    expect(page.get_by_role("row", name="Work zoe@nw.example")).to_be_visible()
    assert window.problems == []


def test_without_any_script(guest):
    window = guest(java_script_enabled=False)
    page = window.open("/sign-in")
    page.get_by_role("button", name="Sign in with Work").click()
    page.get_by_placeholder("sub").fill("zoe")
    page.get_by_role("button", name="Authorize", exact=True).click()
    expect(page.get_by_role("button", name="Account menu of Zoe")).to_be_visible()


def test_who_has_an_app_is_asked_for_its_code(guest, house):
    window = guest()
    page = window.open("/sign-in")
    go_in(window, "zoe")
    page.goto("/account/factor")
    page.get_by_role("button", name="Set up an authenticator app").click()
    app = pyotp.TOTP(page.get_by_label("Key").input_value().replace(" ", ""))
    page.get_by_label("Authentication code").fill(app.at(datetime.now(UTC)))
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("link", name="I have kept them").click()
    steps.sign_out(page)
    go_in(window, "zoe")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your second factor")
    house.change("DELETE FROM factor")
    house.change("DELETE FROM recovery_code")


def test_where_two_factors_are_needed_one_is_led_to_set_one_up_or_has_proved_it_there(guest, build):
    with build(REQUIRE_2FA="true") as strict:
        window = guest(house=strict)
        page = window.open("/sign-in")
        go_in(window, "zoe")
        expect(page.get_by_role("heading", level=1)).to_have_text("Second factor")
        expect(page.get_by_role("button", name="Set up an authenticator app")).to_be_visible()
        other = guest(house=strict)
        page = other.open("/sign-in")
        go_in(other, "max")
        expect(page.get_by_role("heading", level=1)).to_have_text("Overview")


def test_linking_an_account(guest):
    window = guest("mia")
    page = window.open("/account")
    go_in(window, "mia at work", "Link Work")
    expect(page.get_by_text("You can sign in with Work from now on")).to_be_visible()
    looks.assert_everybody_can_use(page)
    steps.sign_out(page)
    go_in(window, "mia at work")
    expect(page.get_by_role("button", name="Account menu of Mia")).to_be_visible()


def test_whoever_is_not_let_in_is_told_why(guest):
    window = guest()
    page = window.open("/sign-in")
    with window.answered(403, 404):
        go_in(window, "eve")
        expect(page.get_by_role("heading", level=1)).to_have_text("You are not invited")
        looks.assert_everybody_can_use(page)
        page.get_by_role("link", name="Back to the sign-in page").click()
        page.get_by_role("button", name="Sign in with Work").click()
        page.get_by_role("button", name="Deny").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("You did not sign in with Work")
        looks.assert_everybody_can_use(page)


def test_a_provider_that_is_gone(guest, tmp_path_factory, template):
    folder = tmp_path_factory.mktemp("gone")
    worlds.copy(template[0], folder / "chatelaine.db")
    away = {
        "OIDC_PROVIDERS": "work",
        "OIDC_WORK_ISSUER": f"http://127.0.0.1:{_free_port()}",
        "OIDC_WORK_CLIENT_ID": "chatelaine",
        "OIDC_WORK_CLIENT_SECRET": "invented client secret",
    }
    with House(folder / "chatelaine.db", **away) as house:
        window = guest(house=house)
        page = window.open("/sign-in")
        with window.answered(503):
            page.get_by_role("button", name="Sign in with Work").click()
            expect(page.get_by_role("heading", level=1)).to_have_text("Work does not answer")
            looks.assert_everybody_can_use(page)


def test_the_page_that_leads_on_can_be_used_by_hand(guest):
    """Where a browser does not go on by itself, as this one is told to."""
    window = guest()
    page = window.open("/sign-in")
    window.context.route("**/sign-in/work/start", _without_refresh)
    page.get_by_role("button", name="Sign in with Work").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("On to Work")
    looks.assert_everybody_can_use(page)
    page.get_by_role("link", name="Go on to Work").click()
    with window.answered(404):
        expect(page.get_by_role("heading", name="Authorize Client")).to_be_visible()


def _without_refresh(route):
    answer = route.fetch()
    route.fulfill(response=answer, body=answer.text().replace('http-equiv="refresh"', 'name="none"'))
