"""Access tokens: made, replaced, revoked. A token's text exists once, in the answer to its maker."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import select, update

from crypto.tokens import ParsedToken, new_token
from errors import Conflict, Invalid, NotFound
from models import AccessToken, Action, UserSession
from policy import Scope
from services import audit, owners, sessions
from services.events import Extra, Target
from services.rules import TOKEN_LASTS, TOKEN_LASTS_AT_MOST, TOKEN_WARNING
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
    token = _store(uow, parsed, user_id, organization_id, "Sign-in", lasts)
    return Minted(token.id, text, token.expires_at)


def store_first(uow: UnitOfWork, parsed: ParsedToken, user_id: UUID, *, organization_id: UUID) -> None:
    """Store the operator's own first token: it signs in once, to be replaced."""
    token = _store(uow, parsed, user_id, organization_id, "First sign-in", _DAY)
    token.must_replace = True


def issue_api(
    uow: UnitOfWork, name: str, scopes: Iterable[Scope], lasts: timedelta, *, owner_id: UUID | None = None
) -> Minted:
    """Issue an API token that acts for its owner, within *scopes*.

    Args:
        owner_id: None: the actor. Anybody else only from a command.

    Raises:
        Invalid: no name, no scope, or a lifetime outside 1 to 365 days.
    """
    name = _clean_name(name)
    if not _DAY <= lasts <= TOKEN_LASTS_AT_MOST:
        message = f"Choose a lifetime from 1 to {TOKEN_LASTS_AT_MOST.days} days."
        raise Invalid(message, "days")
    chosen = sorted(set(scopes))
    if not chosen:
        message = "Choose at least one thing that the token may do."
        raise Invalid(message, "scopes")
    text, parsed = new_token("api")
    token = _store(uow, parsed, owner_id or uow.actor.id, uow.organization_id, name, lasts, scopes=chosen)
    return Minted(token.id, text, token.expires_at)


def replace_own_signin(uow: UnitOfWork, old_id: UUID, *, overlap: timedelta = timedelta(0)) -> Minted:
    """Give the actor a new sign-in token in place of *old_id*, which works on for *overlap*.

    The present session goes on under the new token; the others end with the old one.

    Raises:
        NotFound: the token is not the actor's own.
        Conflict: it no longer works, or was replaced before.
        Invalid: the overlap is negative or longer than 7 days.
    """
    _check_overlap(overlap)
    old = _own(uow, old_id, "signin")
    _check_replaceable(uow, old)
    minted = mint_signin(uow, old.user_id, organization_id=old.organization_id)
    uow.session.execute(
        update(UserSession)
        .where(UserSession.id == uow.actor.session_id, UserSession.token_id == old.id)
        .values(token_id=minted.id)
    )
    _give_way(uow, old, minted, timedelta(0) if old.must_replace else overlap)
    return minted


def replace_own_api(uow: UnitOfWork, old: AccessToken, *, overlap: timedelta = timedelta(0)) -> Minted:
    """Issue a token like the actor's own *old*: its name, scopes and lifetime; *old* works on for *overlap*.

    Raises:
        NotFound: the token is not the actor's own, or none for programs.
        Conflict: it no longer works, or was replaced before.
        Invalid: the overlap is negative or longer than 7 days.
    """
    _check_overlap(overlap)
    check_replaceable_api(uow, old)
    scopes = [Scope(scope) for scope in old.scopes.split()]
    minted = issue_api(uow, old.name, scopes, old.expires_at - old.created_at)
    _give_way(uow, old, minted, overlap)
    return minted


def check_replaceable_api(uow: UnitOfWork, old: AccessToken) -> None:
    """Refuse what :func:`replace_own_api` would refuse.

    Raises:
        NotFound: the token is not the actor's own, or none for programs.
        Conflict: it no longer works, or was replaced before.
    """
    _check_replaceable(uow, _own(uow, old.id, "api"))


def revoke(uow: UnitOfWork, token: AccessToken) -> None:
    """End a token and the sessions that it opened; the row stays as evidence.

    Raises:
        Conflict: it has been revoked before.
        Denied: only an owner takes an owner's way in.
        LastOwner: no owner could sign in any more.
    """
    if token.revoked_at is not None:
        message = "This token was revoked before."
        raise Conflict(message)
    owners.lock(uow)
    if token.kind == "signin" and owners.is_owner(uow, token.user_id):
        if token.user_id != uow.actor.id:
            owners.require_owner(uow, "Only an owner can revoke the sign-in token of an owner.")
        owners.require_another_way_in(uow, token)
    _end(uow, token)


def revoke_all_of(uow: UnitOfWork, user_id: UUID, *, kind: str | None = None) -> int:
    """Revoke a person's tokens in the organization, all or those of one kind; return how many.

    Whether they may all go is for the caller to know.
    """
    statement = select(AccessToken).where(AccessToken.user_id == user_id, AccessToken.revoked_at.is_(None))
    if kind is not None:
        statement = statement.where(AccessToken.kind == kind)
    living = uow.session.scalars(statement).all()
    for token in living:
        _end(uow, token)
    return len(living)


def target_of(token: AccessToken) -> Target:
    """Name a token for the audit log."""
    return Target("token", token.id, f"{token.name} ({token.lookup_id})")


def _own(uow: UnitOfWork, token_id: UUID, kind: str) -> AccessToken:
    token = find(uow, token_id)
    if token.user_id != uow.actor.id or token.kind != kind:
        raise NotFound
    return token


def _check_overlap(overlap: timedelta) -> None:
    if not timedelta(0) <= overlap <= OVERLAP_AT_MOST:
        message = "Choose an overlap from 0 to 7 days."
        raise Invalid(message, "overlap_hours")


def _check_replaceable(uow: UnitOfWork, old: AccessToken) -> None:
    if old.replaced_by is not None:
        message = "This token was replaced before. Use the one that came in its place."
        raise Conflict(message)
    if old.revoked_at is not None or old.expires_at <= uow.now:
        message = "This token no longer works, so it cannot be replaced. Make a new one instead."
        raise Conflict(message)


def _give_way(uow: UnitOfWork, old: AccessToken, minted: Minted, overlap: timedelta) -> None:
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


def _clean_name(text: str) -> str:
    name = " ".join(text.split())
    if not name or len(name) > NAME_MAX or not name.isprintable():
        message = f"Give the token a name of 1 to {NAME_MAX} printable characters."
        raise Invalid(message, "name")
    return name


def _store(
    uow: UnitOfWork,
    parsed: ParsedToken,
    user_id: UUID,
    organization_id: UUID,
    name: str,
    lasts: timedelta,
    *,
    scopes: Sequence[Scope] = (),
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
    facts: Extra = {"kind": token.kind, "days": lasts.days, "scopes": [scope.value for scope in scopes]}
    audit.record(uow, Action.TOKEN_CREATED, target_of(token), extra=facts)
    return token
