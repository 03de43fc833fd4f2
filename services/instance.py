"""The first start: the instance, its keys, its first organization, and the way in for its first owner."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from sqlalchemy import select

from crypto.keyring import ORGANIZATION_PURPOSES, SYSTEM, SYSTEM_PURPOSES
from crypto.tokens import derive_token, parse_token
from models import Action, Instance, Membership, Organization, User
from policy import SYSTEM_ACTOR, Actor, Role
from services import audit, invitations, keys, tokens
from services.database import reading
from services.events import Target
from services.runtime import Runtime
from services.unit_of_work import UnitOfWork

FIRST_ORGANIZATION = "My team"
FIRST_EMAIL = "owner@localhost"
_SLUG_MAX = 60


@dataclass(frozen=True, slots=True)
class FirstOwner:
    """What a first start needs to know."""

    organization: str = FIRST_ORGANIZATION
    email: str = FIRST_EMAIL
    name: str = "Owner"
    admin_token: str | None = field(default=None, repr=False)


def is_new(runtime: Runtime) -> bool:
    """Whether the instance has not been set up yet."""
    with reading(runtime.engine) as connection:
        return connection.execute(select(Instance.id)).first() is None


def set_up(runtime: Runtime, owner: FirstOwner) -> str | None:
    """Set up a new instance in one transaction, unless it is set up already.

    Returns:
        The token of the first owner's enrolment link; None where there is one already, or ``ADMIN_TOKEN``
        is the way in.
    """
    with runtime.work(writing=True) as uow:
        if uow.session.get(Instance, 1) is not None:
            return None
        uow.session.add(Instance(id=1, uuid=uuid4(), key_generation=0, created_at=uow.now))
        uow.session.flush()
        keys.make_keys(uow.connection, runtime.masters, SYSTEM, SYSTEM_PURPOSES)
        organization = make_organization(uow, owner.organization)
        uow.act_as(Actor(SYSTEM_ACTOR.kind, SYSTEM_ACTOR.id, SYSTEM_ACTOR.name, organization.id))
        if owner.admin_token is None:
            return invitations.invite_first_owner(uow, owner.email, owner.name, operator=True).token
        _let_in_with_admin_token(uow, organization.id, owner, owner.admin_token)
        return None


def make_organization(uow: UnitOfWork, name: str) -> Organization:
    """Make an organization with keys of its own."""
    organization = Organization(
        id=uuid4(), slug=_free_slug(uow, name), name=name, change=0, created_at=uow.now
    )
    uow.session.add(organization)
    uow.session.flush()
    keys.make_keys(uow.connection, uow.runtime.masters, organization.id, ORGANIZATION_PURPOSES)
    uow.forget_keys()
    audit.record(uow, Action.ORGANIZATION_CREATED, Target("organization", organization.id, organization.name))
    audit.record(
        uow,
        Action.KEY_CREATED,
        Target("organization", organization.id, organization.name),
        extra={"purposes": list(ORGANIZATION_PURPOSES), "version": 1},
    )
    return organization


def slug_of(name: str) -> str:
    """Return what stands for *name* in addresses: lower-case letters, digits and dashes."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:_SLUG_MAX].strip("-") or "team"


def _free_slug(uow: UnitOfWork, name: str) -> str:
    base = slug_of(name)
    taken = set(uow.session.scalars(select(Organization.slug).where(Organization.slug.startswith(base))))
    slug, number = base, 2
    while slug in taken:
        slug, number = f"{base[: _SLUG_MAX - 4]}-{number}", number + 1
    return slug


def _let_in_with_admin_token(
    uow: UnitOfWork, organization_id: UUID, owner: FirstOwner, admin_token: str
) -> None:
    user = User(
        id=uuid4(),
        email=invitations.clean_email(owner.email),
        name=owner.name,
        operator=True,
        created_at=uow.now,
    )
    uow.session.add(user)
    uow.session.flush()
    uow.session.add(
        Membership(
            id=uuid4(),
            organization_id=organization_id,
            user_id=user.id,
            role=Role.OWNER.value,
            created_at=uow.now,
        )
    )
    parsed = parse_token(admin_token) or derive_token(admin_token)
    tokens.store_first(uow, parsed, user.id, organization_id=organization_id)
