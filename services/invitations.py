"""One-time links: an admin invites, the person makes their own token, nobody else sees it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, or_, select

from crypto.tokens import ParsedToken, new_token, same
from errors import Conflict, Invalid, NotFound
from models import Action, Invitation, Membership, Organization, User
from policy import Actor, ActorKind, Role
from services import audit, joining, limits, memberships, owners, tokens
from services.database import EVERY_ORGANIZATION, see_organization
from services.events import Target
from services.rules import INVITATION_LASTS
from services.unit_of_work import UnitOfWork

# What a mail system may know is its own affair; this tells an address from a slip of the hand.
SERVICES = ".service.internal"
"""Ends what service accounts have in place of an e-mail address; nobody can ever have mail there."""
_EMAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]{1,189}")
NAME_MAX = 120
_SIGN_IN_FIRST = (
    "Somebody with this e-mail address has an account here already. Open the link again and sign in with it."
)


@dataclass(frozen=True, slots=True)
class Invited:
    """A new link; its token is shown once, to whoever passes it on."""

    id: UUID
    email: str
    token: str = field(repr=False)
    expires_at: datetime

    @property
    def path(self) -> str:
        """Where the link leads on this site."""
        return f"/enrol/{self.token}"


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A person who has just made their token."""

    organization: str
    token: tokens.Minted


def invite(uow: UnitOfWork, email: str, role: Role, name: str = "") -> Invited:
    """Invite a person to the actor's organization.

    Raises:
        Invalid: not an e-mail address.
        Denied: only an owner makes owners, or brings one back.
        Conflict: the person is an active member, or there are as many people as there may be.
    """
    email = clean_email(email)
    name = clean_name(name)
    known = uow.session.execute(
        select(Membership, User).join(User, User.id == Membership.user_id).where(User.email == email)
    ).one_or_none()
    if known is not None and known.Membership.disabled_at is None:
        message = f"{email} is a member already. For a new token, open their page and use “New link”."
        raise Conflict(message)
    if role is Role.OWNER or (known is not None and _is_protected(*known)):
        owners.require_owner(uow, "Only an owner can invite an owner.")
    limits.demand_place(uow, invited=email)
    return _make_link(uow, email, role, name or email.partition("@")[0])


def renew(uow: UnitOfWork, member: Membership, *, command: str = "link") -> Invited:
    """Make a link on which a member makes a new sign-in token; the old ones work until then.

    Args:
        command: what the operator does where an admin may not.

    Raises:
        Denied: the link would open an owner's account, and the actor is not an owner.
        Conflict: the member is disabled, or the link would open other organizations as well.
    """
    user = uow.session.get_one(User, member.user_id)
    if member.disabled_at is not None:
        message = f"{user.email} is disabled. Enable them; that makes a new link as well."
        raise Conflict(message)
    if _is_protected(member, user):
        owners.require_owner(uow, "Only an owner can make a new link for an owner.")
    memberships.demand_reach(uow, user, command)
    return _make_link(uow, user.email, Role(member.role), user.name)


def invite_first_owner(uow: UnitOfWork, email: str, name: str, *, operator: bool) -> Invited:
    """Make the first link of an organization, which makes its owner.

    Args:
        operator: whether the owner also looks after the instance, as the very first one does.
    """
    email = clean_email(email)
    return _make_link(uow, email, Role.OWNER, name or email.partition("@")[0], operator=operator)


def open_ones(uow: UnitOfWork) -> Sequence[Invitation]:
    """Return the organization's links that can still be used, the newest first."""
    return uow.session.scalars(
        select(Invitation)
        .where(_unspent(), Invitation.expires_at > uow.now)
        .order_by(Invitation.created_at.desc())
    ).all()


def revoke(uow: UnitOfWork, invitation: Invitation) -> None:
    """Make a link useless before it is used.

    Raises:
        Conflict: it was used or revoked before.
    """
    if invitation.used_at is not None or invitation.revoked_at is not None:
        message = "This link was used or taken back before."
        raise Conflict(message)
    invitation.revoked_at = uow.now
    audit.record(uow, Action.INVITATION_REVOKED, Target("invitation", invitation.id, invitation.email))


def revoke_all_of(uow: UnitOfWork, user: User, *, made: bool) -> None:
    """Take back every open link for a person and, where *made*, those that they made for others."""
    whose = Invitation.email == user.email
    if made:
        whose = or_(whose, Invitation.invited_by == user.id)
    for row in uow.session.scalars(select(Invitation).where(_unspent(), whose)).all():
        revoke(uow, row)


def find(uow: UnitOfWork, invitation_id: UUID) -> Invitation:
    """Return an invitation of the actor's organization.

    Raises:
        NotFound: there is none.
    """
    row = uow.session.scalar(select(Invitation).where(Invitation.id == invitation_id))
    if row is None:
        raise NotFound
    return row


def find_open(uow: UnitOfWork, parsed: ParsedToken | None) -> Invitation:
    """Return the link that *parsed* opens. The unit may see every organization after this.

    Raises:
        NotFound: unknown, spent, taken back or too old.
    """
    see_organization(uow.session, EVERY_ORGANIZATION)
    if parsed is None or parsed.kind != "enrol":
        raise NotFound
    row = uow.session.scalar(select(Invitation).where(Invitation.lookup_id == parsed.lookup_id))
    digest = uow.keys.token_digest(parsed.kind, parsed.lookup_id, parsed.secret)
    if (
        row is None
        or not same(digest, row.digest)
        or row.used_at is not None
        or row.revoked_at is not None
        or row.expires_at <= uow.now
    ):
        raise NotFound
    return row


def enrol(uow: UnitOfWork, parsed: ParsedToken | None, name: str = "") -> Enrolled:
    """Spend the link and make the person's own sign-in token; earlier ones of theirs are revoked.

    Raises:
        NotFound: as :func:`find_open`; also for all but one of those who spend it at once.
        Conflict: the token would open other organizations too, nobody works in this one now, or it is full.
    """
    row = find_open(uow, parsed)
    organization = joining.organization_of(uow, row)
    user = take_up(uow, row, clean_name(name))
    for _ in memberships.everywhere(uow, user.id):
        tokens.revoke_all_of(uow, user.id, ways_in=True)
    minted = tokens.mint_signin(uow, user.id, organization_id=row.organization_id)
    audit.record(
        uow, Action.PERSON_ENROLLED, Target("person", user.id, user.email), extra={"invitation": str(row.id)}
    )
    return Enrolled(organization.name, minted)


def find_for(uow: UnitOfWork, email: str, slug: str | None) -> Invitation | None:
    """Return the newest open invitation for an address, to one organization or to any.

    Never the link of an instance's operator: that one is opened by who holds it. The unit must see every
    organization.
    """
    statement = (
        select(Invitation)
        .where(_unspent(), Invitation.expires_at > uow.now, Invitation.email == email)
        .where(Invitation.operator.is_(False))
        .order_by(Invitation.created_at.desc(), Invitation.id)
    )
    if slug is not None:
        statement = statement.join(Organization, Organization.id == Invitation.organization_id)
        statement = statement.where(Organization.slug == slug)
    return uow.session.scalar(statement.limit(1))


def take_up(uow: UnitOfWork, row: Invitation, name: str) -> User:
    """Spend an invitation and make its person a member, who acts from then on.

    Raises:
        NotFound: for all but one of those who spend it at once.
        Conflict: whoever takes it up must sign in first, nobody works in the organization now, or it is full.
    """
    if joining.is_asked(uow, row):
        raise Conflict(_SIGN_IN_FIRST)
    joining.spend(uow, row)
    user = _find_or_make_user(uow, row, name)
    uow.act_as(Actor(ActorKind.PERSON, user.id, user.name, row.organization_id, Role(row.role)))
    memberships.begin(uow, row, user)
    return user


def record_refusal(uow: UnitOfWork, parsed: ParsedToken | None, reason: str) -> None:
    """Record that somebody came with a link that does not open; to come without any is no event."""
    if parsed is None:
        return
    see_organization(uow.session, EVERY_ORGANIZATION)
    row = uow.session.scalar(select(Invitation).where(Invitation.lookup_id == parsed.lookup_id))
    if row is not None:
        uow.act_as(Actor(uow.actor.kind, uow.actor.id, uow.actor.name, row.organization_id))
    target = Target("invitation", row.id if row else None, row.email if row else parsed.lookup_id)
    audit.record(uow, Action.ACCESS_DENIED, target, success=False, extra={"reason": reason})


def _is_protected(member: Membership, user: User) -> bool:
    """Whether a link for this person opens more than an admin may hold."""
    return member.role == Role.OWNER or user.operator


def _unspent() -> ColumnElement[bool]:
    return Invitation.used_at.is_(None) & Invitation.revoked_at.is_(None)


def _make_link(uow: UnitOfWork, email: str, role: Role, name: str, *, operator: bool = False) -> Invited:
    if email.endswith(SERVICES):
        raise Conflict("Nobody signs in as a service account. Issue a token for it instead.")
    for earlier in uow.session.scalars(select(Invitation).where(_unspent(), Invitation.email == email)):
        earlier.revoked_at = uow.now
    text, parsed = new_token("enrol")
    row = Invitation(
        id=uuid4(),
        organization_id=uow.organization_id,
        lookup_id=parsed.lookup_id,
        digest=uow.keys.token_digest(parsed.kind, parsed.lookup_id, parsed.secret),
        email=email,
        name=name,
        role=role.value,
        operator=operator,
        invited_by=uow.actor.id,
        created_at=uow.now,
        expires_at=uow.now + INVITATION_LASTS,
    )
    uow.session.add(row)
    audit.record(uow, Action.PERSON_INVITED, Target("invitation", row.id, email), extra={"role": role.value})
    return Invited(row.id, email, text, row.expires_at)


def _find_or_make_user(uow: UnitOfWork, row: Invitation, name: str) -> User:
    user = joining.find_user(uow, row.email)
    if user is None:
        user = User(id=uuid4(), email=row.email, name=name or row.name, created_at=uow.now)
        uow.session.add(user)
    user.operator = user.operator or row.operator
    uow.session.flush()
    return user


def clean_email(text: str) -> str:
    """Return an e-mail address in lower case.

    Raises:
        Invalid: it is none.
    """
    email = text.strip().lower()
    if not _EMAIL.fullmatch(email):
        message = "Enter an e-mail address, such as mia@example.com."
        raise Invalid(message, "email")
    return email


def clean_name(text: str) -> str:
    """Return a person's name without spaces around it.

    Raises:
        Invalid: too long, or with control characters.
    """
    name = " ".join(text.split())
    if len(name) > NAME_MAX or not name.isprintable():
        message = f"Enter a name of at most {NAME_MAX} printable characters."
        raise Invalid(message, "name")
    return name
