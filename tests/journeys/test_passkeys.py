"""Passkeys in a real browser, with a device that Chromium plays: added, used in each of three ways, refused.

At localhost: browsers bind passkeys to a name, and the other journeys' address has none.
"""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from playwright.sync_api import expect

from tests.journeys import looks, steps

pytestmark = pytest.mark.browser

DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
SIX_MINUTES = 6 * 60 * 1_000_000


class Telephone:
    """The device that belongs to a window: what Chromium asks instead of a real one."""

    def __init__(self, window):
        self._page = window.page
        self._plug_in()

    def _plug_in(self):
        self._devtools = self._page.context.new_cdp_session(self._page)
        self._devtools.send("WebAuthn.enable")
        added = self._devtools.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
        self._id = {"authenticatorId": added["authenticatorId"]}

    def look(self):
        """Look whether everybody can use the page: another debugger at the page unplugs the device."""
        kept = self.passkeys()
        looks.assert_everybody_can_use(self._page)
        self._plug_in()
        for credential in kept:
            self.keep(credential)

    def passkeys(self):
        return self._devtools.send("WebAuthn.getCredentials", self._id)["credentials"]

    def verifies(self, *, verified):
        """Let the finger fit, or not."""
        self._devtools.send("WebAuthn.setUserVerified", {**self._id, "isUserVerified": verified})

    def forget(self):
        self._devtools.send("WebAuthn.clearCredentials", self._id)

    def keep(self, credential):
        self._devtools.send("WebAuthn.addCredential", {**self._id, "credential": credential})


@pytest.fixture
def at_localhost(visit, house):
    """Open a window at the address whose name passkeys can be bound to."""
    named = SimpleNamespace(address=house.address.replace("127.0.0.1", "localhost"))

    def open_window(name=None, **options):
        window = visit(name, house=named, **options)
        window.telephone = Telephone(window)
        return window

    return open_window


def add(page, name):
    page.goto("/account/factor")
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("button", name="Add passkey").click()


def give_token(page, token):
    page.get_by_label("Access token").fill(token)
    page.get_by_role("button", name="Sign in", exact=True).click()


def test_a_passkey_is_added_asked_for_and_confirms(at_localhost, world, house):
    window = at_localhost("noah")
    page, look = window.page, window.telephone.look
    page.goto("/account/factor")
    look()
    page.get_by_role("link", name="Add a passkey").click()
    expect(page.get_by_label("Name", exact=True)).to_have_value("Chrome on Linux")
    look()
    add(page, "My telephone")
    expect(page.get_by_role("list", name="Recovery codes").get_by_role("listitem")).to_have_count(10)
    look()
    (kept,) = window.telephone.passkeys()
    assert kept["rpId"] == "localhost"
    assert kept["isResidentCredential"]
    page.get_by_role("link", name="I have kept them").click()
    page.goto("/account")
    expect(page.get_by_text("The passkey My telephone was added")).to_be_visible()
    look()
    page.get_by_role("link", name="Change", exact=True).click()
    look()
    page.get_by_role("link", name="My telephone").click()
    look()
    page.get_by_label("Name", exact=True).fill("Old telephone")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("link", name="Old telephone")).to_be_visible()

    page.goto("/account")
    steps.sign_out(page)
    give_token(page, world.tokens["noah"])
    expect(page.get_by_role("heading", level=1)).to_have_text("Your second factor")
    look()
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("button", name="Account menu")).to_be_visible()

    house.change("UPDATE user_session SET confirmed_at = confirmed_at - ?", SIX_MINUTES)
    page.goto("/account/token")
    expect(page.get_by_role("heading", level=1)).to_have_text("Confirm that it is you")
    look()
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Replace your token")
    assert window.telephone.passkeys()[0]["signCount"] == 3
    assert window.problems == []


def test_what_goes_wrong_is_said_on_the_page(at_localhost, world, house):
    window = at_localhost("ula")
    page, telephone, look = window.page, window.telephone, window.telephone.look
    add(page, "Telephone")
    page.get_by_role("link", name="I have kept them").click()

    add(page, "Telephone again")
    expect(page.get_by_role("alert")).to_have_text("This device keeps a passkey of yours already.")
    look()

    page.goto("/account")
    steps.sign_out(page)
    give_token(page, world.tokens["ula"])
    telephone.verifies(verified=False)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("No passkey was used")
    look()
    telephone.verifies(verified=True)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("button", name="Account menu")).to_be_visible()

    # A copy of the device from before: its counter goes back.
    (kept,) = telephone.passkeys()
    telephone.forget()
    telephone.keep({**kept, "signCount": 0})
    steps.sign_out(page)
    give_token(page, world.tokens["ula"])
    with window.answered(422):
        page.get_by_role("button", name="Use a passkey").click()
        expect(page.get_by_role("alert")).to_contain_text("This passkey was not accepted")
    look()
    assert house.change("UPDATE passkey SET counter = counter WHERE counter = ?", kept["signCount"]) == 1


def test_a_passkey_is_the_whole_sign_in_where_the_organization_allows_it(at_localhost, world):
    alice = at_localhost("alice")
    alice.page.goto("/o/northwind/settings")
    looks.assert_everybody_can_use(alice.page)
    alice.page.get_by_role("button", name="Allow it").click()
    expect(alice.page.get_by_text("A passkey alone is enough to sign in.")).to_be_visible()
    looks.assert_everybody_can_use(alice.page)

    window = at_localhost("mia")
    page, look = window.page, window.telephone.look
    add(page, "Telephone")
    page.get_by_role("link", name="I have kept them").click()
    steps.sign_out(page)
    look()
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("button", name="Account menu")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")

    alice.page.get_by_role("button", name="Stop allowing it").click()
    expect(alice.page.get_by_text("A passkey alone is no longer enough to sign in.")).to_be_visible()
    page.get_by_role("button", name="Account menu").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in with a passkey")).to_have_count(0)


def test_a_stale_page_leads_to_the_confirmation(at_localhost, world, house):
    window = at_localhost("rhea")
    page = window.page
    page.goto("/account/factor/passkeys/new")
    house.change("UPDATE user_session SET confirmed_at = confirmed_at - ?", SIX_MINUTES)
    page.get_by_role("button", name="Add passkey").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Confirm that it is you")
    page.get_by_label("Access token").fill(world.tokens["rhea"])
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Add a passkey")


def test_without_script_the_page_says_so(at_localhost):
    window = at_localhost("audrey", java_script_enabled=False)
    page = window.open("/account/factor/passkeys/new")
    with window.answered(422):
        page.get_by_role("button", name="Add passkey").click()
        expect(page.get_by_role("alert")).to_contain_text("Passkeys need JavaScript")


def test_at_an_address_without_a_name_the_page_says_where_to_go(visit, house):
    page = visit("adam").open("/account/factor/passkeys/new")
    link = page.get_by_role("link", name=house.address.replace("127.0.0.1", "localhost"))
    expect(link).to_be_visible()
    looks.assert_everybody_can_use(page)
