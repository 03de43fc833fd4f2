"""Accounts of people at providers of single sign-on, and attempts to sign in there that are under way."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class Identity(Base):
    """A person's account at a provider: issuer and subject name it for good, an e-mail address does not."""

    __tablename__ = "identity"
    __table_args__ = (
        UniqueConstraint("issuer", "subject"),
        Index("ix_identity_user_id", "user_id"),
        Index("ix_identity_token_id", "token_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    token_id: Mapped[UUID] = mapped_column(ForeignKey("access_token.id"))
    """The token of kind ``sso`` that its sessions hang on; once it is revoked, the account opens nothing."""
    provider: Mapped[str] = mapped_column(String(20))
    """As it was called when the account was linked."""
    issuer: Mapped[str] = mapped_column(String(500))
    subject: Mapped[str] = mapped_column(String(255))
    email: Mapped[str] = mapped_column(String(254))
    """What the provider said at the last sign-in; for people to tell accounts apart, never for deciding."""
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class SsoAttempt(Base):
    """Somebody who was sent to a provider and is not back yet. The row is deleted when they come back."""

    __tablename__ = "sso_attempt"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    digest: Mapped[bytes] = mapped_column(unique=True)
    """Keyed digest of the state that the provider hands back, and of the browser's own value."""
    provider: Mapped[str] = mapped_column(String(20))
    purpose: Mapped[str] = mapped_column(String(8))
    """``signin``, ``link``: add the account to a person, ``confirm``: show that it is still them."""
    session_id: Mapped[UUID | None]
    """The session that ``link`` and ``confirm`` are for."""
    sealed: Mapped[bytes]
    """Nonce, verifier and the way back, encrypted under the system's data key."""
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
