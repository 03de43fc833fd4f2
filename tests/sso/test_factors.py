"""The second factor after single sign-on: ours, unless the provider asserts one and is believed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyotp
import pytest
import time_machine

from crypto.id_tokens import is_multi_factor
from policy import Role
from services import invitations
from tests.sso.conftest import NEW

VERIFIED = {"email": NEW, "email_verified": True, "name": "Nina New"}
MFA = {"amr": ["pwd", "mfa"]}
CODE = "/sign-in/code"


@pytest.fixture
def clock(app):
    with time_machine.travel(datetime(2027, 1, 15, 12, tzinfo=UTC), tick=False) as clock:
        yield clock


def set_up(person):
    person.open("/account/factor")
    page = person.submit("set-up")
    seed = page.select_one("#seed").get_text().replace(" ", "")
    person.submit("confirm-app", code=pyotp.TOTP(seed).at(datetime.now(UTC)))
    return pyotp.TOTP(seed)


@pytest.fixture
def nina(visitor, invite, clock):
    """Invited, came in by the provider, and has set up an app."""
    invite()
    person = visitor()
    person.come_in(**VERIFIED)
    person.phone = set_up(person)
    clock.shift(timedelta(minutes=1))
    return person


@pytest.mark.parametrize("claims", [{}, {"amr": ["pwd"]}, {"amr": ["hwk"]}, {"acr": "2"}])
def test_without_an_assertion_the_session_is_half_until_the_code_comes(nina, visitor, claims):
    person = visitor()
    person.come_in(**VERIFIED, **claims)
    assert person.path.startswith(CODE)
    person.open("/o/northwind/vaults")
    assert person.path.startswith(CODE)
    person.open(CODE)
    person.submit("second-factor", code=nina.phone.at(datetime.now(UTC)))
    assert person.is_in()


def test_with_an_assertion_the_session_has_passed_and_the_log_says_how(nina, visitor, trail):
    person = visitor()
    person.come_in(**VERIFIED, **MFA)
    assert person.path.startswith("/o/northwind")
    extra = trail.events("session.started")[-1]["extra"]
    assert extra == {"provider": "work", "second_factor": "asserted by the provider"}


class TestWhereTheProviderIsNotBelieved:
    @pytest.fixture
    def changes(self):
        return {"OIDC_WORK_TRUST_MFA": "false", "OIDC_WORK_MFA_ACR": "gold"}

    @pytest.mark.parametrize("claims", [MFA, {"acr": "gold"}])
    def test_its_assertion_counts_for_nothing(self, nina, visitor, claims):
        person = visitor()
        person.come_in(**VERIFIED, **claims)
        assert person.path.startswith(CODE)


class TestWithALevel:
    @pytest.fixture
    def changes(self):
        return {"OIDC_WORK_MFA_ACR": "gold,urn:example:two"}

    def test_it_is_asked_for_and_counts(self, nina, visitor):
        person = visitor()
        assert "acr_values=gold+urn%3Aexample%3Atwo" in person.set_out()
        person.come_in(**VERIFIED, acr="urn:example:two")
        assert person.path.startswith("/o/northwind")

    @pytest.mark.parametrize("acr", ["silver", ["gold"], None, True, ""])
    def test_another_does_not(self, nina, visitor, acr):
        person = visitor()
        person.come_in(**VERIFIED, acr=acr)
        assert person.path.startswith(CODE)


class TestWhereEverybodyNeedsTwo:
    @pytest.fixture
    def changes(self):
        return {"REQUIRE_2FA": "true"}

    @pytest.fixture
    def invite(self, runtime, world):
        def invite(email=NEW):
            with runtime.work(writing=True, actor=world.actor("alice")) as uow:
                invitations.invite(uow, email, Role.MEMBER)

        return invite

    def test_who_has_none_is_led_to_set_one_up(self, visitor, invite):
        invite()
        person = visitor()
        person.come_in(**VERIFIED)
        assert person.path == "/account/factor"
        person.open("/o/northwind/vaults")
        assert person.path == "/account/factor"
        set_up(person)
        person.open("/o/northwind/vaults")
        assert person.path == "/o/northwind/vaults"

    def test_who_proved_two_at_the_provider_needs_none_here(self, visitor, invite):
        invite()
        person = visitor()
        person.come_in(**VERIFIED, **MFA)
        assert person.path.startswith("/o/northwind")
        person.open("/o/northwind/vaults")
        assert person.path == "/o/northwind/vaults"

    def test_only_in_that_session(self, visitor, invite):
        invite()
        visitor().come_in(**VERIFIED, **MFA)
        again = visitor()
        again.come_in(**VERIFIED)
        assert again.path == "/account/factor"

    def test_a_confirmation_has_to_assert_two_as_well(self, visitor, invite, clock, trail):
        invite()
        person = visitor()
        person.come_in(**VERIFIED, **MFA)
        clock.shift(timedelta(minutes=6))
        for claims, status in (({}, 403), (MFA, 200)):
            person.open("/account/confirm?next=/account")
            onward = person.onward(person.submit("with-work"))
            now = int(datetime.now(UTC).timestamp())
            page = person.open(person.provider.answer(onward, auth_time=now, **claims), status)
            assert status == 200 or "one factor only" in page.words
        assert len(trail.events("session.confirmed")) == 1


@pytest.mark.parametrize(
    ("amr", "is_enough"),
    [
        (["mfa"], True),
        (["pwd", "otp"], True),
        (["pin", "hwk"], True),
        (["swk", "fpt"], True),
        (["pwd", "face"], True),
        (["otp"], False),
        (["hwk"], False),
        (["hwk", "swk", "pop", "sc"], False),
        (["pwd", "pin", "kba"], False),
        (["pwd", "sms"], False),
        (["MFA"], False),
        ([["mfa"]], False),
        ([{"mfa": 1}], False),
        ([], False),
        (None, False),
        ("mfa", False),
        ({"mfa": 1}, False),
    ],
)
def test_which_methods_are_more_than_one_factor(amr, is_enough):
    assert is_multi_factor({"amr": amr}, ()) is is_enough


def test_a_level_counts_only_where_it_is_named():
    assert not is_multi_factor({"acr": "gold"}, ())
    assert is_multi_factor({"acr": "gold"}, ("gold",))
