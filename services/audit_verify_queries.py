"""The statements that walk the whole audit log, and what it is held against."""

from __future__ import annotations

from sqlalchemy import BigInteger, bindparam, func, select

from models import AuditChain, AuditCheckpoint, AuditDay, AuditEvent, Item, ItemVersion, Organization
from services.audit_read_queries import EVENT

_HERE = AuditEvent.chain_id == bindparam("organization_id")

FIRST_CHAIN = select(AuditEvent.chain_id).order_by(AuditEvent.chain_id).limit(1)
NEXT_CHAIN = FIRST_CHAIN.where(AuditEvent.chain_id > bindparam("after"))
CHAINS = select(AuditChain.chain_id, AuditChain.size, AuditChain.head, AuditChain.last_at)
ORGANIZATIONS = select(Organization.id, Organization.slug)

EVENTS = (
    select(*EVENT)
    .where(_HERE, AuditEvent.seq > bindparam("after"))
    .order_by(AuditEvent.seq)
    .limit(bindparam("limit"))
)
DAYS = select(AuditDay.day, AuditDay.first_seq, AuditDay.events, AuditDay.reveals, AuditDay.failures).where(
    AuditDay.chain_id == bindparam("organization_id")
)

CHECKPOINTS = (
    select(
        AuditCheckpoint.id,
        AuditCheckpoint.at,
        AuditCheckpoint.total,
        AuditCheckpoint.heads,
        AuditCheckpoint.note,
    )
    .where(AuditCheckpoint.id > bindparam("after", type_=BigInteger))
    .order_by(AuditCheckpoint.id)
    .limit(bindparam("limit"))
)

ITEMS = (
    select(
        Item.id,
        Item.version,
        Item.vault_id,
        Item.trashed_at,
        func.max(ItemVersion.number).label("newest"),
    )
    .outerjoin(
        ItemVersion,
        (ItemVersion.item_id == Item.id) & (ItemVersion.organization_id == Item.organization_id),
    )
    .where(Item.organization_id == bindparam("organization_id"))
    .group_by(Item.id, Item.version, Item.vault_id, Item.trashed_at)
)
