"""Access tokens and sessions: how an actor is known."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Tenant


class AccessToken(Tenant, Base):
    """A bearer token: ``signin`` opens a session for a person, ``api`` serves a program.

    Kept after revocation, as evidence. Belongs to the organization whose admins look after it.
    """

    __tablename__ = "access_token"
    __table_args__ = (
        # One for each order of the list, with the id as the last resort: its pages never sort.
        Index("ix_access_token_by_created", "organization_id", "created_at", "id"),
        Index("ix_access_token_by_expiry", "organization_id", "expires_at", "id"),
        Index("ix_access_token_by_use", "organization_id", "last_used_at", "id"),
        Index("ix_access_token_by_name", "organization_id", "name", "id"),
        Index("ix_access_token_user_id", "user_id"),
        Index("ix_access_token_parent_id", "parent_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    kind: Mapped[str] = mapped_column(String(6))
    name: Mapped[str] = mapped_column(String(120))
    lookup_id: Mapped[str] = mapped_column(String(8), unique=True)
    """The visible handle."""
    digest: Mapped[bytes]
    scopes: Mapped[str] = mapped_column(String(400), default="")
    """Scopes of an ``api`` token, joined by spaces; empty for ``signin``."""
    parent_id: Mapped[UUID | None]
    """The ``api`` token that made it: narrower in everything, and it ends with its parent."""
    not_before: Mapped[datetime | None]
    vault_ids: Mapped[str] = mapped_column(Text, default="", server_default="")
    """Ids of the vaults that an ``api`` token is narrowed to, joined by spaces; empty: all of its owner's."""
    name_patterns: Mapped[bytes | None]
    """Encrypted JSON list: what the names of credentials must match; None: any name does."""
    networks: Mapped[str] = mapped_column(Text, default="", server_default="")
    """From where it may be used, in CIDR notation, joined by spaces; empty: from everywhere."""
    uses_max: Mapped[int | None]
    uses_left: Mapped[int | None]
    """None: it may be used as often as its owner likes; 0: it is used up."""
    per_minute: Mapped[int | None]
    """Requests; None: no limit of its own."""
    must_replace: Mapped[bool] = mapped_column(default=False)
    """Good for nothing but making another one: the operator's ``ADMIN_TOKEN``."""
    created_at: Mapped[datetime]
    created_by: Mapped[UUID | None]
    expires_at: Mapped[datetime]
    """Brought nearer when the token is replaced with an overlap."""
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[UUID | None]
    replaced_by: Mapped[UUID | None]
    last_used_at: Mapped[datetime | None]
    last_used_address: Mapped[str | None] = mapped_column(String(45))


class UserSession(Base):
    """A signed-in browser. The row is deleted when the session ends."""

    __tablename__ = "user_session"
    __table_args__ = (
        Index("ix_user_session_user_id", "user_id"),
        Index("ix_user_session_token_id", "token_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    digest: Mapped[bytes] = mapped_column(unique=True)
    """Keyed digest of the random id that the cookie holds."""
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    token_id: Mapped[UUID] = mapped_column(ForeignKey("access_token.id"))
    """The sign-in token that opened it; revoking the token ends the session."""
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    confirmed_at: Mapped[datetime]
    passed_at: Mapped[datetime | None]
    """When the second factor was proved in this session."""
    address: Mapped[str] = mapped_column(String(45))
    agent: Mapped[str] = mapped_column(String(300))


class Lockout(Base):
    """Failed attempts that count towards, or have reached, a lock."""

    __tablename__ = "lockout"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    digest: Mapped[bytes] = mapped_column(unique=True)
    """Keyed digest of the kind and what is counted."""
    kind: Mapped[str] = mapped_column(String(10))
    """``token``: a handle from an address; ``address``: an address, whatever it tries."""
    organization_id: Mapped[UUID | None]
    """Of the token, where the handle is one of ours; None is the operator's to lift."""
    attempts: Mapped[int]
    window_ends_at: Mapped[datetime]
    locked_until: Mapped[datetime | None]
    revision: Mapped[int] = mapped_column(default=1)
    subject: Mapped[bytes]
    """Handle and address, encrypted under the system's data key."""
