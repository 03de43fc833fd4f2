"""What a database says of itself for the manifest of a backup, and for the check of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, func, inspect, select

from models import Base, Instance
from services import audit_queries
from services.backup_manifest import Head

UNCOUNTED = frozenset({"data_key"})
"""Kept apart in every backup."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Which installation it is, of which schema, and how much there is."""

    instance: UUID
    schema: str
    counts: Mapping[str, int]
    heads: tuple[Head, ...]


def facts_of(connection: Connection) -> Facts:
    """Look at the database as *connection* sees it.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: it is not one of ours, or not whole.
    """
    heads = connection.execute(audit_queries.HEADS).all()
    return Facts(
        instance=connection.execute(select(Instance.uuid)).scalar_one(),
        schema=MigrationContext.configure(connection).get_current_revision() or "",
        counts=_counts(connection),
        heads=tuple(Head(str(row.chain_id), row.size, row.head.hex()) for row in heads),
    )


def _counts(connection: Connection) -> dict[str, int]:
    """Count the rows of every table that is there: an older schema has fewer."""
    there = set(inspect(connection).get_table_names())
    return {
        table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
        for table in Base.metadata.sorted_tables
        if table.name in there - UNCOUNTED
    }
