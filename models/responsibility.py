"""Who looks after vaults and credentials."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Tenant


class Responsibility(Tenant, Base):
    """Who looks after a vault or a credential. Without a row it is whoever made it."""

    __tablename__ = "responsibility"
    __table_args__ = (
        UniqueConstraint("vault_id"),
        UniqueConstraint("item_id"),
        CheckConstraint("(vault_id IS NULL) <> (item_id IS NULL)", name="one_thing"),
        Index("ix_responsibility_organization_id_user_id", "organization_id", "user_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    vault_id: Mapped[UUID | None] = mapped_column(ForeignKey("vault.id", ondelete="CASCADE"))
    item_id: Mapped[UUID | None] = mapped_column(ForeignKey("item.id", ondelete="CASCADE"))
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id"))
    """None: nobody."""
    given_by: Mapped[UUID]
    given_at: Mapped[datetime]
