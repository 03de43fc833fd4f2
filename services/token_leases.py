"""Tokens as clients of the Vault-compatible API make, look up, renew and revoke them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from crypto.tokens import new_token, parse_token, same
from errors import Denied, Invalid, NotFound
from models import AccessToken, Action, TokenLease
from services import audit, profiles, token_limits, tokens
from services.profiles import DEFAULT, ROOT, Extent
from services.rules import TOKEN_LASTS_AT_MOST
from services.unit_of_work import UnitOfWork

NO_CHILDREN = "restricted use token cannot generate child tokens"
NOT_RENEWABLE = "lease is not renewable"


@dataclass(frozen=True, slots=True)
class Terms:
    """How a token is wanted.

    Args:
        profiles: None: those of the token that makes it.
        seconds: how long; 0: as long as may be.
        uses: None: as often as one likes.
    """

    profiles: Sequence[str] | None = None
    plain: bool = False
    """Whether ``default`` is left out."""
    seconds: int = 0
    seconds_max: int = 0
    period: int = 0
    renewable: bool = True
    orphan: bool = False
    uses: int | None = None
    display_name: str = "token"
    metadata: Mapping[str, str] = field(default_factory=dict)
    path: str = "auth/token/create"
    role: str = ""


@dataclass(frozen=True, slots=True)
class Leased:
    """A token and what is told of it.

    Args:
        text: None: whoever asks did not show it.
    """

    token: AccessToken
    lease: TokenLease | None
    text: str | None = field(default=None, repr=False)

    @property
    def profiles(self) -> list[str]:
        """Names; of a token that a person made, ``root``: what they may, within its scopes."""
        return sorted(self.lease.profiles.split()) if self.lease else [ROOT]


def create(uow: UnitOfWork, terms: Terms) -> Leased:
    """Make a token with the actor's own, in nothing wider.

    Raises:
        Invalid: there is no such profile, or the terms cannot be met.
        Denied: it would reach further.
    """
    parent = tokens.find(uow, uow.actor.token_id) if uow.actor.token_id else None
    if parent is None:
        raise Denied("Only a program makes tokens with a token.")
    if parent.uses_max is not None:
        raise Invalid(NO_CHILDREN)
    names = _names(uow, parent, terms)
    extent = profiles.resolve(uow, names)
    profiles.demand_covers(uow, extent)
    left = int((parent.expires_at - uow.now).total_seconds())
    seconds = min(filter(None, (terms.period or terms.seconds, terms.seconds_max, left)))
    own_limits = profiles.own_extent(uow).limits
    limits = replace(
        extent.limits, uses=terms.uses, networks=own_limits.networks, per_minute=own_limits.per_minute
    )
    parent_id = None if terms.orphan else parent.id
    if terms.orphan:
        _demand_whole(uow)
    return store(uow, terms, names, Extent(extent.scopes, limits), seconds, parent.user_id, parent_id)


def _demand_whole(uow: UnitOfWork) -> None:
    """Let only a token that a person made, without narrowing, make tokens that outlive it."""
    if not made_by_person(own(uow)) or uow.actor.narrowing is not None:
        raise Denied("Only a token that a person made, and that reaches everything of theirs, makes orphans.")


def _names(uow: UnitOfWork, parent: AccessToken, terms: Terms) -> list[str]:
    if terms.profiles is None:
        lease = uow.session.get(TokenLease, parent.id)
        return lease.profiles.split() if lease else [ROOT]
    chosen = set(terms.profiles) | (set() if terms.plain else {DEFAULT})
    return sorted(chosen - {DEFAULT} if chosen == {ROOT, DEFAULT} else chosen)


def store(
    uow: UnitOfWork,
    terms: Terms,
    names: Sequence[str],
    extent: Extent,
    seconds: int,
    owner_id: UUID,
    parent_id: UUID | None,
) -> Leased:
    """Store a token whose terms have been checked, for *seconds*, with what is told of it."""
    lasts = timedelta(seconds=seconds)
    token_limits.check(uow, extent.limits, uow.now + lasts)
    text, parsed = new_token("api")
    token = tokens.store(
        uow,
        parsed,
        owner_id,
        uow.organization_id,
        tokens.clean_name(terms.display_name),
        lasts,
        scopes=sorted(extent.scopes),
        limits=extent.limits,
        parent_id=parent_id,
    )
    lease = TokenLease(
        token_id=token.id,
        organization_id=uow.organization_id,
        profiles=" ".join(names),
        metadata_=json.dumps(dict(terms.metadata), ensure_ascii=False) if terms.metadata else "",
        display_name=token.name,
        path=terms.path,
        role=terms.role,
        seconds=seconds,
        period=terms.period,
        seconds_max=terms.seconds_max,
        renewable=terms.renewable,
        orphan=parent_id is None,
    )
    uow.session.add(lease)
    uow.session.flush()
    return Leased(token, lease, text)


def own(uow: UnitOfWork) -> Leased:
    """Return the token that the actor came with, without its text."""
    if uow.actor.token_id is None:
        raise NotFound
    return _leased(uow, tokens.find(uow, uow.actor.token_id))


def made_by_person(found: Leased) -> bool:
    """Whether a person made a token, on a page or by a command: not another token, and no role."""
    return found.token.parent_id is None and found.lease is None


def by_text(uow: UnitOfWork, text: str) -> Leased | None:
    """Return a living token of the actor's owner by its text; None: there is none."""
    parsed = parse_token(text)
    if parsed is None:
        return None
    token = uow.session.scalar(select(AccessToken).where(AccessToken.lookup_id == parsed.lookup_id))
    if token is None or token.kind != "api" or token.user_id != uow.actor.id or not _lives(uow, token):
        return None
    if not same(uow.keys.token_digest(parsed.kind, parsed.lookup_id, parsed.secret), token.digest):
        return None
    return replace(_leased(uow, token), text=text)


def by_accessor(uow: UnitOfWork, accessor: str) -> Leased | None:
    """Return a living token that the actor's token looks after by its accessor; None: there is none."""
    return next((each for each in reached(uow) if str(each.token.id) == accessor), None)


def reached(uow: UnitOfWork) -> list[Leased]:
    """Return the living tokens that the actor's token looks after: itself, and all that come from it."""
    living = select(AccessToken).where(
        AccessToken.user_id == uow.actor.id,
        AccessToken.kind == "api",
        AccessToken.revoked_at.is_(None),
        AccessToken.expires_at > uow.now,
    )
    found = {token.id: token for token in uow.session.scalars(living) if token.uses_left != 0}
    return [_leased(uow, token) for token in found.values() if _is_below(uow, token, found)]


def _is_below(uow: UnitOfWork, token: AccessToken, living: Mapping[UUID, AccessToken]) -> bool:
    above: AccessToken | None = token
    while above is not None:
        if above.id == uow.actor.token_id:
            return True
        above = living.get(above.parent_id) if above.parent_id else None
    return False


def renew(uow: UnitOfWork, found: Leased, increment: int = 0) -> Leased:
    """Let a token live longer, counted from now.

    Args:
        increment: seconds; 0: as long as it was made for.

    Raises:
        Invalid: it is not renewable, or must end now.
    """
    token, lease = found.token, found.lease
    if lease is None or not lease.renewable:
        raise Invalid(NOT_RENEWABLE)
    until = uow.now + timedelta(seconds=lease.period or increment or lease.seconds)
    ends = [until, token.created_at + TOKEN_LASTS_AT_MOST]
    if lease.seconds_max:
        ends.append(token.created_at + timedelta(seconds=lease.seconds_max))
    if token.parent_id is not None:
        ends.append(tokens.find(uow, token.parent_id).expires_at)
    token.expires_at = max(min(ends), uow.now)
    lease.renewed_at = uow.now
    uow.session.flush()
    extra = {"seconds": int((token.expires_at - uow.now).total_seconds())}
    audit.record(uow, Action.TOKEN_RENEWED, tokens.target_of(token), extra=extra)
    return found


def revoke(uow: UnitOfWork, found: Leased, *, orphans: bool = False) -> None:
    """End a token, and what it made; with *orphans* that lives on by itself."""
    if orphans:
        _demand_whole(uow)
        made = select(AccessToken).where(AccessToken.parent_id == found.token.id)
        for child in uow.session.scalars(made):
            child.parent_id = None
        uow.session.flush()
    tokens.revoke(uow, found.token)


def _lives(uow: UnitOfWork, token: AccessToken) -> bool:
    return token.revoked_at is None and token.expires_at > uow.now and token.uses_left != 0


def _leased(uow: UnitOfWork, token: AccessToken) -> Leased:
    return Leased(token, uow.session.get(TokenLease, token.id))
