"""Counting failed sign-ins, and locking after too many.

An attempt is counted before it is checked, and forgiven when it succeeds: parallel guesses cannot slip
through between the check and the count. A stranger can lock a handle for their own address only.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, bindparam, delete, or_, select, text, true, update

from crypto.envelope import DecryptionError
from crypto.keyring import SYSTEM
from errors import NotFound
from models import AccessToken, Action, Lockout, User
from policy import ActorKind
from services import audit
from services.events import Target
from services.unit_of_work import UnitOfWork

ADDRESS_FAILURES = 20
ADDRESS_WINDOW = timedelta(minutes=15)
IPV6_PREFIX = 64


@dataclass(frozen=True, slots=True)
class Limit:
    """So many failures within a window lock for a while."""

    failures: int
    window: timedelta
    lasts: timedelta


@dataclass(frozen=True, slots=True)
class LockoutLine:
    """A lock or a count in the list.

    Args:
        organization_id: None: the handle is none of ours, or the address itself is counted.
        handle: None: the address is counted, whatever it tries.
        owner: whose token has the handle; None: nobody's here.
        locked: whether the limit is reached.
        until: when the lock, or the count, ends by itself.
    """

    id: UUID
    kind: str
    organization_id: UUID | None
    handle: str | None
    owner: str | None
    address: str
    attempts: int
    locked: bool
    until: datetime


@dataclass(frozen=True, slots=True)
class Counted:
    """An attempt that was counted; ``allowed`` says whether it may be checked at all."""

    digest: bytes
    allowed: bool


def network_of(address: str) -> str:
    """Return what one visitor cannot leave at will: an IPv4 address, or the /64 of an IPv6 address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:  # noqa: PLR2004 - the name of the protocol
        return str(parsed)
    mapped = parsed.ipv4_mapped
    return str(mapped or ip_network((parsed, IPV6_PREFIX), strict=False))


def count_attempt(uow: UnitOfWork, lookup_id: str, organization_id: UUID | None) -> list[Counted]:
    """Count a sign-in attempt against its handle and address, and against the address alone."""
    network = network_of(uow.origin.address)
    by_token = Limit(uow.rules.lockout_failures, uow.rules.lockout_lasts, uow.rules.lockout_lasts)
    return [
        _count(uow, "token", (lookup_id, network), by_token, organization_id),
        count_address(uow),
    ]


def count_address(uow: UnitOfWork) -> Counted:
    """Count a sign-in attempt against its address alone, as one that names no token."""
    by_address = Limit(ADDRESS_FAILURES, ADDRESS_WINDOW, ADDRESS_WINDOW)
    return _count(uow, "address", (network_of(uow.origin.address),), by_address, None)


def forgive(uow: UnitOfWork, counted: list[Counted]) -> None:
    """The attempt succeeded: clear the handle's count; from the address take this one back, no more.

    Whoever holds one good token could otherwise clear the count of their guesses at others.
    """
    by_token, by_address = counted
    uow.session.execute(delete(Lockout).where(Lockout.digest == by_token.digest))
    forgive_address(uow, by_address)


def forgive_address(uow: UnitOfWork, by_address: Counted) -> None:
    """The attempt succeeded: take it back from the count of its address."""
    uow.session.execute(
        update(Lockout)
        .where(Lockout.digest == by_address.digest)
        .values(attempts=Lockout.attempts - 1, locked_until=None)
    )


def _count(
    uow: UnitOfWork,
    kind: str,
    subject: tuple[str, ...],
    limit: Limit,
    organization_id: UUID | None,
) -> Counted:
    digest = uow.keys.throttle_digest(kind, *subject)
    lockout_id = uuid4()
    sealed = uow.keys.encrypt(SYSTEM, "lockout", lockout_id, "subject", 1, json.dumps(subject).encode())
    attempts = uow.connection.execute(
        _COUNT,
        {
            "id": lockout_id,
            "digest": digest,
            "kind": kind,
            "organization_id": organization_id,
            "window_ends_at": uow.now + limit.window,
            "subject": sealed,
            "now": uow.now,
            "limit": limit.failures,
            "until": uow.now + limit.lasts,
        },
    ).scalar_one()
    return Counted(digest, allowed=attempts <= limit.failures)


_TIME = Lockout.window_ends_at.type
_COUNT = text("""
    INSERT INTO lockout
        (id, digest, kind, organization_id, attempts, window_ends_at, locked_until, revision, subject)
    VALUES (:id, :digest, :kind, :organization_id, 1, :window_ends_at, NULL, 1, :subject)
    ON CONFLICT (digest) DO UPDATE SET
        attempts = CASE WHEN lockout.window_ends_at <= :now THEN 1 ELSE lockout.attempts + 1 END,
        window_ends_at = CASE
            WHEN lockout.window_ends_at <= :now THEN excluded.window_ends_at
            WHEN lockout.attempts + 1 = :limit THEN :until
            ELSE lockout.window_ends_at END,
        locked_until = CASE
            WHEN lockout.window_ends_at <= :now THEN NULL
            WHEN lockout.attempts + 1 = :limit THEN :until
            ELSE lockout.locked_until END
    RETURNING attempts
""").bindparams(
    bindparam("id", type_=Lockout.id.type),
    bindparam("organization_id", type_=Lockout.organization_id.type),
    *(bindparam(name, type_=_TIME) for name in ("window_ends_at", "now", "until")),
)
"""Adds one attempt, returns how many there are in the window; at the limit the window becomes the lock.

As text, because SQLAlchemy compiles its own ON CONFLICT anew each time, which takes a millisecond.
"""


def find(uow: UnitOfWork, lockout_id: UUID) -> Lockout:
    """Return a lockout that the actor may lift: one of their organization; the operator's also those of none.

    Raises:
        NotFound: there is none.
    """
    row = uow.session.scalar(select(Lockout).where(Lockout.id == lockout_id, _theirs(uow)))
    if row is None:
        raise NotFound
    return row


def living(uow: UnitOfWork) -> list[LockoutLine]:
    """Return the locks and counts that the actor may see: locks first, then the highest counts."""
    rows = uow.session.scalars(
        select(Lockout)
        .where(Lockout.window_ends_at > uow.now, Lockout.attempts > 0, _theirs(uow))
        .order_by(Lockout.locked_until.is_(None), Lockout.attempts.desc(), Lockout.window_ends_at, Lockout.id)
    )
    lines = [_line_of(uow, row) for row in rows]
    owners = _owners_of(uow, [line.handle for line in lines if line.handle])
    return [replace(line, owner=owners.get(line.handle or "")) for line in lines]


def lift(uow: UnitOfWork, row: Lockout) -> None:
    """Forget a lock or a count: the next attempt is the first."""
    line = _line_of(uow, row)
    uow.session.delete(row)
    name = " from ".join(part for part in (line.handle, line.address) if part)
    audit.record(
        uow,
        Action.LOCKOUT_LIFTED,
        Target("lockout", row.id, name),
        extra={"kind": row.kind, "attempts": row.attempts, "locked": line.locked},
    )


def _owners_of(uow: UnitOfWork, handles: Sequence[str]) -> dict[str, str]:
    """Return the names of the people of this organization whose tokens have the handles."""
    rows = uow.session.execute(
        select(AccessToken.lookup_id, User.name)
        .join(User, User.id == AccessToken.user_id)
        .where(AccessToken.lookup_id.in_(handles))
    )
    return {row.lookup_id: row.name for row in rows}


def _theirs(uow: UnitOfWork) -> ColumnElement[bool]:
    if uow.actor.kind is ActorKind.SYSTEM:
        return true()
    own = Lockout.organization_id == uow.organization_id
    return or_(own, Lockout.organization_id.is_(None)) if uow.actor.operator else own


def _line_of(uow: UnitOfWork, row: Lockout) -> LockoutLine:
    try:
        *handle, address = describe(uow, row)
    except DecryptionError:
        target = Target("lockout", row.id)
        audit.record(uow, Action.DECRYPTION_FAILED, target, success=False, extra={"field": "subject"})
        handle, address = [], "cannot be decrypted"
    return LockoutLine(
        id=row.id,
        kind=row.kind,
        organization_id=row.organization_id,
        handle=handle[0] if handle else None,
        owner=None,
        address=address,
        attempts=row.attempts,
        locked=row.locked_until is not None,
        until=row.window_ends_at,
    )


def remove_ended(uow: UnitOfWork) -> int:
    """Delete the counts whose window has ended; return how many."""
    ended = uow.session.execute(delete(Lockout).where(Lockout.window_ends_at <= uow.now))
    return int(ended.rowcount)  # type: ignore[attr-defined]


def describe(uow: UnitOfWork, row: Lockout) -> tuple[str, ...]:
    """Return what the row counts: handle and network, or the network alone.

    Raises:
        DecryptionError: the row was altered.
    """
    opened = uow.keys.decrypt(SYSTEM, "lockout", row.id, "subject", row.revision, row.subject)
    return tuple(json.loads(opened))
