"""Reading the audit log: pages of it, and single events."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from crypto.envelope import DecryptionError
from crypto.keyring import KeyRoom
from errors import NotFound
from models import Action
from policy import ActorKind
from services import audit, prepared
from services import audit_read_queries as queries
from services.audit_words import did
from services.events import Extra, Target
from services.item_blobs import key_of
from services.item_types import TYPE_FIELDS, Kind
from services.item_versions import PARTS
from services.unit_of_work import UnitOfWork

PAGE = 50
STRETCH = 20_000
"""Events that one page looks at; about 3 ms. What matches further back is found by looking further."""
CHANGES_OPENED = 200
"""Changes whose payloads one request opens to find those of secrets."""

_OPEN_KINDS = frozenset({Kind.TEXT, Kind.LINK, Kind.DATE})
_OPEN_PARTS = frozenset(
    {"Vault", "Notes", "Public key", "Certificate", "Chain"}
    | {label for label, _ in PARTS}
    | {spec.name for specs in TYPE_FIELDS.values() for spec in specs if spec.kind in _OPEN_KINDS}
)
"""Parts of a credential that are no secrets; whatever else a change names is one."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which events are wanted; what is left out does not matter.

    Args:
        first_day: and later; days are those of UTC.
        last_day: and earlier.
    """

    actor_id: UUID | None = None
    actions: frozenset[Action] = frozenset()
    target_type: str | None = None
    target_id: UUID | None = None
    success: bool | None = None
    first_day: date | None = None
    last_day: date | None = None

    def conditions(self) -> dict[str, Any]:
        """Return what the index is compared with, by the names of its conditions."""
        wanted: dict[str, Any] = {
            "actor_id": self.actor_id,
            "actions": sorted(self.actions) or None,
            "target_type": self.target_type,
            "target_id": self.target_id,
            "success": self.success,
        }
        return {name: value for name, value in wanted.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Details:
    """What the encrypted payload says."""

    actor: str
    actor_kind: str
    token_id: str | None
    target: str
    organization: str | None
    address: str
    agent: str
    method: str
    path: str
    request: str
    extra: Extra


_TOLD = tuple(one.name for one in fields(Details))


@dataclass(frozen=True, slots=True)
class Line:
    """An event, with its payload opened.

    Args:
        details: None: the payload cannot be decrypted, or is not one of ours.
        key: the version of the audit key that a payload names which cannot be decrypted; 0: it names none.
    """

    seq: int
    id: UUID
    at: datetime
    action: str
    actor_id: UUID
    target_type: str
    target_id: UUID | None
    success: bool
    details: Details | None
    key: int
    payload: bytes = field(repr=False)
    hash: bytes = field(repr=False)
    mac: bytes = field(repr=False)

    @property
    def who(self) -> str:
        """The name of who did it, as it was then."""
        if self.details is None:
            return f"cannot be decrypted (key {self.key or 'unknown'})"
        return "Somebody" if self.details.actor_kind == ActorKind.NOBODY else self.details.actor

    @property
    def did(self) -> str:
        """What they did, in words."""
        return did(self.action)

    @property
    def target(self) -> str:
        """What it was done to, as it was called then."""
        return self.details.target if self.details else ""


@dataclass(frozen=True, slots=True)
class Page:
    """A part of the log, newest first.

    Args:
        before: what the next page is asked for with; None: there is nothing more.
        searched_to: how far back was looked, when that was not far enough to fill the page.
    """

    lines: Sequence[Line]
    before: int | None
    searched_to: datetime | None


def size_of(uow: UnitOfWork, chain_id: UUID) -> int:
    """Return the number of events in a chain."""
    row = prepared.fetch_one(uow.connection, queries.END, {"organization_id": chain_id})
    return int(row.size) if row else 0


def page(
    uow: UnitOfWork,
    chain_id: UUID,
    wanted: Filter,
    *,
    before: int | None = None,
    limit: int = PAGE,
) -> Page:
    """Return the newest events that are wanted, of those older than the one numbered *before*.

    At most ``STRETCH`` events are looked at, however many there are.
    """
    floor, ceiling = bounds(uow, chain_id, wanted)
    high = ceiling if before is None else min(ceiling, before)
    low = max(floor, high - STRETCH)
    seqs = _walk(uow, chain_id, wanted, low, high, limit + 1)
    lines = _lines(uow, chain_id, seqs[:limit])
    if len(seqs) > limit:
        return Page(lines, lines[-1].seq, None)
    if low <= floor:
        return Page(lines, None, None)
    lowest = prepared.fetch_one(uow.connection, queries.AT, {"organization_id": chain_id, "seq": low})
    return Page(lines, low, lowest.at if lowest else None)


def find(uow: UnitOfWork, chain_id: UUID, seq: int) -> Line:
    """Return one event.

    Raises:
        NotFound: the chain has no such number.
    """
    lines = _lines(uow, chain_id, [seq])
    if not lines:
        raise NotFound
    return lines[0]


def secret_changes(uow: UnitOfWork, chain_id: UUID, *, limit: int = 10) -> Page:
    """Return the last changes of credentials that changed a secret, which only the payloads tell."""
    wanted = Filter(actions=frozenset({Action.ITEM_CHANGED}))
    part = page(uow, chain_id, wanted)
    found = [line for line in part.lines if _changed_secret(line)]
    for _ in range(CHANGES_OPENED // PAGE - 1):
        if len(found) >= limit or part.before is None or part.searched_to is not None:
            break
        part = page(uow, chain_id, wanted, before=part.before)
        found += [line for line in part.lines if _changed_secret(line)]
    if len(found) >= limit or part.before is None:
        return Page(found[:limit], None, None)
    return Page(found, None, part.searched_to or part.lines[-1].at)


def bounds(uow: UnitOfWork, chain_id: UUID, wanted: Filter) -> tuple[int, int]:
    """Turn the wanted days into numbers: the first, and the one after the last."""
    end = size_of(uow, chain_id) + 1
    low = 1 if wanted.first_day is None else _first_seq(uow, chain_id, wanted.first_day) or end
    if wanted.last_day is None or wanted.last_day >= date.max:
        return low, end
    return low, _first_seq(uow, chain_id, wanted.last_day + timedelta(days=1)) or end


def _first_seq(uow: UnitOfWork, chain_id: UUID, day: date) -> int | None:
    row = prepared.fetch_one(
        uow.connection, queries.FIRST_SEQ_FROM, {"organization_id": chain_id, "day": day}
    )
    return None if row is None else row.first_seq


def _walk(uow: UnitOfWork, chain_id: UUID, wanted: Filter, low: int, high: int, limit: int) -> Sequence[int]:
    conditions = wanted.conditions()
    reach = {"organization_id": chain_id, "low": low, "high": high, "limit": limit}
    return uow.connection.execute(queries.WALKS[frozenset(conditions)], reach | conditions).scalars().all()


def _lines(uow: UnitOfWork, chain_id: UUID, seqs: Sequence[int]) -> list[Line]:
    if not seqs:
        return []
    rows = uow.connection.execute(queries.ROWS, {"organization_id": chain_id, "seqs": list(seqs)}).all()
    lines = [open_row(uow.keys, chain_id, row) for row in rows]
    known = uow.runtime.broken_events
    broken = [line for line in lines if line.details is None and line.id not in known]
    if broken:
        known.update(line.id for line in broken)
        _record_broken(uow, broken)
    return lines


def open_row(keys: KeyRoom, chain_id: UUID, row: Row[Any]) -> Line:
    """Open the payload of a row of the log."""
    details = _open(keys, chain_id, row)
    return Line(
        seq=row.seq,
        id=row.id,
        at=row.at,
        action=row.action,
        actor_id=row.actor_id,
        target_type=row.target_type,
        target_id=row.target_id,
        success=row.success,
        details=details,
        key=0 if details else key_of(keys, row.payload),
        payload=row.payload,
        hash=row.hash,
        mac=row.mac,
    )


def _open(keys: KeyRoom, chain_id: UUID, row: Row[Any]) -> Details | None:
    try:
        payload = keys.decrypt(
            chain_id, "audit_event", row.id, "payload", row.seq, row.payload, purpose="audit"
        )
    except DecryptionError:
        return None
    told = json.loads(payload)
    return Details(**{name: told.get(name) for name in _TOLD})


def _record_broken(uow: UnitOfWork, lines: Sequence[Line]) -> None:
    """Record what could not be decrypted on a page."""
    audit.record(
        uow,
        Action.DECRYPTION_FAILED,
        Target("event", lines[0].id),
        success=False,
        extra={"part": "payload", "seqs": [line.seq for line in lines], "key": lines[0].key},
    )


def _changed_secret(line: Line) -> bool:
    changed = line.details.extra.get("fields") if line.details else None
    return isinstance(changed, list) and not _OPEN_PARTS.issuperset(map(str, changed))
