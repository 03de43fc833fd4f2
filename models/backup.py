"""Backups, as far as this installation knows of them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class Backup(Base):
    """One that was made, checked or restored here; the row goes when retention removes the backup."""

    __tablename__ = "backup"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(60), unique=True)
    kind: Mapped[str] = mapped_column(String(10))
    """``backup`` or ``snapshot``."""
    made_at: Mapped[datetime]
    size: Mapped[int] = mapped_column(BigInteger)
    """Bytes."""
    events: Mapped[int] = mapped_column(BigInteger)
    """How many the audit log had."""
    master_keys: Mapped[str] = mapped_column(String(400))
    """Ids of the master keys that it needs, joined by spaces."""
    checked_at: Mapped[datetime | None]
    note: Mapped[str | None] = mapped_column(Text)
    """What the newest check found, signed."""
    restored_at: Mapped[datetime | None]
