"""Who may use a vault or a single item: people and groups. A vault always keeps a manager."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, and_, func, or_, select

from errors import Conflict, Invalid, NotFound
from models import Action, Grant, Group, GroupMember, Membership, User, Vault
from policy import CEILINGS, Right, Role
from services import audit
from services.events import Extra, Target
from services.items import StoredItem
from services.notes import GRANT_REASON
from services.unit_of_work import UnitOfWork

Place = Vault | StoredItem
"""What a right can be given on."""


@dataclass(frozen=True, slots=True)
class GrantLine:
    """A grant to a person or a group.

    Args:
        holder_id: the person's or the group's.
        email: empty for a group.
        role: None for a group.
        members: how many are in the group; None: it is a person.
        active: whether it gives the right now: not ended, the person not disabled.
        reason: empty: nobody said.
    """

    holder_id: UUID
    name: str
    email: str
    role: Role | None
    members: int | None
    disabled: bool
    right: Right
    ends_at: datetime | None
    active: bool
    reason: str
    granted_by: UUID
    created_at: datetime

    @property
    def is_group(self) -> bool:
        """Whether a group holds it."""
        return self.members is not None


def grants(uow: UnitOfWork, place: Place) -> list[GrantLine]:
    """Return who was given what, ended grants included: groups first, then people, by name."""
    lines = [*_of_groups(uow, place), *_of_people(uow, place)]
    return sorted(lines, key=lambda line: (not line.is_group, line.name.casefold(), line.email))


def _of_people(uow: UnitOfWork, place: Place) -> list[GrantLine]:
    rows = uow.session.execute(
        select(Grant, User, Membership)
        .join(User, User.id == Grant.user_id)
        .join(
            Membership,
            and_(Membership.user_id == Grant.user_id, Membership.organization_id == Grant.organization_id),
        )
        .where(_on(place))
    )
    return [
        GrantLine(
            holder_id=user.id,
            name=user.name,
            email=user.email,
            role=Role(membership.role),
            members=None,
            disabled=membership.disabled_at is not None,
            active=membership.disabled_at is None and _lasts(uow, grant),
            **_facts(uow, grant),
        )
        for grant, user, membership in rows
    ]


def _of_groups(uow: UnitOfWork, place: Place) -> list[GrantLine]:
    members = (
        select(func.count())
        .where(GroupMember.group_id == Grant.group_id, GroupMember.organization_id == uow.organization_id)
        .scalar_subquery()
    )
    rows = uow.session.execute(
        select(Grant, Group, members).join(Group, Group.id == Grant.group_id).where(_on(place))
    )
    return [
        GrantLine(
            holder_id=group.id,
            name=group.name,
            email="",
            role=None,
            members=count,
            disabled=False,
            active=_lasts(uow, grant),
            **_facts(uow, grant),
        )
        for grant, group, count in rows
    ]


def _facts(uow: UnitOfWork, grant: Grant) -> dict[str, Any]:
    return {
        "right": Right(grant.right),
        "ends_at": grant.ends_at,
        "reason": reason_of(uow, grant),
        "granted_by": grant.granted_by,
        "created_at": grant.created_at,
    }


def reason_of(uow: UnitOfWork, grant: Grant) -> str:
    """Return why a right was given; empty: nobody said."""
    about = Target("item", grant.item_id) if grant.item_id else Target("vault", grant.vault_id)
    return GRANT_REASON.open(uow, grant.id, grant.reason, about)


def grant(
    uow: UnitOfWork,
    place: Place,
    holder_id: UUID,
    right: Right,
    ends_at: datetime | None = None,
    reason: str = "",
) -> None:
    """Give a person or a group a right, or another one than they have.

    Raises:
        Invalid: no active member and no group, their role allows no such right, or *ends_at* is past.
        Conflict: nobody would manage the vault.
    """
    _lock(uow, place)
    reason = GRANT_REASON.check(reason)
    holder = _check_holder(uow, holder_id, right)
    if ends_at is not None and ends_at <= uow.now:
        raise Invalid("Choose a time in the future, or none.", "ends_at")
    given = _grant_of(uow, place, holder_id)
    if given is None:
        give(uow, place, holder, right, ends_at, reason)
        return
    if (given.right, given.ends_at, reason_of(uow, given)) == (right, ends_at, reason):
        return
    if right < Right.MANAGE or ends_at is not None:
        _refuse_last_manager(uow, place, holder_id)
    was = Right(given.right)
    given.right, given.ends_at = right, ends_at
    given.reason = GRANT_REASON.seal(uow, given.id, reason)
    given.granted_by, given.created_at = uow.actor.id, uow.now
    uow.session.flush()
    extra = _grant_extra(holder, right, ends_at, reason)
    _record(uow, Action.GRANT_CHANGED, place, {**extra, "was": was.label})


def take(uow: UnitOfWork, place: Place, holder_id: UUID) -> None:
    """Take a person's or a group's right away.

    Raises:
        NotFound: they have none.
        Conflict: nobody would manage the vault.
    """
    _lock(uow, place)
    given = _grant_of(uow, place, holder_id)
    if given is None:
        raise NotFound
    _refuse_last_manager(uow, place, holder_id)
    holder = Holder(holder_id, is_group=given.group_id is not None)
    uow.session.delete(given)
    uow.session.flush()
    _record(uow, Action.GRANT_TAKEN, place, {**holder.extra, "was": Right(given.right).label})


@dataclass(frozen=True, slots=True)
class Holder:
    """Who is given a right."""

    id: UUID
    is_group: bool = False

    @property
    def extra(self) -> Extra:
        """How the audit log names them."""
        return {"group" if self.is_group else "user": str(self.id)}


def give(
    uow: UnitOfWork,
    place: Place,
    holder: Holder,
    right: Right,
    ends_at: datetime | None = None,
    reason: str = "",
) -> None:
    """Store and record a first grant; what it may be was checked."""
    grant_id = uuid4()
    uow.session.add(
        Grant(
            id=grant_id,
            organization_id=uow.organization_id,
            vault_id=place.id if isinstance(place, Vault) else None,
            item_id=None if isinstance(place, Vault) else place.id,
            user_id=None if holder.is_group else holder.id,
            group_id=holder.id if holder.is_group else None,
            right=right,
            ends_at=ends_at,
            reason=GRANT_REASON.seal(uow, grant_id, reason),
            granted_by=uow.actor.id,
            created_at=uow.now,
        )
    )
    uow.session.flush()
    _record(uow, Action.GRANT_GIVEN, place, _grant_extra(holder, right, ends_at, reason))


def _grant_extra(holder: Holder, right: Right, ends_at: datetime | None, reason: str) -> Extra:
    extra: Extra = {
        **holder.extra,
        "right": right.label,
        "ends_at": ends_at.isoformat() if ends_at else None,
    }
    return {**extra, "reason": reason} if reason else extra


def _on(place: Place) -> ColumnElement[bool]:
    return Grant.vault_id == place.id if isinstance(place, Vault) else Grant.item_id == place.id


def _lasts(uow: UnitOfWork, grant: Grant) -> bool:
    return grant.ends_at is None or grant.ends_at > uow.now


def _grant_of(uow: UnitOfWork, place: Place, holder_id: UUID) -> Grant | None:
    held = or_(Grant.user_id == holder_id, Grant.group_id == holder_id)
    return uow.session.scalars(select(Grant).where(_on(place), held)).one_or_none()


def _check_holder(uow: UnitOfWork, holder_id: UUID, right: Right) -> Holder:
    if uow.session.scalar(select(Group.id).where(Group.id == holder_id)) is not None:
        return Holder(holder_id, is_group=True)
    membership = uow.session.scalars(
        select(Membership).where(
            Membership.user_id == holder_id,
            Membership.disabled_at.is_(None),
        )
    ).one_or_none()
    if membership is None:
        raise Invalid("Choose somebody who belongs to the organization, or a group.", "holder_id")
    ceiling = CEILINGS.get(Role(membership.role), Right.MANAGE)
    if right > ceiling:
        raise Invalid(f"An {membership.role} can be given {ceiling.label} at most.", "right")
    return Holder(holder_id)


def _refuse_last_manager(uow: UnitOfWork, place: Place, holder_id: UUID) -> None:
    """Refuse to go on if the person is the only one who manages the vault for good.

    A group does not count: whoever looks after the group could empty it.
    """
    if not isinstance(place, Vault):
        return
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
            .where(Grant.vault_id == place.id, *_manages_for_good())
        )
    )
    if managers == {holder_id}:
        raise Conflict("The vault needs a manager. Give somebody else manage without an end first.")


def _manages_for_good() -> tuple[ColumnElement[bool], ...]:
    capped = [role.value for role in Role if CEILINGS.get(role, Right.MANAGE) < Right.MANAGE]
    return (
        Grant.right == Right.MANAGE,
        Grant.ends_at.is_(None),
        Membership.disabled_at.is_(None),
        Membership.role.not_in(capped),
        # Somebody must answer for it.
        Membership.user_id.not_in(select(User.id).where(User.service)),
    )


def _lock(uow: UnitOfWork, place: Place) -> None:
    """Let nobody else change grants there at the same time, where the database lets many write."""
    vault_id = place.id if isinstance(place, Vault) else place.vault_id
    uow.session.execute(select(Vault.id).where(Vault.id == vault_id).with_for_update())


def _record(uow: UnitOfWork, action: Action, place: Place, extra: Extra) -> None:
    kind = "vault" if isinstance(place, Vault) else "item"
    audit.record(uow, action, Target(kind, place.id, place.name), extra=extra)
