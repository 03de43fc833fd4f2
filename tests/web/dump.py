"""The whole content of a database, for comparing before and after."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from models import Base
from services.runtime import Runtime

MARKS = {
    "user_session": {"seen_at", "address"},
    "access_token": {"last_used_at", "last_used_address"},
}
"""Columns that say when something was last used: the only ones that a safe request may touch."""
LOGS = frozenset({"audit_event", "audit_chain", "audit_day", "audit_checkpoint"})


def dump(runtime: Runtime, *, without: frozenset[str] = LOGS) -> dict[str, set[tuple[Any, ...]]]:
    """Return the rows of every table, but for the audit log and the marks of last use."""
    with runtime.engine.connect() as connection:
        return {
            table.name: set(
                connection.execute(
                    select(*[c for c in table.columns if c.name not in MARKS.get(table.name, ())])
                ).tuples()
            )
            for table in Base.metadata.sorted_tables
            if table.name not in without
        }
