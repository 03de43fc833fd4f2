"""The people of an organization, as pages about vaults need them: to choose from, and by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from models import Membership, User
from policy import CEILINGS, Right, Role
from services.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody who may be given a right on a vault.

    Args:
        ceiling: the strongest right that their role allows.
    """

    user_id: UUID
    name: str
    email: str
    role: Role
    ceiling: Right


def active(uow: UnitOfWork) -> list[Colleague]:
    """Return the members of the organization who are not disabled, by name."""
    rows = uow.session.execute(
        select(User, Membership.role)
        .join(Membership, Membership.user_id == User.id)
        .where(Membership.organization_id == uow.organization_id, Membership.disabled_at.is_(None))
    )
    people = [
        Colleague(user.id, user.name, user.email, Role(role), CEILINGS.get(Role(role), Right.MANAGE))
        for user, role in rows
    ]
    return sorted(people, key=lambda person: (person.name.casefold(), person.email))


def names(uow: UnitOfWork, user_ids: Iterable[UUID | None]) -> Mapping[UUID, str]:
    """Return what people are called; those who have left are still named."""
    rows = uow.session.execute(select(User.id, User.name).where(User.id.in_(set(user_ids) - {None})))
    return {row.id: row.name for row in rows}
