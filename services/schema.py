"""The database's schema: made, brought up to date, and refused when it is not ours to touch."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect
from sqlalchemy.exc import DatabaseError, DBAPIError

from errors import StartRefused
from services import row_security
from services.database import WriteLock, reading, writing
from services.postgresql import spoken

_NOT_ALLOWED = "42501"
"""PostgreSQL's code for insufficient privilege."""

MIGRATIONS = Path(__file__).parent.parent / "migrations"
UNFINISHED = "unfinished_copy"
"""The only table of a database into which a copy was begun: nobody starts on it."""


def prepare_schema(engine: Engine, lock: WriteLock, *, role: str | None = None) -> Path | None:
    """Create the tables, or bring them up to date; return where a copy was put before, if one was made.

    Args:
        engine: of a role that may change tables.
        role: what the program runs as, where that is another one: it is let at the rows and nothing else.

    Raises:
        StartRefused: the file is empty, damaged or of another program, its folder cannot be written, or a
            newer version of this program made it.
    """
    _refuse_strange_file(engine)
    try:
        with writing(engine, lock) as connection:
            present = MigrationContext.configure(connection).get_current_revision()
            tables = inspect(connection).get_table_names()
    except DatabaseError as error:
        raise StartRefused(_explain(engine, error)) from None
    if UNFINISHED in tables:
        message = (
            f"A copy into {_name(engine)} was begun and not finished. Run `./chatelaine database copy` again."
        )
        raise StartRefused(message)
    if present is None and tables:
        message = f"{_name(engine)} holds tables that Chatelaine did not make. Set another DATABASE_URL."
        raise StartRefused(message)
    _refuse_newer(engine, present)
    up_to_date = present == _scripts().get_current_head()
    copy = _copy_beside(engine) if present and not up_to_date else None
    if not up_to_date:
        _upgrade(engine, lock)
    if role is not None:
        with writing(engine, lock) as connection:
            row_security.grant(connection, role)
    return copy


def _upgrade(engine: Engine, lock: WriteLock) -> None:
    try:
        with writing(engine, lock) as connection:
            if connection.dialect.name == "postgresql":
                # To rebuild a large table takes as long as it takes.
                connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            command.upgrade(_config_on(connection), "head")
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != _NOT_ALLOWED:
            raise
        message = (
            f"{_name(engine)} may not change tables. Set DATABASE_OWNER_URL to the role that owns them: "
            "docs/running.md says how."
        )
        raise StartRefused(message) from None


def make_tables(connection: Connection, role: str | None) -> None:
    """Make all tables in an empty database, within the transaction of *connection*, as their owner.

    Args:
        role: as in :func:`prepare_schema`.
    """
    command.upgrade(_config_on(connection), "head")
    if role is not None:
        row_security.grant(connection, role)


def revision_of(engine: Engine) -> str | None:
    """Return which revision the database has."""
    with reading(engine) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest_revision() -> str | None:
    """Return the revision that this program wants."""
    return _scripts().get_current_head()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config


def _config_on(connection: object) -> Config:
    config = _config()
    config.attributes["connection"] = connection
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _path(engine: Engine) -> Path | None:
    on_disk = engine.dialect.name == "sqlite" and engine.url.database
    return Path(engine.url.database) if on_disk and engine.url.database else None


def _name(engine: Engine) -> str:
    return str(_path(engine) or spoken(engine.url))


def _refuse_strange_file(engine: Engine) -> None:
    path = _path(engine)
    if path is not None and path.exists() and path.stat().st_size == 0:
        message = (
            f"The database {path} exists but is empty, which Chatelaine never leaves behind. "
            "Restore it from a backup; only if this is really a new installation, delete the file "
            "and start again."
        )
        raise StartRefused(message)


def _refuse_newer(engine: Engine, present: str | None) -> None:
    known = {script.revision for script in _scripts().walk_revisions()}
    if present is not None and present not in known:
        message = (
            f"The database {_name(engine)} was made by a newer version of Chatelaine (schema {present}). "
            "Start that version, or restore a backup made before the update."
        )
        raise StartRefused(message)


def _explain(engine: Engine, error: DatabaseError) -> str:
    cause = str(error.orig)
    if engine.dialect.name == "postgresql":
        return (
            f"{_name(engine)} cannot be used: {cause.strip()}. Check DATABASE_URL, and that the server runs."
        )
    if "readonly" in cause or "unable to open" in cause:
        return f"The database {_name(engine)} cannot be written: {cause}. Check the folder's owner and mode."
    return f"The database {_name(engine)} cannot be read: {cause}. Restore it from a backup."


def _copy_beside(engine: Engine) -> Path | None:
    """Copy a SQLite file, whole and consistent, before its tables are changed."""
    path = _path(engine)
    if path is None:
        return None
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    copy = path.with_name(f"{path.name}.before-{stamp}")
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    copy.chmod(0o600)
    return copy
