"""Vaults: folders of items with their own grants."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import String, UniqueConstraint
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
    listed: Mapped[bool] = mapped_column(default=False)
    """Whether everybody in the organization sees that it is there, and may ask for access."""
    confirm: Mapped[bool] = mapped_column(default=False)
    """Whether a reveal of anything in it asks again who one is."""
    approval_minutes: Mapped[int | None]
    """For how long a second person's approval of a reveal counts; None: none is needed."""
    created_at: Mapped[datetime]
    created_by: Mapped[UUID]
