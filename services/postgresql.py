"""How PostgreSQL is spoken to: one writer at a time, readers in a snapshot, and whose rows they see.

Each transaction begins with one message that carries everything it needs, since a message to another machine
costs more than the statement in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from uuid import UUID

from sqlalchemy import URL, Connection, Engine, event, make_url
from sqlalchemy.exc import OperationalError

NOBODY_YET: Final = "nobody yet"
"""What a transaction begins with: it may look up who is asking, and sees nothing else of any organization."""
EVERY_ORGANIZATION: Final = "every organization"
"""What the system's own work puts in place of an organization."""
UNNAMED = NOBODY_YET
"""What a transaction sees that was begun past ``Connections``, ``reading`` and ``writing``."""

WRITERS: Final = 0x43_68_61_74
"""The advisory lock that lets one writer at a time through, as SQLite does."""

CHECKPOINTS: Final = WRITERS + 1
"""The one for who signs checkpoints, so that the committer's thread waits for no writer."""

LOCK_SECONDS = 10
STATEMENT_SECONDS = 30
IDLE_SECONDS = 60
"""After which a writer that says nothing more, such as one whose machine is gone, loses its turn."""

_SESSION = (
    f"SET lock_timeout = '{LOCK_SECONDS}s'; SET statement_timeout = '{STATEMENT_SECONDS}s'; "
    "SET search_path = public; SET timezone = 'UTC'"
)
_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_APPEND = "BEGIN ISOLATION LEVEL READ COMMITTED"
_WRITE = (
    f"{_APPEND}; SET LOCAL idle_in_transaction_session_timeout = '{IDLE_SECONDS}s'; "
    f"SELECT pg_advisory_xact_lock({WRITERS})"
)
_BEGIN = {True: _WRITE, False: _READ, "appending": _APPEND}
_SHOW = (
    "SELECT set_config('chatelaine.organization', %(organization)s, true),"
    " set_config('chatelaine.person', %(person)s, true)"
)
_SEEN = "chatelaine.seen"


def spoken(url: URL) -> str:
    """Write a server's address without its passwords, which libpq takes from behind the ``?`` as well."""
    return url.difference_update_query(("password", "sslpassword")).render_as_string(hide_password=True)


def connect_arguments(url: str) -> dict[str, Any]:
    """Return what keeps a connection from waiting for a server that is gone, where *url* does not say."""
    usual = {"connect_timeout": 5, "tcp_user_timeout": 15_000, "application_name": "chatelaine"}
    return {name: value for name, value in usual.items() if name not in make_url(url).query}


def prepare_engine(engine: Engine) -> None:
    """Give *engine* transactions that say at once what they are for, and whose rows they see.

    The connection option ``writing`` is True for a writer, False for a reader, ``"appending"`` for who adds
    to chains that it locks itself; ``seeing`` says whose rows, as :func:`show` takes it.
    """

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        # The driver's own BEGIN would be another message, and cannot say more than itself.
        connection.autocommit = True
        connection.execute(_SESSION)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        seen = _word(options.get("seeing", UNNAMED))
        connection.info[_SEEN] = (seen, "")
        begun = _BEGIN.get(options.get("writing"), _APPEND)
        _begin(connection, f"{begun}; SET LOCAL chatelaine.organization = '{seen}'")

    @event.listens_for(engine, "rollback_savepoint")
    def forget(connection: Connection, _name: str, _context: None) -> None:
        # What was said inside of the savepoint is undone with it.
        connection.info.pop(_SEEN, None)


def _begin(connection: Connection, statements: str) -> None:
    driver: Any = connection.connection.driver_connection
    dbapi: Any = connection.dialect.loaded_dbapi
    try:
        # Several statements cannot be prepared together.
        driver.execute(statements, prepare=False)
    except dbapi.Error as error:
        if driver.closed:
            connection.invalidate(error)
        else:
            driver.rollback()
        # As SQLAlchemy would, so that those who catch its errors catch this.
        raise OperationalError("BEGIN", None, error, connection_invalidated=driver.closed) from error


def lock(connection: Connection, key: int) -> None:
    """Wait for an advisory lock, held until the transaction ends; on SQLite there is nothing to do."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%(key)s)", {"key": key})


def show(
    connection: Connection, organization_id: UUID | str | None, person_id: UUID | str | None = None
) -> None:
    """Say whose rows the rest of the transaction sees.

    Args:
        organization_id: an organization's, ``EVERY_ORGANIZATION``, or None: ``NOBODY_YET``.
        person_id: who may see where else they belong.
    """
    if connection.dialect.name != "postgresql":
        return
    seen = (_word(organization_id), str(person_id or ""))
    if connection.info.get(_SEEN) == seen:
        return
    connection.exec_driver_sql(_SHOW, {"organization": seen[0], "person": seen[1]})
    connection.info[_SEEN] = seen


@contextmanager
def seeing_all(connection: Connection) -> Iterator[None]:
    """See the rows of every organization for a statement that asks about all of them, and no longer."""
    before = connection.info.get(_SEEN, (NOBODY_YET, ""))
    show(connection, EVERY_ORGANIZATION)
    try:
        yield
    finally:
        if connection.in_transaction():
            show(connection, *before)


def _word(organization_id: UUID | str | None) -> str:
    """Return what the setting says; only these words and ids ever stand in a statement."""
    if organization_id is None:
        return NOBODY_YET
    if organization_id in {NOBODY_YET, EVERY_ORGANIZATION}:
        return str(organization_id)
    return str(UUID(str(organization_id)))
