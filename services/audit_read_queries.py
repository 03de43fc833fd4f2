"""The statements that read the audit log: made once, each bound to one chain.

The walks look at the columns of the covering index only, within bounds of ``seq``; the rows themselves, with
their payloads, are fetched for what is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import chain, combinations
from types import MappingProxyType
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    bindparam,
    case,
    delete,
    func,
    select,
    type_coerce,
)

from models import AuditChain, AuditDay, AuditEvent

_HERE = AuditEvent.chain_id == bindparam("organization_id")
_DAYS_HERE = AuditDay.chain_id == bindparam("organization_id")

END = select(AuditChain.size, AuditChain.head, AuditChain.last_at).where(
    AuditChain.chain_id == bindparam("organization_id")
)

CONDITIONS: Mapping[str, ColumnElement[bool]] = MappingProxyType(
    {
        "actions": AuditEvent.action.in_(bindparam("actions", expanding=True)),
        "actor_id": AuditEvent.actor_id == bindparam("actor_id"),
        "success": AuditEvent.success == bindparam("success"),
        "target_id": AuditEvent.target_id == bindparam("target_id"),
        "target_type": AuditEvent.target_type == bindparam("target_type"),
    }
)


EVENT = (
    AuditEvent.seq,
    AuditEvent.id,
    AuditEvent.at,
    AuditEvent.action,
    AuditEvent.actor_id,
    AuditEvent.target_type,
    AuditEvent.target_id,
    AuditEvent.success,
    AuditEvent.payload,
    AuditEvent.hash,
    AuditEvent.mac,
)
"""A whole event, but for its chain."""


def _within(names: Iterable[str]) -> tuple[ColumnElement[bool], ...]:
    between = (AuditEvent.seq >= bindparam("low"), AuditEvent.seq < bindparam("high"))
    return (_HERE, *between, *(CONDITIONS[name] for name in names))


def _every(
    make: Callable[[tuple[ColumnElement[bool], ...]], Select[Any]],
) -> Mapping[frozenset[str], Select[Any]]:
    """Make a statement for every set of conditions: what is not asked for costs nothing."""
    counts = range(len(CONDITIONS) + 1)
    sets = chain.from_iterable(combinations(sorted(CONDITIONS), count) for count in counts)
    return MappingProxyType({frozenset(names): make(_within(names)) for names in sets})


WALKS = _every(
    lambda within: (
        select(AuditEvent.seq).where(*within).order_by(AuditEvent.seq.desc()).limit(bindparam("limit"))
    )
)
"""The numbers of the events that match, newest first, from the covering index alone."""
EXPORTS = _every(
    lambda within: select(*EVENT).where(*within).order_by(AuditEvent.seq).limit(bindparam("limit"))
)
"""Whole rows, oldest first."""

ROWS = (
    select(*EVENT)
    .where(_HERE, AuditEvent.seq.in_(bindparam("seqs", expanding=True)))
    .order_by(AuditEvent.seq.desc())
)
AT = select(AuditEvent.at).where(_HERE, AuditEvent.seq == bindparam("seq"))
HASH = select(AuditEvent.hash).where(_HERE, AuditEvent.seq == bindparam("seq"))
COUNT = select(func.count(AuditEvent.seq)).where(*_within(["actions"]))
ACTORS = (
    select(AuditEvent.actor_id).where(*_within([]), AuditEvent.actor_id != bindparam("nobody")).distinct()
)

DAY = select(AuditDay.first_seq, AuditDay.events, AuditDay.reveals, AuditDay.failures).where(
    _DAYS_HERE, AuditDay.day == bindparam("day")
)
DAYS = (
    select(AuditDay.day, AuditDay.events, AuditDay.reveals, AuditDay.failures)
    .where(_DAYS_HERE, AuditDay.day >= bindparam("first_day"))
    .order_by(AuditDay.day)
)
FIRST_SEQ_FROM = (
    select(AuditDay.first_seq).where(_DAYS_HERE, AuditDay.day >= bindparam("day")).order_by(AuditDay.day)
)
"""Its first row says where the first of the days from *day* on begins; without one nothing happened since."""

_DAY_NUMBER = type_coerce(AuditEvent.at, BigInteger) // bindparam("day_long", type_=BigInteger)
RECOUNT = (
    select(
        _DAY_NUMBER.label("day"),
        func.min(AuditEvent.seq).label("first_seq"),
        func.count().label("events"),
        func.count(case((AuditEvent.action.in_(bindparam("reveals", expanding=True)), AuditEvent.seq))).label(
            "reveals"
        ),
        func.count(case((AuditEvent.success.is_(False), AuditEvent.seq))).label("failures"),
    )
    .where(_HERE)
    .group_by(_DAY_NUMBER)
)
"""What the days of a chain hold; they are numbered from 1970."""
FORGET_DAYS = delete(AuditDay).where(_DAYS_HERE)
