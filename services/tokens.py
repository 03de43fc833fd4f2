"""Access tokens: made, replaced, revoked. A token's text exists once, in the answer to its maker."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import select, update

from crypto.tokens import ParsedToken, new_token
from errors import Conflict, Invalid, NotFound
from models import AccessToken, Action, UserSession
from policy import Scope
from services import audit, sessions
from services.events import Target
from services.rules import TOKEN_LASTS, TOKEN_LASTS_AT_MOST
from services.unit_of_work import UnitOfWork

OVERLAP_AT_MOST = timedelta(days=7)
_NAME_MAX = 120


@dataclass(frozen=True, slots=True)
class Minted:
    """A new token; its text is shown once and stored nowhere."""

    id: UUID
    text: str = field(repr=False)
    expires_at: datetime


def find(uow: UnitOfWork, token_id: UUID) -> AccessToken:
    """Return a token of the actor's organization.

    Raises:
        NotFound: there is none.
    """
    token = uow.session.scalar(select(AccessToken).where(AccessToken.id == token_id))
    if token is None:
        raise NotFound
    return token


def mint_signin(
    uow: UnitOfWork, user_id: UUID, *, organization_id: UUID, lasts: timedelta = TOKEN_LASTS
) -> Minted:
    """Make a sign-in token for a person, in their own presence."""
    text, parsed = new_token("signin")
    token = _store(uow, parsed, user_id, organization_id, "Sign-in", lasts)
    return Minted(token.id, text, token.expires_at)


def store_first(uow: UnitOfWork, parsed: ParsedToken, user_id: UUID, *, organization_id: UUID) -> None:
    """Store the operator's own first token: it signs in once, to be replaced."""
    token = _store(uow, parsed, user_id, organization_id, "First sign-in", timedelta(days=1))
    token.must_replace = True


def issue_api(uow: UnitOfWork, name: str, scopes: Iterable[Scope], lasts: timedelta) -> Minted:
    """Issue an API token that acts for the actor, within *scopes*.

    Raises:
        Invalid: no name, no scope, or a lifetime outside 1 to 365 days.
    """
    name = name.strip()
    if not name or len(name) > _NAME_MAX:
        message = f"Give the token a name of 1 to {_NAME_MAX} characters."
        raise Invalid(message, "name")
    if not timedelta(days=1) <= lasts <= TOKEN_LASTS_AT_MOST:
        message = "Choose a lifetime from 1 to 365 days."
        raise Invalid(message, "days")
    chosen = sorted(set(scopes))
    if not chosen:
        message = "Choose at least one thing that the token may do."
        raise Invalid(message, "scopes")
    text, parsed = new_token("api")
    token = _store(uow, parsed, uow.actor.id, uow.organization_id, name, lasts, scopes=chosen)
    return Minted(token.id, text, token.expires_at)


def replace_own_signin(uow: UnitOfWork, old_id: UUID, *, overlap: timedelta = timedelta(0)) -> Minted:
    """Give the actor a new sign-in token in place of *old_id*, which works on for *overlap*.

    Sessions that the old token opened go on under the new one, unless the old one had to be replaced.

    Raises:
        NotFound: the token is not the actor's own.
        Conflict: it has been revoked.
        Invalid: the overlap is negative or longer than 7 days.
    """
    if not timedelta(0) <= overlap <= OVERLAP_AT_MOST:
        message = "Choose an overlap from 0 to 7 days."
        raise Invalid(message, "overlap")
    old = uow.session.scalar(select(AccessToken).where(AccessToken.id == old_id))
    if old is None or old.user_id != uow.actor.id or old.kind != "signin":
        raise NotFound
    if old.revoked_at is not None or old.expires_at <= uow.now:
        message = "This token no longer works, so it cannot be replaced. Ask an admin for a new link."
        raise Conflict(message)
    minted = mint_signin(uow, old.user_id, organization_id=old.organization_id)
    old.replaced_by = minted.id
    if overlap and not old.must_replace:
        old.expires_at = min(old.expires_at, uow.now + overlap)
    else:
        old.revoked_at, old.revoked_by = uow.now, uow.actor.id
    uow.session.flush()
    uow.session.execute(
        update(UserSession).where(UserSession.token_id == old.id).values(token_id=minted.id)
    )
    audit.record(
        uow,
        Action.TOKEN_REPLACED,
        target_of(old),
        extra={"by": str(minted.id), "overlap_seconds": int(overlap.total_seconds())},
    )
    return minted


def revoke(uow: UnitOfWork, token: AccessToken) -> None:
    """End a token and the sessions that it opened; the row stays as evidence.

    Raises:
        Conflict: it has been revoked before.
    """
    if token.revoked_at is not None:
        message = "This token was revoked before."
        raise Conflict(message)
    token.revoked_at, token.revoked_by = uow.now, uow.actor.id
    sessions.end_all_by_token(uow, token.id)
    audit.record(uow, Action.TOKEN_REVOKED, target_of(token))


def revoke_all_of(uow: UnitOfWork, user_id: UUID) -> int:
    """Revoke every living token of a person in the organization; return how many."""
    tokens = uow.session.scalars(
        select(AccessToken).where(AccessToken.user_id == user_id, AccessToken.revoked_at.is_(None))
    ).all()
    for token in tokens:
        revoke(uow, token)
    return len(tokens)


def revoke_signin_of(uow: UnitOfWork, user_id: UUID) -> None:
    """Revoke a person's living sign-in tokens in the organization, with the sessions they opened."""
    for token in uow.session.scalars(
        select(AccessToken).where(
            AccessToken.user_id == user_id,
            AccessToken.kind == "signin",
            AccessToken.revoked_at.is_(None),
        )
    ).all():
        revoke(uow, token)


def target_of(token: AccessToken) -> Target:
    """Name a token for the audit log."""
    return Target("token", token.id, f"{token.name} ({token.lookup_id})")


def _store(
    uow: UnitOfWork,
    parsed: ParsedToken,
    user_id: UUID,
    organization_id: UUID,
    name: str,
    lasts: timedelta,
    *,
    scopes: Iterable[Scope] = (),
) -> AccessToken:
    token = AccessToken(
        id=uuid4(),
        organization_id=organization_id,
        user_id=user_id,
        kind=parsed.kind,
        name=name,
        lookup_id=parsed.lookup_id,
        digest=uow.keys.token_digest(parsed.kind, parsed.lookup_id, parsed.secret),
        scopes=" ".join(scopes),
        must_replace=False,
        created_at=uow.now,
        created_by=uow.actor.id,
        expires_at=uow.now + lasts,
    )
    uow.session.add(token)
    uow.session.flush()
    audit.record(uow, Action.TOKEN_CREATED, target_of(token), extra={"kind": token.kind})
    return token
