"""Where programs find a vault, and what they have decided about keys in it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Tenant


class Mount(Tenant, Base):
    """The first part of the addresses under which the Vault-compatible API serves a vault."""

    __tablename__ = "mount"
    __table_args__ = (UniqueConstraint("organization_id", "path"),)

    vault_id: Mapped[UUID] = mapped_column(ForeignKey("vault.id", ondelete="CASCADE"), primary_key=True)
    path: Mapped[str] = mapped_column(String(120))
    """One segment; it stays when the vault is renamed, so that no program loses its way."""
    cas_required: Mapped[bool] = mapped_column(default=False)
    """Whether each write must say which version it replaces."""
    delete_after: Mapped[int] = mapped_column(BigInteger, default=0)
    """Seconds after which a version that a program writes counts as deleted; 0: never; negative: never,
    whatever the key says."""
    created_at: Mapped[datetime]


class ItemRules(Tenant, Base):
    """What programs have decided about one key; there is a row once they have."""

    __tablename__ = "item_rules"

    item_id: Mapped[UUID] = mapped_column(ForeignKey("item.id", ondelete="CASCADE"), primary_key=True)
    max_versions: Mapped[int] = mapped_column(default=0)
    """How many versions are kept where the vault keeps fewer; 0: as the vault says."""
    cas_required: Mapped[bool] = mapped_column(default=False)
    delete_after: Mapped[int] = mapped_column(BigInteger, default=0)
    """Seconds, as of a mount; the smaller of both counts."""
    custom: Mapped[bytes | None]
    """Encrypted: the custom metadata, a JSON object of texts; ``revision`` is in its context."""
    revision: Mapped[int] = mapped_column(default=0)
    changed_at: Mapped[datetime]
    """When the key's metadata, or the state of one of its versions, was last changed."""
