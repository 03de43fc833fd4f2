"""Vaults and the grants on them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Tenant


class Vault(Tenant, Base):
    """A folder of items with its own grants."""

    __tablename__ = "vault"
    __table_args__ = (UniqueConstraint("organization_id", "name"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    description: Mapped[str] = mapped_column(String(500), default="")
    max_versions: Mapped[int | None]
    """How many versions of an item are kept; None: all."""
    created_at: Mapped[datetime]
    created_by: Mapped[UUID]


class Grant(Tenant, Base):
    """A person's right on a vault."""

    __tablename__ = "vault_grant"
    __table_args__ = (
        UniqueConstraint("vault_id", "user_id"),
        Index("ix_vault_grant_organization_id_user_id", "organization_id", "user_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    vault_id: Mapped[UUID] = mapped_column(ForeignKey("vault.id", ondelete="CASCADE"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    right: Mapped[int]
    """A ``policy.Right``."""
    ends_at: Mapped[datetime | None]
    granted_by: Mapped[UUID]
    created_at: Mapped[datetime]
