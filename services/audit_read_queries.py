"""The statements that read the audit log: made once, each bound to one chain.

The walks look at the columns of the covering index only, within bounds of ``seq``; the rows themselves, with
their payloads, are fetched for what is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain, combinations
from types import MappingProxyType

from sqlalchemy import ColumnElement, Select, bindparam, func, select

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


def _walk(names: Iterable[str]) -> Select[tuple[int]]:
    return (
        select(AuditEvent.seq)
        .where(
            _HERE,
            AuditEvent.seq >= bindparam("low"),
            AuditEvent.seq < bindparam("high"),
            *(CONDITIONS[name] for name in names),
        )
        .order_by(AuditEvent.seq.desc())
        .limit(bindparam("limit"))
    )


WALKS: Mapping[frozenset[str], Select[tuple[int]]] = MappingProxyType(
    {
        frozenset(names): _walk(names)
        for names in chain.from_iterable(
            combinations(sorted(CONDITIONS), count) for count in range(len(CONDITIONS) + 1)
        )
    }
)
"""A statement for every set of conditions: what is not asked for costs nothing."""

ROWS = (
    select(
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
    .where(_HERE, AuditEvent.seq.in_(bindparam("seqs", expanding=True)))
    .order_by(AuditEvent.seq.desc())
)
AT = select(AuditEvent.at).where(_HERE, AuditEvent.seq == bindparam("seq"))
COUNT = select(func.count()).select_from(
    select(AuditEvent.seq)
    .where(
        _HERE,
        AuditEvent.seq >= bindparam("low"),
        AuditEvent.seq < bindparam("high"),
        CONDITIONS["actions"],
    )
    .subquery()
)
ACTORS = select(func.count(AuditEvent.actor_id.distinct())).where(
    _HERE,
    AuditEvent.seq >= bindparam("low"),
    AuditEvent.seq < bindparam("high"),
    AuditEvent.actor_id != bindparam("nobody"),
)

DAY = select(AuditDay.first_seq, AuditDay.events, AuditDay.reveals, AuditDay.failures).where(
    _DAYS_HERE, AuditDay.day == bindparam("day")
)
DAYS = (
    select(AuditDay.day, AuditDay.events, AuditDay.reveals, AuditDay.failures)
    .where(_DAYS_HERE, AuditDay.day >= bindparam("first_day"))
    .order_by(AuditDay.day)
)
FIRST_SEQ_FROM = select(func.min(AuditDay.first_seq)).where(_DAYS_HERE, AuditDay.day >= bindparam("day"))
"""Where the first of the days from *day* on begins; None: nothing happened since."""
