"""An attempt ends in the browser that began it, once, within ten minutes; who tries too often waits."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
import time_machine

from models import SsoAttempt
from services import maintenance
from services.provider_client import AT_ONCE
from tests.browser import Page
from tests.sso.conftest import NEW
from tests.sso.test_factors import set_up

VERIFIED = {"email": NEW, "email_verified": True, "name": "Nina New"}
NOON = "2027-01-15T12:00:00Z"


@pytest.fixture
def clock(app):
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


def is_refused(trail, person, back):
    """Come back with *back*; whether that is refused as an attempt that there is not."""
    page = person.open(back, 400)
    assert "This sign-in is over" in page.words
    return trail.events("signin.failed")[-1]["extra"]["reason"] == "state" and not person.is_in()


def test_an_attempt_counts_in_the_browser_that_began_it_alone(visitor, invite, trail):
    """Nobody is signed in as somebody else by a link that was sent to them."""
    invite()
    mallory, victim = visitor(), visitor(address="198.51.100.7")
    back = mallory.provider.answer(mallory.set_out(), **VERIFIED)
    assert is_refused(trail, victim, back)
    victim.set_out()
    assert is_refused(trail, victim, back)
    mallory.open(back)
    assert mallory.is_in()


def test_an_attempt_counts_once(visitor, invite, trail):
    invite()
    new = visitor()
    back = new.provider.answer(new.set_out(), **VERIFIED)
    new.open(back)
    new.open("/account")
    new.submit("sign-out")
    assert is_refused(trail, new, back)


def test_whoever_is_in_and_loads_the_page_again_is_led_on(visitor, invite):
    invite()
    new = visitor()
    back = new.provider.answer(new.set_out(), **VERIFIED)
    new.open(back)
    new.open(back)
    assert new.path.startswith("/o/northwind")


def test_of_many_that_come_back_at_once_one_is_let_in(visitor, invite, provider, trail):
    invite()
    new = visitor()
    back = provider.answer(new.set_out(), **VERIFIED)
    cookie = new.client.get_cookie("chatelaine").value
    copies = [visitor(address=f"198.51.100.{number}") for number in range(6)]
    for copy in copies:
        copy.client.set_cookie("chatelaine", cookie)
    statuses = []
    barrier = threading.Barrier(len(copies))

    def arrive(copy):
        barrier.wait(10)
        statuses.append(copy._send("GET", back).status_code)

    threads = [threading.Thread(target=arrive, args=(copy,)) for copy in copies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [302, 400, 400, 400, 400, 400]
    assert len(trail.events("identity.linked")) == 1


def test_of_many_that_come_in_for_the_first_time_at_once_all_are_one(
    visitor, invite, provider, trail, runtime
):
    """Several attempts of one person, ended at the same moment: as many as the provider is asked at once."""
    invite()
    people = [visitor(address=f"198.51.100.{number}") for number in range(AT_ONCE)]
    backs = [provider.answer(person.set_out(), **VERIFIED) for person in people]
    barrier = threading.Barrier(len(people))
    statuses = []

    def arrive(person, back):
        barrier.wait(10)
        statuses.append(person._send("GET", back).status_code)

    threads = [threading.Thread(target=arrive, args=pair) for pair in zip(people, backs, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [302] * AT_ONCE
    assert len(trail.events("person.enrolled")) == len(trail.events("identity.linked")) == 1


@pytest.mark.parametrize(("seconds", "lets_in"), [(599, True), (600, False)])
def test_an_attempt_counts_for_ten_minutes(visitor, invite, clock, trail, seconds, lets_in):
    invite()
    new = visitor()
    onward = new.set_out()
    clock.shift(timedelta(seconds=seconds))
    back = new.provider.answer(onward, **VERIFIED)
    if lets_in:
        new.open(back)
        assert new.is_in()
    else:
        assert is_refused(trail, new, back)


@pytest.mark.parametrize("state", ["", "x", "A" * 43, "A" * 5000, "%C3%A9" * 43, "%ED%A0%80"])
def test_a_made_up_state_is_refused(visitor, trail, state):
    stranger = visitor()
    stranger.set_out()
    assert is_refused(trail, stranger, f"/sign-in/work/return?code=x&state={state}")


def test_without_a_state_nothing_happens(visitor, trail, provider):
    stranger = visitor()
    assert is_refused(trail, stranger, "/sign-in/work/return")
    assert is_refused(trail, stranger, "/sign-in/work/return?error=server_error")
    page = stranger.open("/sign-in/work/return?error=access_denied", 403)
    assert "did not agree" in page.words
    assert provider.requests == []


def test_what_says_a_thing_twice_is_refused(visitor, invite):
    invite()
    new = visitor()
    back = new.provider.answer(new.set_out(), **VERIFIED)
    new.open(f"{back}&code=other", 400)
    assert not new.is_in()


def test_an_attempt_of_a_session_is_not_ended_in_another(visitor, trail):
    """Signed out and in again meanwhile, as somebody else, in the same browser."""
    mia = visitor("mia")
    mia.open("/account")
    back = mia.provider.answer(mia.onward(mia.submit("link-work")))
    with mia.client.session_transaction() as session:
        kept = session["sso"]
    mia.open("/account")
    mia.submit("sign-out")
    rhea = visitor("rhea")
    with rhea.client.session_transaction() as session:
        session["sso"] = kept
    page = rhea.open(back, 403)
    assert "You are not signed in as before" in page.words
    assert trail.events("identity.linked") == []
    failed = trail.one("signin.failed")
    assert (failed["actor"], failed["extra"]["purpose"]) == ("Rhea", "link")


def test_a_session_that_has_become_half_meanwhile_links_nothing(visitor, trail):
    """The second factor was set up in another session before the person came back."""
    mia, elsewhere = visitor("mia"), visitor("mia")
    mia.open("/account")
    back = mia.provider.answer(mia.onward(mia.submit("link-work")))
    set_up(elsewhere)
    mia.open(back, 403)
    assert trail.events("identity.linked") == []


def test_what_is_kept_of_an_attempt_tells_nothing_and_goes(visitor, runtime, provider, clock, database):
    stranger = visitor()
    onward = stranger.set_out()
    code = provider.answer(onward).partition("code=")[2].partition("&")[0]
    asked = provider.granted[code].asked
    content = b"".join(path.read_bytes() for path in database.parent.glob("chatelaine.db*"))
    assert asked["state"].encode() not in content
    assert asked["nonce"].encode() not in content
    clock.shift(timedelta(minutes=9))
    assert maintenance.run(runtime)["sign-ons"] == 0
    clock.shift(timedelta(minutes=1))
    assert maintenance.run(runtime)["sign-ons"] == 1
    with runtime.work(writing=False) as uow:
        assert uow.session.query(SsoAttempt).count() == 0


def test_starting_and_coming_back_are_limited_for_an_address(visitor, clock, trail):
    stranger = visitor()
    stranger.open("/sign-in")
    token = {"csrf_token": stranger.csrf()}
    for _ in range(10):
        stranger.post("/sign-in/work/start", token, 200)
        stranger.open("/sign-in/work/return", 400)
    stranger.post("/sign-in/work/start", token, 429)
    stranger.open("/sign-in/work/return", 429)
    elsewhere = visitor(address="198.51.100.9")
    elsewhere.set_out()
    clock.shift(timedelta(minutes=1))
    stranger.post("/sign-in/work/start", token, 200)


def test_another_cookie_comes_with_the_session(visitor, invite):
    """Nothing that a browser held before the sign-in is worth anything after it."""
    invite()
    new = visitor()
    onward = new.set_out()
    before = new.csrf() if new.page.select_one('input[name="csrf_token"]') else None
    new.open(new.provider.answer(onward, **VERIFIED))
    new.open("/account")
    assert new.csrf() != before
    with new.client.session_transaction() as session:
        assert "sso" not in session


def test_the_page_that_leads_on_keeps_the_content_policy(visitor):
    nobody = visitor()
    nobody.open("/sign-in")
    page = nobody.submit("with-work")
    policy = page.answer.headers["Content-Security-Policy"]
    assert "form-action 'self';" in policy
    assert page.answer.headers["Cache-Control"] == "no-store"
    assert page.answer.headers["Referrer-Policy"] == "same-origin"
    assert isinstance(page, Page)
