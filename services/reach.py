"""Who can see a thing, and why; and what somebody can see. Worked out here and nowhere else.

What a request itself may do is read by ``actors.rights_of``, in one statement; a test holds the two against
each other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select

from models import Grant, Group, GroupMember, Membership, User, Vault
from policy import Right, Role, strongest
from services.grants import reason_of
from services.items import StoredItem
from services.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Reason:
    """A grant by which somebody has a right.

    Args:
        on_item: whether it is on the single item; else on the vault.
        group: by which group; None: it is the person's own.
        lasts: whether it counts now.
        note: why it was given; empty: nobody said.
    """

    right: Right
    on_item: bool
    group: str | None
    ends_at: datetime | None
    lasts: bool
    note: str
    given_by: UUID
    given_at: datetime


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody who can see a thing, or could.

    Args:
        right: what they may do now; None: everything that they were given has ended, or they are disabled.
    """

    member_id: UUID
    user_id: UUID
    name: str
    email: str
    role: Role
    disabled: bool
    right: Right | None
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Reach:
    """A vault or a single item that somebody was given a right on.

    Args:
        vault_id: the vault, or the one that the item lies in.
        item_id: None: it is the whole vault.
        name: the vault's; of an item its own.
        right: what their role allows of it; None: everything has ended.
        ends_at: when the last of it ends; None: it has no end.
    """

    vault_id: UUID
    item_id: UUID | None
    name: str
    right: Right | None
    ends_at: datetime | None
    reasons: tuple[Reason, ...]


def viewers(uow: UnitOfWork, vault: Vault, item: StoredItem | None = None) -> list[Viewer]:
    """Return who was given a right on a vault, or on one item in it, the strongest right first."""
    places = [Grant.vault_id == vault.id]
    if item is not None:
        places.append(Grant.item_id == item.id)
    people: dict[UUID, tuple[Membership, User]] = {}
    reasons: dict[UUID, list[Reason]] = {}
    for grant, group, member, user in uow.session.execute(_held(or_(*places))):
        people[user.id] = (member, user)
        reasons.setdefault(user.id, []).append(_reason(uow, grant, group))
    found = [_viewer(member, user, reasons[user.id]) for member, user in people.values()]
    return sorted(found, key=lambda one: (-(one.right or 0), one.name.casefold(), one.email))


def reach_of(uow: UnitOfWork, user_id: UUID, *, ended: bool = False) -> list[Reach]:
    """Return what a person can see, vaults first, by name; also after they were disabled.

    Args:
        ended: whether what has ended is returned too.
    """
    grants: dict[tuple[UUID | None, UUID | None], list[Reason]] = {}
    role = Role.MEMBER
    for grant, group, member, _ in uow.session.execute(_held(Membership.user_id == user_id)):
        role = Role(member.role)
        grants.setdefault((grant.vault_id, grant.item_id), []).append(_reason(uow, grant, group))
    vaults = {vault.id: vault.name for vault in uow.session.scalars(select(Vault))}
    index = uow.runtime.indexes.of(uow)
    found = []
    for (vault_id, item_id), reasons in grants.items():
        if vault_id is None and item_id is not None:
            entry = index.get(item_id)
            if entry is None:
                continue
            found.append(_reach(entry.vault_id, item_id, entry.name, role, reasons))
        elif vault_id is not None:
            found.append(_reach(vault_id, None, vaults[vault_id], role, reasons))
    kept = [one for one in found if ended or one.right is not None]
    return sorted(kept, key=lambda one: (one.item_id is not None, one.name.casefold(), one.vault_id))


def _held(condition: ColumnElement[bool]) -> Any:
    """Return each grant that meets *condition* with each person who has it, by themselves or by a group."""
    return (
        select(Grant, Group, Membership, User)
        .outerjoin(Group, Group.id == Grant.group_id)
        .outerjoin(GroupMember, GroupMember.group_id == Grant.group_id)
        .join(
            Membership,
            and_(
                Membership.organization_id == Grant.organization_id,
                or_(Membership.user_id == Grant.user_id, Membership.user_id == GroupMember.user_id),
            ),
        )
        .join(User, User.id == Membership.user_id)
        .where(condition)
        .order_by(Grant.created_at)
    )


def _reason(uow: UnitOfWork, grant: Grant, group: Group | None) -> Reason:
    return Reason(
        right=Right(grant.right),
        on_item=grant.item_id is not None,
        group=group.name if group else None,
        ends_at=grant.ends_at,
        lasts=grant.ends_at is None or grant.ends_at > uow.now,
        note=reason_of(uow, grant),
        given_by=grant.granted_by,
        given_at=grant.created_at,
    )


def _viewer(member: Membership, user: User, reasons: Iterable[Reason]) -> Viewer:
    disabled = member.disabled_at is not None
    lasting = [] if disabled else [one.right for one in reasons if one.lasts]
    return Viewer(
        member_id=member.id,
        user_id=user.id,
        name=user.name,
        email=user.email,
        role=Role(member.role),
        disabled=disabled,
        right=strongest(lasting, Role(member.role)),
        reasons=tuple(sorted(reasons, key=lambda one: (not one.lasts, -one.right))),
    )


def _reach(vault_id: UUID, item_id: UUID | None, name: str, role: Role, reasons: Iterable[Reason]) -> Reach:
    ordered = tuple(sorted(reasons, key=lambda one: (not one.lasts, -one.right)))
    lasting = [one for one in ordered if one.lasts]
    ends = [one.ends_at for one in lasting]
    return Reach(
        vault_id=vault_id,
        item_id=item_id,
        name=name,
        right=strongest([one.right for one in lasting], role),
        ends_at=None if None in ends else max((at for at in ends if at is not None), default=None),
        reasons=ordered,
    )
