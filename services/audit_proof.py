"""What speaks for the audit log: its end, what was signed of it, what its last verification found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from models import Action
from services import audit_queries
from services import audit_read_queries as queries
from services.audit_reading import STRETCH, Filter, Line, page
from services.checkpoints import verifier_key
from services.unit_of_work import UnitOfWork

STRETCHES = 10
"""How often the search for the last verification goes on."""
LOOKED_AT = STRETCHES * STRETCH


@dataclass(frozen=True, slots=True)
class Proof:
    """What can be said of a chain without walking it.

    Args:
        head: the hash of its last event.
        signed_at: when the newest checkpoint was made; None: there is none.
        signed_size: how many events of this chain it is over.
        verification: the event of the last verification; None: not among the newest ``LOOKED_AT``.
    """

    chain_id: UUID
    size: int
    head: bytes
    last_at: datetime | None
    signed_at: datetime | None
    signed_size: int
    public_key: str
    verification: Line | None


def proof(uow: UnitOfWork, chain_id: UUID) -> Proof:
    """Gather what speaks for a chain."""
    end = uow.connection.execute(queries.END, {"organization_id": chain_id}).one_or_none()
    checkpoint = uow.connection.execute(audit_queries.LAST_HEADS).one_or_none()
    return Proof(
        chain_id=chain_id,
        size=end.size if end else 0,
        head=end.head if end else b"",
        last_at=end.last_at if end else None,
        signed_at=checkpoint.at if checkpoint else None,
        signed_size=_size_in(checkpoint.heads, chain_id) if checkpoint else 0,
        public_key=verifier_key(uow.keys),
        verification=_last_verification(uow, chain_id),
    )


def _size_in(heads: str, chain_id: UUID) -> int:
    for line in heads.splitlines():
        name, size, _ = line.split(" ")
        if name == chain_id.hex:
            return int(size)
    return 0


def _last_verification(uow: UnitOfWork, chain_id: UUID) -> Line | None:
    wanted = Filter(actions=frozenset({Action.AUDIT_VERIFIED}))
    before: int | None = None
    for _ in range(STRETCHES):
        part = page(uow, chain_id, wanted, before=before, limit=1)
        if part.lines:
            return part.lines[0]
        before = part.before
        if before is None:
            return None
    return None
