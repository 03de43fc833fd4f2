"""What tests write in SQLite's words, said in PostgreSQL's: parameters as ``?``, ids as 32 digits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, event


def translate(statement: str) -> str:
    """Return a statement with the placeholders that psycopg takes."""
    return statement.replace("?", "%s")


def untyped(value: Any) -> Any:
    """Return a parameter that fits a column of any type, as SQLite's do."""
    return str(int(value)) if isinstance(value, int) else value


def plain(row: Iterable[Any]) -> tuple[Any, ...]:
    """Return a row as SQLite would."""
    return tuple(
        value.hex if isinstance(value, UUID) else int(value) if isinstance(value, bool) else value
        for value in row
    )


def teach() -> None:
    """Let every engine of this process understand both."""

    @event.listens_for(Engine, "before_cursor_execute", retval=True)
    def before(connection, _cursor, statement, parameters, _context, _many):
        # SQLAlchemy itself writes none.
        return translate(statement) if connection.dialect.name == "postgresql" else statement, parameters
