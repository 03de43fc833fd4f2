"""Signing in with a passkey alone, where the organization allows it: one answer for all that fails."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select

from errors import Conflict
from models import Action, Organization, Passkey
from policy import NOBODY, Actor, ActorKind, Role
from services import audit, lockouts, passkey_challenges, passkey_checks, sessions
from services import passkey_queries as queries
from services.committer import Mark
from services.events import Target
from services.marks import write_marks
from services.passkey_challenges import Purpose
from services.passkey_checks import Checked
from services.passkeys import KIND, MILLISECONDS
from services.signin import SignedIn
from services.unit_of_work import UnitOfWork

log = logging.getLogger("chatelaine.signin")

SETTING = "Sign-in with a passkey alone"


def is_offered(uow: UnitOfWork) -> bool:
    """Whether any organization here lets its people sign in with a passkey alone."""
    return uow.rules.passkeys is not None and bool(
        uow.session.scalar(select(Organization.id).where(Organization.passkey_sign_in).limit(1))
    )


def is_allowed(uow: UnitOfWork) -> bool:
    """Whether the actor's organization allows it."""
    return _organization(uow).passkey_sign_in


def allow(uow: UnitOfWork, *, allowed: bool) -> None:
    """Decide whether the actor's organization allows it."""
    organization = _organization(uow)
    if organization.passkey_sign_in is allowed:
        return
    organization.passkey_sign_in = allowed
    extra = {"value": "allowed" if allowed else "not allowed"}
    audit.record(uow, Action.SETTING_CHANGED, Target("setting", None, SETTING), extra=extra)


def ask(uow: UnitOfWork, browser: UUID) -> dict[str, Any]:
    """Return what a browser without a session is to answer with any passkey for this site.

    Args:
        browser: what its cookie holds.

    Raises:
        Conflict: no organization here allows it, or there can be no passkeys at this address.
    """
    from crypto.passkeys import ask_for_use

    if not is_offered(uow):
        message = "Nobody signs in with a passkey alone here. Use your access token."
        raise Conflict(message)
    challenge = passkey_challenges.ask(uow, Purpose.SIGN_IN, browser)
    return ask_for_use(passkey_checks.site(uow), challenge, known=(), lasts=MILLISECONDS)


def sign_in(uow: UnitOfWork, text: str, browser: UUID) -> SignedIn | None:
    """Start a session for the person whose passkey has answered; one that the browser had before ends.

    The session hangs on a sign-in token of theirs in an organization that allows this, and ends with it. It
    has passed both factors: the device was in their hands, and it verified them. Why an attempt failed stands
    in the audit log only. The unit must be finished in either case.

    Args:
        text: JSON from the browser.
    """
    counted = lockouts.count_address(uow)
    checked = passkey_checks.check(uow, text, Purpose.SIGN_IN, browser)
    if not counted.allowed or checked.passkey is None or checked.fault is not None:
        _record_failure(uow, checked, "locked" if not counted.allowed else str(checked.fault))
        return None
    row, reason = _way_in(uow, checked.passkey.user_id)
    if reason:
        _record_failure(uow, checked, reason)
        return None
    lockouts.forgive_address(uow, counted)
    if uow.actor.session_id is not None:
        sessions.end(uow, uow.actor.session_id)
    user_id = checked.passkey.user_id
    uow.act_as(Actor(ActorKind.PERSON, user_id, row.user_name, row.organization_id, Role(row.role)))
    extra = {"kind": KIND, "name": checked.passkey.name}
    audit.record(uow, Action.FACTOR_PASSED, Target("person", user_id, row.user_name), extra=extra)
    write_marks(uow.connection, [Mark("token", row.id, uow.now, uow.origin.address)])
    started = sessions.start(uow, user_id, row.id, passed=True)
    return SignedIn(started, row.slug, must_replace=False)


def _way_in(uow: UnitOfWork, user_id: UUID) -> tuple[Any, str]:
    """Return the sign-in token that a session may hang on, or why there is none."""
    reasons = []
    for row in _tokens(uow, user_id):
        reason = _why_not(uow, row)
        if not reason:
            return row, ""
        reasons.append(reason)
    return None, reasons[0] if reasons else "no token"


def _why_not(uow: UnitOfWork, row: Any) -> str:
    """Return why a session may not hang on this token, empty if it may."""
    if not row.passkey_sign_in:
        return "not allowed by the organization"
    if row.disabled_at is not None:
        return "disabled"
    if row.revoked_at is not None:
        return "revoked"
    if row.expires_at <= uow.now:
        return "expired"
    return "the token must be replaced" if row.must_replace else ""


def _tokens(uow: UnitOfWork, user_id: UUID) -> Sequence[Any]:
    return uow.connection.execute(queries.SIGNIN_TOKENS, {"user_id": user_id}).all()


def _record_failure(uow: UnitOfWork, checked: Checked, reason: str) -> None:
    # The line that log watchers such as fail2ban look for.
    log.warning("FAILED LOGIN from %s", uow.origin.address)
    actor, passkey = uow.actor, checked.passkey
    if actor is NOBODY and passkey is not None:
        uow.actor = _nobody_at_home(uow, passkey)
    action = Action.SIGNIN_LOCKED if reason == "locked" else Action.SIGNIN_FAILED
    target = Target("passkey", passkey.id if passkey else None, passkey.name if passkey else "")
    audit.record(uow, action, target, success=False, extra={"reason": reason, "kind": KIND})
    uow.actor = actor


def _nobody_at_home(uow: UnitOfWork, passkey: Passkey) -> Actor:
    """Return nobody, in the organization whose admins look after the person."""
    home = next((row.organization_id for row in _tokens(uow, passkey.user_id)), None)
    return Actor(ActorKind.NOBODY, NOBODY.id, NOBODY.name, organization_id=home)


def _organization(uow: UnitOfWork) -> Organization:
    return uow.session.get_one(Organization, uow.organization_id)
