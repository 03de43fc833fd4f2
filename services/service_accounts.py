"""Service accounts: what programs act for that belong to nobody in particular. Nobody ever signs in as one.

One is an account like a person's, with a role and with rights on vaults, so that everything that tells who
may see what tells it of services as well.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy import select

from errors import Invalid
from models import Action, Membership, Organization, User
from policy import Role
from services import audit, invitations, limits
from services.events import Target
from services.unit_of_work import UnitOfWork

ROLES = (Role.MEMBER, Role.AUDITOR)
"""What a service can be: it looks after no people."""
_ELSE = re.compile(r"[^a-z0-9]+")
_LOCAL_MAX = 40


@dataclass(frozen=True, slots=True)
class ServiceLine:
    """A service account that works."""

    user_id: UUID
    name: str
    address: str


def active(uow: UnitOfWork) -> list[ServiceLine]:
    """Return the service accounts that are not disabled, by name."""
    rows = uow.session.execute(
        select(User.id, User.name, User.email)
        .join(Membership, Membership.user_id == User.id)
        .where(
            User.service, Membership.organization_id == uow.organization_id, Membership.disabled_at.is_(None)
        )
    )
    return sorted((ServiceLine(*row) for row in rows), key=lambda line: (line.name.casefold(), line.address))


def is_service(uow: UnitOfWork, user_id: UUID) -> bool:
    """Whether an account is a service's."""
    return uow.session.get_one(User, user_id).service


def create(uow: UnitOfWork, name: str, role: Role) -> Membership:
    """Make a service account; it can do nothing until it is given rights and a token.

    Raises:
        Invalid: it has no name, or a role that services cannot have.
        Conflict: there are as many people as there may be, and a service counts as one.
    """
    limits.demand_place(uow)
    name = invitations.clean_name(name)
    if not name:
        raise Invalid("Enter a name, such as Deployment.", "name")
    if role not in ROLES:
        raise Invalid("Choose one from the list.", "role")
    user = User(id=uuid4(), email=_free_address(uow, name), name=name, service=True, created_at=uow.now)
    uow.session.add(user)
    uow.session.flush()
    member = Membership(
        id=uuid4(),
        organization_id=uow.organization_id,
        user_id=user.id,
        role=role.value,
        created_at=uow.now,
    )
    uow.session.add(member)
    uow.session.flush()
    target = Target("person", user.id, user.email)
    audit.record(uow, Action.SERVICE_CREATED, target, extra={"role": role.value})
    return member


def _free_address(uow: UnitOfWork, name: str) -> str:
    """Return what stands where people have an e-mail address; no mail ever goes there."""
    slug = uow.session.get_one(Organization, uow.organization_id).slug
    local = _ELSE.sub("-", name.lower()).strip("-")[:_LOCAL_MAX] or "service"
    domain = f"@{slug}{invitations.SERVICES}"
    taken = set(uow.session.scalars(select(User.email).where(User.email.endswith(domain, autoescape=True))))
    address, number = f"{local}{domain}", 2
    while address in taken:
        address, number = f"{local}-{number}{domain}", number + 1
    return address
