"""The people of an organization: who they are, their roles, ending and renewing their access."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select

from errors import Conflict, NotFound
from models import AccessToken, Action, Membership, User, UserSession
from policy import Role
from services import audit, factors, invitations, limits, memberships, owners, sessions, tokens
from services.events import Extra, Target
from services.invitations import Invited
from services.rules import WAYS_IN
from services.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class PersonLine:
    """A person in the list.

    Args:
        seen_at: the newest use of a session or token of theirs here; None: never.
        token_expires_at: when the last of their sign-in tokens ends, or ended; None: all are revoked.
        sessions: how many live now, of those that tokens of this organization opened.
        elsewhere: whether they belong to another organization as well, whose token they may come with.
        service: whether it is a service account, and nobody.
    """

    member_id: UUID
    user_id: UUID
    name: str
    email: str
    role: Role
    operator: bool
    disabled_at: datetime | None
    seen_at: datetime | None
    token_expires_at: datetime | None
    sessions: int
    elsewhere: bool
    service: bool


def find(uow: UnitOfWork, member_id: UUID) -> Membership:
    """Return a membership of the actor's organization.

    Raises:
        NotFound: there is none.
    """
    member = uow.session.scalar(select(Membership).where(Membership.id == member_id))
    if member is None:
        raise NotFound
    return member


def find_by_email(uow: UnitOfWork, email: str) -> Membership:
    """Return the membership of the person with this e-mail address.

    Raises:
        NotFound: nobody here has it.
    """
    wanted = invitations.clean_email(email)
    member = uow.session.scalar(
        select(Membership).join(User, User.id == Membership.user_id).where(User.email == wanted)
    )
    if member is None:
        message = f"{wanted} is not a member of this organization."
        raise NotFound(message)
    return member


def everybody(uow: UnitOfWork) -> list[PersonLine]:
    """Return the people of the organization by name, the disabled ones last."""
    rows = uow.session.execute(select(Membership, User).join(User, User.id == Membership.user_id)).all()
    seen, living = _sessions_by_person(uow)
    used, ends = _tokens_by_person(uow)
    elsewhere = memberships.all_elsewhere(uow)
    lines = [
        PersonLine(
            member_id=member.id,
            user_id=user.id,
            name=user.name,
            email=user.email,
            role=Role(member.role),
            operator=user.operator,
            disabled_at=member.disabled_at,
            seen_at=max(filter(None, (seen.get(user.id), used.get(user.id))), default=None),
            token_expires_at=ends.get(user.id),
            sessions=living.get(user.id, 0),
            elsewhere=user.id in elsewhere,
            service=user.service,
        )
        for member, user in rows
    ]
    return sorted(lines, key=lambda line: (line.disabled_at is not None, line.name.casefold(), line.email))


def line_of(uow: UnitOfWork, member: Membership) -> PersonLine:
    """Return a person as the list shows them."""
    return next(line for line in everybody(uow) if line.member_id == member.id)


def change_role(uow: UnitOfWork, member: Membership, role: Role) -> bool:
    """Give a person another role; return whether it was another one.

    Open links for them end, so that a link made for a lesser role never opens a greater one; whoever loses
    rights also loses the links that they made.

    Raises:
        Denied: only an owner makes owners and changes them.
        LastOwner: they are the last one.
        Conflict: they are disabled.
    """
    user = _lock(uow, member)
    was = Role(member.role)
    if member.disabled_at is not None:
        message = f"{user.email} is disabled. Enable them before you change their role."
        raise Conflict(message)
    if was is role:
        return False
    if user.service and role not in (Role.MEMBER, Role.AUDITOR):
        message = "A service account is a member or an auditor: it looks after no people."
        raise Conflict(message)
    if Role.OWNER in (was, role):
        owners.require_owner(uow, "Only an owner can make somebody an owner or change the role of one.")
    if was is Role.OWNER:
        owners.require_another(uow, user.id)
    member.role = role.value
    invitations.revoke_all_of(uow, user, made=was in (Role.OWNER, Role.ADMIN) and role is not Role.OWNER)
    _record(uow, Action.PERSON_CHANGED, user, {"from": was.value, "to": role.value})
    return True


def disable(uow: UnitOfWork, member: Membership) -> None:
    """End a person's access at once: membership, sessions, tokens, second factor, links for them and by them.

    Whoever also belongs elsewhere keeps the second factor, and what other organizations have opened for them.

    Raises:
        Denied: only an owner disables owners.
        LastOwner: they are the last one.
        Conflict: they are disabled already, or the actor themselves.
    """
    user = _lock(uow, member)
    if member.disabled_at is not None:
        message = f"{user.email} is disabled already."
        raise Conflict(message)
    if member.role == Role.OWNER or user.operator:
        owners.require_owner(uow, "Only an owner can disable an owner, or whoever runs the installation.")
    if member.role == Role.OWNER:
        owners.require_another(uow, user.id)
    if user.id == uow.actor.id:
        message = "You cannot disable yourself. Ask another admin to do it."
        raise Conflict(message)
    member.disabled_at = uow.now
    ended = sessions.end_all_of(uow, user.id, "person disabled")
    revoked = tokens.revoke_all_of(uow, user.id)
    if not memberships.reaches_further(uow, user):
        factors.remove_of(uow, user.id, user.email)
    invitations.revoke_all_of(uow, user, made=True)
    _record(uow, Action.PERSON_DISABLED, user, {"sessions": ended, "tokens": revoked})


def enable(uow: UnitOfWork, member: Membership) -> Invited | None:
    """Bring a person back in their old role, with a link on which they make a new token.

    A service account comes back without one.

    Whoever belongs elsewhere is back once they have accepted the link, signed in with what they have.

    Raises:
        Denied: only an owner brings owners back.
        Conflict: they are not disabled, or there are as many people as there may be.
    """
    user = _lock(uow, member)
    if member.disabled_at is None:
        message = f"{user.email} is not disabled."
        raise Conflict(message)
    limits.demand_place(uow)
    if memberships.reaches_further(uow, user):
        return invitations.invite(uow, user.email, Role(member.role), user.name)
    member.disabled_at = None
    _record(uow, Action.PERSON_ENABLED, user, {"role": member.role})
    return None if user.service else invitations.renew(uow, member)


def reset_factor(uow: UnitOfWork, member: Membership) -> Invited:
    """Take a person's second factor away for them; they come back by a link, never with the old token alone.

    Raises:
        Denied: only an owner does that to an owner.
        Conflict: they are disabled, have no second factor, or belong to other organizations as well.
    """
    user = _lock(uow, member)
    if member.disabled_at is None and not factors.remove_of(uow, user.id, user.email):
        message = f"{user.email} has no second factor."
        raise Conflict(message)
    invited = invitations.renew(uow, member, command="remove-factor")
    for _ in memberships.everywhere(uow, user.id):
        sessions.end_all_of(uow, user.id, "second factor removed")
        tokens.revoke_all_of(uow, user.id, ways_in=True)
    return invited


def reaches_further(uow: UnitOfWork, line: PersonLine) -> bool:
    """Whether a person's sign-in token opens more than this organization: the operator makes one then."""
    return memberships.reaches_further(uow, uow.session.get_one(User, line.user_id))


def end_sessions(uow: UnitOfWork, member: Membership) -> int:
    """End a person's sessions here; return how many."""
    return sessions.end_all_of(uow, member.user_id, "ended by an admin")


def _lock(uow: UnitOfWork, member: Membership) -> User:
    """Wait for whoever changes people now, then look at the member as they are."""
    owners.lock(uow)
    uow.session.refresh(member)
    return uow.session.get_one(User, member.user_id)


def _sessions_by_person(uow: UnitOfWork) -> tuple[dict[UUID, datetime], dict[UUID, int]]:
    rows = uow.session.execute(
        select(
            UserSession.user_id,
            func.max(UserSession.seen_at, type_=UserSession.seen_at.type),
            func.count().filter(sessions.lives(uow)),
        )
        .join(AccessToken, AccessToken.id == UserSession.token_id)
        .group_by(UserSession.user_id)
    ).all()
    return {user: seen for user, seen, _ in rows}, {user: living for user, _, living in rows}


def _tokens_by_person(uow: UnitOfWork) -> tuple[dict[UUID, datetime], dict[UUID, datetime]]:
    signs_in = AccessToken.kind.in_(WAYS_IN) & AccessToken.revoked_at.is_(None)
    rows = uow.session.execute(
        select(
            AccessToken.user_id,
            func.max(AccessToken.last_used_at, type_=AccessToken.last_used_at.type),
            func.max(AccessToken.expires_at, type_=AccessToken.expires_at.type).filter(signs_in),
        ).group_by(AccessToken.user_id)
    ).all()
    used = {user: at for user, at, _ in rows if at is not None}
    return used, {user: ends for user, _, ends in rows if ends is not None}


def _record(uow: UnitOfWork, action: Action, user: User, extra: Extra) -> None:
    audit.record(uow, action, Target("person", user.id, user.email), extra=extra)
