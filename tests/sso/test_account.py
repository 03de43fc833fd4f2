"""Accounts that people link: linked, used, removed, revoked; confirming at the provider."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from crypto.tokens import new_token
from models import AccessToken, Identity
from services import tokens
from tests.sso.conftest import NEW
from tests.sso.test_factors import set_up
from tests.world import LAKESIDE

VERIFIED = {"email": NEW, "email_verified": True, "name": "Nina New"}


@pytest.fixture
def clock(app):
    with time_machine.travel(datetime(2027, 1, 15, 12, tzinfo=UTC), tick=False) as clock:
        yield clock


@pytest.fixture
def nina(visitor, invite):
    """Invited, came in by the provider; has no token in her hands."""
    invite()
    person = visitor()
    person.come_in(**VERIFIED)
    return person


def identity_of(person):
    """Return the id of the form that removes the one link on the account page."""
    page = person.open("/account")
    (form,) = page.select('form[id^="unlink-"]')
    return form["id"]


# Linking


def test_somebody_who_is_signed_in_links_an_account_and_comes_in_by_it(visitor, trail):
    """Whatever address the provider has of them, verified or not."""
    mia = visitor("mia")
    mia.link(email="mia@private.example")
    assert "You can sign in with Work & Co from now on" in mia.page.words
    assert "mia@private.example" in mia.page.words
    told = trail.one("identity.linked")
    assert (told["actor"], told["extra"]) == ("Mia", {"provider": "work"})
    desk = visitor()
    desk.come_in()
    desk.open("/account")
    assert "Mia" in desk.page.words
    assert "Single sign-on (Work & Co)" in desk.page.words


def test_linking_asks_for_a_confirmation_when_the_last_is_old(visitor, clock, provider):
    mia = visitor("mia")
    clock.shift(timedelta(minutes=6))
    mia.open("/account")
    mia.submit("link-work")
    assert mia.path.startswith("/account/confirm")
    assert provider.requests == []


def test_an_account_belongs_to_one_person(visitor):
    visitor("mia").link()
    page = visitor("rhea").link(409)
    assert "belongs to somebody else" in page.words
    desk = visitor()
    desk.come_in()
    assert "Mia" in desk.open("/account").words


def test_a_person_has_one_account_at_a_provider(visitor, runtime):
    mia = visitor("mia")
    mia.link()
    page = mia.open("/account")
    assert page.select_one("#link-work") is None
    other = visitor("mia")
    other.open("/account")
    onward = other.onward(
        other._keep(
            "/x",
            other._send("POST", "/account/identities/work/link", data={"csrf_token": other.csrf()}),
            200,
        )
    )
    other.open(other.provider.answer(onward, sub="2002"), 409)
    with runtime.work(writing=False) as uow:
        assert uow.session.query(Identity).one().subject == "1001"


def test_an_account_of_another_issuer_with_the_same_subject_is_another(visitor, runtime):
    visitor("mia").link()
    with runtime.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE identity SET issuer = 'https://former.example'")
    visitor().come_in(403, email="mia@private.example", email_verified=True)


# Removing


def test_a_link_that_is_removed_lets_nobody_in_and_its_sessions_end(visitor, trail, runtime):
    mia = visitor("mia")
    mia.link()
    desk = visitor()
    desk.come_in()
    mia.open("/account")
    mia.submit(identity_of(mia))
    assert not desk.is_in()
    assert mia.is_in()
    assert trail.one("identity.unlinked")["extra"] == {"provider": "work"}
    assert trail.events("token.revoked")[-1]["extra"] == {"kind": "sso"}
    visitor().come_in(403, email="mia@northwind.example", email_verified=True)
    mia.link()
    desk.come_in()
    assert desk.is_in()


def test_the_only_way_in_cannot_be_removed(nina, trail):
    form = identity_of(nina)
    page = nina.submit(form, 409)
    assert "only way to sign in" in page.words
    assert nina.is_in()
    assert trail.events("identity.unlinked") == []


def test_a_token_that_has_ended_is_no_other_way_in(visitor, runtime, world):
    mia = visitor("mia")
    mia.link()
    desk = visitor()
    desk.come_in()
    form = identity_of(desk)
    with runtime.work(writing=True, actor=world.actor("alice")) as uow:
        tokens.revoke(uow, uow.session.get(AccessToken, world.token_ids["mia"]))
    desk.submit(form, 409)


def test_somebody_else_s_link_is_not_there(visitor, nina, runtime):
    mia = visitor("mia")
    with runtime.work(writing=False) as uow:
        identity = uow.session.query(Identity).one().id
    mia.open("/account")
    mia.post(f"/account/identities/{identity}/unlink", {"csrf_token": mia.csrf()}, 404)
    assert nina.is_in()


def test_removing_asks_for_a_confirmation_when_the_last_is_old(visitor, clock):
    mia = visitor("mia")
    mia.link()
    form = identity_of(mia)
    clock.shift(timedelta(minutes=6))
    mia.submit(form)
    assert mia.path.startswith("/account/confirm")


# What ends it


def revoke_in_the_list(admin, runtime):
    with runtime.work(writing=False) as uow:
        token = uow.session.query(AccessToken).filter(AccessToken.kind == "sso").one().id
    page = admin.open("/o/northwind/tokens?kind=sso")
    assert "Single sign-on (Work & Co)" in page.words
    admin.submit(f"revoke-{token}")


def test_an_admin_revokes_it_in_the_list_of_tokens(nina, visitor, runtime, trail, world):
    revoke_in_the_list(visitor("adam"), runtime)
    assert not nina.is_in()
    page = visitor().come_in(403, **VERIFIED)
    assert "opens nothing here any more" in page.words
    failed = trail.one("signin.failed")
    assert failed["extra"]["reason"] == "revoked"
    assert failed["organization"] == str(world.organizations["northwind"])


def test_an_admin_cannot_revoke_that_of_an_owner(visitor, runtime):
    visitor("alice").link()
    with runtime.work(writing=False) as uow:
        token = uow.session.query(AccessToken).filter(AccessToken.kind == "sso").one().id
    adam = visitor("adam")
    adam.open("/o/northwind/tokens")
    adam.post(f"/o/northwind/tokens/{token}/revoke", {"csrf_token": adam.csrf()}, 403)
    visitor().come_in()


def test_the_last_way_in_of_the_last_owner_stays(visitor, runtime, world):
    """An account at a provider counts as one, and is guarded like one."""
    mallory = visitor("mallory")
    mallory.link()
    mallory.open(f"/o/{LAKESIDE}/tokens")
    mallory.submit(f"revoke-{world.token_ids['mallory']}")
    desk = visitor()
    desk.come_in()
    with runtime.work(writing=False) as uow:
        token = uow.session.query(AccessToken).filter(AccessToken.kind == "sso").one().id
    desk.open(f"/o/{LAKESIDE}/tokens")
    desk.submit(f"revoke-{token}", 409)
    assert desk.is_in()


def test_it_ends_after_ninety_days_without_use_and_lasts_on_with_every_use(clock, nina, visitor):
    clock.shift(timedelta(days=89))
    visitor().come_in(**VERIFIED)
    clock.shift(timedelta(days=89))
    visitor().come_in(**VERIFIED)
    clock.shift(timedelta(days=90))
    assert "for a long time" in visitor().come_in(403, **VERIFIED).words


@pytest.mark.parametrize("what", ["new-link", "remove-factor"])
def test_a_new_start_ends_every_way_in_from_before(visitor, browser, world, what):
    """Or whoever holds the account at the provider could set up the next second factor."""
    mia = visitor("mia")
    mia.link()
    alice = browser("alice")
    if what == "remove-factor":
        set_up(mia)
    page = alice.open(f"/o/northwind/people/{world.members['mia']}")
    page = alice.submit(what)
    if what == "new-link":
        link = page.select_one("#link, input[value*='/enrol/'], textarea")
        path = "/enrol/" + (link.get("value") or link.get_text()).strip().partition("/enrol/")[2]
        fresh = visitor()
        fresh.open(path)
        fresh.submit("enrol")
    page = visitor().come_in(403, email="mia@northwind.example", email_verified=True)
    assert "opens nothing here any more" in page.words


def test_who_was_disabled_and_enabled_links_anew(visitor, browser, world):
    mia = visitor("mia")
    mia.link()
    alice = browser("alice")
    alice.open(f"/o/northwind/people/{world.members['mia']}")
    alice.submit("disable")
    assert not mia.is_in()
    assert "Your access has ended" in visitor().come_in(403).words
    alice.open(f"/o/northwind/people/{world.members['mia']}")
    alice.submit("enable")
    assert "opens nothing here any more" in visitor().come_in(403).words


def test_signing_out_ends_the_session_here(nina, provider):
    before = len(provider.requests)
    cookie = nina.client.get_cookie("chatelaine").value
    nina.open("/account")
    nina.submit("sign-out")
    nina.client.set_cookie("chatelaine", cookie)
    assert not nina.is_in()
    assert len(provider.requests) == before


# What is never held in anybody's hands


def test_its_token_is_no_token_for_signing_in_or_for_programs(nina, runtime):
    with runtime.work(writing=False) as uow:
        token = uow.session.query(AccessToken).filter(AccessToken.kind == "sso").one()
        assert len(token.digest) == 32
    page = nina.open("/account")
    assert page.select_one('a[href="/account/token"]') is None
    form = {"csrf_token": nina.csrf(), "overlap_hours": "0"}
    nina.open("/account/token", 409)
    nina.post("/account/token", form, 409)


def test_a_token_of_that_kind_signs_nobody_in_even_with_its_secret(nina, runtime, visitor):
    text, parsed = new_token("signin")
    with runtime.work(writing=True) as uow:
        token = uow.session.query(AccessToken).filter(AccessToken.kind == "sso").one()
        token.lookup_id = parsed.lookup_id
        token.digest = uow.keys.token_digest("signin", parsed.lookup_id, parsed.secret)
    stranger = visitor()
    stranger.open("/sign-in")
    stranger.submit("sign-in", 422, token=text)


# Confirming


def confirm(person, status, **claims):
    person.open("/account/confirm?next=/account")
    onward = person.onward(person.submit("with-work"))
    assert "prompt=login" in onward
    assert "max_age=0" in onward
    return person.open(person.provider.answer(onward, **claims), status)


def now():
    return int(datetime.now(UTC).timestamp())


def test_who_has_neither_factor_nor_token_confirms_at_the_provider(clock, nina, trail):
    clock.shift(timedelta(minutes=6))
    nina.open("/account/factor")
    nina.submit("set-up")
    assert nina.path.startswith("/account/confirm")
    confirm(nina, 200, auth_time=now())
    assert nina.path == "/account"
    assert trail.one("session.confirmed")["extra"] == {"provider": "work"}
    nina.open("/account/factor")
    nina.submit("set-up")


@pytest.mark.parametrize("auth_time", [None, "now", True, float("nan"), 1, -300, -61])
def test_a_proof_that_is_old_or_none_confirms_nothing(clock, nina, trail, auth_time):
    clock.shift(timedelta(minutes=6))
    if isinstance(auth_time, int) and auth_time < 0:
        auth_time += now()
    page = confirm(nina, 502 if isinstance(auth_time, str) else 403, auth_time=auth_time)
    assert "did not ask you again" in page.words or page.status == 502
    assert trail.events("session.confirmed") == []


def test_another_account_confirms_nothing(clock, nina, visitor, trail):
    visitor("mia").link(sub="2002")
    clock.shift(timedelta(minutes=6))
    for sub in ("2002", "3003"):
        page = confirm(nina, 403, auth_time=now(), sub=sub)
        assert "not the account that you have linked" in page.words
    assert trail.events("session.confirmed") == []


def test_who_has_an_app_confirms_with_it(visitor):
    mia = visitor("mia")
    mia.link()
    set_up(mia)
    page = mia.open("/account/confirm")
    assert page.select_one("#with-work") is None
    assert page.select_one("#code")


def test_who_has_an_app_cannot_go_round_it(visitor, trail):
    mia = visitor("mia")
    mia.link()
    set_up(mia)
    mia.open("/account")
    form = {"csrf_token": mia.csrf()}
    onward = mia.onward(mia.post("/account/identities/work/confirm", form, 200))
    page = mia.open(mia.provider.answer(onward, auth_time=now(), amr=["mfa"]), 403)
    assert "You have an authenticator app" in page.words
    assert trail.events("session.confirmed") == []


def test_who_has_linked_nothing_confirms_with_the_token(visitor):
    page = visitor("mia").open("/account/confirm")
    assert page.select_one("#with-work") is None


def test_a_confirmation_counts_for_the_session_that_asked_for_it(visitor, trail, world):
    """Not for a later one of the same person in the same browser."""
    mia = visitor("mia")
    mia.link()
    mia.open("/account/confirm")
    back = mia.provider.answer(mia.onward(mia.submit("with-work")), auth_time=now())
    with mia.client.session_transaction() as session:
        kept = session["sso"]
    later = visitor("mia")
    with later.client.session_transaction() as session:
        session["sso"] = kept
    page = later.open(back, 403)
    assert "You are not signed in as before" in page.words
    assert trail.events("session.confirmed") == []


def test_a_confirmation_is_not_a_sign_in(clock, nina):
    """An attempt to confirm, ended after signing out, lets nobody in."""
    nina.open("/account/confirm")
    back = nina.provider.answer(nina.onward(nina.submit("with-work")), auth_time=now())
    with nina.client.session_transaction() as session:
        kept = session["sso"]
    nina.open("/account")
    nina.submit("sign-out")
    with nina.client.session_transaction() as session:
        session["sso"] = kept
    nina.open(back, 403)
    assert not nina.is_in()
