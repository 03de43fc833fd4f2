"""Items and their versions. Everything that says what an item is lies encrypted."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Tenant


class Item(Tenant, Base):
    """One credential; its contents are those of its newest version."""

    __tablename__ = "item"
    __table_args__ = (
        Index(
            "uq_item_vault_id_name_digest",
            "vault_id",
            "name_digest",
            unique=True,
            sqlite_where=text("trashed_at IS NULL"),
            postgresql_where=text("trashed_at IS NULL"),
        ),
        Index("ix_item_organization_id_change", "organization_id", "change"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    vault_id: Mapped[UUID] = mapped_column(ForeignKey("vault.id"))
    name_digest: Mapped[bytes]
    version: Mapped[int]
    change: Mapped[int] = mapped_column(BigInteger)
    """The organization's change counter when the item last changed."""
    created_at: Mapped[datetime]
    created_by: Mapped[UUID]
    trashed_at: Mapped[datetime | None]
    trashed_by: Mapped[UUID | None]
    confirm: Mapped[bool] = mapped_column(default=False)
    """Whether a reveal asks again who one is, whatever the vault says."""
    approval_minutes: Mapped[int | None]
    """For how long a second person's approval of a reveal counts; None: as the vault says."""


class ItemVersion(Tenant, Base):
    """The contents of an item after one change."""

    __tablename__ = "item_version"

    item_id: Mapped[UUID] = mapped_column(ForeignKey("item.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    """From 1, without gaps; the revision in the context of both blobs. 0: a program has described the item
    and written nothing yet."""
    overview: Mapped[bytes]
    """Encrypted: name, type, user name, URLs, tags, what fields there are."""
    details: Mapped[bytes]
    """Encrypted: the values of all fields."""
    reason: Mapped[str] = mapped_column(String(20))
    """``created``, ``edited``, ``moved``, ``restored`` (an earlier version), ``duplicated``, ``imported``."""
    created_at: Mapped[datetime]
    created_by: Mapped[UUID]
    deleted_at: Mapped[datetime | None]
    """From when on a program has deleted this version, also in the future; it can be brought back."""
    destroyed: Mapped[bool] = mapped_column(default=False)
    """Whether a program has erased the values; the entry stays."""


class ItemGone(Tenant, Base):
    """What is left of a purged item: enough for each process to drop it from its index."""

    __tablename__ = "item_gone"
    __table_args__ = (Index("ix_item_gone_organization_id_change", "organization_id", "change"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    change: Mapped[int] = mapped_column(BigInteger)


class Favorite(Tenant, Base):
    """An item that a person keeps at hand."""

    __tablename__ = "favorite"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"), primary_key=True)
    item_id: Mapped[UUID] = mapped_column(ForeignKey("item.id", ondelete="CASCADE"), primary_key=True)
