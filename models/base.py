"""The declarative base, the column types, and the mark of a table that belongs to an organization."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Dialect, ForeignKey, MetaData, Uuid
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column, registry
from sqlalchemy.types import TypeDecorator

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time, stored as whole microseconds since 1970 UTC on every database.

    Raises:
        ValueError: a naive time is bound.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002 - SQLAlchemy's
        """Turn an aware time into the number that is stored."""
        return None if value is None else microseconds(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's
        """Turn the stored number into an aware time."""
        return None if value is None else from_microseconds(value)


def microseconds(at: datetime) -> int:
    """Count the microseconds from 1970 to *at*, which must be aware."""
    if at.tzinfo is None:
        message = "a time without a zone cannot be stored"
        raise ValueError(message)
    return (at - _EPOCH) // _MICROSECOND


def from_microseconds(value: int) -> datetime:
    """Turn microseconds since 1970 into an aware time."""
    return _EPOCH + timedelta(microseconds=value)


_NAMES = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Typed tables; ``repr`` shows identity only."""

    registry = registry(
        metadata=MetaData(naming_convention=_NAMES),
        type_annotation_map={datetime: UtcDateTime(), UUID: Uuid()},
    )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {getattr(self, 'id', None)}>"


class Tenant:
    """Marks a table whose rows belong to one organization; the session filters every query on it."""

    @declared_attr
    def organization_id(cls: Any) -> Mapped[UUID]:  # noqa: N805 - declared_attr hands over the class
        """The organization that the row belongs to."""
        return mapped_column(ForeignKey("organization.id"), index=False)
