"""Who is asking: from a session's cookie or a program's token to an actor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from crypto.tokens import ParsedToken, parse_session_id, same
from policy import Actor, ActorKind, Right, Role, Scope
from services import actor_queries as queries
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
        passed: whether they proved it in this session.
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
    """The organization that the address names, as far as the person belongs to it."""

    id: UUID
    slug: str
    name: str


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
        has_factor=row.factor_at is not None,
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
    is_half = row.factor_at is not None and row.passed_at is None
    return is_half and uow.now - row.created_at >= HALF_LASTS


def enter(uow: UnitOfWork, person: Person, slug: str) -> Place | None:
    """Make the person an actor of the organization called *slug*; None: they do not belong to it."""
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
    return Place(row.id, row.slug, row.name)


def enter_with_token(uow: UnitOfWork, token: ParsedToken) -> bool:
    """Make the program that holds *token* an actor of the token's organization; False: it opens nothing."""
    row = fetch_one(uow.connection, queries.FIND_TOKEN, {"lookup_id": token.lookup_id})
    if row is None:
        return False
    uow.use_keys(row.key_generation)
    digest = uow.keys.token_digest(token.kind, token.lookup_id, token.secret)
    if not same(digest, row.digest) or row.kind != "api" or not token_lives(row, uow.now):
        return False
    if row.last_used_at is None or uow.now - row.last_used_at >= COARSE:
        uow.note(Mark("token", row.id, uow.now, uow.origin.address))
    uow.act_as(
        Actor(
            ActorKind.TOKEN,
            row.user_id,
            f"{row.user_name} ({row.name})",
            organization_id=row.organization_id,
            role=Role(row.role),
            rights=rights_of(uow.connection, row.organization_id, row.user_id, uow.now),
            scopes=frozenset(Scope(scope) for scope in row.scopes.split()),
            token_id=row.id,
        )
    )
    return True


def token_lives(row: Any, now: datetime) -> bool:
    """Whether the token of a ``FIND_TOKEN`` row may be used: not revoked, not expired, its owner active."""
    return row.revoked_at is None and row.expires_at > now and row.disabled_at is None


def rights_of(
    connection: Connection, organization_id: UUID, user_id: UUID, now: datetime
) -> Mapping[UUID, Right]:
    """Return a person's right on each vault, ended grants left out."""
    asked = {"organization_id": organization_id, "user_id": user_id, "now": now}
    rows = fetch(connection, queries.RIGHTS, asked)
    return MappingProxyType({vault_id: Right(right) for vault_id, right in rows})


def organizations_of(uow: UnitOfWork, user_id: UUID) -> list[tuple[str, str]]:
    """Return slug and name of each organization that the person belongs to."""
    return [(row.slug, row.name) for row in uow.connection.execute(queries.MEMBERSHIPS, {"user_id": user_id})]
