"""An organization keeps an owner, and only owners decide about owners, also when two act at once."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Select, exists, select

from errors import Denied, LastOwner
from models import AccessToken, Membership, Organization
from policy import ActorKind, Role
from services.rules import WAYS_IN
from services.unit_of_work import UnitOfWork

_LAST = "The organization would be left without an owner. Make somebody else an owner first."
_LAST_WAY_IN = "No owner could sign in any more. Replace this token, or give another owner a new link."


def lock(uow: UnitOfWork) -> None:
    """Make everybody else who changes people here wait until this unit is finished.

    PostgreSQL locks the organization's row; on SQLite the unit holds the one write transaction anyway.
    """
    uow.session.execute(
        select(Organization.id).where(Organization.id == uow.organization_id).with_for_update()
    )


def require_owner(uow: UnitOfWork, sentence: str) -> None:
    """Refuse unless the actor is an owner at this moment; what the request began with may be out of date.

    Args:
        sentence: says what only an owner may do.

    Raises:
        Denied: the actor is not an owner, nor the system.
    """
    if uow.actor.kind is ActorKind.SYSTEM:
        return
    if not is_owner(uow, uow.actor.id):
        raise Denied(sentence)


def require_another(uow: UnitOfWork, user_id: UUID) -> None:
    """Refuse unless somebody else than *user_id* is an active owner. Needs the :func:`lock`.

    Raises:
        LastOwner: nobody is.
    """
    if not has_another(uow, user_id):
        raise LastOwner(_LAST)


def has_another(uow: UnitOfWork, user_id: UUID) -> bool:
    """Whether somebody else than *user_id* is an active owner."""
    return uow.session.scalar(_active_owners().where(Membership.user_id != user_id).limit(1)) is not None


def require_another_way_in(uow: UnitOfWork, token: AccessToken) -> None:
    """Refuse unless some active owner can sign in with another token than *token*. Needs the :func:`lock`.

    Raises:
        LastOwner: none can.
    """
    living = exists().where(
        AccessToken.organization_id == uow.organization_id,
        AccessToken.user_id == Membership.user_id,
        AccessToken.id != token.id,
        AccessToken.kind.in_(WAYS_IN),
        AccessToken.revoked_at.is_(None),
        AccessToken.expires_at > uow.now,
    )
    if uow.session.scalar(_active_owners().where(living).limit(1)) is None:
        raise LastOwner(_LAST_WAY_IN)


def is_owner(uow: UnitOfWork, user_id: UUID) -> bool:
    """Whether *user_id* is an active owner."""
    return uow.session.scalar(_active_owners().where(Membership.user_id == user_id)) is not None


def _active_owners() -> Select[tuple[UUID]]:
    return select(Membership.user_id).where(
        Membership.role == Role.OWNER.value, Membership.disabled_at.is_(None)
    )
