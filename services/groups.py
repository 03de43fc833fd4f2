"""Groups of people, who are given rights together."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import func, select

from errors import Invalid, NameTaken, NotFound
from models import Action, Grant, Group, GroupMember, Membership, User, Vault
from policy import Right
from services import audit
from services.content_rules import check_line
from services.events import Extra, Target
from services.unit_of_work import UnitOfWork

NAME_MAX = 120


@dataclass(frozen=True, slots=True)
class GroupLine:
    """A group in a list.

    Args:
        members: how many are in it, disabled people left out.
        grants: on how many vaults and items it has a right, ended ones included.
    """

    id: UUID
    name: str
    members: int
    grants: int


@dataclass(frozen=True, slots=True)
class Holding:
    """A vault or a single item that a group was given a right on.

    Args:
        item_id: None: it is the whole vault.
        name: the vault's; of an item its own.
        lasts: whether it counts now.
    """

    vault_id: UUID
    item_id: UUID | None
    name: str
    right: Right
    ends_at: datetime | None
    lasts: bool


@dataclass(frozen=True, slots=True)
class MemberLine:
    """Somebody in a group."""

    member_id: UUID
    user_id: UUID
    name: str
    email: str
    disabled: bool


def find(uow: UnitOfWork, group_id: UUID) -> Group:
    """Return a group of the actor's organization.

    Raises:
        NotFound: there is none.
    """
    group = uow.session.scalar(select(Group).where(Group.id == group_id))
    if group is None:
        raise NotFound
    return group


def everything(uow: UnitOfWork) -> list[GroupLine]:
    """Return the organization's groups, by name."""
    here = uow.organization_id
    members = (
        select(func.count())
        .select_from(GroupMember)
        .join(Membership, Membership.user_id == GroupMember.user_id)
        .where(
            GroupMember.group_id == Group.id,
            GroupMember.organization_id == here,
            Membership.organization_id == here,
            Membership.disabled_at.is_(None),
        )
        .correlate(Group)
        .scalar_subquery()
    )
    held = (
        select(func.count())
        .select_from(Grant)
        .where(Grant.group_id == Group.id, Grant.organization_id == here)
        .correlate(Group)
        .scalar_subquery()
    )
    rows = uow.session.execute(select(Group.id, Group.name, members, held))
    return sorted((GroupLine(*row) for row in rows), key=lambda line: (line.name.casefold(), line.id))


def members(uow: UnitOfWork, group: Group) -> list[MemberLine]:
    """Return who is in a group, by name, the disabled ones last."""
    rows = uow.session.execute(
        select(Membership, User)
        .join(User, User.id == Membership.user_id)
        .join(GroupMember, GroupMember.user_id == Membership.user_id)
        .where(GroupMember.group_id == group.id)
    )
    lines = [
        MemberLine(member.id, user.id, user.name, user.email, member.disabled_at is not None)
        for member, user in rows
    ]
    return sorted(lines, key=lambda line: (line.disabled, line.name.casefold(), line.email))


def of_person(uow: UnitOfWork, user_id: UUID) -> list[Group]:
    """Return the groups that a person is in, by name."""
    inside = select(GroupMember.group_id).where(GroupMember.user_id == user_id)
    rows = uow.session.scalars(select(Group).where(Group.id.in_(inside)))
    return sorted(rows, key=lambda group: group.name.casefold())


def holdings(uow: UnitOfWork, group: Group) -> list[Holding]:
    """Return what a group was given, vaults first, by name; ended grants too."""
    vaults = {vault.id: vault.name for vault in uow.session.scalars(select(Vault))}
    index = uow.runtime.indexes.of(uow)
    found = []
    for grant in uow.session.scalars(select(Grant).where(Grant.group_id == group.id)):
        lasts = grant.ends_at is None or grant.ends_at > uow.now
        entry = index.get(grant.item_id) if grant.item_id else None
        vault_id = entry.vault_id if entry else grant.vault_id
        if vault_id is not None:
            name = entry.name if entry else vaults[vault_id]
            found.append(Holding(vault_id, grant.item_id, name, Right(grant.right), grant.ends_at, lasts))
    return sorted(found, key=lambda one: (one.item_id is not None, one.name.casefold(), one.vault_id))


def create(uow: UnitOfWork, name: str) -> Group:
    """Make a group without anybody in it.

    Raises:
        Invalid: the name cannot be used.
        Conflict: there is one of that name.
    """
    group = Group(
        id=uuid4(),
        organization_id=uow.organization_id,
        name=_check_name(uow, name),
        created_at=uow.now,
        created_by=uow.actor.id,
    )
    uow.session.add(group)
    uow.session.flush()
    _record(uow, Action.GROUP_CREATED, group, {})
    return group


def rename(uow: UnitOfWork, group: Group, name: str) -> None:
    """Give a group another name.

    Raises:
        Invalid: the name cannot be used.
        Conflict: there is one of that name.
    """
    was, group.name = group.name, _check_name(uow, name, group)
    if was == group.name:
        return
    uow.session.flush()
    _record(uow, Action.GROUP_CHANGED, group, {"was": was})


def delete(uow: UnitOfWork, group: Group) -> None:
    """Delete a group; what its people saw by it alone they see no more."""
    counts = next(line for line in everything(uow) if line.id == group.id)
    uow.session.delete(group)
    uow.session.flush()
    _record(uow, Action.GROUP_DELETED, group, {"members": counts.members, "grants": counts.grants})


def add(uow: UnitOfWork, group: Group, user_ids: Collection[UUID]) -> int:
    """Put people into a group; return how many were not in it before.

    Raises:
        Invalid: somebody is no active member of the organization.
    """
    known = dict(
        uow.session.execute(
            select(User.id, User.email)
            .join(Membership, Membership.user_id == User.id)
            .where(
                Membership.disabled_at.is_(None),
                User.id.in_(set(user_ids)),
            )
        )
        .tuples()
        .all()
    )
    if not user_ids or known.keys() != set(user_ids):
        raise Invalid("Choose people who belong to the organization.", "user_id")
    inside = {line.user_id for line in members(uow, group)}
    new = sorted(known.keys() - inside, key=lambda user_id: known[user_id])
    for user_id in new:
        uow.session.add(
            GroupMember(
                group_id=group.id,
                user_id=user_id,
                organization_id=uow.organization_id,
                added_by=uow.actor.id,
                added_at=uow.now,
            )
        )
        _record(uow, Action.GROUP_JOINED, group, {"user": str(user_id), "email": known[user_id]})
    uow.session.flush()
    return len(new)


def remove(uow: UnitOfWork, group: Group, user_id: UUID) -> None:
    """Take a person out of a group.

    Raises:
        NotFound: they are not in it.
    """
    row = uow.session.scalar(
        select(GroupMember).where(GroupMember.group_id == group.id, GroupMember.user_id == user_id)
    )
    if row is None:
        raise NotFound
    uow.session.delete(row)
    uow.session.flush()
    _record(uow, Action.GROUP_LEFT, group, {"user": str(user_id)})


def _check_name(uow: UnitOfWork, name: str, own: Group | None = None) -> str:
    name = unicodedata.normalize("NFC", " ".join(name.split(" "))).strip()
    if not name:
        raise Invalid("Enter a name.", "name")
    if len(name) > NAME_MAX:
        raise Invalid(f"Use at most {NAME_MAX} characters for the name.", "name")
    check_line(name, "The name", "name")
    taken = uow.session.scalar(select(Group.id).where(Group.name == name))
    if taken is not None and (own is None or taken != own.id):
        raise NameTaken(f"There is a group called {name} already. Choose another name.")
    return name


def _record(uow: UnitOfWork, action: Action, group: Group, extra: Extra) -> None:
    audit.record(uow, action, Target("group", group.id, group.name), extra=extra)
