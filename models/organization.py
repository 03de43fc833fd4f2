"""Organizations, the people in them, and the links that invite people."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint, false, true
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Tenant


class Organization(Base):
    """A tenant."""

    __tablename__ = "organization"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    change: Mapped[int] = mapped_column(BigInteger, default=0)
    """Raised by every change of a vault or an item; tells each process that its index is behind."""
    passkey_sign_in: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether its people may sign in with a passkey alone, without their token."""
    clear_exports: Mapped[bool] = mapped_column(default=True, server_default=true())
    """Whether people may export in formats that are not encrypted."""
    suspended_at: Mapped[datetime | None]
    deletion_at: Mapped[datetime | None]
    """When everything of it is removed, unless the operator changes their mind before."""
    people_max: Mapped[int | None]
    """How many people it may have; None, as for the next two: as many as it likes."""
    vaults_max: Mapped[int | None]
    items_max: Mapped[int | None]
    created_at: Mapped[datetime]


class User(Base):
    """A person. What they may do lies in their memberships."""

    __tablename__ = "user_account"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    """Lower case."""
    name: Mapped[str] = mapped_column(String(120))
    operator: Mapped[bool] = mapped_column(default=False)
    """Looks after the whole instance; gives no right in any organization."""
    service: Mapped[bool] = mapped_column(default=False, server_default=false())
    """A service account of one organization: programs act for it, and nobody ever signs in as it."""
    created_at: Mapped[datetime]


class Membership(Tenant, Base):
    """A person's role in an organization."""

    __tablename__ = "membership"
    __table_args__ = (
        UniqueConstraint("organization_id", "user_id"),
        Index("ix_membership_user_id", "user_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    role: Mapped[str] = mapped_column(String(10))
    disabled_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class Invitation(Tenant, Base):
    """A one-time link on which a person makes a sign-in token of their own."""

    __tablename__ = "invitation"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    lookup_id: Mapped[str] = mapped_column(String(8), unique=True)
    digest: Mapped[bytes]
    email: Mapped[str] = mapped_column(String(254))
    name: Mapped[str] = mapped_column(String(120))
    role: Mapped[str] = mapped_column(String(10))
    operator: Mapped[bool] = mapped_column(default=False)
    """The very first link of an instance makes its operator."""
    invited_by: Mapped[UUID | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
