"""The services of passkeys without pages: what is whole by itself, and what nobody asks for twice."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from crypto.passkey_answers import Site
from errors import Conflict
from models import Passkey, PasskeyChallenge
from services import passkey_challenges, passkey_checks
from services import passkey_queries as queries
from services.passkey_challenges import Purpose

HOLDER = uuid4()


def make(uow, world, **changes):
    values = {
        "id": uuid4(),
        "user_id": world.people["mia"],
        "credential_id": b"telephone",
        "public_key": b"never opened",
        "name": "Telephone",
        "counter": 5,
        "synced": False,
        "copied": False,
        "transports": "",
        "created_at": uow.now,
    }
    passkey = Passkey(**(values | changes))
    uow.session.add(passkey)
    uow.session.flush()
    return passkey


def test_what_compares_and_sets_does_so_once(work, world):
    """Where many write at once, this alone keeps two from using the same answer."""
    with work("mia", writing=True) as uow:
        challenge = passkey_challenges.ask(uow, Purpose.PROVE, HOLDER)
        passkey = make(uow, world)
        taken = [passkey_challenges.take(uow, challenge, Purpose.PROVE, HOLDER) for _ in range(3)]
        assert taken == [True, False, False]
        use = {
            "passkey_id": passkey.id,
            "at_most": 5,
            "new_counter": 6,
            "now_copied": False,
            "used_at": uow.now,
        }
        noted = [uow.connection.execute(queries.COUNT_USE, use).rowcount for _ in range(3)]
        assert noted == [1, 0, 0]


@pytest.mark.parametrize(
    ("purpose", "holder", "later", "taken"),
    [
        (Purpose.SIGN_IN, HOLDER, timedelta(minutes=5, microseconds=-1), True),
        (Purpose.SIGN_IN, HOLDER, timedelta(minutes=5), False),
        (Purpose.PROVE, HOLDER, timedelta(0), False),
        (Purpose.ADD, HOLDER, timedelta(0), False),
        (Purpose.SIGN_IN, uuid4(), timedelta(0), False),
    ],
)
def test_a_challenge_is_for_one_purpose_and_holder_and_for_five_minutes(work, purpose, holder, later, taken):
    with work("mia", writing=True) as uow:
        challenge = passkey_challenges.ask(uow, Purpose.SIGN_IN, HOLDER)
        uow.session.flush()
        uow.now += later
        assert passkey_challenges.take(uow, challenge, purpose, holder) is taken
        assert uow.session.query(PasskeyChallenge).count() == (0 if taken else 1)


def test_no_challenge_but_the_one_that_was_asked_is_taken(work):
    with work("mia", writing=True) as uow:
        passkey_challenges.ask(uow, Purpose.PROVE, HOLDER)
        assert not passkey_challenges.take(uow, b"", Purpose.PROVE, HOLDER)
        assert not passkey_challenges.take(uow, bytes(32), Purpose.PROVE, HOLDER)


def test_one_credential_is_kept_once(work, world):
    with work("mia", writing=True) as uow:
        make(uow, world)
        with pytest.raises(Exception, match=r"(?i)unique"), uow.session.begin_nested():
            make(uow, world, user_id=world.people["noah"])


def test_without_a_name_there_is_no_place_for_passkeys(work, runtime, monkeypatch):
    with work("mia") as uow, pytest.raises(Conflict, match="an address with a name"):
        passkey_checks.site(uow)
    site = Site("vault.example.org", ("https://vault.example.org",))
    monkeypatch.setattr(runtime, "rules", type(runtime.rules)(passkeys=site))
    with work("mia") as uow:
        assert passkey_checks.site(uow) is site
