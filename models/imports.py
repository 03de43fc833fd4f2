"""Imports: what was read of a file, until it is stored, and which items a run has made."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Tenant


class ImportRun(Tenant, Base):
    """One file on its way into one vault, and what came of it."""

    __tablename__ = "import_run"
    __table_args__ = (Index("ix_import_run_vault_id", "vault_id"), Index("ix_import_run_ends_at", "ends_at"))

    id: Mapped[UUID] = mapped_column(primary_key=True)
    vault_id: Mapped[UUID] = mapped_column(ForeignKey("vault.id", ondelete="CASCADE"))
    format: Mapped[str] = mapped_column(String(30))
    state: Mapped[str] = mapped_column(String(10))
    """``preview``, ``running``, ``done``, ``undoing``, ``undone``."""
    planned: Mapped[int]
    """How many items it will make, or was to make."""
    made: Mapped[int] = mapped_column(default=0)
    trashed: Mapped[int] = mapped_column(default=0)
    """How many of them its undoing has put into the trash."""
    kept: Mapped[int] = mapped_column(default=0)
    """How many its undoing has left, because somebody has changed them since."""
    summary: Mapped[bytes]
    """Encrypted: the file's name, its columns, what of it is left behind, and how much is what."""
    made_by: Mapped[UUID]
    made_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    """When housekeeping takes it away, with what was read and not stored, or with the way to undo it."""


class ImportPart(Tenant, Base):
    """Some of what a file held, until it is stored; then the row goes."""

    __tablename__ = "import_part"

    run_id: Mapped[UUID] = mapped_column(ForeignKey("import_run.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    """From 1; 0 is the file itself, kept only while its columns can be chosen."""
    contents: Mapped[bytes]
    """Encrypted: entries with all their values."""


class ImportedItem(Tenant, Base):
    """That an item was made by an import."""

    __tablename__ = "imported_item"
    __table_args__ = (Index("ix_imported_item_run_id", "run_id"),)

    item_id: Mapped[UUID] = mapped_column(ForeignKey("item.id", ondelete="CASCADE"), primary_key=True)
    run_id: Mapped[UUID] = mapped_column(ForeignKey("import_run.id", ondelete="CASCADE"))
