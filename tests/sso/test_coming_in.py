"""Coming in by single sign-on: the invited, those of a domain, those with a link, and nobody else."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from errors import NotAdmitted
from models import AccessToken, Identity, Invitation, User
from policy import NOBODY
from services import single_sign_on
from services.providers import GOOGLE, Provider, Vouched
from tests.sso.conftest import NEW
from tests.sso.provider import CLIENT_ID

VERIFIED = {"email": NEW, "email_verified": True, "name": "Nina New"}
DOMAIN = {"OIDC_WORK_ORGANIZATION": "northwind", "OIDC_WORK_ALLOWED_DOMAINS": "northwind.example,nw.example"}


def people_called(runtime, email):
    with runtime.work(writing=False) as uow:
        return uow.session.query(User).filter(User.email == email).count()


# The way there


def test_the_sign_in_page_shows_a_button_for_the_provider_and_no_get_begins_anything(visitor, provider):
    nobody = visitor()
    page = nobody.open("/sign-in")
    button = page.select_one("form#with-work button")
    assert " ".join(button.get_text().split()) == "Sign in with Work & Co"
    assert provider.requests == []
    nobody.open("/sign-in/work/start", 405)
    assert provider.requests == []


@pytest.mark.parametrize("path", ["/sign-in/elsewhere/return", "/sign-in/google/return"])
def test_there_is_no_way_through_a_provider_that_is_not_set_up(visitor, path, trail):
    nobody = visitor()
    nobody.open(path, 404)
    nobody.open("/sign-in")
    nobody.post("/sign-in/elsewhere/start", {"csrf_token": nobody.csrf()}, 404)
    assert trail.events() == []


def test_the_button_needs_a_token_against_forgery(visitor):
    visitor().post("/sign-in/work/start", {}, 400)


def test_what_the_provider_is_asked(visitor, provider):
    asked = parse_qs(urlsplit(visitor().set_out()).query)
    assert asked.keys() == {
        *("response_type", "client_id", "redirect_uri", "scope", "state", "nonce", "response_mode"),
        *("code_challenge", "code_challenge_method"),
    }
    assert asked["redirect_uri"] == ["http://127.0.0.1:8000/sign-in/work/return"]
    assert asked["client_id"] == [CLIENT_ID]
    assert asked["scope"] == ["openid email profile"]
    assert (asked["response_type"], asked["response_mode"]) == (["code"], ["query"])
    values = [asked[name][0] for name in ("state", "nonce", "code_challenge")]
    assert len(set(values)) == 3
    assert all(len(value) == 43 for value in values)


def test_two_attempts_share_nothing(visitor):
    nobody = visitor()
    one, other = (parse_qs(urlsplit(nobody.set_out()).query) for _ in range(2))
    assert all(one[name] != other[name] for name in ("state", "nonce", "code_challenge"))


# Who is let in


def test_an_invited_person_comes_in_and_the_invitation_is_spent(visitor, invite, runtime, trail, world):
    invite(role="auditor")
    new = visitor()
    page = new.come_in(**VERIFIED)
    assert new.path.startswith("/o/northwind")
    assert "Nina New" in page.words
    told = trail.one("person.enrolled")
    assert (told["actor"], told["target"], told["extra"]["provider"]) == ("Nina New", NEW, "work")
    assert told["organization"] == str(world.organizations["northwind"])
    assert trail.one("identity.linked")["extra"] == {"provider": "work"}
    started = trail.events("session.started")[-1]
    assert started["extra"] == {"provider": "work", "second_factor": "not asserted"}
    with runtime.work(writing=False) as uow:
        assert uow.session.query(Invitation).filter(Invitation.email == NEW).one().used_at is not None
    new.open("/o/northwind/audit")


def test_the_second_time_the_account_is_known_whatever_its_address_is_then(visitor, invite, runtime):
    invite()
    visitor().come_in(**VERIFIED)
    again = visitor()
    again.come_in(email="renamed@elsewhere.example", email_verified=False)
    assert again.path.startswith("/o/northwind")
    with runtime.work(writing=False) as uow:
        assert uow.session.query(Identity).one().email == "renamed@elsewhere.example"
        assert uow.session.query(User).filter(User.email == NEW).count() == 1
        assert uow.session.query(AccessToken).filter(AccessToken.kind == "sso").count() == 1


def test_the_address_is_compared_whatever_its_case(visitor, invite):
    invite("New.Person@Northwind.example")
    new = visitor()
    new.come_in(email="NEW.person@NORTHWIND.example", email_verified=True)
    assert new.path.startswith("/o/northwind")


def test_one_is_led_to_where_one_wanted_to_go(visitor, invite):
    invite()
    new = visitor()
    new.come_in(next_="/o/northwind/vaults", **VERIFIED)
    assert new.path == "/o/northwind/vaults"


def test_nobody_is_led_to_another_site(visitor, invite):
    invite()
    new = visitor()
    new.come_in(next_="//evil.example/", **VERIFIED)
    assert new.path.startswith("/o/northwind")


@pytest.mark.parametrize("next_", ["//evil.example/", "https://evil.example/", "/\\evil.example"])
def test_nobody_is_led_to_another_site_by_a_form_that_was_changed(visitor, invite, next_):
    invite()
    new = visitor()
    new.open("/sign-in")
    form = {"csrf_token": new.csrf(), "next": next_}
    onward = new.onward(new.post("/sign-in/work/start", form, 200))
    new.open(new.provider.answer(onward, **VERIFIED))
    assert new.path.startswith("/o/northwind")


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"email": NEW}, "not verified"),
        ({"email": NEW, "email_verified": False}, "not verified"),
        ({"email": NEW, "email_verified": "true"}, "not verified"),
        ({"email": NEW, "email_verified": 1}, "not verified"),
        ({"email_verified": True}, "does not tell your e-mail"),
        ({"email": ["new@northwind.example"], "email_verified": True}, "does not tell your e-mail"),
        ({"email": "new@northwind.example\n", "email_verified": True}, "does not tell your e-mail"),
        ({"email": "other@northwind.example", "email_verified": True}, "You are not invited"),
    ],
)
def test_only_a_verified_address_that_was_invited_lets_in(visitor, invite, runtime, trail, claims, words):
    invite()
    before = len(trail.events("session.started"))
    stranger = visitor()
    page = stranger.come_in(403, **claims)
    assert words in page.words
    assert not stranger.is_in()
    assert len(trail.events("session.started")) == before
    assert people_called(runtime, NEW) == 0
    failed = trail.one("signin.failed")
    assert failed["extra"]["provider"] == "work"
    assert failed["target"] == "Work & Co"


def test_an_invitation_that_was_taken_back_lets_nobody_in(visitor, invite, runtime):
    invite()
    with runtime.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE invitation SET revoked_at = created_at")
    visitor().come_in(403, **VERIFIED)


def test_an_invitation_that_is_too_old_lets_nobody_in(visitor, invite, runtime):
    invite()
    with runtime.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE invitation SET expires_at = created_at")
    visitor().come_in(403, **VERIFIED)


def test_an_invitation_is_spent_once(visitor, invite):
    invite()
    visitor().come_in(**VERIFIED)
    page = visitor().come_in(403, **VERIFIED, sub="2002")
    assert "There is an account with your e-mail address" in page.words


def test_the_link_of_the_operator_is_opened_by_who_holds_it_alone(visitor, invite, runtime):
    invite()
    with runtime.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE invitation SET operator = true")
    visitor().come_in(403, **VERIFIED)


@pytest.mark.parametrize("name", ["mia", "alice"])
def test_an_existing_account_is_never_taken_over_by_its_address(visitor, runtime, trail, name):
    thief = visitor()
    page = thief.come_in(403, email=f"{name}@northwind.example", email_verified=True)
    assert "There is an account with your e-mail address" in page.words
    assert not thief.is_in()
    with runtime.work(writing=False) as uow:
        assert uow.session.query(Identity).count() == 0


def test_not_even_with_a_new_link_on_its_way(visitor, browser, world):
    alice = browser("alice")
    alice.open(f"/o/northwind/people/{world.members['mia']}")
    alice.submit("new-link")
    visitor().come_in(403, email="mia@northwind.example", email_verified=True)


class TestWithADomain:
    """An installation whose provider may bring people of a domain along."""

    @pytest.fixture
    def changes(self):
        return DOMAIN | {"OIDC_WORK_DEFAULT_ROLE": "auditor"}

    def test_people_of_the_domain_come_in_with_the_role_that_is_set(self, visitor, trail, world):
        new = visitor()
        new.come_in(email="zoe@nw.example", email_verified=True, name="Zoe")
        assert new.path.startswith("/o/northwind")
        told = trail.one("person.joined")
        assert told["extra"] == {"role": "auditor", "provider": "work"}
        assert told["organization"] == str(world.organizations["northwind"])
        new.open("/o/northwind/audit")

    def test_without_a_name_the_address_gives_one(self, visitor, runtime):
        visitor().come_in(email="zoe@nw.example", email_verified=True, name="Z\u202eoe")
        with runtime.work(writing=False) as uow:
            assert uow.session.query(User).filter(User.email == "zoe@nw.example").one().name == "zoe"

    @pytest.mark.parametrize(
        "email",
        ["zoe@evil.example", "zoe@sub.nw.example", "zoe@xnw.example", "nw.example@evil.example"],
    )
    def test_people_of_other_domains_do_not(self, visitor, email):
        assert "You are not invited" in visitor().come_in(403, email=email, email_verified=True).words

    def test_an_address_of_the_domain_has_to_be_verified(self, visitor):
        visitor().come_in(403, email="zoe@nw.example", email_verified=False)

    def test_an_invitation_counts_for_more_than_the_domain(self, visitor, invite, trail):
        invite(role="member")
        visitor().come_in(**VERIFIED)
        assert trail.events("person.joined") == []
        visitor("alice").open("/o/northwind/people")

    def test_a_member_of_the_domain_is_not_taken_over(self, visitor):
        visitor().come_in(403, email="mia@northwind.example", email_verified=True)

    def test_somebody_who_was_disabled_does_not_come_back(self, visitor, browser, world, trail):
        new = visitor()
        new.come_in(email="zoe@nw.example", email_verified=True, name="Zoe")
        alice = browser("alice")
        people = alice.open("/o/northwind/people")
        row = next(link["href"] for link in people.select("main a") if link.get_text().strip() == "Zoe")
        alice.open(row)
        alice.submit("disable")
        assert not new.is_in()
        page = visitor().come_in(403, email="zoe@nw.example", email_verified=True)
        assert "Your access has ended" in page.words
        failed = trail.one("signin.failed")
        assert failed["extra"]["reason"] == "disabled"
        assert failed["organization"] == str(world.organizations["northwind"])

    @pytest.mark.parametrize(
        ("column", "value", "words"),
        [
            ("people_max", 7, "may have 7 people"),
            ("suspended_at", 1, "Northwind is suspended"),
            ("deletion_at", 1, "Northwind is suspended"),
        ],
    )
    @pytest.mark.parametrize("invited", [True, False])
    def test_nobody_comes_into_an_organization_that_is_full_or_closed(
        self, visitor, invite, runtime, column, value, words, invited
    ):
        if invited:
            invite(email="zoe@nw.example")
        with runtime.engine.begin() as connection:
            connection.exec_driver_sql(f"UPDATE organization SET {column} = {value} WHERE slug = 'northwind'")
        page = visitor().come_in(409, email="zoe@nw.example", email_verified=True, name="Zoe")
        assert words in page.words
        assert people_called(runtime, "zoe@nw.example") == 0

    def test_the_invitations_of_other_organizations_are_none_of_its_business(self, visitor, browser):
        mallory = browser("mallory")
        mallory.open("/o/lakeside/people/invite")
        mallory.submit("invite", email="lea@lakeside.example", role="member")
        visitor().come_in(403, email="lea@lakeside.example", email_verified=True)


class TestWithoutThatOrganization:
    @pytest.fixture
    def changes(self):
        return DOMAIN | {"OIDC_WORK_ORGANIZATION": "nowhere"}

    def test_nobody_comes_in(self, visitor, caplog):
        visitor().come_in(403, email="zoe@nw.example", email_verified=True)
        assert any("does not exist" in message for message in caplog.messages)


class TestWhoseAddressesAreBelieved:
    @pytest.fixture
    def changes(self):
        return {"OIDC_WORK_EMAIL_IS_VERIFIED": "true"}

    def test_an_address_of_which_nothing_is_said_counts_as_verified(self, visitor, invite):
        invite()
        new = visitor()
        new.come_in(email=NEW)
        assert new.path.startswith("/o/northwind")

    def test_one_that_is_said_to_be_unverified_does_not(self, visitor, invite):
        invite()
        visitor().come_in(403, email=NEW, email_verified=False)


def test_google_vouches_for_a_domain_only_for_those_who_are_hosted_there(app, runtime, world):
    """A private account there may carry any address."""
    google = Provider(
        "google", "Google", GOOGLE, "x", "y", organization="northwind", domains=frozenset({"nw.example"})
    )
    vouched = Vouched("1", "zoe@nw.example", True, "Zoe", "", None, False)
    for hosted in ("", "evil.example"):
        with (
            runtime.work(writing=True, actor=NOBODY) as uow,
            pytest.raises(NotAdmitted, match="not invited"),
        ):
            single_sign_on.sign_in(uow, google, replace(vouched, hosted=hosted))
    with runtime.work(writing=True, actor=NOBODY) as uow:
        assert single_sign_on.sign_in(uow, google, replace(vouched, hosted="nw.example")).slug == "northwind"


def test_the_address_may_come_from_the_userinfo_endpoint(visitor, invite, provider):
    invite()
    provider.userinfo = {"sub": "1001", **VERIFIED}
    new = visitor()
    new.come_in()
    assert new.path.startswith("/o/northwind")
    assert "/userinfo" in provider.requests


def test_what_the_token_says_of_no_address_does_not_verify_that_of_userinfo(visitor, invite, provider):
    invite()
    provider.userinfo = {"sub": "1001", "email": NEW}
    visitor().come_in(403, email_verified=True)


def test_userinfo_of_somebody_else_is_a_lie(visitor, invite, provider):
    invite()
    provider.userinfo = {"sub": "2002", **VERIFIED}
    assert "answered wrongly" in visitor().come_in(502).words


def test_somebody_who_is_signed_in_gets_another_session(visitor, invite, trail):
    invite()
    mia = visitor("mia")
    page = mia.open("/account")
    onward = mia.onward(
        mia._keep("/x", mia._send("POST", "/sign-in/work/start", data={"csrf_token": mia.csrf()}), 200)
    )
    mia.open(mia.provider.answer(onward, **VERIFIED))
    page = mia.open("/account")
    assert "Nina New" in page.words
    assert trail.events("session.ended")[-1]["actor"] == "Mia"
