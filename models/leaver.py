"""What was done about the credentials that somebody who leaves has opened."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Tenant


class LeaverTick(Tenant, Base):
    """That a credential needs no more thought, as far as one person or one program is concerned.

    It counts for the reveals up to ``seq``; whoever opens the credential later makes it count no more.
    """

    __tablename__ = "leaver_tick"
    __table_args__ = (
        UniqueConstraint("organization_id", "subject_type", "subject_id", "item_id"),
        Index("ix_leaver_tick_item_id", "item_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    subject_type: Mapped[str] = mapped_column(String(6))
    """``person`` or ``token``."""
    subject_id: Mapped[UUID]
    item_id: Mapped[UUID] = mapped_column(ForeignKey("item.id", ondelete="CASCADE"))
    seq: Mapped[int] = mapped_column(BigInteger)
    """The number of the newest reveal that it is about, in the organization's audit log."""
    reason: Mapped[str] = mapped_column(String(10))
    """``changed``: elsewhere; ``needless``: no change is needed."""
    note: Mapped[bytes | None]
    """Encrypted; what people write about credentials may name things."""
    made_by: Mapped[UUID]
    made_at: Mapped[datetime]
