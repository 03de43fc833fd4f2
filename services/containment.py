"""When something went wrong: what shutting one person out ends, and letting everybody start anew."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, or_, select

from errors import Conflict, Invalid
from models import AccessToken, Action, Invitation, Membership, Organization, User
from services import audit, factors, invitations, memberships, owners, sessions, tokens
from services.events import Extra, Target
from services.invitations import Invited
from services.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Reach:
    """What a person can come in with now.

    Args:
        tokens: those that can still be used, of people and programs.
        factor: whether there is one that would go; who also belongs elsewhere keeps theirs.
        links: open ones for them, and those that they made for others.
    """

    sessions: int
    tokens: int
    factor: bool
    links: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of letting everybody start anew.

    Args:
        left: the names of those who were left alone: what they have opens more than this organization.
    """

    started: list[Restart]
    left: list[str]


@dataclass(frozen=True, slots=True)
class Restart:
    """Somebody who starts anew, on a link that is shown once."""

    name: str
    invited: Invited


def reach_of(uow: UnitOfWork, member: Membership) -> Reach:
    """Return what disabling a person would end."""
    user = uow.session.get_one(User, member.user_id)
    living = select(func.count()).where(
        AccessToken.user_id == user.id, AccessToken.revoked_at.is_(None), AccessToken.expires_at > uow.now
    )
    links = select(func.count()).where(
        or_(Invitation.email == user.email, Invitation.invited_by == user.id),
        Invitation.used_at.is_(None),
        Invitation.revoked_at.is_(None),
        Invitation.expires_at > uow.now,
    )
    return Reach(
        sessions=len(sessions.of_person(uow, user.id)),
        tokens=uow.session.scalar(living) or 0,
        factor=factors.has(uow, user.id) and not memberships.reaches_further(uow, user),
        links=uow.session.scalar(links) or 0,
    )


def name_of(uow: UnitOfWork) -> str:
    """Return what the actor's organization is called, to be typed as a confirmation."""
    return uow.session.get_one(Organization, uow.organization_id).name


def reset_everybody(uow: UnitOfWork, typed: str) -> Outcome:
    """Take the second factors of all active people but the actor away, and let each start anew on a link.

    Their sessions end and their sign-in tokens are revoked: nobody who holds a token alone can set up a
    factor in its owner's place. Programs go on with theirs. Whoever also belongs to another organization is
    left alone: what opens that one is not this one's to give.

    Args:
        typed: the organization's name.

    Raises:
        Denied: the actor is not an owner.
        Invalid: the name is another one.
        Conflict: there is nobody else, or all others also belong elsewhere.
    """
    owners.lock(uow)
    owners.require_owner(uow, "Only an owner can let everybody start anew.")
    name = name_of(uow)
    if " ".join(typed.split()) != " ".join(name.split()):
        raise Invalid(f"Type the name of the organization, {name}, as it stands here.", "name")
    others = uow.session.execute(
        select(Membership, User)
        .join(User, User.id == Membership.user_id)
        .where(Membership.disabled_at.is_(None), Membership.user_id != uow.actor.id)
    ).all()
    if not others:
        raise Conflict("There is nobody here but you.")
    further = {user.id for _, user in others if memberships.reaches_further(uow, user)}
    if len(further) == len(others):
        raise Conflict(
            "All others belong to another organization, too. Only the operator can do this for them."
        )
    started = [_reset(uow, member, user) for member, user in others if user.id not in further]
    left = sorted((user.name for _, user in others if user.id in further), key=str.casefold)
    target = Target("organization", uow.organization_id, name)
    audit.record(uow, Action.FACTOR_RESET_ALL, target, extra={"people": len(started), "left": len(left)})
    started.sort(key=lambda one: (one.name.casefold(), one.invited.email))
    return Outcome(started, left)


def _reset(uow: UnitOfWork, member: Membership, user: User) -> Restart:
    had_one = factors.remove_of(uow, user.id, user.email)
    ended = sessions.end_all_of(uow, user.id, "everybody starts anew")
    revoked = tokens.revoke_all_of(uow, user.id, ways_in=True)
    invited = invitations.renew(uow, member)
    extra: Extra = {"factor": had_one, "sessions": ended, "tokens": revoked, "link": str(invited.id)}
    audit.record(uow, Action.PERSON_RESET, Target("person", user.id, user.email), extra=extra)
    return Restart(user.name, invited)
