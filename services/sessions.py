"""Sessions of people: begun at sign-in, ended by them, by an admin, by time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, and_, or_, select, update

from crypto.tokens import encode_session_id, new_session_id
from errors import NotFound
from models import AccessToken, Action, UserSession
from services import audit
from services.events import Extra, Target
from services.rules import SESSIONS_PER_PERSON
from services.unit_of_work import UnitOfWork

_ADDRESS_MAX = 45
_AGENT_MAX = 300


@dataclass(frozen=True, slots=True)
class Started:
    """A new session: what the cookie holds, and its row's id."""

    cookie: str
    id: UUID


def start(
    uow: UnitOfWork, user_id: UUID, token_id: UUID, *, passed: bool = False, extra: Extra | None = None
) -> Started:
    """Begin a session for the actor; the oldest gives way beyond ``SESSIONS_PER_PERSON``.

    Args:
        passed: whether a second factor was proved on the way in.
        extra: for the audit log: how they came in.
    """
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
        passed_at=uow.now if passed else None,
        address=uow.origin.address[:_ADDRESS_MAX],
        agent=uow.origin.agent[:_AGENT_MAX],
    )
    uow.session.add(row)
    audit.record(uow, Action.SESSION_STARTED, _target(row), extra=extra)
    return Started(encode_session_id(session_id), row.id)


def mine(uow: UnitOfWork) -> Sequence[UserSession]:
    """Return the actor's own living sessions, the last used first."""
    return _living(uow, UserSession.user_id == uow.actor.id)


def of_person(uow: UnitOfWork, user_id: UUID) -> Sequence[UserSession]:
    """Return a person's living sessions that tokens of this organization opened, the last used first."""
    return _living(uow, _opened_here(user_id))


def lives(uow: UnitOfWork) -> ColumnElement[bool]:
    """Return the condition that neither the idle nor the absolute limit has ended a session."""
    return and_(UserSession.expires_at > uow.now, UserSession.seen_at > uow.now - uow.rules.session_idle)


def end(uow: UnitOfWork, session_id: UUID) -> None:
    """End one of the actor's own sessions.

    Raises:
        NotFound: it is not theirs, or has ended.
    """
    row = uow.session.get(UserSession, session_id)
    if row is None or row.user_id != uow.actor.id:
        raise NotFound
    _end_rows(uow, [row])


def end_others(uow: UnitOfWork) -> int:
    """End all sessions of the actor but the present one; return how many."""
    return _end_rows(uow, [row for row in mine(uow) if row.id != uow.actor.session_id])


def end_all_of(uow: UnitOfWork, user_id: UUID, reason: str) -> int:
    """End every session that tokens of the actor's organization opened for a person; return how many."""
    return _end_rows(uow, uow.session.scalars(select(UserSession).where(_opened_here(user_id))), reason)


def end_all_by_token(uow: UnitOfWork, token_id: UUID, reason: str) -> int:
    """End every session that a sign-in token opened; return how many."""
    rows = uow.session.scalars(select(UserSession).where(UserSession.token_id == token_id))
    return _end_rows(uow, rows, reason)


def confirm(uow: UnitOfWork, *, extra: Extra | None = None) -> None:
    """Note that the actor has just proved again who they are; *extra* says how."""
    uow.session.execute(
        update(UserSession).where(UserSession.id == uow.actor.session_id).values(confirmed_at=uow.now)
    )
    audit.record(uow, Action.SESSION_CONFIRMED, Target("session", uow.actor.session_id), extra=extra)


def pass_second(uow: UnitOfWork) -> None:
    """Note that the actor has proved their second factor in this session."""
    uow.session.execute(
        update(UserSession)
        .where(UserSession.id == uow.actor.session_id)
        .values(passed_at=uow.now, confirmed_at=uow.now)
    )


def renew_id(uow: UnitOfWork) -> str:
    """Give the actor's session another id, as at every sign-in; return what the cookie holds from now on."""
    session_id = new_session_id()
    uow.session.execute(
        update(UserSession)
        .where(UserSession.id == uow.actor.session_id)
        .values(digest=uow.keys.session_digest(session_id))
    )
    return encode_session_id(session_id)


def remove_ended(uow: UnitOfWork) -> int:
    """Delete the rows of sessions that time has ended; return how many."""
    ended = uow.session.scalars(select(UserSession).where(~lives(uow))).all()
    for row in ended:
        _keep_last_use(uow, row)
        uow.session.delete(row)
    return len(ended)


def _living(uow: UnitOfWork, whose: ColumnElement[bool]) -> Sequence[UserSession]:
    return uow.session.scalars(
        select(UserSession).where(whose, lives(uow)).order_by(UserSession.seen_at.desc())
    ).all()


def _opened_here(user_id: UUID) -> ColumnElement[bool]:
    """A person may also belong elsewhere; what they do there is nobody's business here."""
    tokens_here = select(AccessToken.id).where(AccessToken.user_id == user_id)
    return and_(UserSession.user_id == user_id, UserSession.token_id.in_(tokens_here))


def _make_room(uow: UnitOfWork, user_id: UUID) -> None:
    rows = uow.session.scalars(
        select(UserSession).where(UserSession.user_id == user_id).order_by(UserSession.seen_at.desc())
    ).all()
    _end_rows(uow, rows[SESSIONS_PER_PERSON - 1 :], "too many sessions")


def _end_rows(uow: UnitOfWork, rows: Iterable[UserSession], reason: str = "") -> int:
    ended = list(rows)
    for row in ended:
        _keep_last_use(uow, row)
        uow.session.delete(row)
        audit.record(uow, Action.SESSION_ENDED, _target(row), extra={"reason": reason} if reason else {})
    uow.session.flush()
    return len(ended)


def _keep_last_use(uow: UnitOfWork, row: UserSession) -> None:
    """The row goes; when and from where the person was last here stays with the token."""
    uow.session.execute(
        update(AccessToken)
        .where(
            AccessToken.id == row.token_id,
            or_(AccessToken.last_used_at.is_(None), AccessToken.last_used_at < row.seen_at),
        )
        .values(last_used_at=row.seen_at, last_used_address=row.address)
    )


def _target(row: UserSession) -> Target:
    return Target("session", row.id)
