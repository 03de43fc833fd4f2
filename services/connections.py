"""Connections between two uses. The engine's own pool does much at each hand-over that nothing here needs."""

from __future__ import annotations

import contextlib

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

KEPT = 16
"""Idle connections that are kept open: as many as there are threads that answer requests."""


class Connections:
    """Open connections without a transaction, the last used on top."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        # Appending and popping at the end are whole under any number of threads.
        self._idle: list[Connection] = []

    def take(self, *, writing: bool) -> Connection:
        """Hand out a connection with a fresh transaction, which holds the one write lock if *writing*."""
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._engine.connect()
        if bool(connection.get_execution_options().get("writing")) is not writing:
            connection.execution_options(writing=writing)
        try:
            connection.begin()
        except BaseException:
            connection.close()
            raise
        return connection

    def give_back(self, connection: Connection) -> None:
        """Undo what was not committed, and keep the connection for the next."""
        try:
            connection.rollback()
        except SQLAlchemyError:
            with contextlib.suppress(SQLAlchemyError):
                connection.close()
            return
        if len(self._idle) < KEPT and not (connection.closed or connection.invalidated):
            self._idle.append(connection)
        else:
            connection.close()

    def close(self) -> None:
        """Close those that are idle."""
        while self._idle:
            self._idle.pop().close()
