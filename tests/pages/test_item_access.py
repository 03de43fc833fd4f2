"""Sharing a single credential, and what a reveal of it asks for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from tests.world import PASSWORD


@pytest.fixture
def portal(world):
    """Where the credential Board portal stands, in the vault Board, of which Noah knows nothing."""
    return f"/o/northwind/items/{world.items['Board portal']}"


@pytest.fixture
def share(browser, world, portal):
    """Give somebody a right on the credential Board portal."""

    def share(who, right, **more):
        alice = browser("alice")
        alice.open(portal + "/access")
        return alice.submit("grant-form", holder_id=str(world.people[who]), right=str(right), **more)

    return share


def test_a_guest_sees_one_credential_and_not_its_vault(browser, world, portal, share):
    noah = browser("noah")
    noah.open(portal, 404)
    share("noah", 2)

    page = noah.open(portal)
    assert "Shared with you by itself" in page.words
    page = noah.submit("reveal-password")
    assert page.select_one("[data-field=password]").get_text() == PASSWORD
    board = world.vaults["Board"]
    noah.open(f"/o/northwind/vaults/{board}", 404)
    for address in (
        portal,
        portal + "/history",
        portal + "/versions/1",
        "/o/northwind/search",
        "/o/northwind/vaults",
    ):
        page = noah.open(address)
        assert str(board) not in str(page)
        assert "Board<" not in str(page)
    page = noah.open("/o/northwind/search?q=portal")
    assert "Shared with you" in page.select_one("tbody tr").get_text()
    assert "1 credential" in noah.open("/o/northwind/vaults").words


def test_a_guest_who_may_edit_changes_the_contents_and_not_the_place(browser, portal, share, refuses):
    share("noah", 3)
    noah = browser("noah")
    page = noah.open(portal)
    assert page.select("#trash, #more") == []
    noah.open(portal + "/edit")
    noah.submit("item-form", user_name="guest")

    for path in ("/move", "/duplicate"):
        refuses(portal + path, "noah", 403)
    refuses(portal + "/trash", "noah", 403, posting=True)


def test_a_guests_right_ends_with_its_day(browser, portal, share):
    noon = (datetime.now(UTC) + timedelta(days=1)).replace(hour=12)
    with time_machine.travel(noon, tick=False):
        share("noah", 1, ends_at=noon.date().isoformat())
        browser("noah").open(portal)
    with time_machine.travel(noon + timedelta(days=1), tick=False):
        browser("noah").open(portal, 404)


def test_a_guests_program_lists_what_the_guest_sees(browser, app, world, portal, share):
    share("noah", 2)
    noah = browser("noah")
    noah.open("/o/northwind/tokens/new")
    page = noah.submit("issue", name="Job", scopes=["items:list", "items:reveal"])
    token = page.select_one("input.mono")["value"]
    answer = app.test_client().get(
        "/api/v1/items", base_url="http://localhost", headers={"Authorization": f"Bearer {token}"}
    )
    [line] = answer.get_json()["items"]
    assert (line["name"], line["vault"]) == ("Board portal", None)


def test_access_is_taken_away_again(browser, portal, share):
    page = share("noah", 2)
    assert "Noah" in page.select_one("tbody").get_text()
    noah, alice = browser("noah"), browser("alice")
    noah.open(portal)
    alice.open(portal + "/access")
    alice.submit("take-1")
    noah.open(portal, 404)


def test_an_admin_may_share_and_an_editor_may_not(browser, portal, primary, refuses):
    browser("adam").open(portal + "/access")
    refuses(primary + "/access", "mia", 403)
    refuses(portal + "/access", "mia", 404)


@pytest.fixture
def protect(browser, primary):
    """Protect the credential prod/db primary."""

    def protect(*, confirm=False, minutes=""):
        alice = browser("alice")
        alice.open(primary + "/access")
        box = {"confirm": ["y"] if confirm else None}
        return alice.submit("protection-form", approval_minutes=str(minutes), **box)

    return protect


def test_what_is_marked_is_revealed_only_shortly_after_a_confirmation(browser, world, primary, protect):
    page = protect(confirm=True)
    assert page.select_one("#confirm").has_attr("checked")
    later = datetime.now(UTC) + timedelta(minutes=6)
    rhea = browser("rhea")
    rhea.open(primary)
    assert rhea.submit("reveal-password").select_one("[data-field=password]").get_text() == PASSWORD
    with time_machine.travel(later, tick=False):
        assert "Confirm again who you are" in rhea.open(primary).words
        page = rhea.submit("reveal-password")
        assert rhea.path.startswith("/account/confirm")
        assert PASSWORD not in str(page)
        rhea.submit("confirm", token=world.tokens["rhea"])
        assert rhea.path == primary
        assert rhea.submit("reveal-password").select_one("[data-field=password]").get_text() == PASSWORD


def test_a_script_that_reveals_what_is_marked_is_led_to_the_confirmation(browser, primary, protect):
    protect(confirm=True)
    rhea = browser("rhea")
    rhea.open(primary)
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=6), tick=False):
        rhea.open(primary)
        answer = rhea.post(
            primary + "/reveal",
            {"csrf_token": rhea.csrf(), "field": "password"},
            302,
            Accept="application/json",
        )
        assert PASSWORD not in str(answer)


@pytest.mark.parametrize("marks", [{"confirm": True}, {"minutes": 60}])
def test_no_program_reveals_what_is_protected(browser, app, world, primary, protect, marks, trail):
    rhea = browser("rhea")
    rhea.open("/o/northwind/tokens/new")
    page = rhea.submit("issue", name="Job", scopes=["items:reveal"])
    token = page.select_one("input.mono")["value"]
    path = f"/api/v1/items/{world.items['prod/db primary']}/reveal"

    def send():
        return app.test_client().post(
            path, base_url="http://localhost", headers={"Authorization": f"Bearer {token}"}
        )

    assert send().status_code == 200
    protect(**marks)
    answer = send()
    assert answer.status_code == 403
    assert PASSWORD not in answer.get_data(as_text=True)
    assert trail.one("access.denied")["target_id"] == str(world.items["prod/db primary"])


def test_a_reveal_waits_for_a_second_person(browser, primary, protect):
    protect(minutes=60)
    rhea = browser("rhea")
    page = rhea.open(primary)
    assert page.select("#reveal-password") == []
    page = rhea.submit("ask-approval", 422, reason=" ")
    assert "Say why" in page.select_one("#reason-error").get_text()
    page = rhea.submit("ask-approval", reason="A customer cannot pay")
    assert "You have asked for approval" in page.words
    refused = rhea.post(primary + "/reveal", {"csrf_token": rhea.csrf(), "field": "password"}, 403)
    assert "A second person has to approve this first" in refused.words

    adam = browser("adam")
    page = adam.open("/o/northwind/requests")
    assert "A customer cannot pay" in page.words
    adam.press("Approve")

    page = rhea.open(primary)
    assert "Adam approved that you reveal this" in page.words
    assert rhea.submit("reveal-password").select_one("[data-field=password]").get_text() == PASSWORD
    page = rhea.open(primary + "/history")
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=61), tick=False):
        rhea = browser("rhea")
        page = rhea.open(primary)
        assert "A second person must approve" in page.words
        assert rhea.open(primary + "/versions/1").select("#reveal-password") == []


def test_a_request_to_reveal_is_taken_back_from_the_credential(browser, primary, protect):
    protect(minutes=60)
    rhea = browser("rhea")
    rhea.open(primary)
    rhea.submit("ask-approval", reason="Please")
    page = rhea.submit("withdraw")
    assert "Taken back" in page.words
    assert "Nothing waits for you" in browser("adam").open("/o/northwind/requests").words


def test_taking_a_vaults_protection_away_needs_a_confirmation(browser, production, trail):
    alice = browser("alice")
    alice.open(production + "/edit")
    alice.submit("vault-form", confirm=["y"])
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=6), tick=False):
        alice.open(production + "/edit")
        alice.submit("vault-form", confirm=None)
        assert alice.path.startswith("/account/confirm")
        page = alice.open(production + "/edit")
        assert page.select_one("#confirm").has_attr("checked")
        alice.submit("vault-form", description="Words only")
        assert alice.path == production
    assert [event["extra"]["fields"] for event in trail.events("vault.changed")] == [
        ["confirm"],
        ["description"],
    ]


def test_what_no_approval_counts_for_is_refused(browser, primary, trail):
    alice = browser("alice")
    alice.open(primary + "/access")
    page = alice.submit("protection-form", 422, approval_minutes="7")
    assert "Choose one from the list." in page.select_one("[role=alert]").get_text()
    assert trail.events("item.protected") == []


def test_the_settings_of_a_vault_protect_all_that_is_in_it(browser, production, primary):
    alice = browser("alice")
    alice.open(production + "/edit")
    alice.submit("vault-form", confirm=["y"], approval_minutes="15")
    rhea = browser("rhea")
    page = rhea.open(primary)
    assert "A second person must approve" in page.words
    assert "Confirm again who you are" in page.words
