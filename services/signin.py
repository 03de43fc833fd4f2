"""Signing in with an access token: one answer and equal work for everything that fails."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from crypto.tokens import derive_token, parse_token, same
from models import Action
from policy import NOBODY, Actor, ActorKind, Role
from services import actor_queries as queries
from services import audit, lockouts, sessions
from services.actors import token_lives
from services.committer import Mark
from services.events import Target
from services.marks import write_marks
from services.prepared import fetch_one
from services.unit_of_work import UnitOfWork

log = logging.getLogger("chatelaine.signin")


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A good token: what the new cookie holds, where to go."""

    session: sessions.Started
    slug: str
    must_replace: bool


def sign_in(uow: UnitOfWork, text: str) -> SignedIn | None:
    """Start a session for the person whose sign-in token *text* is; one that the browser had before ends.

    Unknown, malformed, expired, revoked and locked tokens cost the same look-ups, counts and digest, and all
    give None; which it was stands in the audit log only. The unit must be finished in either case.
    """
    row = _check(uow, text)
    if row is None:
        return None
    if uow.actor.session_id is not None:
        sessions.end(uow, uow.actor.session_id)
    uow.act_as(Actor(ActorKind.PERSON, row.user_id, row.user_name, row.organization_id, Role(row.role)))
    write_marks(uow.connection, [Mark("token", row.id, uow.now, uow.origin.address)])
    started = sessions.start(uow, row.user_id, row.id)
    return SignedIn(started, row.slug, row.must_replace)


def confirm(uow: UnitOfWork, text: str) -> bool:
    """Check the actor's own sign-in token again; on success the session counts as fresh."""
    if _check(uow, text, only_of=uow.actor.id) is None:
        return False
    sessions.confirm(uow)
    return True


def _check(uow: UnitOfWork, text: str, *, only_of: UUID | None = None) -> Any:
    """Count the attempt, then look whether *text* is a living sign-in token (of one person)."""
    parsed = parse_token(text) or derive_token(text)
    row = fetch_one(uow.connection, queries.FIND_TOKEN, {"lookup_id": parsed.lookup_id})
    counted = lockouts.count_attempt(uow, parsed.lookup_id, row.organization_id if row else None)
    digest = uow.keys.token_digest(parsed.kind, parsed.lookup_id, parsed.secret)
    matches = same(digest, row.digest if row else bytes(len(digest)))
    reason = _why_not(uow, row, counted, matches=matches)
    if not reason and row is not None and only_of not in (None, row.user_id):
        reason = "another person's"
    if row is None or reason:
        _record_failure(uow, row, parsed.lookup_id, reason)
        return None
    lockouts.forgive(uow, counted)
    return row


def _why_not(
    uow: UnitOfWork,
    row: Any,
    counted: list[lockouts.Counted],
    *,
    matches: bool,
) -> str:
    """Return why the attempt fails, empty if it does not."""
    if not all(each.allowed for each in counted):
        return "locked"
    if row is None or not matches or row.kind != "signin":
        return "unknown"
    if not token_lives(row, uow.now):
        return _state(row, uow.now)
    return ""


def _state(row: Any, now: datetime) -> str:
    if row.revoked_at is not None:
        return "revoked"
    return "expired" if row.expires_at <= now else "disabled"


def _record_failure(uow: UnitOfWork, row: Any, lookup_id: str, reason: str) -> None:
    # The line that log watchers such as fail2ban look for.
    log.warning("FAILED LOGIN from %s", uow.origin.address)
    actor = uow.actor
    if actor is NOBODY and row is not None:
        uow.actor = Actor(ActorKind.NOBODY, NOBODY.id, NOBODY.name, organization_id=row.organization_id)
    action = Action.SIGNIN_LOCKED if reason == "locked" else Action.SIGNIN_FAILED
    target = Target("token", row.id if row else None, lookup_id)
    audit.record(uow, action, target, success=False, extra={"reason": reason})
    uow.actor = actor
