"""Passkeys of people, and the questions that are still open."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base

NAME_MAX = 60


class Passkey(Base):
    """A key pair whose private half a device of the person's keeps; counts from the moment it is made."""

    __tablename__ = "passkey"
    __table_args__ = (Index("ix_passkey_user_id", "user_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    credential_id: Mapped[bytes] = mapped_column(unique=True)
    """By which the device names it: random, at most 1023 bytes, and no secret."""
    public_key: Mapped[bytes]
    """Encrypted under the system's data key and bound to the person: nobody exchanges it unnoticed."""
    name: Mapped[str] = mapped_column(String(NAME_MAX))
    counter: Mapped[int] = mapped_column(BigInteger)
    """What its last answer counted; only grows, or is 0 for ever where the device does not count."""
    synced: Mapped[bool]
    """Whether it may be copied to other devices of the person; never changes."""
    copied: Mapped[bool]
    """Whether it had been, at its last answer."""
    transports: Mapped[str] = mapped_column(String(80))
    """How browsers reach the device, joined by spaces."""
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]


class PasskeyChallenge(Base):
    """A question that a browser was asked. The row is deleted by the first answer, good or not."""

    __tablename__ = "passkey_challenge"
    __table_args__ = (Index("ix_passkey_challenge_expires_at", "expires_at"),)

    challenge: Mapped[bytes] = mapped_column(primary_key=True)
    purpose: Mapped[str] = mapped_column(String(8))
    holder: Mapped[UUID]
    """Who alone may answer: a session, by its row; before the sign-in a browser, by what its cookie holds."""
    expires_at: Mapped[datetime]
