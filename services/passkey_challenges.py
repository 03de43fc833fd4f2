"""The questions that passkeys answer: for one session or browser and one purpose, good for one answer."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from sqlalchemy import delete

from crypto.passkey_answers import new_challenge
from models import PasskeyChallenge
from services import passkey_queries as queries
from services.rules import PASSKEY_ASKED
from services.unit_of_work import UnitOfWork


class Purpose(StrEnum):
    """What an answer is for."""

    ADD = "add"
    PROVE = "prove"
    SIGN_IN = "sign-in"


def ask(uow: UnitOfWork, purpose: Purpose, holder: UUID) -> bytes:
    """Return a fresh challenge that *holder* may answer within ``PASSKEY_ASKED``.

    Args:
        holder: the session's row, or what the cookie of a browser without a session holds.
    """
    challenge = new_challenge()
    uow.session.add(
        PasskeyChallenge(
            challenge=challenge, purpose=purpose.value, holder=holder, expires_at=uow.now + PASSKEY_ASKED
        )
    )
    return challenge


def take(uow: UnitOfWork, challenge: bytes, purpose: Purpose, holder: UUID) -> bool:
    """Use up a challenge; False: *holder* was not asked it, or too long ago, or has answered it before."""
    taken = uow.connection.execute(
        queries.TAKE_CHALLENGE,
        {"challenge": challenge, "purpose": purpose.value, "holder": holder, "now": uow.now},
    )
    return taken.rowcount == 1


def remove_ended(uow: UnitOfWork) -> int:
    """Delete the challenges that nobody answered in time; return how many."""
    ended = uow.session.execute(delete(PasskeyChallenge).where(PasskeyChallenge.expires_at <= uow.now))
    return int(ended.rowcount)  # type: ignore[attr-defined]
