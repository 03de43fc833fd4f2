"""Who may use a vault. It always keeps a manager."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, and_, or_, select

from errors import Conflict, Invalid, NotFound
from models import Action, Grant, Membership, User, Vault
from policy import CEILINGS, Right, Role
from services import audit
from services.events import Extra, Target
from services.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class GrantLine:
    """A person's grant on a vault.

    Args:
        active: whether it gives the right now: not ended, the person not disabled.
    """

    user_id: UUID
    name: str
    email: str
    role: Role
    disabled: bool
    right: Right
    ends_at: datetime | None
    active: bool
    granted_by: UUID
    created_at: datetime


def grants(uow: UnitOfWork, vault: Vault) -> list[GrantLine]:
    """Return who was given what on a vault, ended grants included, by name."""
    rows = uow.session.execute(
        select(Grant, User, Membership)
        .join(User, User.id == Grant.user_id)
        .join(
            Membership,
            and_(Membership.user_id == Grant.user_id, Membership.organization_id == Grant.organization_id),
        )
        .where(Grant.vault_id == vault.id)
    )
    lines = [
        GrantLine(
            user_id=user.id,
            name=user.name,
            email=user.email,
            role=Role(membership.role),
            disabled=membership.disabled_at is not None,
            right=Right(grant.right),
            ends_at=grant.ends_at,
            active=membership.disabled_at is None and (grant.ends_at is None or grant.ends_at > uow.now),
            granted_by=grant.granted_by,
            created_at=grant.created_at,
        )
        for grant, user, membership in rows
    ]
    return sorted(lines, key=lambda line: (line.name.casefold(), line.email))


@dataclass(frozen=True, slots=True)
class Reach:
    """A vault that a person was given a right on, which has not ended."""

    vault_id: UUID
    name: str
    right: Right
    ends_at: datetime | None


def reach_of(uow: UnitOfWork, user_id: UUID) -> list[Reach]:
    """Return the vaults that a person could work in, by name, also after they were disabled."""
    rows = uow.session.execute(
        select(Vault.id, Vault.name, Grant.right, Grant.ends_at)
        .join(Grant, Grant.vault_id == Vault.id)
        .where(Grant.user_id == user_id, or_(Grant.ends_at.is_(None), Grant.ends_at > uow.now))
    )
    reach = [Reach(row.id, row.name, Right(row.right), row.ends_at) for row in rows]
    return sorted(reach, key=lambda one: (one.name.casefold(), one.vault_id))


def grant(
    uow: UnitOfWork, vault: Vault, user_id: UUID, right: Right, ends_at: datetime | None = None
) -> None:
    """Give a person a right on a vault, or another one than they have.

    Raises:
        Invalid: the person is not an active member, their role allows no such right, or *ends_at* is past.
        Conflict: nobody would manage the vault.
    """
    _lock(uow, vault)
    _check_person(uow, user_id, right)
    if ends_at is not None and ends_at <= uow.now:
        raise Invalid("Choose a time in the future, or none.", "ends_at")
    given = _grant_of(uow, vault, user_id)
    if given is None:
        give(uow, vault, user_id, right, ends_at)
        return
    if (given.right, given.ends_at) == (right, ends_at):
        return
    if right < Right.MANAGE or ends_at is not None:
        _refuse_last_manager(uow, vault, user_id)
    was = Right(given.right)
    given.right, given.ends_at = right, ends_at
    given.granted_by, given.created_at = uow.actor.id, uow.now
    uow.session.flush()
    extra = _grant_extra(user_id, right, ends_at)
    _record(uow, Action.GRANT_CHANGED, vault, {**extra, "was": was.label})


def take(uow: UnitOfWork, vault: Vault, user_id: UUID) -> None:
    """Take a person's right on a vault away.

    Raises:
        NotFound: they have none.
        Conflict: nobody would manage the vault.
    """
    _lock(uow, vault)
    given = _grant_of(uow, vault, user_id)
    if given is None:
        raise NotFound
    _refuse_last_manager(uow, vault, user_id)
    uow.session.delete(given)
    uow.session.flush()
    _record(uow, Action.GRANT_TAKEN, vault, {"user": str(user_id), "was": Right(given.right).label})


def give(uow: UnitOfWork, vault: Vault, user_id: UUID, right: Right, ends_at: datetime | None) -> None:
    """Store and record a first grant; what it may be was checked."""
    uow.session.add(
        Grant(
            id=uuid4(),
            organization_id=uow.organization_id,
            vault_id=vault.id,
            user_id=user_id,
            right=right,
            ends_at=ends_at,
            granted_by=uow.actor.id,
            created_at=uow.now,
        )
    )
    uow.session.flush()
    _record(uow, Action.GRANT_GIVEN, vault, _grant_extra(user_id, right, ends_at))


def _grant_extra(user_id: UUID, right: Right, ends_at: datetime | None) -> Extra:
    return {
        "user": str(user_id),
        "right": right.label,
        "ends_at": ends_at.isoformat() if ends_at else None,
    }


def _grant_of(uow: UnitOfWork, vault: Vault, user_id: UUID) -> Grant | None:
    return uow.session.scalars(
        select(Grant).where(Grant.vault_id == vault.id, Grant.user_id == user_id)
    ).one_or_none()


def _check_person(uow: UnitOfWork, user_id: UUID, right: Right) -> None:
    membership = uow.session.scalars(
        select(Membership).where(
            Membership.user_id == user_id,
            Membership.disabled_at.is_(None),
        )
    ).one_or_none()
    if membership is None:
        raise Invalid("Choose somebody who belongs to the organization.", "user_id")
    ceiling = CEILINGS.get(Role(membership.role), Right.MANAGE)
    if right > ceiling:
        raise Invalid(f"An {membership.role} can be given {ceiling.label} at most.", "right")


def _refuse_last_manager(uow: UnitOfWork, vault: Vault, user_id: UUID) -> None:
    """Refuse to go on if the person is the only one who manages the vault for good."""
    managers = set(
        uow.session.scalars(
            select(Grant.user_id)
            .join(
                Membership,
                and_(
                    Membership.user_id == Grant.user_id,
                    Membership.organization_id == Grant.organization_id,
                ),
            )
            .where(Grant.vault_id == vault.id, *_manages_for_good())
        )
    )
    if managers == {user_id}:
        raise Conflict("The vault needs a manager. Give somebody else manage without an end first.")


def _manages_for_good() -> tuple[ColumnElement[bool], ...]:
    capped = [role.value for role in Role if CEILINGS.get(role, Right.MANAGE) < Right.MANAGE]
    return (
        Grant.right == Right.MANAGE,
        Grant.ends_at.is_(None),
        Membership.disabled_at.is_(None),
        Membership.role.not_in(capped),
    )


def _lock(uow: UnitOfWork, vault: Vault) -> None:
    """Let nobody else change grants of the vault at the same time, where the database lets many write."""
    uow.session.execute(select(Vault.id).where(Vault.id == vault.id).with_for_update())


def _record(uow: UnitOfWork, action: Action, vault: Vault, extra: Extra) -> None:
    audit.record(uow, action, Target("vault", vault.id, vault.name), extra=extra)
