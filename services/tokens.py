"""Access tokens: made, replaced, revoked. A token's text exists once, in the answer to its maker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import select, update

from crypto.tokens import ParsedToken, new_token
from errors import Conflict, Invalid, NotFound
from models import AccessToken, Action, UserSession
from policy import Scope
from services import audit, owners, sessions, token_limits
from services.events import Extra, Target
from services.rules import TOKEN_LASTS, TOKEN_WARNING, WAYS_IN
from services.token_limits import UNLIMITED, Limits
from services.unit_of_work import UnitOfWork

NAME_MAX = 120
OVERLAP_AT_MOST = timedelta(days=7)
_DAY = timedelta(days=1)


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


def find_by_handle(uow: UnitOfWork, handle: str) -> AccessToken:
    """Return the token of the actor's organization that lists name *handle*.

    Raises:
        NotFound: there is none.
    """
    token = uow.session.scalar(select(AccessToken).where(AccessToken.lookup_id == handle.lower()))
    if token is None:
        message = f"There is no token {handle} in this organization."
        raise NotFound(message)
    return token


def expiring(uow: UnitOfWork) -> Sequence[AccessToken]:
    """Return the actor's own living tokens that end within ``TOKEN_WARNING``, the first to end first."""
    return uow.session.scalars(
        select(AccessToken)
        .where(
            AccessToken.user_id == uow.actor.id,
            AccessToken.revoked_at.is_(None),
            AccessToken.replaced_by.is_(None),
            AccessToken.expires_at > uow.now,
            AccessToken.expires_at <= uow.now + TOKEN_WARNING,
        )
        .order_by(AccessToken.expires_at, AccessToken.id)
    ).all()


def mint_signin(
    uow: UnitOfWork, user_id: UUID, *, organization_id: UUID, lasts: timedelta = TOKEN_LASTS
) -> Minted:
    """Make a sign-in token for a person, in their own presence."""
    text, parsed = new_token("signin")
    token = store(uow, parsed, user_id, organization_id, "Sign-in", lasts)
    return Minted(token.id, text, token.expires_at)


def mint_sso(uow: UnitOfWork, user_id: UUID, *, organization_id: UUID, name: str) -> UUID:
    """Make the token behind an account at a provider; nobody ever sees its text, so nobody presents it.

    It ends when it has not been used for ``TOKEN_LASTS``.
    """
    unseen = replace(new_token("signin")[1], kind="sso")
    return store(uow, unseen, user_id, organization_id, name, TOKEN_LASTS).id


def store_first(uow: UnitOfWork, parsed: ParsedToken, user_id: UUID, *, organization_id: UUID) -> None:
    """Store the operator's own first token: it signs in once, to be replaced."""
    token = store(uow, parsed, user_id, organization_id, "First sign-in", _DAY)
    token.must_replace = True


def replace_own_signin(uow: UnitOfWork, old_id: UUID, *, overlap: timedelta = timedelta(0)) -> Minted:
    """Give the actor a new sign-in token in place of *old_id*, which works on for *overlap*.

    The present session goes on under the new token; the others end with the old one.

    Raises:
        NotFound: the token is not the actor's own.
        Conflict: it no longer works, or was replaced before.
        Invalid: the overlap is negative or longer than 7 days.
    """
    check_overlap(overlap)
    check_presented(uow, old_id)
    old = own(uow, old_id, "signin")
    check_replaceable(uow, old)
    minted = mint_signin(uow, old.user_id, organization_id=old.organization_id)
    uow.session.execute(
        update(UserSession)
        .where(UserSession.id == uow.actor.session_id, UserSession.token_id == old.id)
        .values(token_id=minted.id)
    )
    give_way(uow, old, minted, timedelta(0) if old.must_replace else overlap)
    return minted


def check_presented(uow: UnitOfWork, token_id: UUID) -> None:
    """Refuse to replace what the actor never held in their hands.

    Raises:
        NotFound: there is no such token.
        Conflict: an account at a provider stands behind it.
    """
    if find(uow, token_id).kind == "sso":
        message = "You signed in by single sign-on, without a token, so there is none to replace."
        raise Conflict(message)


def revoke(uow: UnitOfWork, token: AccessToken) -> None:
    """End a token, the sessions that it opened and the tokens that it made; the rows stay as evidence.

    Raises:
        Conflict: it has been revoked before.
        Denied: only an owner takes an owner's way in.
        LastOwner: no owner could sign in any more.
    """
    if token.revoked_at is not None:
        message = "This token was revoked before."
        raise Conflict(message)
    owners.lock(uow)
    if token.kind in WAYS_IN and owners.is_owner(uow, token.user_id):
        if token.user_id != uow.actor.id:
            owners.require_owner(uow, "Only an owner can revoke the sign-in token of an owner.")
        owners.require_another_way_in(uow, token)
    _end(uow, token)


def revoke_all_of(uow: UnitOfWork, user_id: UUID, *, ways_in: bool = False) -> int:
    """Revoke a person's tokens in the organization, all or only their ways in; return how many.

    Whether they may all go is for the caller to know.
    """
    statement = select(AccessToken).where(AccessToken.user_id == user_id, AccessToken.revoked_at.is_(None))
    if ways_in:
        statement = statement.where(AccessToken.kind.in_(WAYS_IN))
    living = uow.session.scalars(statement).all()
    for token in living:
        # One that another of them made has ended with that.
        if token.revoked_at is None:
            _end(uow, token)
    return len(living)


def target_of(token: AccessToken) -> Target:
    """Name a token for the audit log."""
    return Target("token", token.id, f"{token.name} ({token.lookup_id})")


def own(uow: UnitOfWork, token_id: UUID, kind: str) -> AccessToken:
    """Return a token of the actor's own.

    Raises:
        NotFound: it is somebody else's, or of another kind.
    """
    token = find(uow, token_id)
    if token.user_id != uow.actor.id or token.kind != kind:
        raise NotFound
    return token


def check_overlap(overlap: timedelta) -> None:
    """Refuse an overlap that is negative or longer than 7 days."""
    if not timedelta(0) <= overlap <= OVERLAP_AT_MOST:
        message = "Choose an overlap from 0 to 7 days."
        raise Invalid(message, "overlap_hours")


def check_replaceable(uow: UnitOfWork, old: AccessToken) -> None:
    """Refuse to replace what was replaced before or no longer works."""
    if old.replaced_by is not None:
        message = "This token was replaced before. Use the one that came in its place."
        raise Conflict(message)
    if old.revoked_at is not None or old.expires_at <= uow.now or old.uses_left == 0:
        message = "This token no longer works, so it cannot be replaced. Make a new one instead."
        raise Conflict(message)


def give_way(uow: UnitOfWork, old: AccessToken, minted: Minted, overlap: timedelta) -> None:
    """End *old*, at once or after *overlap*, in favour of the new one."""
    old.replaced_by = minted.id
    if overlap:
        old.expires_at = min(old.expires_at, uow.now + overlap)
    else:
        old.revoked_at, old.revoked_by = uow.now, uow.actor.id
        sessions.end_all_by_token(uow, old.id, "token replaced")
    audit.record(
        uow,
        Action.TOKEN_REPLACED,
        target_of(old),
        extra={"by": str(minted.id), "overlap_seconds": int(overlap.total_seconds())},
    )


def _end(uow: UnitOfWork, token: AccessToken) -> None:
    token.revoked_at, token.revoked_by = uow.now, uow.actor.id
    sessions.end_all_by_token(uow, token.id, "token revoked")
    audit.record(uow, Action.TOKEN_REVOKED, target_of(token), extra={"kind": token.kind})
    for child in _children(uow, token):
        _end(uow, child)


def _children(uow: UnitOfWork, token: AccessToken) -> Sequence[AccessToken]:
    """Return the living tokens that a program has made with *token*."""
    made = select(AccessToken).where(AccessToken.parent_id == token.id, AccessToken.revoked_at.is_(None))
    return uow.session.scalars(made.order_by(AccessToken.created_at)).all()


def clean_name(text: str) -> str:
    """Return a token's name without blanks around it; refuse one that cannot be shown."""
    name = " ".join(text.split())
    if not name or len(name) > NAME_MAX or not name.isprintable():
        message = f"Give the token a name of 1 to {NAME_MAX} printable characters."
        raise Invalid(message, "name")
    return name


def store(
    uow: UnitOfWork,
    parsed: ParsedToken,
    user_id: UUID,
    organization_id: UUID,
    name: str,
    lasts: timedelta,
    *,
    scopes: Sequence[Scope] = (),
    limits: Limits = UNLIMITED,
    parent_id: UUID | None = None,
) -> AccessToken:
    """Store and record a new token; what it may be was checked."""
    token = AccessToken(
        id=uuid4(),
        organization_id=organization_id,
        user_id=user_id,
        kind=parsed.kind,
        name=name,
        lookup_id=parsed.lookup_id,
        digest=uow.keys.token_digest(parsed.kind, parsed.lookup_id, parsed.secret),
        scopes=" ".join(scopes),
        parent_id=parent_id,
        must_replace=False,
        created_at=uow.now,
        created_by=uow.actor.id,
        expires_at=uow.now + lasts,
    )
    token_limits.keep(uow, token, limits)
    uow.session.add(token)
    uow.session.flush()
    facts: Extra = {"kind": token.kind, "days": lasts.days, "scopes": [scope.value for scope in scopes]}
    made = {"parent": str(parent_id)} if parent_id else {}
    extra = {**facts, **token_limits.facts_of(limits), **made}
    audit.record(uow, Action.TOKEN_CREATED, target_of(token), extra=extra)
    return token
