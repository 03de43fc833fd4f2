"""Taking up a link by signing in: how somebody with an account comes to belong to one more organization.

Nothing about how they sign in changes, and nobody gets a token: the link says where, the session says who.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select, update

from errors import Conflict, Denied, NotFound
from models import Action, Invitation, Membership, Organization, User
from policy import SYSTEM_ACTOR, Actor, ActorKind, Role
from services import audit, memberships
from services.database import EVERY_ORGANIZATION, see_organization
from services.events import Target
from services.unit_of_work import UnitOfWork


def is_asked(uow: UnitOfWork, row: Invitation) -> bool:
    """Whether a link makes no token, and only lets somebody in who signs in with what they have.

    That is so for everybody whose token opens more than the link's organization: an admin of this one must
    never come to hold it. Links that a command has made are the operator's.
    """
    user = find_user(uow, row.email)
    if user is None:
        return False
    before = uow.actor
    uow.act_as(replace(before, organization_id=row.organization_id))
    is_member = _is_member(uow, user)
    elsewhere, further = memberships.is_active_elsewhere(uow, user), memberships.reaches_further(uow, user)
    uow.act_as(before)
    see_organization(uow.session, EVERY_ORGANIZATION)
    if row.invited_by == SYSTEM_ACTOR.id:
        return elsewhere and not is_member
    return further


def find_user(uow: UnitOfWork, email: str) -> User | None:
    """Return whose e-mail address this is."""
    return uow.session.scalar(select(User).where(User.email == email))


def organization_of(uow: UnitOfWork, row: Invitation) -> Organization:
    """Return where a link leads."""
    return uow.session.get_one(Organization, row.organization_id)


def join(uow: UnitOfWork, row: Invitation) -> Organization:
    """Spend a link: the actor, who is the person whom it is for, belongs to its organization from now on.

    Raises:
        NotFound: somebody else was faster.
        Denied: the link is for somebody else.
        Conflict: they belong to it already, nobody works there now, or it is full.
    """
    user = find_user(uow, row.email)
    if user is None or user.id != uow.actor.id:
        message = f"This link is for {row.email}, and you are signed in as somebody else."
        raise Denied(message)
    organization = spend(uow, row)
    uow.act_as(Actor(ActorKind.PERSON, user.id, user.name, row.organization_id, Role(row.role)))
    if _is_member(uow, user):
        message = f"You belong to {organization.name} already. For a new token ask the operator."
        raise Conflict(message)
    memberships.begin(uow, row, user)
    extra = {"invitation": str(row.id), "role": row.role}
    audit.record(uow, Action.PERSON_JOINED, Target("person", user.id, user.email), extra=extra)
    return organization


def spend(uow: UnitOfWork, row: Invitation) -> Organization:
    """Use a link up; return the organization that it leads to.

    Raises:
        NotFound: somebody else was faster.
        Conflict: nobody works in the organization now.
    """
    spent = uow.session.execute(
        update(Invitation)
        .where(Invitation.id == row.id, Invitation.used_at.is_(None), Invitation.revoked_at.is_(None))
        .values(used_at=uow.now)
    )
    if spent.rowcount != 1:  # type: ignore[attr-defined]
        raise NotFound
    organization = organization_of(uow, row)
    demand_open(organization)
    return organization


def demand_open(organization: Organization) -> None:
    """Let nobody into an organization in which nobody works now.

    Raises:
        Conflict: it is suspended, or to be deleted.
    """
    if organization.suspended_at is not None or organization.deletion_at is not None:
        message = f"{organization.name} is suspended. Ask whoever invited you when it goes on."
        raise Conflict(message)


def _is_member(uow: UnitOfWork, user: User) -> bool:
    member = uow.session.scalar(select(Membership).where(Membership.user_id == user.id))
    return member is not None and member.disabled_at is None
