"""The statements that append to the audit log: made once, run thousands of times."""

from __future__ import annotations

from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from models import AuditChain, AuditCheckpoint, AuditDay, AuditEvent

HEAD = (
    select(AuditChain.size, AuditChain.head, AuditChain.last_at)
    .where(AuditChain.chain_id == bindparam("organization_id"))
    .with_for_update()
)
INSERT_EVENTS = insert(AuditEvent)
INSERT_CHAIN = insert(AuditChain)
ADVANCE = (
    update(AuditChain)
    .where(AuditChain.chain_id == bindparam("organization_id"))
    .values(size=bindparam("new_size"), head=bindparam("new_head"), last_at=bindparam("new_at"))
)

_DAY_KEY = (AuditDay.chain_id, AuditDay.day)


def _count_day(
    insert_into: type[sqlite.Insert | postgresql.Insert],
) -> sqlite.Insert | postgresql.Insert:
    statement = insert_into(AuditDay)
    return statement.on_conflict_do_update(
        index_elements=list(_DAY_KEY),
        set_={
            "events": AuditDay.events + statement.excluded.events,
            "reveals": AuditDay.reveals + statement.excluded.reveals,
            "failures": AuditDay.failures + statement.excluded.failures,
        },
    )


COUNT_DAY = {"sqlite": _count_day(sqlite.Insert), "postgresql": _count_day(postgresql.Insert)}
"""By the name of the dialect."""

HEADS = select(AuditChain.chain_id, AuditChain.size, AuditChain.head).order_by(AuditChain.chain_id)
TOTAL = select(func.sum(AuditChain.size))
INSERT_CHECKPOINT = insert(AuditCheckpoint)
LAST_CHECKPOINT = (
    select(AuditCheckpoint.at, AuditCheckpoint.total).order_by(AuditCheckpoint.id.desc()).limit(1)
)
