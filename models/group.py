"""Groups of people, so that a right is given once to all of them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Tenant


class Group(Tenant, Base):
    """People who are given rights together."""

    __tablename__ = "user_group"
    __table_args__ = (UniqueConstraint("organization_id", "name"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime]
    created_by: Mapped[UUID]


class GroupMember(Tenant, Base):
    """That a person is in a group."""

    __tablename__ = "group_member"
    __table_args__ = (Index("ix_group_member_organization_id_user_id", "organization_id", "user_id"),)

    group_id: Mapped[UUID] = mapped_column(ForeignKey("user_group.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"), primary_key=True)
    added_by: Mapped[UUID]
    added_at: Mapped[datetime]
