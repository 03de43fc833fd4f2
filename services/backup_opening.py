"""Opening a backup: its three files brought together again into a database, and nothing believed unseen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from crypto.keyring import DESTROYED
from crypto.master_keys import MasterKeys
from errors import BackupDamaged, KeysMissing
from services import backup_keys, backup_postgresql, backup_sqlite
from services.backup_facts import facts_of
from services.backup_files import BackupFiles, Progress, nothing
from services.backup_manifest import POSTGRESQL, Manifest
from services.backup_objects import SavedObject

if TYPE_CHECKING:
    from services.runtime import Runtime

Opener = Callable[[str], "AbstractContextManager[Runtime]"]
"""Brings the database at a URL up to the schema of this program, and opens it."""


@dataclass(frozen=True, slots=True)
class Unpacked:
    """A backup as a database that nobody works with yet.

    Args:
        path: one closed file; None: it was loaded into a database of a server.
        url: what an ``Opener`` takes.
        objects: the attached files.
    """

    manifest: Manifest
    path: Path | None
    url: str
    objects: Sequence[SavedObject]


def unpack(
    files: BackupFiles,
    name: str,
    masters: MasterKeys,
    folder: Path,
    progress: Progress = nothing,
    *,
    server: str | None = None,
) -> Unpacked:
    """Open a backup into *folder*, or with *server* into a database there, in the place of what it holds.

    Args:
        server: the address of the database, as the owner of its tables.

    Raises:
        BackupDamaged: something in it is not as it must be, or it does not open under this secret.
        BackupFailed: a program that loads it is missing, or has failed.
        KeysMissing: it needs a master key that is not there.
    """
    manifest, written = files.manifest(name)
    if (manifest.database == POSTGRESQL) != (server is not None):
        other = "SQLite" if server is None else "a PostgreSQL server"
        raise BackupDamaged(f"it is of another kind of database, and DATABASE_URL names {other}")
    keys = backup_keys.decode(files.keys(name, backup_keys.KEYS_MAX), written)
    _refuse_missing(keys, masters)
    objects = files.objects(manifest)
    path = folder / name
    files.fetch_data(manifest, path, progress)
    try:
        if server is None:
            _as_file(manifest, path, keys)
            return Unpacked(manifest, path, f"sqlite:///{path}", objects)
        _on_server(manifest, path, keys, server)
        return Unpacked(manifest, None, server, objects)
    except SQLAlchemyError:
        raise BackupDamaged("the database in it is not one of Chatelaine's") from None


def _as_file(manifest: Manifest, path: Path, keys: list[backup_keys.Row]) -> None:
    backup_sqlite.check(path)
    with backup_sqlite.opened(path) as connection:
        _compare(manifest, connection)
        backup_keys.insert_rows(connection, keys)


def _on_server(manifest: Manifest, path: Path, keys: list[backup_keys.Row], server: str) -> None:
    backup_postgresql.load(path, keys, server)
    with backup_postgresql.opened(server) as connection:
        _compare(manifest, connection)


def _refuse_missing(keys: list[backup_keys.Row], masters: MasterKeys) -> None:
    needed = {row["master_key_id"] for row in keys if row["state"] != DESTROYED}
    missing = sorted(needed.difference(masters.ids))
    if missing:
        raise KeysMissing(
            f"ENCRYPTION_KEYS lacks a master key that this backup needs: {', '.join(missing)}. "
            "Put that key behind the first one."
        )


def _compare(manifest: Manifest, connection: Connection) -> None:
    facts = facts_of(connection)
    if (facts.instance, facts.schema) != (manifest.instance, manifest.schema):
        raise BackupDamaged("the database in it is another one than its manifest says")
    if facts.heads != manifest.heads:
        raise BackupDamaged("the audit log in it ends elsewhere than its manifest says")
    differing = [name for name, count in manifest.counts.items() if facts.counts.get(name) != count]
    if differing:
        raise BackupDamaged(f"it holds more or fewer rows than its manifest says: {', '.join(differing)}")
