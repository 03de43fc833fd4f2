"""Connections between two uses. The engine's own pool does much at each hand-over that nothing here needs."""

from __future__ import annotations

import contextlib

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from services.postgresql import NOBODY_YET

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
            return self._begin(self._engine.connect(), writing=writing)
        try:
            return self._begin(connection, writing=writing)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
            # The server has started again since: what else lies here is as dead as this one.
            self.close()
            return self._begin(self._engine.connect(), writing=writing)

    def _begin(self, connection: Connection, *, writing: bool) -> Connection:
        if connection.get_execution_options().get("writing") is not writing:
            connection.execution_options(writing=writing, seeing=NOBODY_YET)
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
