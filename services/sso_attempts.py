"""Attempts at single sign-on: begun in one browser, ended in the same one, once, within minutes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID, uuid4

from sqlalchemy import delete

from crypto.keyring import SYSTEM
from crypto.tokens import encode_session_id, new_session_id
from models import SsoAttempt
from services import identity_queries as queries
from services.providers import Secrets
from services.unit_of_work import UnitOfWork

LASTS = timedelta(minutes=10)
STATE_LEN = 43


class Purpose(StrEnum):
    """What the provider is asked for."""

    SIGNIN = "signin"
    LINK = "link"
    CONFIRM = "confirm"


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt that has come back.

    Args:
        session_id: the session that it was begun in; None: there was none.
        back: the path that the person wanted to go to.
    """

    purpose: Purpose
    secrets: Secrets = field(repr=False)
    session_id: UUID | None
    back: str | None
    begun_at: datetime


def new_secrets() -> Secrets:
    """Make what holds an attempt together: three values of 256 random bits, 43 characters each."""
    return Secrets(state=new_value(), nonce=new_value(), verifier=new_value())


def new_value() -> str:
    """Make 43 random characters that may stand in an address."""
    return encode_session_id(new_session_id())


def begin(
    uow: UnitOfWork,
    provider: str,
    purpose: Purpose,
    secrets: Secrets,
    browser: str,
    back: str | None = None,
) -> None:
    """Remember an attempt of the browser that holds the value *browser*."""
    attempt_id = uuid4()
    kept = {"nonce": secrets.nonce, "verifier": secrets.verifier, "back": back}
    uow.session.add(
        SsoAttempt(
            id=attempt_id,
            digest=_digest(uow, provider, secrets.state, browser),
            provider=provider,
            purpose=purpose.value,
            session_id=uow.actor.session_id,
            sealed=uow.keys.encrypt(
                SYSTEM, "sso_attempt", attempt_id, "sealed", 1, json.dumps(kept).encode()
            ),
            created_at=uow.now,
            expires_at=uow.now + LASTS,
        )
    )


def take(uow: UnitOfWork, provider: str, state: str, browser: str) -> Attempt | None:
    """Return the attempt and forget it; None: there is none, or it is another browser's, or too old."""
    if len(state) != STATE_LEN or not browser:
        return None
    digest = _digest(uow, provider, state, browser)
    row = uow.connection.execute(queries.TAKE_ATTEMPT, {"digest": digest}).one_or_none()
    if row is None or row.expires_at <= uow.now:
        return None
    kept = json.loads(uow.keys.decrypt(SYSTEM, "sso_attempt", row.id, "sealed", 1, row.sealed))
    return Attempt(
        purpose=Purpose(row.purpose),
        secrets=Secrets(state, kept["nonce"], kept["verifier"]),
        session_id=row.session_id,
        back=kept["back"],
        begun_at=row.created_at,
    )


def remove_ended(uow: UnitOfWork) -> int:
    """Delete attempts from which nobody has come back in time; return how many."""
    ended = uow.session.execute(delete(SsoAttempt).where(SsoAttempt.expires_at <= uow.now))
    return int(ended.rowcount)  # type: ignore[attr-defined]


def _digest(uow: UnitOfWork, provider: str, state: str, browser: str) -> bytes:
    return uow.keys.throttle_digest("sso attempt", provider, state, browser)
