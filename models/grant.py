"""Rights on vaults and on single items, of people and of groups, and what people ask for."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Tenant

_OPEN = text("decided_at IS NULL")


class Grant(Tenant, Base):
    """A right of one person or one group, on one vault or one item."""

    __tablename__ = "access_grant"
    __table_args__ = (
        CheckConstraint("(vault_id IS NULL) <> (item_id IS NULL)", name="place"),
        CheckConstraint("(user_id IS NULL) <> (group_id IS NULL)", name="holder"),
        Index("uq_access_grant_vault_id_user_id", "vault_id", "user_id", unique=True),
        Index("uq_access_grant_vault_id_group_id", "vault_id", "group_id", unique=True),
        Index("uq_access_grant_item_id_user_id", "item_id", "user_id", unique=True),
        Index("uq_access_grant_item_id_group_id", "item_id", "group_id", unique=True),
        Index("ix_access_grant_organization_id_user_id", "organization_id", "user_id"),
        Index("ix_access_grant_organization_id_group_id", "organization_id", "group_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    vault_id: Mapped[UUID | None] = mapped_column(ForeignKey("vault.id", ondelete="CASCADE"))
    item_id: Mapped[UUID | None] = mapped_column(ForeignKey("item.id", ondelete="CASCADE"))
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id"))
    group_id: Mapped[UUID | None] = mapped_column(ForeignKey("user_group.id", ondelete="CASCADE"))
    right: Mapped[int]
    """A ``policy.Right``."""
    ends_at: Mapped[datetime | None]
    reason: Mapped[bytes | None]
    """Encrypted: why it was given; None: nobody said."""
    granted_by: Mapped[UUID]
    created_at: Mapped[datetime]


class AccessRequest(Tenant, Base):
    """Somebody asks for a right on a vault, or for a second person's approval of revealing an item."""

    __tablename__ = "access_request"
    __table_args__ = (
        CheckConstraint("(vault_id IS NULL) <> (item_id IS NULL)", name="place"),
        Index(
            "uq_access_request_vault_id_user_id",
            "vault_id",
            "user_id",
            unique=True,
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        ),
        Index(
            "uq_access_request_item_id_user_id",
            "item_id",
            "user_id",
            unique=True,
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        ),
        Index("ix_access_request_organization_id_created_at", "organization_id", "created_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    vault_id: Mapped[UUID | None] = mapped_column(ForeignKey("vault.id", ondelete="CASCADE"))
    """Where a right is asked for."""
    item_id: Mapped[UUID | None] = mapped_column(ForeignKey("item.id", ondelete="CASCADE"))
    """What is to be revealed."""
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    right: Mapped[int | None]
    """The ``policy.Right`` that is asked for on a vault."""
    reason: Mapped[bytes]
    """Encrypted: why."""
    created_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[UUID | None]
    outcome: Mapped[str | None] = mapped_column(String(10))
    """``granted``, ``declined`` or ``withdrawn``; None: nobody has decided."""
    ends_at: Mapped[datetime | None]
    """Until when an approval counts, or the right that was given; None: it has no end."""
