"""Taking up an invitation: one link, one token, seen by nobody else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie

import pytest
import time_machine

from app import create_app
from policy import Role
from services import invitations
from tests.browser import Browser
from tests.guesses import wrong_secret
from tests.world import settings_for

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SITE = "https://vault.northwind.example"


@pytest.fixture
def invite(runtime, world):
    """Invite somebody in an admin's or owner's name; return the link's path."""

    def invite(email="nina@northwind.example", by="adam", role=Role.MEMBER, name=""):
        with runtime.work(writing=True, actor=world.actor(by)) as uow:
            return invitations.invite(uow, email, role, name).path

    return invite


def test_a_link_becomes_a_token_that_signs_in(app, invite, trail):
    nina = Browser(app)
    page = nina.open(invite(name="Nina"))
    assert nina.path == "/enrol"
    assert "nina@northwind.example" in page.words
    assert page.select_one("#name")["value"] == "Nina"
    page = nina.press("Create my token")
    assert page.find("label", string="Your access token")
    field = page.select_one("#token")
    assert field.has_attr("readonly")
    token = field["value"]
    assert page.find("a", string="Continue to sign in")["href"] == "/sign-in"
    nina.open("/sign-in")
    nina.submit("sign-in", token=token)
    assert nina.path == "/o/northwind/"
    assert trail.one("person.enrolled")["target"] == "nina@northwind.example"
    assert token not in str(trail.events())


def test_the_person_says_what_they_are_called(app, invite, browser):
    nina = Browser(app)
    nina.open(invite())
    nina.submit("enrol", name="  Nina   Novák ")
    assert "Nina Novák" in browser("adam").open("/o/northwind/people").words


def test_the_link_is_spent_by_making_the_token_and_not_by_opening_it(app, invite):
    link = invite()
    for _ in range(8):
        Browser(app).open(link)
    nina = Browser(app)
    nina.open(link)
    nina.submit("enrol")
    late = Browser(app)
    assert "no longer works" in late.open(link, status=410).words


def test_who_comes_second_with_the_form_open_gets_nothing(app, invite, trail):
    link = invite()
    first, second = Browser(app), Browser(app, "198.51.100.7")
    first.open(link)
    second.open(link)
    first.submit("enrol")
    page = second.submit("enrol", 410)
    assert page.select_one("#token") is None
    event = trail.one("access.denied")
    assert (event["target"], event["address"]) == ("nina@northwind.example", "198.51.100.7")
    assert event["extra"] == {"reason": "does not open"}


@pytest.mark.parametrize(
    "token", ["nonsense", "chl_enrol_00000000_nothing", "chl_signin_00000000_" + "A" * 43 + "_000000"]
)
def test_what_is_no_link_opens_nothing(app, token):
    stranger = Browser(app)
    page = stranger.open(f"/enrol/{token}", status=410)
    assert "no longer works" in page.words
    assert "Create my token" not in page.words


def test_the_handle_of_a_link_is_not_the_link(app, invite):
    link = invite()
    token = link.rpartition("/")[2]
    Browser(app).open(f"/enrol/{wrong_secret(token)}", status=410)
    Browser(app).open(link)


def test_a_sign_in_token_is_no_link(app, world):
    Browser(app).open(f"/enrol/{world.tokens['mia']}", status=410)


def test_to_come_without_any_link_is_no_event(app, trail):
    stranger = Browser(app)
    stranger.open("/enrol", status=410)
    assert trail.events() == []


def test_a_link_ends_after_a_day(app, invite):
    with time_machine.travel(NOON, tick=False) as clock:
        link = invite()
        clock.shift(timedelta(hours=24, seconds=-1))
        nina = Browser(app)
        nina.open(link)
        clock.shift(timedelta(seconds=1))
        nina.submit("enrol", 410)


def test_the_secret_leaves_the_address_at_once_and_stands_in_no_log(app, invite, caplog, trail):
    link = invite()
    secret = link.rpartition("_")[0][-43:]
    nina = Browser(app)
    answer = nina._send("GET", link)
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/enrol"
    nina.open("/enrol")
    nina.submit("enrol")
    Browser(app).open(link, status=410)
    assert secret not in caplog.text
    assert secret not in str(trail.events())


@pytest.mark.parametrize("deployed", [False, True])
def test_the_cookie_that_carries_a_link(database, invite, deployed):
    changes = {"APP_ENV": "production", "PUBLIC_URL": SITE} if deployed else {}
    app = create_app(settings_for(database, **changes))
    nina = Browser(app, base_url=SITE if deployed else "http://localhost")
    cookie = SimpleCookie(nina._send("GET", invite()).headers["Set-Cookie"])
    ((name, morsel),) = cookie.items()
    assert name == ("__Host-chatelaine-enrol" if deployed else "chatelaine-enrol")
    assert morsel["httponly"]
    assert bool(morsel["secure"]) is deployed
    assert morsel["samesite"] == "Lax"
    assert morsel["path"] == "/"
    assert not morsel["domain"]
    assert int(morsel["max-age"]) == 15 * 60
    app.extensions["chatelaine"].close()


def test_the_cookie_of_a_link_arrives_inside_an_allowed_frame(database, invite):
    settings = settings_for(
        database, APP_ENV="production", PUBLIC_URL=SITE, EMBED_ORIGINS="https://portal.example"
    )
    app = create_app(settings)
    answer = Browser(app, base_url=SITE)._send("GET", invite())
    assert "SameSite=None" in answer.headers["Set-Cookie"]
    assert "Partitioned" in answer.headers["Set-Cookie"]
    app.extensions["chatelaine"].close()


def test_a_link_is_gone_from_the_browser_once_it_is_spent(app, invite):
    nina = Browser(app)
    nina.open(invite())
    assert nina.client.get_cookie("chatelaine-enrol")
    nina.submit("enrol")
    assert nina.client.get_cookie("chatelaine-enrol") is None


@pytest.mark.parametrize("name", ["x" * 121, "bell\a"])
def test_a_name_that_cannot_be_is_refused_and_spends_nothing(app, invite, name):
    nina = Browser(app)
    nina.open(invite())
    page = nina.submit("enrol", 422, name=name)
    assert "at most 120 printable characters" in page.words
    nina.submit("enrol", name="Nina")


def test_a_link_takes_five_attempts_an_hour_from_wherever_they_come(app, invite):
    with time_machine.travel(NOON, tick=False) as clock:
        link, other = invite(), invite("otto@northwind.example")
        for number in range(5):
            nina = Browser(app, f"198.51.100.{number}")
            nina.open(link)
            nina.submit("enrol", 422, name="x" * 121)
        page = nina.submit("enrol", 429)
        wait = int(page.answer.headers["Retry-After"])
        assert 0 < wait <= 3600
        assert "You can try again in" in page.words
        otto = Browser(app, "198.51.100.0")
        otto.open(other)
        otto.submit("enrol")
        clock.shift(timedelta(seconds=wait))
        nina.open(link)
        nina.submit("enrol")


def test_a_link_of_one_organization_opens_nobody_of_another(app, invite, world, trail):
    """Not even past the page, which offers nothing of the kind; see test_joining.py for what it offers."""
    link = invite("alice@northwind.example", by="mallory")
    mallory = Browser(app)
    page = mallory.open(link)
    assert not page.select("form#enrol")
    mallory.open("/sign-in")
    page = mallory.post("/enrol", {"csrf_token": mallory.csrf(), "name": "Alice"}, 409)
    assert page.select_one("#token") is None
    event = trail.one("access.denied")
    assert event["organization"] == str(world.organizations["lakeside"])
    alice = Browser(app)
    alice.open("/sign-in")
    alice.submit("sign-in", token=world.tokens["alice"])


def test_enrolling_takes_a_form_of_ours(app, invite):
    nina = Browser(app)
    nina.open(invite())
    nina.post("/enrol", {"name": "Nina"}, status=400)
    nina.open("/enrol")
    nina.submit("enrol")
