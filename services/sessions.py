"""Sessions of people: begun at sign-in, ended by them, by an admin, by time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy import delete, select, update

from crypto.tokens import encode_session_id, new_session_id
from errors import NotFound
from models import Action, UserSession
from services import audit
from services.events import Target
from services.rules import SESSIONS_PER_PERSON
from services.unit_of_work import UnitOfWork

_ADDRESS_MAX = 45
_AGENT_MAX = 300


@dataclass(frozen=True, slots=True)
class Started:
    """A new session: what the cookie holds, and its row's id."""

    cookie: str
    id: UUID


def start(uow: UnitOfWork, user_id: UUID, token_id: UUID) -> Started:
    """Begin a session for the actor; the oldest gives way beyond ``SESSIONS_PER_PERSON``."""
    _make_room(uow, user_id)
    session_id = new_session_id()
    row = UserSession(
        id=uuid4(),
        digest=uow.keys.session_digest(session_id),
        user_id=user_id,
        token_id=token_id,
        created_at=uow.now,
        seen_at=uow.now,
        expires_at=uow.now + uow.rules.session_lasts,
        confirmed_at=uow.now,
        address=uow.origin.address[:_ADDRESS_MAX],
        agent=uow.origin.agent[:_AGENT_MAX],
    )
    uow.session.add(row)
    audit.record(uow, Action.SESSION_STARTED, _target(row))
    return Started(encode_session_id(session_id), row.id)


def mine(uow: UnitOfWork) -> Sequence[UserSession]:
    """Return the actor's own living sessions, the last used first."""
    return uow.session.scalars(
        select(UserSession)
        .where(UserSession.user_id == uow.actor.id, UserSession.expires_at > uow.now)
        .order_by(UserSession.seen_at.desc())
    ).all()


def end(uow: UnitOfWork, session_id: UUID) -> None:
    """End one of the actor's own sessions.

    Raises:
        NotFound: it is not theirs, or has ended.
    """
    row = uow.session.get(UserSession, session_id)
    if row is None or row.user_id != uow.actor.id:
        raise NotFound
    uow.session.delete(row)
    audit.record(uow, Action.SESSION_ENDED, _target(row))


def end_others(uow: UnitOfWork) -> int:
    """End all sessions of the actor but the present one; return how many."""
    rows = [row for row in mine(uow) if row.id != uow.actor.session_id]
    for row in rows:
        uow.session.delete(row)
        audit.record(uow, Action.SESSION_ENDED, _target(row))
    return len(rows)


def end_all_of(uow: UnitOfWork, user_id: UUID) -> int:
    """End every session of a person, at once; return how many."""
    ended = uow.session.execute(delete(UserSession).where(UserSession.user_id == user_id))
    return int(ended.rowcount)  # type: ignore[attr-defined]


def end_all_by_token(uow: UnitOfWork, token_id: UUID) -> int:
    """End every session that a sign-in token opened; return how many."""
    ended = uow.session.execute(delete(UserSession).where(UserSession.token_id == token_id))
    return int(ended.rowcount)  # type: ignore[attr-defined]


def confirm(uow: UnitOfWork) -> None:
    """Note that the actor has just proved again who they are."""
    uow.session.execute(
        update(UserSession).where(UserSession.id == uow.actor.session_id).values(confirmed_at=uow.now)
    )
    audit.record(uow, Action.SESSION_CONFIRMED, Target("session", uow.actor.session_id))


def remove_ended(uow: UnitOfWork) -> int:
    """Delete the rows of sessions that time has ended; return how many."""
    ended = uow.session.execute(
        delete(UserSession).where(
            (UserSession.expires_at <= uow.now)
            | (UserSession.seen_at <= uow.now - uow.rules.session_idle)
        )
    )
    return int(ended.rowcount)  # type: ignore[attr-defined]


def _make_room(uow: UnitOfWork, user_id: UUID) -> None:
    rows = uow.session.scalars(
        select(UserSession).where(UserSession.user_id == user_id).order_by(UserSession.seen_at.desc())
    ).all()
    for row in rows[SESSIONS_PER_PERSON - 1 :]:
        uow.session.delete(row)
        audit.record(uow, Action.SESSION_ENDED, _target(row), extra={"reason": "too many sessions"})


def _target(row: UserSession) -> Target:
    return Target("session", row.id)
