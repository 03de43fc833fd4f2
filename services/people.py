"""The people of an organization: their roles, and ending and renewing their access."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from errors import NotFound
from models import Membership
from services.unit_of_work import UnitOfWork


def find(uow: UnitOfWork, member_id: UUID) -> Membership:
    """Return a membership of the actor's organization.

    Raises:
        NotFound: there is none.
    """
    member = uow.session.scalar(select(Membership).where(Membership.id == member_id))
    if member is None:
        raise NotFound
    return member
