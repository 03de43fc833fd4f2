"""A PostgreSQL database dumped as of one moment, and a dump loaded in one transaction."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess  # nosec B404 - PostgreSQL's own programs, without a shell
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, NullPool, create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from errors import BackupDamaged, BackupFailed, Conflict
from models import DataKey, microseconds
from services import database, postgresql
from services.database import NoLock, prepare_engine, reading

UNSAVED = ("public.data_key", "public.rate_counter")
"""Tables whose rows are left out: those that are kept apart, and those that are worth nothing."""
_EVERYTHING = postgresql.EVERY_ORGANIZATION.replace(" ", "\\ ")
_KEY_COLUMNS = tuple(column.name for column in DataKey.__table__.columns)
_DROP = """
DO $$
DECLARE found record;
BEGIN
    FOR found IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
        EXECUTE format('DROP TABLE public.%I CASCADE', found.tablename);
    END LOOP;
END
$$;
"""
_TABLES = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
_OTHERS = """
    SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


def dump(connection: Connection, owner_url: str, target: Path) -> None:
    """Write what *connection* sees into one file; it is in its transaction, and others go on writing.

    Args:
        owner_url: of the role that owns the tables; the policies that bind it are told to show it everything.

    Raises:
        BackupFailed: ``pg_dump`` is missing, or has failed.
    """
    snapshot = connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one()
    left_out = [f"--exclude-table-data={table}" for table in UNSAVED]
    _run(
        "pg_dump",
        owner_url,
        "--format=custom",
        "--table=public.*",
        "--no-owner",
        "--no-privileges",
        "--enable-row-security",
        f"--snapshot={snapshot}",
        *left_out,
        f"--file={target}",
        f"--dbname={_address(owner_url)}",
    )


def load(dumped: Path, keys: Sequence[dict[str, Any]], owner_url: str) -> None:
    """Put a dump and its keys in the place of all tables, in one transaction.

    Raises:
        BackupDamaged: it is no dump.
        BackupFailed: a program of PostgreSQL is missing, or has failed; nothing was changed.
    """
    folder = dumped.parent
    drop, table = folder / "drop.sql", folder / "keys.csv"
    drop.write_text(_DROP, encoding="utf-8")
    _write_keys(table, keys)
    before, rows, after = (_section(dumped, name, owner_url) for name in ("pre-data", "data", "post-data"))
    # The keys before the policies: once those are there, rows cannot be copied in.
    copy = f"\\copy public.data_key ({', '.join(_KEY_COLUMNS)}) FROM '{table}' CSV"
    _run(
        "psql",
        owner_url,
        "--no-psqlrc",
        "--quiet",
        "--single-transaction",
        "--set=ON_ERROR_STOP=1",
        f"--file={drop}",
        f"--file={before}",
        f"--file={rows}",
        f"--command={copy}",
        f"--file={after}",
        f"--dbname={_address(owner_url)}",
    )


def _section(dumped: Path, name: str, owner_url: str) -> Path:
    """Write a part of a dump as statements."""
    script = dumped.with_name(f"{name}.sql")
    chosen = (f"--section={name}", f"--file={script}", str(dumped))
    try:
        _run("pg_restore", owner_url, "--no-owner", "--no-privileges", *chosen)
    except BackupFailed as error:
        raise BackupDamaged(f"the dump in it cannot be read ({error})") from None
    return script


def empty(owner_url: str) -> None:
    """Drop all tables."""
    with opened(owner_url, writing=True) as connection:
        connection.execute(text(_DROP))


def refuse_to_replace(owner_url: str, *, overwrite: bool) -> None:
    """See to it that a dump may be loaded there.

    Raises:
        Conflict: there are tables, and they may not go, or somebody is connected.
    """
    with opened(owner_url) as connection:
        tables = connection.exec_driver_sql(_TABLES).scalar_one()
        others = connection.exec_driver_sql(_OTHERS).scalar_one()
    if tables and not overwrite:
        raise Conflict("The database has tables. Add --overwrite if this backup shall take their place.")
    if others:
        raise Conflict("Somebody is connected to the database. Stop the server first, everywhere.")


@contextmanager
def opened(url: str, *, writing: bool = False) -> Iterator[Connection]:
    """Open a database for a moment."""
    engine = create_engine(url, poolclass=NullPool, hide_parameters=True)
    prepare_engine(engine)
    try:
        with database.writing(engine, NoLock()) if writing else reading(engine) as connection:
            yield connection
    except OperationalError as error:
        raise BackupFailed(f"{make_url(url).database} cannot be used: {error.orig}") from None
    finally:
        engine.dispose()


def beside(url: str, suffix: str) -> str:
    """Return the address of the database whose name ends in *suffix*, on the same server."""
    parts = make_url(url)
    return parts.set(database=f"{parts.database}{suffix}").render_as_string(hide_password=False)


def _write_keys(path: Path, keys: Sequence[dict[str, Any]]) -> None:
    with path.open("w", encoding="ascii", newline="") as file:
        rows = csv.writer(file)
        for row in keys:
            changed = {"wrapped": f"\\x{row['wrapped'].hex()}", "created_at": microseconds(row["created_at"])}
            rows.writerow([{**row, **changed}[column] for column in _KEY_COLUMNS])


def _address(url: str) -> str:
    """Return an address as PostgreSQL's programs take it, without the password, which others could see."""
    parts = make_url(url)
    named = {"host": parts.host, "user": parts.username, "dbname": parts.database}
    if parts.port is not None:
        named["port"] = str(parts.port)
    for name, value in parts.difference_update_query(["password"]).query.items():
        named[name] = value if isinstance(value, str) else ",".join(value)
    # Only where a backup of PostgreSQL is made: on SQLite the driver would hold 9 MiB for nothing.
    from psycopg.conninfo import make_conninfo

    return make_conninfo("", **{name: value for name, value in named.items() if value is not None})


def _password(url: str) -> str:
    """Return the password, which may stand behind the ``?`` as well; there it counts, as for the driver."""
    parts = make_url(url)
    behind = parts.query.get("password") or parts.password or ""
    return behind if isinstance(behind, str) else behind[-1]


def _run(program: str, url: str, *arguments: str) -> None:
    found = shutil.which(program)
    if found is None:
        raise BackupFailed(
            f"{program} is not here. Install PostgreSQL's client programs, no older than the server."
        )
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        "PGOPTIONS": f"-c chatelaine.organization={_EVERYTHING}",
        "PGPASSWORD": _password(url),
        "PGCONNECT_TIMEOUT": "10",
        "LC_ALL": "C",
    }
    done = subprocess.run(  # noqa: S603  # nosec B603 - no shell; the arguments are our own
        [found, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        raise BackupFailed(f"{program} failed: {said[0].strip() if said else 'it does not say why'}")
