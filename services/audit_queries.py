"""The statements that append to the audit log: made once, run thousands of times."""

from __future__ import annotations

from sqlalchemy import bindparam, func, insert, select, text, update

from models import AuditChain, AuditCheckpoint, AuditDay, AuditEvent

HEAD = (
    select(AuditChain.size, AuditChain.head, AuditChain.last_at)
    .where(AuditChain.chain_id == bindparam("organization_id"))
    .with_for_update()
)
INSERT_EVENTS = insert(AuditEvent)
BEGIN_CHAIN = text("""
    INSERT INTO audit_chain (chain_id, size, head, last_at) VALUES (:chain_id, 0, :head, :last_at)
    ON CONFLICT (chain_id) DO NOTHING
""").bindparams(
    bindparam("chain_id", type_=AuditChain.chain_id.type), bindparam("last_at", type_=AuditChain.last_at.type)
)
ADVANCE = (
    update(AuditChain)
    .where(AuditChain.chain_id == bindparam("organization_id"))
    .values(size=bindparam("new_size"), head=bindparam("new_head"), last_at=bindparam("new_at"))
)

COUNT_DAY = text("""
    INSERT INTO audit_day (chain_id, day, first_seq, events, reveals, failures)
    VALUES (:chain_id, :day, :first_seq, :events, :reveals, :failures)
    ON CONFLICT (chain_id, day) DO UPDATE SET
        events = audit_day.events + excluded.events,
        reveals = audit_day.reveals + excluded.reveals,
        failures = audit_day.failures + excluded.failures
""").bindparams(
    bindparam("chain_id", type_=AuditDay.chain_id.type), bindparam("day", type_=AuditDay.day.type)
)
"""As text, because SQLAlchemy compiles its own ON CONFLICT anew each time, which takes a millisecond."""

HEADS = select(AuditChain.chain_id, AuditChain.size, AuditChain.head).order_by(AuditChain.chain_id)
TOTAL = select(func.sum(AuditChain.size))
INSERT_CHECKPOINT = insert(AuditCheckpoint)
LAST_CHECKPOINT = (
    select(AuditCheckpoint.at, AuditCheckpoint.total).order_by(AuditCheckpoint.id.desc()).limit(1)
)
LAST_NOTE = select(AuditCheckpoint.note).order_by(AuditCheckpoint.id.desc()).limit(1)
LAST_HEADS = select(AuditCheckpoint.at, AuditCheckpoint.heads).order_by(AuditCheckpoint.id.desc()).limit(1)
