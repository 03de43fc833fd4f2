"""Belonging to an organization, and what belonging to several means.

A person is the same everywhere, and a session enters every organization that its person belongs to. So
whoever could make a sign-in token for somebody, or take their second factor away, could act as them in the
other organizations as well. Admins may do neither for a person who also belongs elsewhere: only the operator
may, from the command line.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID, uuid4

from sqlalchemy import select

from errors import Conflict
from models import Action, Invitation, Membership, User
from policy import ActorKind
from services import actor_queries as queries
from services import audit, limits
from services.events import Target
from services.postgresql import seeing_all
from services.prepared import fetch, fetch_one
from services.unit_of_work import UnitOfWork


def is_active_elsewhere(uow: UnitOfWork, user: User) -> bool:
    """Whether a person also belongs to another organization than the actor's."""
    asked = {"user_id": user.id, "organization_id": uow.organization_id}
    with seeing_all(uow.connection):
        return fetch_one(uow.connection, queries.ELSEWHERE, asked) is not None


def all_elsewhere(uow: UnitOfWork) -> frozenset[UUID]:
    """Return who of the actor's organization also belongs to another."""
    with seeing_all(uow.connection):
        rows = fetch(uow.connection, queries.ALL_ELSEWHERE, {"organization_id": uow.organization_id})
    return frozenset(row.user_id for row in rows)


def reaches_further(uow: UnitOfWork, user: User) -> bool:
    """Whether a sign-in token of this person opens more than the actor's organization."""
    if user.operator:
        here = {"organization_id": uow.organization_id}
        return fetch_one(uow.connection, queries.OTHER_ORGANIZATION, here) is not None
    return is_active_elsewhere(uow, user)


def demand_reach(uow: UnitOfWork, user: User, command: str) -> None:
    """Refuse to an organization's admins what would open other organizations too.

    Args:
        command: what the operator does instead.

    Raises:
        Conflict: the person's token reaches further, and the actor is not the system.
    """
    if uow.actor.kind is not ActorKind.SYSTEM and reaches_further(uow, user):
        message = (
            f"{user.email} also belongs to another organization here, or looks after the installation. "
            "What opens more than yours only the operator can give them: "
            f"./chatelaine people {command} {user.email}"
        )
        raise Conflict(message)


def begin(uow: UnitOfWork, row: Invitation, user: User) -> None:
    """Make the person of a link a member; one who was disabled comes back in the role of the link.

    Raises:
        Conflict: the organization is full.
    """
    member = uow.session.scalar(select(Membership).where(Membership.user_id == user.id))
    if member is None:
        limits.demand_place(uow)
        uow.session.add(
            Membership(
                id=uuid4(),
                organization_id=row.organization_id,
                user_id=user.id,
                role=row.role,
                created_at=uow.now,
            )
        )
    elif member.disabled_at is not None:
        limits.demand_place(uow)
        member.disabled_at, member.role = None, row.role
        target = Target("person", user.id, user.email)
        audit.record(uow, Action.PERSON_ENABLED, target, extra={"role": row.role})
    uow.session.flush()


def everywhere(uow: UnitOfWork, user_id: UUID) -> Iterator[UUID]:
    """Act in each organization that has made tokens for a person, one after the other."""
    before = uow.actor
    with seeing_all(uow.connection):
        homes = fetch(uow.connection, queries.TOKEN_HOMES, {"user_id": user_id})
    for row in homes:
        # What was begun for one organization must not be written in the name of the next.
        uow.session.flush()
        uow.act_as(replace(before, organization_id=row.organization_id))
        yield row.organization_id
    uow.session.flush()
    uow.act_as(before)
