"""Roles by which programs come in without a token of their own, and the mounts that they are kept under.

A role acts for the owner of the token that made it, within its profiles; whoever looks after it later must
reach as far as it does, or one could get more by making a secret id than one has.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any
from uuid import uuid4

from sqlalchemy import select

from errors import Denied, Invalid, NotFound
from models import Action, AppRole, AuthMount
from services import audit, profiles, token_leases, token_limits
from services.content_rules import check_line
from services.events import Target
from services.token_limits import Limits
from services.unit_of_work import UnitOfWork

NAME_MAX = 120
LONGEST = 365 * 24 * 60 * 60
"""Seconds that a token lasts at most, whatever else is said."""
TAKEN = frozenset({"token"})


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds for a role; durations are seconds, 0 is none.

    Args:
        networks: from where it may come in, in CIDR notation.
        token_networks: from where its tokens may be used.
        per_minute: requests of each of its tokens; 0: no limit of their own.
    """

    profiles: list[str] = field(default_factory=list)
    plain: bool = False
    bind_secret_id: bool = True
    networks: list[str] = field(default_factory=list)
    secret_uses: int = 0
    secret_seconds: int = 0
    token_seconds: int = 0
    token_seconds_max: int = 0
    token_explicit_max: int = 0
    token_period: int = 0
    token_uses: int = 0
    token_networks: list[str] = field(default_factory=list)
    per_minute: int = 0


def mounts(uow: UnitOfWork) -> Sequence[AuthMount]:
    """Return the organization's mounts, by path."""
    return uow.session.scalars(select(AuthMount).order_by(AuthMount.path)).all()


def find_mount(uow: UnitOfWork, path: str) -> AuthMount:
    """Return a mount of the organization.

    Raises:
        NotFound: there is none.
    """
    mount = uow.session.scalar(select(AuthMount).where(AuthMount.path == path.strip("/")))
    if mount is None:
        raise NotFound
    return mount


def mount(uow: UnitOfWork, path: str, description: str = "") -> None:
    """Make a place where programs come in.

    Raises:
        Invalid: the path cannot be used, or is in use.
    """
    path = path.strip("/")
    check_line(path, "The path", "path")
    if not 0 < len(path) <= NAME_MAX or path in TAKEN or "/role" in f"/{path}/" or path.endswith("login"):
        raise Invalid("That path cannot be mounted.", "path")
    if uow.session.scalar(select(AuthMount.id).where(AuthMount.path == path)) is not None:
        raise Invalid(f"path is already in use at {path}/", "path")
    made = AuthMount(
        id=uuid4(),
        organization_id=uow.organization_id,
        path=path,
        description=description[:500],
        owner_id=uow.actor.id,
        created_at=uow.now,
    )
    uow.session.add(made)
    uow.session.flush()
    audit.record(uow, Action.ROLE_CHANGED, Target("mount", made.id, path), extra={"what": "mounted"})


def tune(
    uow: UnitOfWork, path: str, *, description: str | None, usual: int | None, longest: int | None
) -> None:
    """Say what a mount is for, and how many seconds its tokens last; None leaves a thing, 0 takes it away.

    Raises:
        NotFound: there is none.
        Denied: somebody else's token has made it, or the actor's token reaches less far than a role there, or
            does not last.
        Invalid: tokens do not last that long.
    """
    demand_lasting(uow)
    found = find_mount(uow, path)
    _demand_own(uow, found)
    for part, seconds in (("seconds_usual", usual), ("seconds_max", longest)):
        if seconds is not None and not 0 <= seconds <= LONGEST:
            raise Invalid(f"A token lasts 1 second to {LONGEST // 86400} days.")
        if seconds is not None:
            setattr(found, part, seconds or None)
    if description is not None:
        found.description = description[:500]
    uow.session.flush()
    audit.record(uow, Action.ROLE_CHANGED, Target("mount", found.id, found.path), extra={"what": "tuned"})


def _demand_own(uow: UnitOfWork, found: AuthMount) -> None:
    if found.owner_id != uow.actor.id:
        raise Denied("Only whoever mounted it changes it or takes it away.")
    for role in roles(uow, found):
        demand_reach(uow, role)


def unmount(uow: UnitOfWork, path: str) -> None:
    """Take a mount away with all its roles, if it is there. Tokens that were made live on.

    Raises:
        Denied: somebody else's token has made it.
    """
    found = uow.session.scalar(select(AuthMount).where(AuthMount.path == path.strip("/")))
    if found is None:
        return
    _demand_own(uow, found)
    uow.session.delete(found)
    uow.session.flush()
    audit.record(uow, Action.ROLE_DELETED, Target("mount", found.id, found.path), extra={"what": "unmounted"})


def roles(uow: UnitOfWork, found: AuthMount) -> Sequence[AppRole]:
    """Return the roles there that are the actor's owner's, by name."""
    own = select(AppRole).where(AppRole.mount_id == found.id, AppRole.owner_id == uow.actor.id)
    return uow.session.scalars(own.order_by(AppRole.name)).all()


def find(uow: UnitOfWork, path: str, name: str) -> AppRole:
    """Return a role that the actor's token reaches as far as.

    Raises:
        NotFound: there is none of the actor's owner, or no such mount.
        Denied: it reaches further.
    """
    found = next((role for role in roles(uow, find_mount(uow, path)) if role.name == name.lower()), None)
    if found is None:
        raise NotFound(f'role "{name}" does not exist')
    demand_reach(uow, found)
    return found


def demand_reach(uow: UnitOfWork, role: AppRole) -> None:
    """Refuse to look after what reaches further than one's own token.

    Raises:
        Denied: it does.
    """
    profiles.demand_covers(uow, profiles.resolve(uow, settings_of(role).profiles))


def demand_lasting(uow: UnitOfWork) -> None:
    """Let only a token that a person made, and that may be used as often as they like, hand out ways in.

    A role and a secret id outlive the token that makes them: who takes a token away is to take all away that
    it has made.

    Raises:
        Denied: another token or a role made it, or its uses are counted.
    """
    if uow.actor.token_id is None:
        return
    found = token_leases.own(uow)
    if not token_leases.made_by_person(found) or found.token.uses_max is not None:
        raise Denied("Only a token that a person made makes roles and secret ids: they outlive it.")


def settings_of(role: AppRole) -> Settings:
    """Read what holds for a role."""
    stored: dict[str, Any] = json.loads(role.settings)
    return Settings(**stored)


def save(uow: UnitOfWork, path: str, name: str, wanted: Settings) -> None:
    """Make a role, or change the one of that name.

    Raises:
        Invalid: something about it cannot be kept.
        NotFound: there is no such mount.
        Denied: the actor's token does not reach as far, or does not last.
    """
    demand_lasting(uow)
    place = find_mount(uow, path)
    name = name.lower()
    if not 0 < len(name) <= NAME_MAX or not name.isprintable() or "/" in name:
        raise Invalid("That name cannot be used for a role.")
    if profiles.ROOT in wanted.profiles:
        raise Invalid("A role acts within profiles of its own; root is what a token's maker may.")
    profiles.demand_covers(uow, profiles.resolve(uow, wanted.profiles))
    token_limits.read_networks(wanted.networks)
    wanted = _bound(uow, wanted)
    role = uow.session.scalar(select(AppRole).where(AppRole.mount_id == place.id, AppRole.name == name))
    if role is None:
        role = AppRole(
            id=uuid4(),
            organization_id=uow.organization_id,
            mount_id=place.id,
            owner_id=uow.actor.id,
            name=name,
            role_id=str(uuid4()),
        )
        uow.session.add(role)
    elif role.owner_id != uow.actor.id:
        raise Denied("Somebody else's token has made that role.")
    else:
        demand_reach(uow, role)
    role.settings = json.dumps(asdict(wanted))
    uow.session.flush()
    _record(uow, Action.ROLE_CHANGED, role, {"profiles": wanted.profiles})


def _bound(uow: UnitOfWork, wanted: Settings) -> Settings:
    """Bind a role's tokens to the networks and the speed that the actor's own is bound to."""
    limits = profiles.own_extent(uow).limits
    own, wanted = limits.networks, replace(wanted, per_minute=limits.per_minute or 0)
    chosen = token_limits.read_networks(wanted.token_networks)
    if not chosen:
        return replace(wanted, token_networks=[str(network) for network in own])
    token_limits.demand_narrower(Limits(networks=own), Limits(networks=chosen))
    return wanted


def set_role_id(uow: UnitOfWork, role: AppRole, role_id: str) -> None:
    """Choose the half of what programs show that is no secret.

    Raises:
        Invalid: it cannot be used.
    """
    if not 0 < len(role_id) <= NAME_MAX or not role_id.isprintable():
        raise Invalid(f"role_id is a text of 1 to {NAME_MAX} characters")
    held = select(AppRole.id).where(AppRole.role_id == role_id, AppRole.mount_id == role.mount_id)
    if uow.session.scalar(held) not in {None, role.id}:
        raise Invalid("role_id is in use")
    role.role_id = role_id
    uow.session.flush()
    _record(uow, Action.ROLE_CHANGED, role, {"what": "role id"})


def delete(uow: UnitOfWork, role: AppRole) -> None:
    """Delete a role and its secret ids; tokens that were made live on."""
    uow.session.delete(role)
    uow.session.flush()
    _record(uow, Action.ROLE_DELETED, role, {})


def _record(uow: UnitOfWork, action: Action, role: AppRole, extra: dict[str, Any]) -> None:
    audit.record(uow, action, Target("role", role.id, role.name), extra=extra)
