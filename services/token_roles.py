"""Token roles: terms that tokens are made under by name. Each belongs to the owner of its maker's token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import uuid4

from sqlalchemy import select

from errors import Invalid, NotFound
from models import Action, TokenRole
from services import audit, profiles
from services.events import Target
from services.profiles import DEFAULT
from services.token_leases import Terms
from services.unit_of_work import UnitOfWork


def every(uow: UnitOfWork) -> Sequence[TokenRole]:
    """Return the roles of the actor's owner, by name."""
    own = select(TokenRole).where(TokenRole.owner_id == uow.actor.id)
    return uow.session.scalars(own.order_by(TokenRole.name)).all()


def find(uow: UnitOfWork, name: str) -> TokenRole:
    """Return a role of the actor's owner.

    Raises:
        NotFound: there is none.
    """
    role = next((role for role in every(uow) if role.name == name), None)
    if role is None:
        raise NotFound
    return role


def save(
    uow: UnitOfWork,
    name: str,
    allowed: Sequence[str],
    *,
    orphan: bool,
    renewable: bool,
    path_suffix: str,
    period: int,
    seconds_max: int,
) -> None:
    """Make a role, or change the one of that name.

    Raises:
        Invalid: there is no such profile, or the name cannot be used.
        Denied: the actor's token does not reach as far.
    """
    if not profiles.NAME.fullmatch(name.lower()):
        raise Invalid("The name of a role has letters, digits, dots and dashes.")
    if allowed:
        profiles.demand_covers(uow, profiles.resolve(uow, allowed))
    role = next((role for role in every(uow) if role.name == name), None)
    if role is None:
        role = TokenRole(id=uuid4(), organization_id=uow.organization_id, owner_id=uow.actor.id, name=name)
        uow.session.add(role)
    role.profiles = " ".join(sorted(set(allowed)))
    role.orphan, role.renewable = orphan, renewable
    role.path_suffix, role.period, role.seconds_max = path_suffix[:100], period, seconds_max
    uow.session.flush()
    audit.record(uow, Action.ROLE_CHANGED, Target("role", role.id, name), extra={"profiles": list(allowed)})


def delete(uow: UnitOfWork, name: str) -> None:
    """Delete a role, if it is there; the tokens that were made with it live on."""
    role = next((role for role in every(uow) if role.name == name), None)
    if role is not None:
        uow.session.delete(role)
        uow.session.flush()
        audit.record(uow, Action.ROLE_DELETED, Target("role", role.id, name))


def terms_of(role: TokenRole, asked: Terms) -> Terms:
    """Return the terms of a token that is made with a role.

    Raises:
        Invalid: a profile is asked for that the role does not allow.
    """
    allowed = role.profiles.split()
    chosen = asked.profiles or allowed or None
    if allowed and set(chosen or ()) - {*allowed, DEFAULT}:
        raise Invalid("token policies must be subset of the role's allowed policies")
    suffix = f"/{role.path_suffix}" if role.path_suffix else ""
    return replace(
        asked,
        profiles=chosen,
        orphan=role.orphan,
        renewable=role.renewable and asked.renewable,
        period=role.period or asked.period,
        seconds_max=role.seconds_max or asked.seconds_max,
        path=f"auth/token/create/{role.name}{suffix}",
        role=role.name,
    )
