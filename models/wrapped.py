"""Answers that were sealed for whoever presents a token once."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Tenant


class Wrapped(Tenant, Base):
    """One wrapped answer. Its content goes when it is opened; that it was there stays for a while."""

    __tablename__ = "wrapped"
    __table_args__ = (Index("ix_wrapped_organization_id_expires_at", "organization_id", "expires_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    """Also what clients know as the accessor of the wrapping token."""
    lookup_id: Mapped[str] = mapped_column(String(8), unique=True)
    digest: Mapped[bytes]
    path: Mapped[str] = mapped_column(Text)
    """What was asked for, without names of credentials."""
    inner: Mapped[str | None] = mapped_column(String(40))
    """The accessor of a token, or of a secret id, that is inside."""
    sealed: Mapped[bytes | None]
    """Encrypted: the answer; None: it was opened."""
    created_at: Mapped[datetime]
    created_by: Mapped[UUID]
    expires_at: Mapped[datetime]
    opened_at: Mapped[datetime | None]
