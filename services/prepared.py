"""Running a statement on the driver, for those that run thousands of times.

SQLAlchemy compiles it, once for each connection, and its types convert parameters and rows; what is left out
is all that surrounds an execution, which on SQLite costs several times as much as the statement itself.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ClauseElement, Connection, Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler

Convert = Callable[[Any], Any]

_PLACE = "chatelaine.prepared"


@dataclass(frozen=True, slots=True)
class _Statement:
    """A compiled statement.

    Args:
        names: of the parameters, in the order in which the driver wants them; empty: it takes a mapping.
        into: what converts parameters, by name; those that need nothing are left out.
        columns: what converts each column of a row, None: nothing.
        row: makes a row.
    """

    text: str
    names: tuple[str, ...]
    into: Mapping[str, Convert]
    columns: tuple[Convert | None, ...]
    row: Callable[..., Any]

    def bind(self, parameters: Mapping[str, Any]) -> Any:
        """Return the parameters as the driver wants them."""
        into = self.into
        if not self.names:
            return {name: into[name](value) if name in into else value for name, value in parameters.items()}
        return [into[name](parameters[name]) if name in into else parameters[name] for name in self.names]

    def read(self, row: Sequence[Any]) -> Any:
        """Return a row with its values converted; its columns are attributes."""
        return self.row(
            *[
                value if convert is None else convert(value)
                for convert, value in zip(self.columns, row, strict=True)
            ]
        )


def fetch(connection: Connection, statement: ClauseElement, parameters: Mapping[str, Any]) -> list[Any]:
    """Return all rows, each a named tuple."""
    made = _made(connection, statement)
    return [made.read(row) for row in _execute(connection, made, parameters).fetchall()]


def fetch_one(connection: Connection, statement: ClauseElement, parameters: Mapping[str, Any]) -> Any:
    """Return the one row as a named tuple; None: there is none. Of several it is the first."""
    made = _made(connection, statement)
    row = _execute(connection, made, parameters).fetchone()
    return None if row is None else made.read(row)


def run(connection: Connection, statement: ClauseElement, parameters: Mapping[str, Any]) -> int:
    """Run a statement that returns nothing; return how many rows it touched."""
    return int(_execute(connection, _made(connection, statement), parameters).rowcount)


def run_many(connection: Connection, statement: ClauseElement, rows: Sequence[Mapping[str, Any]]) -> None:
    """Run a statement for each of *rows*."""
    made = _made(connection, statement)
    _send(connection, made, [made.bind(row) for row in rows], many=True)


def _execute(connection: Connection, made: _Statement, parameters: Mapping[str, Any]) -> Any:
    return _send(connection, made, made.bind(parameters), many=False)


def _send(connection: Connection, made: _Statement, bound: Any, *, many: bool) -> Any:
    if not connection.in_transaction():
        connection.begin()
    cursor: Any = connection.connection.cursor()
    for listener in connection.dispatch.before_cursor_execute:
        listener(connection, cursor, made.text, bound, None, many)
    dbapi: Any = connection.dialect.loaded_dbapi
    try:
        (cursor.executemany if many else cursor.execute)(made.text, bound)
    except dbapi.Error as error:
        gone = connection.dialect.is_disconnect(error, connection.connection.dbapi_connection, cursor)
        if gone:
            connection.invalidate(error)
        # As SQLAlchemy would, so that those who catch its errors catch this; without the parameters.
        raise DBAPIError.instance(
            made.text,
            None,
            error,
            dbapi.Error,
            hide_parameters=True,
            connection_invalidated=gone,
            dialect=connection.dialect,
        ) from error
    return cursor


def _made(connection: Connection, statement: ClauseElement) -> _Statement:
    held: dict[ClauseElement, _Statement] = connection.info.setdefault(_PLACE, {})
    made = held.get(statement)
    if made is None:
        made = held[statement] = _make(connection.dialect, statement)
    return made


def _make(dialect: Dialect, statement: ClauseElement) -> _Statement:
    compiled = statement.compile(dialect=dialect)
    if not isinstance(compiled, SQLCompiler):
        message = f"{type(statement).__name__} is no statement"
        raise TypeError(message)
    into = {
        name: convert
        for name, parameter in compiled.binds.items()
        if (convert := parameter.type.dialect_impl(dialect).bind_processor(dialect)) is not None
    }
    columns: Sequence[Any] = tuple(getattr(statement, "exported_columns", ()))
    converts = tuple(column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns)
    row = namedtuple("Row", [column.key for column in columns])  # type: ignore[misc]  # noqa: PYI024 - by the statement
    return _Statement(str(compiled), tuple(compiled.positiontup or ()), into, converts, row)
