"""Tokens of programs: issued by people, or minted by another token that reaches at least as far; replaced."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select, update

from crypto.tokens import new_token
from errors import Conflict, Denied, Invalid, NotFound
from models import AccessToken
from policy import Permission, Scope
from services import service_accounts, token_limits, tokens
from services.access import demand, holds
from services.rules import TOKEN_LASTS_AT_MOST
from services.token_limits import UNLIMITED, Limits
from services.tokens import Minted
from services.unit_of_work import UnitOfWork

_DAY = timedelta(days=1)
_SHORTEST = timedelta(seconds=1)
"""Of a token that a program mints, for one step of its work perhaps."""


def issue(
    uow: UnitOfWork,
    name: str,
    scopes: Iterable[Scope],
    lasts: timedelta,
    *,
    owner_id: UUID | None = None,
    limits: Limits = UNLIMITED,
) -> Minted:
    """Issue an API token that acts for its owner, within *scopes* and *limits*.

    Args:
        owner_id: None: the actor. A service account; anybody else only from a command.

    Raises:
        Invalid: no name, no scope, a lifetime outside 1 to 365 days, or limits that cannot be kept.
    """
    if not _DAY <= lasts <= TOKEN_LASTS_AT_MOST:
        message = f"Choose a lifetime from 1 to {TOKEN_LASTS_AT_MOST.days} days."
        raise Invalid(message, "days")
    return _make(uow, name, scopes, lasts, owner_id or uow.actor.id, limits)


def issue_for_service(
    uow: UnitOfWork,
    owner_id: UUID,
    name: str,
    scopes: Iterable[Scope],
    lasts: timedelta,
    limits: Limits = UNLIMITED,
) -> Minted:
    """Issue an API token that acts for a service account.

    Raises:
        Denied: the actor does not look after service accounts.
        StepUpRequired: the actor must confirm who they are first.
        Invalid: there is no such account, or as :func:`issue` says.
    """
    demand(uow, Permission.SERVICES_MANAGE)
    if owner_id not in {line.user_id for line in service_accounts.active(uow)}:
        raise Invalid("Choose one from the list.", "owner_id")
    return issue(uow, name, scopes, lasts, owner_id=owner_id, limits=limits)


def mint(
    uow: UnitOfWork, name: str, scopes: Iterable[Scope], lasts: timedelta, *, limits: Limits = UNLIMITED
) -> Minted:
    """Make a token with the actor's own token: for the same owner, and in nothing wider.

    Raises:
        Denied: it would reach further, or the actor's token may only be used so many times.
        Invalid: no name, no scope, it would outlive the actor's token, or limits that cannot be kept.
    """
    parent = tokens.find(uow, uow.actor.token_id) if uow.actor.token_id else None
    if parent is None:
        raise Denied("Only a program mints tokens with a token.")
    if parent.uses_max is not None:
        raise Denied("A token that may be used so many times cannot make others.")
    chosen = frozenset(scopes)
    if not chosen <= frozenset(Scope(scope) for scope in parent.scopes.split()):
        raise Denied("A token can only make others with scopes that it has itself.")
    if not _SHORTEST <= lasts <= parent.expires_at - uow.now:
        raise Invalid("It can last from a second to the end of the token that makes it.", "seconds")
    token_limits.demand_narrower(token_limits.kept(uow, parent, uow.organization_id), limits)
    return _make(uow, name, chosen, lasts, parent.user_id, limits, parent_id=parent.id)


def replace_own(uow: UnitOfWork, old: AccessToken, *, overlap: timedelta = timedelta(0)) -> Minted:
    """Issue a token like *old*: its name, scopes, limits and lifetime; *old* works on for *overlap*.

    What *old* has minted hangs on the new one from now on.

    Raises:
        NotFound: the token is not the actor's own, or none for programs.
        Conflict: it no longer works, or was replaced before.
        Invalid: the overlap is negative or longer than 7 days.
    """
    tokens.check_overlap(overlap)
    check_replaceable(uow, old)
    scopes = [Scope(scope) for scope in old.scopes.split()]
    limits = token_limits.kept(uow, old, uow.organization_id)
    lasts = old.expires_at - old.created_at
    minted = _make(uow, old.name, scopes, lasts, old.user_id, limits, parent_id=old.parent_id)
    uow.session.execute(
        update(AccessToken).where(AccessToken.parent_id == old.id).values(parent_id=minted.id)
    )
    tokens.give_way(uow, old, minted, overlap)
    return minted


def check_replaceable(uow: UnitOfWork, old: AccessToken) -> None:
    """Refuse what :func:`replace_own` would refuse.

    Raises:
        NotFound: the token is not the actor's own nor of a service account that they look after, or none for
            programs.
        Conflict: it no longer works, was replaced before, or was made by another token.
    """
    of_service = old.kind == "api" and service_accounts.is_service(uow, old.user_id)
    if not (of_service and holds(uow, Permission.SERVICES_MANAGE)):
        tokens.own(uow, old.id, "api")
    tokens.check_replaceable(uow, old)
    if old.parent_id is not None:
        raise Conflict("Another token made this one; let that make a new one.")


def find_child(uow: UnitOfWork, token_id: UUID) -> AccessToken:
    """Return a token that the actor's token has made, by itself or by those that it made.

    Raises:
        NotFound: there is none.
    """
    child = tokens.find(uow, token_id)
    above = child.parent_id
    while above is not None:
        if above == uow.actor.token_id:
            return child
        above = uow.session.scalar(select(AccessToken.parent_id).where(AccessToken.id == above))
    raise NotFound


def _make(
    uow: UnitOfWork,
    name: str,
    scopes: Iterable[Scope],
    lasts: timedelta,
    owner_id: UUID,
    limits: Limits,
    *,
    parent_id: UUID | None = None,
) -> Minted:
    name = tokens.clean_name(name)
    chosen = sorted(set(scopes))
    if not chosen:
        message = "Choose at least one thing that the token may do."
        raise Invalid(message, "scopes")
    token_limits.check(uow, limits, uow.now + lasts)
    text, parsed = new_token("api")
    token = tokens.store(
        uow,
        parsed,
        owner_id,
        uow.organization_id,
        name,
        lasts,
        scopes=chosen,
        limits=limits,
        parent_id=parent_id,
    )
    return Minted(token.id, text, token.expires_at)
