"""Accounts at providers that people have linked: each is a way in, like a sign-in token of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from errors import Conflict, NotAdmitted, NotFound
from models import Action, Identity
from services import audit, owners, tokens
from services import identity_queries as queries
from services.events import Target
from services.providers import Provider, Vouched
from services.rules import TOKEN_LASTS, WAYS_IN
from services.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class IdentityLine:
    """A linked account as its owner sees it.

    Args:
        organization_id: the one that its token belongs to.
        lives: whether it still lets them in.
    """

    id: UUID
    token_id: UUID
    organization_id: UUID
    provider: str
    issuer: str
    email: str
    created_at: datetime
    used_at: datetime | None
    lives: bool


def find(uow: UnitOfWork, provider: Provider, subject: str) -> Any:
    """Return the row of ``FIND_IDENTITY`` for an account at *provider*; None: nobody has linked it."""
    named = {"issuer": provider.issuer, "subject": subject}
    return uow.connection.execute(queries.FIND_IDENTITY, named).one_or_none()


def why_dead(uow: UnitOfWork, row: Any) -> str:
    """Return why a linked account lets nobody in; empty: it does."""
    if row.disabled_at is not None:
        return "disabled"
    if row.revoked_at is not None:
        return "revoked"
    return "expired" if row.expires_at <= uow.now else ""


def of(uow: UnitOfWork, user_id: UUID) -> Sequence[IdentityLine]:
    """Return what a person has linked, the oldest first."""
    rows = uow.connection.execute(queries.IDENTITIES_OF, {"user_id": user_id})
    return [
        IdentityLine(
            id=row.id,
            token_id=row.token_id,
            organization_id=row.organization_id,
            provider=row.provider,
            issuer=row.issuer,
            email=row.email,
            created_at=row.created_at,
            used_at=row.used_at,
            lives=not why_dead(uow, row),
        )
        for row in rows
    ]


def add(uow: UnitOfWork, provider: Provider, vouched: Vouched, user_id: UUID, name: str) -> UUID:
    """Let an account at *provider* be a way in for a person of the actor's organization; return its token.

    Args:
        name: what the audit log calls the person.
    """
    token_id = tokens.mint_sso(
        uow, user_id, organization_id=uow.organization_id, name=f"Single sign-on ({provider.label})"
    )
    identity = Identity(
        id=uuid4(),
        user_id=user_id,
        token_id=token_id,
        provider=provider.name,
        issuer=provider.issuer,
        subject=vouched.subject,
        email=vouched.email,
        created_at=uow.now,
        used_at=None,
    )
    uow.session.add(identity)
    uow.session.flush()
    _record(uow, Action.IDENTITY_LINKED, user_id, name, provider.name)
    return token_id


def link(uow: UnitOfWork, provider: Provider, vouched: Vouched) -> None:
    """Link an account to the actor, who has just shown that it is theirs.

    One that no longer lets anybody in is linked anew.

    Raises:
        NotAdmitted: it is somebody else's, or the actor has linked one there already.
    """
    owners.lock(uow)
    row = find(uow, provider, vouched.subject)
    if row is not None and row.user_id != uow.actor.id:
        raise NotAdmitted("taken")
    for line in of(uow, uow.actor.id):
        if line.issuer == provider.issuer:
            if line.lives:
                raise NotAdmitted("linked")
            uow.session.delete(uow.session.get_one(Identity, line.id))
    uow.session.flush()
    add(uow, provider, vouched, uow.actor.id, uow.actor.name)


def unlink(uow: UnitOfWork, identity_id: UUID) -> None:
    """Take one of the actor's links away, with its token and the sessions that it opened.

    Raises:
        NotFound: it is not theirs.
        Conflict: they could not sign in any more.
        LastOwner: no owner could sign in any more.
    """
    line = next((each for each in of(uow, uow.actor.id) if each.id == identity_id), None)
    if line is None:
        raise NotFound
    if line.lives and not _has_other_way_in(uow, line):
        message = "This is your only way to sign in. Link another account, or ask an admin for a link, first."
        raise Conflict(message)
    uow.session.delete(uow.session.get_one(Identity, identity_id))
    uow.session.flush()
    _record(uow, Action.IDENTITY_UNLINKED, uow.actor.id, uow.actor.name, line.provider)
    if line.lives:
        _revoke(uow, line)


def note_use(uow: UnitOfWork, identity_id: UUID, email: str) -> None:
    """Remember that an account was used, and how the provider calls it now; its token lasts on from here."""
    identity = uow.session.get_one(Identity, identity_id)
    identity.used_at = uow.now
    identity.email = email or identity.email
    tokens.find(uow, identity.token_id).expires_at = uow.now + TOKEN_LASTS


def _has_other_way_in(uow: UnitOfWork, line: IdentityLine) -> bool:
    asked = {"user_id": uow.actor.id, "token_id": line.token_id, "kinds": WAYS_IN, "now": uow.now}
    return uow.connection.execute(queries.OTHER_WAYS_IN, asked).first() is not None


def _revoke(uow: UnitOfWork, line: IdentityLine) -> None:
    """End the token in the organization that it belongs to, which may be another than the session's."""
    actor = uow.actor
    uow.act_as(replace(actor, organization_id=line.organization_id))
    tokens.revoke(uow, tokens.find(uow, line.token_id))
    uow.act_as(actor)


def _record(uow: UnitOfWork, action: Action, user_id: UUID, name: str, provider: str) -> None:
    audit.record(uow, action, Target("person", user_id, name), extra={"provider": provider})
