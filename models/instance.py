"""This installation, and the keys that it keeps wrapped."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base


class Instance(Base):
    """The one row that says which installation this is."""

    __tablename__ = "instance"
    __table_args__ = (CheckConstraint("id = 1", name="only_one"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    uuid: Mapped[UUID]
    """Part of the context of every encrypted value."""
    key_generation: Mapped[int]
    """Raised by every change of ``data_key``, so that each process opens its keys anew."""
    proven_key_id: Mapped[str | None] = mapped_column(String(8))
    """The master key of which the operator has shown that they keep a copy elsewhere."""
    created_at: Mapped[datetime]


class DataKey(Base):
    """A key that encrypts values, wrapped under a key derived from a master key."""

    __tablename__ = "data_key"
    __table_args__ = (UniqueConstraint("organization_id", "purpose", "version"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    """The zero UUID for the keys of the system itself."""
    purpose: Mapped[str] = mapped_column(String(20))
    version: Mapped[int]
    state: Mapped[str] = mapped_column(String(12))
    """``active``, ``decrypt-only`` or ``destroyed``."""
    master_key_id: Mapped[str] = mapped_column(String(8))
    wrapped: Mapped[bytes]
    created_at: Mapped[datetime]


class MasterKeySeen(Base):
    """When a master key was first used here; the key itself is never in the database."""

    __tablename__ = "master_key_seen"

    id: Mapped[str] = mapped_column(String(8), primary_key=True)
    """The key's id."""
    first_at: Mapped[datetime]


class Lease(Base):
    """Which process does a piece of work that only one may do, and until when."""

    __tablename__ = "lease"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    holder: Mapped[str] = mapped_column(String(64))
    until: Mapped[datetime]


class CspReport(Base):
    """A violation of the content security policy that browsers reported, counted."""

    __tablename__ = "csp_report"
    __table_args__ = (UniqueConstraint("directive", "blocked", "document"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    directive: Mapped[str] = mapped_column(String(60))
    blocked: Mapped[str] = mapped_column(String(200))
    document: Mapped[str] = mapped_column(String(200))
    """The path of the page, with every id replaced."""
    count: Mapped[int]
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
