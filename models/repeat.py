"""What programs have made with a key of their own, so that asking again does not make it twice."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Tenant


class Repeat(Tenant, Base):
    """A request that made something, under the key that the program gave it. Kept for a day."""

    __tablename__ = "repeat"
    __table_args__ = (
        Index("uq_repeat_token_id_digest", "token_id", "digest", unique=True),
        Index("ix_repeat_created_at", "created_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    token_id: Mapped[UUID] = mapped_column(ForeignKey("access_token.id"))
    digest: Mapped[bytes]
    """Keyed digest of the key and of the address that it was sent to."""
    body_digest: Mapped[bytes]
    """Keyed digest of what was sent with it."""
    made_id: Mapped[UUID]
    created_at: Mapped[datetime]
