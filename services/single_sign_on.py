"""Coming in by single sign-on: whom a provider's word lets in, as whom, and how far."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select

from crypto.id_tokens import LEEWAY
from errors import Invalid, NotAdmitted
from models import Action, Membership, Organization, User
from policy import NOBODY, Actor, ActorKind, Role
from services import audit, factors, identities, invitations, joining, limits, owners, sessions
from services.committer import Mark
from services.database import EVERY_ORGANIZATION, see_organization
from services.events import Extra, Target
from services.marks import write_marks
from services.providers import GOOGLE, Provider, Vouched
from services.signin import SignedIn
from services.sso_attempts import Attempt, Purpose
from services.unit_of_work import UnitOfWork

log = logging.getLogger("chatelaine.sso")


def sign_in(uow: UnitOfWork, provider: Provider, vouched: Vouched) -> SignedIn:
    """Start a session for whom *provider* vouches; one that the browser had before ends.

    Raises:
        NotAdmitted: nobody is let in for it.
    """
    row = identities.find(uow, provider, vouched.subject)
    if row is not None:
        _refuse_dead(uow, row)
    if uow.actor.session_id is not None:
        sessions.end(uow, uow.actor.session_id)
    if row is None:
        _admit(uow, provider, vouched)
        row = identities.find(uow, provider, vouched.subject)
    uow.act_as(Actor(ActorKind.PERSON, row.user_id, row.name, row.organization_id, Role(row.role)))
    identities.note_use(uow, row.id, vouched.email)
    write_marks(uow.connection, [Mark("token", row.token_id, uow.now, uow.origin.address)])
    how: Extra = {
        "provider": provider.name,
        "second_factor": "asserted by the provider" if vouched.multi_factor else "not asserted",
    }
    started = sessions.start(uow, row.user_id, row.token_id, passed=vouched.multi_factor, extra=how)
    return SignedIn(started, row.slug, must_replace=False)


def confirm(uow: UnitOfWork, provider: Provider, vouched: Vouched, attempt: Attempt) -> None:
    """Let the actor's session count as fresh: the provider says that they proved anew who they are.

    Raises:
        NotAdmitted: it is another account, or the proof is old, or weaker than what they have or need here.
    """
    if factors.has(uow, uow.actor.id):
        raise NotAdmitted("has an app")
    row = identities.find(uow, provider, vouched.subject)
    if row is None or row.user_id != uow.actor.id or identities.why_dead(uow, row):
        raise NotAdmitted("another account")
    at = vouched.authenticated_at
    if at is None or at < int(attempt.begun_at.timestamp()) - LEEWAY:
        raise NotAdmitted("not anew")
    if uow.rules.second_factor and not vouched.multi_factor:
        raise NotAdmitted("one factor")
    sessions.confirm(uow, extra={"provider": provider.name})


def record_failure(
    uow: UnitOfWork, provider: Provider, purpose: Purpose, reason: str, organization_id: UUID | None = None
) -> None:
    """Record that an attempt came to nothing; never what the provider or the browser sent.

    Args:
        organization_id: whose people look after the account, where nobody is signed in.
    """
    log.warning("single sign-on through %s failed: %s", provider.name, reason)
    extra: Extra = {"provider": provider.name, "purpose": purpose.value, "reason": reason}
    actor = uow.actor
    if actor.kind is ActorKind.NOBODY:
        uow.actor = replace(actor, organization_id=organization_id)
    target = Target("provider", None, provider.label)
    audit.record(uow, Action.SIGNIN_FAILED, target, success=False, extra=extra)
    uow.actor = actor


def _refuse_dead(uow: UnitOfWork, row: Any) -> None:
    reason = identities.why_dead(uow, row)
    if reason:
        raise NotAdmitted(reason, row.organization_id)


def _admit(uow: UnitOfWork, provider: Provider, vouched: Vouched) -> None:
    """Let somebody in for the first time: invited under this address, or of a domain whose people may."""
    email = _verified_email(vouched)
    see_organization(uow.session, EVERY_ORGANIZATION)
    invitation = invitations.find_for(uow, email, provider.organization)
    _refuse_known(uow, email)
    _lock_place(uow, invitation.organization_id if invitation else _place_for(uow, provider, vouched, email))
    if identities.find(uow, provider, vouched.subject) is not None:
        # Let in meanwhile, by another attempt of theirs.
        return
    _refuse_known(uow, email)
    if invitation is not None:
        user = invitations.take_up(uow, invitation, vouched.name)
        identities.add(uow, provider, vouched, user.id, user.email)
        by = {"invitation": str(invitation.id), "provider": provider.name}
        _record_person(uow, Action.PERSON_ENROLLED, user, by)
        return
    user = _join(uow, provider, email, vouched.name)
    identities.add(uow, provider, vouched, user.id, user.email)
    _record_person(uow, Action.PERSON_JOINED, user, {"role": provider.role.value, "provider": provider.name})


def _verified_email(vouched: Vouched) -> str:
    try:
        email = invitations.clean_email(vouched.email)
    except Invalid:
        raise NotAdmitted("no e-mail") from None
    if not vouched.verified:
        raise NotAdmitted("not verified")
    return email


def _lock_place(uow: UnitOfWork, organization_id: UUID) -> None:
    """Work in the organization from here on, one after the other where several come in at once."""
    uow.act_as(Actor(ActorKind.NOBODY, NOBODY.id, NOBODY.name, organization_id=organization_id))
    owners.lock(uow)


def _refuse_known(uow: UnitOfWork, email: str) -> None:
    """An account that is there is linked by who is signed in to it, never for the sake of an address."""
    if uow.session.scalar(select(User.id).where(User.email == email)) is not None:
        raise NotAdmitted("known")


def _place_for(uow: UnitOfWork, provider: Provider, vouched: Vouched, email: str) -> UUID:
    domain = email.rpartition("@")[2]
    if provider.organization is None or domain not in provider.domains:
        raise NotAdmitted("not invited")
    if provider.issuer == GOOGLE and vouched.hosted != domain:
        # Anybody can have a private account there under an address of their own, and keep it when they leave.
        raise NotAdmitted("not invited")
    place = uow.session.scalar(select(Organization).where(Organization.slug == provider.organization))
    if place is None:
        log.error("the provider %s is set up for an organization that does not exist", provider.name)
        raise NotAdmitted("no organization")
    joining.demand_open(place)
    return place.id


def _join(uow: UnitOfWork, provider: Provider, email: str, name: str) -> User:
    limits.demand_place(uow)
    user = User(id=uuid4(), email=email, name=name or email.partition("@")[0], created_at=uow.now)
    uow.session.add(user)
    uow.session.flush()
    uow.session.add(
        Membership(
            id=uuid4(),
            organization_id=uow.organization_id,
            user_id=user.id,
            role=provider.role.value,
            created_at=uow.now,
        )
    )
    uow.session.flush()
    uow.act_as(Actor(ActorKind.PERSON, user.id, user.name, uow.organization_id, provider.role))
    return user


def _record_person(uow: UnitOfWork, action: Action, user: User, extra: Extra) -> None:
    audit.record(uow, action, Target("person", user.id, user.email), extra=extra)
