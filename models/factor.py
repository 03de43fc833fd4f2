"""What people prove themselves with besides their token."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class Factor(Base):
    """An authenticator app of a person: one that counts, and perhaps one that is being set up."""

    __tablename__ = "factor"
    __table_args__ = (Index("ix_factor_user_id", "user_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    secret: Mapped[bytes]
    """The seed, encrypted under the system's data key."""
    last_step: Mapped[int] = mapped_column(BigInteger, default=0)
    """The time step of the last code that was taken: none is taken twice, nor an earlier one."""
    failures: Mapped[int] = mapped_column(default=0)
    """Wrong codes in a row."""
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    """When its first code came; before that it counts for nothing."""


class RecoveryCode(Base):
    """A code for the day when the app is lost; good once."""

    __tablename__ = "recovery_code"
    __table_args__ = (Index("ix_recovery_code_user_id", "user_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    number: Mapped[int]
    """From 1; stands in front of the code, so that one guess costs one hash."""
    hash: Mapped[str] = mapped_column(String(120))
    """Argon2id, as a PHC string."""
    used_at: Mapped[datetime | None]
