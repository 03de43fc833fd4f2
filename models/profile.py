"""Profiles, roles, and what clients of the Vault-compatible API know about tokens besides what all have."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Tenant


class Profile(Tenant, Base):
    """A named set of scopes, vaults and names that tokens are made with: those clients call it a policy."""

    __tablename__ = "profile"
    __table_args__ = (UniqueConstraint("organization_id", "name"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(60))
    scopes: Mapped[str] = mapped_column(String(400))
    """Joined by spaces."""
    vault_ids: Mapped[str] = mapped_column(Text, default="")
    """Joined by spaces; empty: all of the owner's."""
    name_patterns: Mapped[bytes | None]
    """Encrypted JSON list, under ``revision``; None: any name."""
    revision: Mapped[int]
    changed_at: Mapped[datetime]
    changed_by: Mapped[UUID]


class TokenLease(Tenant, Base):
    """How a token that a program made is told of and renewed; those that people made have none."""

    __tablename__ = "token_lease"

    token_id: Mapped[UUID] = mapped_column(
        ForeignKey("access_token.id", ondelete="CASCADE"), primary_key=True
    )
    profiles: Mapped[str] = mapped_column(Text)
    """Names, joined by spaces."""
    metadata_: Mapped[str] = mapped_column("metadata", Text, default="")
    """A JSON object of texts; empty: none."""
    display_name: Mapped[str] = mapped_column(String(120))
    path: Mapped[str] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(120), default="")
    seconds: Mapped[int]
    """For how long it was made, and is renewed where nobody says otherwise."""
    period: Mapped[int] = mapped_column(default=0)
    """Seconds for which each renewal is, however old the token is; 0: none."""
    seconds_max: Mapped[int] = mapped_column(default=0)
    """From its making on; 0: no limit of its own."""
    renewable: Mapped[bool]
    orphan: Mapped[bool]
    renewed_at: Mapped[datetime | None]


class TokenRole(Tenant, Base):
    """How tokens are made under a name: ``auth/token/roles``."""

    __tablename__ = "token_role"
    __table_args__ = (UniqueConstraint("organization_id", "owner_id", "name"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    name: Mapped[str] = mapped_column(String(120))
    profiles: Mapped[str] = mapped_column(Text, default="")
    """Names, joined by spaces; empty: any."""
    orphan: Mapped[bool]
    renewable: Mapped[bool]
    path_suffix: Mapped[str] = mapped_column(String(100), default="")
    period: Mapped[int]
    seconds_max: Mapped[int]


class AuthMount(Tenant, Base):
    """Where programs come in by role and secret id: ``auth/<path>/login``."""

    __tablename__ = "auth_mount"
    __table_args__ = (UniqueConstraint("organization_id", "path"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    path: Mapped[str] = mapped_column(String(120))
    description: Mapped[str] = mapped_column(String(500), default="")
    seconds_usual: Mapped[int | None]
    """How long a token lasts where its role does not say; None: as everywhere."""
    seconds_max: Mapped[int | None]
    """How long a token lasts at most, renewals included; None: as its role says."""
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    created_at: Mapped[datetime]


class AppRole(Tenant, Base):
    """Whom a program that comes in there acts as: tokens for the role's owner, within the role's profiles."""

    __tablename__ = "app_role"
    __table_args__ = (
        UniqueConstraint("mount_id", "name"),
        Index("ix_app_role_role_id", "role_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    mount_id: Mapped[UUID] = mapped_column(ForeignKey("auth_mount.id", ondelete="CASCADE"))
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    name: Mapped[str] = mapped_column(String(120))
    role_id: Mapped[str] = mapped_column(String(120))
    """The half of what a program shows that is no secret."""
    settings: Mapped[str] = mapped_column(Text)
    """A JSON object; services/app_roles.py has its shape."""


class SecretId(Tenant, Base):
    """The secret half of what a program shows to come in by a role."""

    __tablename__ = "secret_id"
    __table_args__ = (UniqueConstraint("role_id", "digest"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    """Also its accessor."""
    role_id: Mapped[UUID] = mapped_column(ForeignKey("app_role.id", ondelete="CASCADE"))
    digest: Mapped[bytes]
    metadata_: Mapped[str] = mapped_column("metadata", Text)
    """A JSON object of texts."""
    networks: Mapped[str] = mapped_column(Text)
    """From where it may be used, joined by spaces; empty: from everywhere."""
    token_networks: Mapped[str] = mapped_column(Text)
    uses_max: Mapped[int]
    """0: as often as one likes."""
    uses_left: Mapped[int | None]
    seconds: Mapped[int]
    """For how long it was made; 0: for good."""
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
