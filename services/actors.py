"""Who is asking: from a session's cookie to an actor, and what anybody has rights on."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from crypto.tokens import parse_session_id
from errors import OrganizationClosed
from policy import Actor, ActorKind, Right, Role
from services import actor_queries as queries
from services import postgresql
from services.committer import Mark
from services.marks import COARSE
from services.prepared import fetch, fetch_one
from services.rules import HALF_LASTS
from services.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a living session.

    Args:
        home_id: the organization whose admins look after their sign-in token.
        has_factor: whether they have a second factor.
        passed: whether they proved it in this session, or a provider asserts one.
    """

    user_id: UUID
    home_id: UUID
    name: str
    email: str
    operator: bool
    session_id: UUID
    token_id: UUID
    token_expires_at: datetime
    must_replace: bool
    has_factor: bool
    passed: bool
    confirmed_at: datetime

    @property
    def is_half(self) -> bool:
        """Whether the second factor is still to come."""
        return self.has_factor and not self.passed

    @property
    def has_second(self) -> bool:
        """Whether they have a second factor, here or at the provider that vouched for them."""
        return self.has_factor or self.passed

    @property
    def initials(self) -> str:
        """What stands in the person's circle."""
        words = self.name.split() or [self.email]
        return "".join(word[0] for word in words[:2]).upper()

    def actor(self) -> Actor:
        """Return the person as an actor on their own account: without a role anywhere."""
        return Actor(
            ActorKind.PERSON,
            self.user_id,
            self.name,
            organization_id=self.home_id,
            operator=self.operator,
            session_id=self.session_id,
            confirmed_at=self.confirmed_at,
        )


@dataclass(frozen=True, slots=True)
class Place:
    """An organization that a person belongs to, such as the one that the address names.

    Args:
        closed: nobody works there now.
    """

    id: UUID
    slug: str
    name: str
    closed: bool = False


def find_person(uow: UnitOfWork, cookie: str) -> Person | None:
    """Return who holds the living session that *cookie* names, and note its use."""
    session_id = parse_session_id(cookie)
    if session_id is None:
        return None
    row = _find_session(uow, session_id)
    if row is None or not _session_lives(uow, row):
        return None
    if uow.now - row.seen_at >= COARSE or row.address != uow.origin.address:
        uow.note(Mark("session", row.id, uow.now, uow.origin.address))
    return Person(
        user_id=row.user_id,
        home_id=row.organization_id,
        name=row.name,
        email=row.email,
        operator=row.operator,
        session_id=row.id,
        token_id=row.token_id,
        token_expires_at=row.token_expires_at,
        must_replace=row.must_replace,
        has_factor=row.has_factor,
        passed=row.passed_at is not None,
        confirmed_at=row.confirmed_at,
    )


def _find_session(uow: UnitOfWork, session_id: bytes) -> Any:
    connection = uow.connection
    held = uow.runtime.held_keys(connection)
    row = fetch_one(connection, queries.FIND_SESSION, {"digest": held.session_digest(session_id)})
    if row is not None:
        uow.use_keys(row.key_generation)
    elif uow.keys is not held:
        row = fetch_one(connection, queries.FIND_SESSION, {"digest": uow.keys.session_digest(session_id)})
    return row


def _session_lives(uow: UnitOfWork, row: Any) -> bool:
    return (
        row.expires_at > uow.now
        and uow.now - row.seen_at < uow.rules.session_idle
        and row.token_revoked_at is None
        and row.token_expires_at > uow.now
        and not _waits_in_vain(uow, row)
    )


def _waits_in_vain(uow: UnitOfWork, row: Any) -> bool:
    """Whether the second factor should have come by now."""
    is_half = row.has_factor and row.passed_at is None
    return is_half and uow.now - row.created_at >= HALF_LASTS


def enter(uow: UnitOfWork, person: Person, slug: str) -> Place | None:
    """Make the person an actor of the organization called *slug*; None: they do not belong to it.

    Raises:
        OrganizationClosed: nobody works there now.
    """
    row = fetch_one(uow.connection, queries.FIND_MEMBERSHIP, {"slug": slug, "user_id": person.user_id})
    if row is None:
        return None
    uow.act_as(
        Actor(
            ActorKind.PERSON,
            person.user_id,
            person.name,
            organization_id=row.id,
            role=Role(row.role),
            operator=person.operator,
            rights=rights_of(uow.connection, row.id, person.user_id, uow.now),
            session_id=person.session_id,
            confirmed_at=person.confirmed_at,
        )
    )
    if row.closed:
        raise OrganizationClosed(row.name)
    return Place(row.id, row.slug, row.name)


def token_lives(row: Any, now: datetime) -> bool:
    """Whether the token of a ``FIND_TOKEN`` row may be used: not revoked, not expired, its owner active."""
    return row.revoked_at is None and row.expires_at > now and row.disabled_at is None


def rights_of(
    connection: Connection,
    organization_id: UUID,
    user_id: UUID,
    now: datetime,
    *,
    only: Collection[UUID] | None = None,
) -> Mapping[UUID, Right]:
    """Return a person's right on each vault and single item, the strongest that has not ended.

    The rows of the organization are seen from now on.

    Args:
        only: vaults; others are left out. None: none is.
    """
    postgresql.show(connection, organization_id, user_id)
    asked = {"organization_id": organization_id, "user_id": user_id, "now": now}
    rights: dict[UUID, Right] = {}
    for vault_id, item_id, right in fetch(connection, queries.RIGHTS, asked):
        if only is not None and vault_id is not None and vault_id not in only:
            continue
        place = vault_id or item_id
        rights[place] = max(Right(right), rights.get(place, Right.USE))
    return MappingProxyType(rights)


def organizations_of(uow: UnitOfWork, user_id: UUID) -> list[Place]:
    """Return each organization that the person belongs to, by name."""
    rows = fetch(uow.connection, queries.MEMBERSHIPS, {"user_id": user_id})
    return [Place(row.id, row.slug, row.name, closed=bool(row.closed)) for row in rows]
