"""Files on items: a row says what a file is and holds its key; its content lies in the store of files."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Tenant


class Attachment(Tenant, Base):
    """One file; it never changes, and goes with the last version of the item that has it."""

    __tablename__ = "attachment"
    __table_args__ = (Index("ix_attachment_item_id", "item_id"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    item_id: Mapped[UUID] = mapped_column(ForeignKey("item.id", ondelete="CASCADE"))
    facts: Mapped[bytes]
    """Encrypted: the file's name, its type, and once more the item that it is on."""
    key: Mapped[bytes]
    """Encrypted: the key of 32 bytes that the content is under, and nothing else."""
    size: Mapped[int] = mapped_column(BigInteger)
    """Bytes of the content."""
    created_at: Mapped[datetime]
    created_by: Mapped[UUID]


class AttachmentVersion(Tenant, Base):
    """That a version of an item has a file."""

    __tablename__ = "attachment_version"
    __table_args__ = (
        ForeignKeyConstraint(
            ["item_id", "number"], ["item_version.item_id", "item_version.number"], ondelete="CASCADE"
        ),
        Index("ix_attachment_version_attachment_id", "attachment_id"),
    )

    item_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    attachment_id: Mapped[UUID] = mapped_column(
        ForeignKey("attachment.id", ondelete="CASCADE"), primary_key=True
    )
