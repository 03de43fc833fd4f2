"""Profiles: named sets of scopes, vaults and names that tokens are made with.

Two profiles have a meaning of their own: ``root`` is all that whoever makes the token may do with theirs, and
``default`` is looking after itself, which every token may.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy import select

from errors import Denied, Invalid, NameTaken, NotFound
from models import AccessToken, Action, Profile, TokenLease
from policy import Scope
from services import audit, token_limits, tokens
from services.events import Target
from services.token_limits import UNLIMITED, Limits
from services.unit_of_work import UnitOfWork

ROOT, DEFAULT = "root", "default"
BUILT_IN = (DEFAULT, ROOT)
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,59}")
_TABLE, _COLUMN = "profile", "name_patterns"


@dataclass(frozen=True, slots=True)
class Extent:
    """What tokens are made with: scopes, and the places that they reach."""

    scopes: frozenset[Scope]
    limits: Limits = UNLIMITED

    @property
    def places(self) -> tuple[frozenset[UUID] | None, tuple[str, ...]]:
        """The vaults and the names."""
        return self.limits.vaults, self.limits.names


SELF = Extent(frozenset({Scope.TOKEN_SELF}))


def every(uow: UnitOfWork) -> Sequence[Profile]:
    """Return the organization's profiles, by name."""
    return uow.session.scalars(select(Profile).order_by(Profile.name)).all()


def find(uow: UnitOfWork, profile_id: UUID) -> Profile:
    """Return a profile of the organization.

    Raises:
        NotFound: there is none.
    """
    profile = uow.session.scalar(select(Profile).where(Profile.id == profile_id))
    if profile is None:
        raise NotFound
    return profile


def extent_of(uow: UnitOfWork, profile: Profile) -> Extent:
    """Return what a profile comes to."""
    scopes = frozenset(Scope(scope) for scope in profile.scopes.split())
    vaults = frozenset(map(UUID, profile.vault_ids.split())) if profile.vault_ids else None
    names: tuple[str, ...] = ()
    if profile.name_patterns is not None:
        opened = uow.keys.decrypt(
            uow.organization_id, _TABLE, profile.id, _COLUMN, profile.revision, profile.name_patterns
        )
        names = tuple(json.loads(opened))
    return Extent(scopes, Limits(vaults, names))


def own_extent(uow: UnitOfWork) -> Extent:
    """Return what the actor's own token may do: the profile ``root``."""
    if uow.actor.token_id is None:
        return Extent(frozenset(Scope))
    token = tokens.find(uow, uow.actor.token_id)
    kept = token_limits.kept(uow, token, uow.organization_id)
    limits = Limits(kept.vaults, kept.names, kept.networks, per_minute=kept.per_minute)
    return Extent(uow.actor.scopes or frozenset(), limits)


def resolve(uow: UnitOfWork, names: Collection[str]) -> Extent:
    """Return what tokens with these profiles may do, all of them together.

    Raises:
        Invalid: there is no such profile, or they reach different places, so that no token could be both.
    """
    if ROOT in names:
        return own_extent(uow)
    wanted = set(names) - {DEFAULT}
    found = uow.session.scalars(select(Profile).where(Profile.name.in_(wanted))).all()
    missing = sorted(wanted - {profile.name for profile in found})
    if missing:
        raise Invalid(f"There is no profile called {missing[0]}. Profiles are made on the page Tokens.")
    return _together([extent_of(uow, profile) for profile in found])


def _together(extents: Sequence[Extent]) -> Extent:
    if not extents:
        return SELF
    if len({extent.places for extent in extents}) > 1:
        raise Invalid("These profiles reach different vaults or names. Make one profile of what is needed.")
    scopes = frozenset().union(*(extent.scopes for extent in extents))
    return Extent(scopes | SELF.scopes, extents[0].limits)


def demand_covers(uow: UnitOfWork, wanted: Extent) -> None:
    """Refuse to let a token make what reaches further than itself; networks and speed are its maker's affair.

    Raises:
        Denied: it would.
    """
    own = own_extent(uow)
    if not wanted.scopes - SELF.scopes <= own.scopes:
        raise Denied("This token has not all the scopes of these profiles.")
    places = Limits(own.limits.vaults, own.limits.names)
    token_limits.demand_narrower(places, Limits(wanted.limits.vaults, wanted.limits.names))


def save(
    uow: UnitOfWork,
    profile: Profile | None,
    *,
    name: str,
    scopes: Iterable[Scope],
    vaults: Collection[UUID] = (),
    names: Iterable[str] = (),
) -> Profile:
    """Make a profile, or change one; the tokens that were made with it change at once.

    Raises:
        Invalid: names the form field.
        Conflict: the name is taken.
    """
    if not NAME.fullmatch(name) or name in BUILT_IN:
        raise Invalid("Use small letters, digits, dots and dashes; root and default are taken.", "name")
    chosen = sorted(set(scopes))
    if not chosen:
        raise Invalid("Choose at least one thing that it allows.", "scopes")
    taken = uow.session.scalar(select(Profile.id).where(Profile.name == name))
    if taken is not None and (profile is None or taken != profile.id):
        raise NameTaken(f"There is a profile called {name} already. Choose another name.")
    patterns = token_limits.read_names(names)
    limits = Limits(frozenset(vaults) or None, patterns)
    token_limits.check(uow, limits, uow.now)
    made = profile is None
    if profile is None:
        profile = Profile(id=uuid4(), organization_id=uow.organization_id, revision=0)
        uow.session.add(profile)
    was = None if made else profile.name
    profile.name = name if made else profile.name
    profile.scopes = " ".join(chosen)
    profile.vault_ids = " ".join(sorted(map(str, vaults)))
    profile.revision += 1
    profile.name_patterns = _seal(uow, profile, patterns)
    profile.changed_at, profile.changed_by = uow.now, uow.actor.id
    uow.session.flush()
    action = Action.PROFILE_CREATED if made else Action.PROFILE_CHANGED
    extra = {"scopes": [scope.value for scope in chosen], **token_limits.facts_of(limits)}
    audit.record(uow, action, _target(profile), extra=extra)
    if was is not None:
        _renew_tokens(uow, was)
    return profile


def delete(uow: UnitOfWork, profile: Profile) -> None:
    """Delete a profile. The tokens that were made with it are revoked: nobody can say what they are for."""
    target = _target(profile)
    for token in _tokens_with(uow, profile.name):
        tokens.revoke(uow, token)
    uow.session.delete(profile)
    uow.session.flush()
    audit.record(uow, Action.PROFILE_DELETED, target)


def _renew_tokens(uow: UnitOfWork, name: str) -> None:
    """Let the living tokens of a changed profile do what it says now; those that cannot be both end.

    What they have made in other ways does not change with it, and ends where it would be wider than they are.
    """
    changed = _tokens_with(uow, name)
    _follow(uow, changed)
    for token in changed:
        _end_wider(uow, token)


def _end_wider(uow: UnitOfWork, parent: AccessToken) -> None:
    made = select(AccessToken).where(AccessToken.parent_id == parent.id, AccessToken.revoked_at.is_(None))
    for child in uow.session.scalars(made).all():
        if _covers(uow, parent, child):
            _end_wider(uow, child)
        else:
            tokens.revoke(uow, child)


def _covers(uow: UnitOfWork, parent: AccessToken, child: AccessToken) -> bool:
    if not set(child.scopes.split()) - SELF.scopes <= set(parent.scopes.split()):
        return False
    wide, narrow = (token_limits.look_at(uow, token) for token in (parent, child))
    if wide is None or narrow is None:
        # One of them opens nothing, so there is nothing to compare.
        return True
    try:
        token_limits.demand_narrower(wide, narrow)
    except Denied:
        return False
    return True


def _follow(uow: UnitOfWork, changed: Iterable[AccessToken]) -> None:
    for token in changed:
        lease = uow.session.get(TokenLease, token.id)
        try:
            extent = resolve(uow, lease.profiles.split() if lease else [])
        except Invalid:
            tokens.revoke(uow, token)
            continue
        kept = token_limits.kept(uow, token, uow.organization_id)
        token.scopes = " ".join(sorted(extent.scopes))
        left, most = token.uses_left, token.uses_max
        token_limits.keep(
            uow,
            token,
            Limits(
                extent.limits.vaults,
                extent.limits.names,
                kept.networks,
                kept.not_before,
                None,
                kept.per_minute,
            ),
        )
        token.uses_left, token.uses_max = left, most
    uow.session.flush()


def _tokens_with(uow: UnitOfWork, name: str) -> list[AccessToken]:
    living = (
        select(AccessToken, TokenLease.profiles)
        .join(TokenLease, TokenLease.token_id == AccessToken.id)
        .where(AccessToken.revoked_at.is_(None), AccessToken.expires_at > uow.now)
    )
    return [token for token, profiles in uow.session.execute(living) if name in profiles.split()]


def _seal(uow: UnitOfWork, profile: Profile, names: tuple[str, ...]) -> bytes | None:
    if not names:
        return None
    text = json.dumps(names, ensure_ascii=False).encode()
    return uow.keys.encrypt(uow.organization_id, _TABLE, profile.id, _COLUMN, profile.revision, text)


def _target(profile: Profile) -> Target:
    return Target("profile", profile.id, profile.name)
