"""Making backups: a copy that is of one moment while people go on working, sealed, with its manifest."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from sqlalchemy import delete, select

from crypto.checksum import checksum
from crypto.keyring import DESTROYED
from errors import BackupDamaged
from models import Action, Backup, Instance
from services import (
    audit,
    backup_keys,
    backup_manifest,
    backup_objects,
    backup_postgresql,
    backup_sqlite,
    clock,
    settings,
)
from services.backup_facts import Facts, facts_of
from services.backup_files import BackupFiles, Progress, nothing
from services.backup_manifest import POSTGRESQL, SQLITE, Kind, Manifest
from services.backup_objects import ObjectCopies, SavedObject
from services.database import reading
from services.events import Extra, Target
from services.health import database_path
from services.object_store import FolderStore
from services.workplace import workplace

if TYPE_CHECKING:
    from services.runtime import Runtime
    from services.unit_of_work import UnitOfWork

KEEP = 30


@dataclass(frozen=True, slots=True)
class Copied:
    """A copy of the database in one file, without the wrapped keys, which are apart."""

    path: Path
    facts: Facts
    keys: Sequence[backup_keys.Row]
    database: str


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was just made, and how many older ones went for it."""

    manifest: Manifest
    removed: int


def create(
    runtime: Runtime,
    files: BackupFiles,
    *,
    kind: Kind = Kind.BACKUP,
    keep: int = KEEP,
    closing: bool = False,
    progress: Progress = nothing,
    owner_url: str | None = None,
) -> Made:
    """Make a backup and remove the oldest of its kind beyond *keep*.

    That somebody made one is an event; snapshots are none, as each would be a reason for the next.

    Args:
        closing: nothing will be changed after this.
        owner_url: on PostgreSQL, of the role that owns the tables.

    Raises:
        BackupFailed: a program that is needed for it is missing or has failed.
        OSError: the disk is full, or cannot be written.
    """
    made_at = clock.now()
    with workplace(database_path(runtime.engine)) as folder:
        objects = _objects(runtime, files, kind)
        copied = _copy(runtime, folder, _half(progress, 0), owner_url)
        saved = objects.saved_again() if objects else []
        progressed = _half(progress, 1)
        manifest = _store(files, copied, saved, kind, made_at, closing=closing, progress=progressed)
    removed = files.prune(kind, manifest.instance, keep)
    with runtime.work(writing=True) as uow:
        note(uow, manifest)
        uow.session.execute(delete(Backup).where(Backup.name.in_(removed)))
        if kind is Kind.BACKUP:
            _record(uow, Action.BACKUP_CREATED, manifest)
    return Made(manifest, len(removed))


def manifests(files: BackupFiles) -> list[Manifest]:
    """Read what the backups in a place say of themselves, the newest first; what cannot be read is left out.

    Their ``master_keys`` say which master keys must be kept for them.
    """
    found = []
    for name in files.names():
        try:
            found.append(files.manifest(name)[0])
        except BackupDamaged:
            continue
    return found


def known(uow: UnitOfWork) -> Sequence[Backup]:
    """Return the backups that this installation knows of, the newest first, without a look at their place."""
    return uow.session.scalars(select(Backup).order_by(Backup.made_at.desc(), Backup.name)).all()


def note(uow: UnitOfWork, manifest: Manifest) -> Backup:
    """Note that there is this backup, and return its row."""
    row = uow.session.scalars(select(Backup).where(Backup.name == manifest.name)).one_or_none()
    if row is None:
        row = Backup(
            id=uuid4(),
            name=manifest.name,
            kind=manifest.kind.value,
            made_at=manifest.made_at,
            size=manifest.size,
            events=manifest.events,
            master_keys=" ".join(manifest.master_keys),
        )
        uow.session.add(row)
        uow.session.flush()
    return row


def target_of(manifest: Manifest) -> Target:
    """Return what events call a backup."""
    return Target("backup", None, manifest.name)


def _record(uow: UnitOfWork, action: Action, manifest: Manifest) -> None:
    extra: Extra = {
        "name": manifest.name,
        "events": manifest.events,
        "bytes": manifest.size,
        "keys": list(manifest.master_keys),
    }
    audit.record(uow, action, target_of(manifest), extra=extra)


def _copy(runtime: Runtime, folder: Path, progress: Progress, owner_url: str | None) -> Copied:
    path, target = database_path(runtime.engine), folder / "database"
    if path is None:
        url = owner_url or runtime.engine.url.render_as_string(hide_password=False)
        with reading(runtime.engine) as connection:
            backup_postgresql.dump(connection, url, target)
            progress(1, 1)
            return Copied(target, facts_of(connection), backup_keys.read_rows(connection), POSTGRESQL)
    backup_sqlite.copy(path, target, progress)
    with backup_sqlite.opened(target) as connection:
        facts, keys = facts_of(connection), backup_keys.read_rows(connection)
        backup_keys.remove_rows(connection)
    backup_sqlite.compact(target)
    return Copied(target, facts, keys, SQLITE)


def _objects(runtime: Runtime, files: BackupFiles, kind: Kind) -> ObjectCopies | None:
    """Begin to copy the attached files; None: they lie away from the disk that vanishes, as snapshots do."""
    if kind is Kind.SNAPSHOT and not isinstance(runtime.files, FolderStore):
        return None
    with reading(runtime.engine) as connection:
        instance = connection.execute(select(Instance.uuid)).scalar_one()
    copies = ObjectCopies(runtime.files, files.store, instance)
    copies.update()
    return copies


def _store(
    files: BackupFiles,
    copied: Copied,
    saved: Sequence[SavedObject],
    kind: Kind,
    made_at: datetime,
    *,
    closing: bool,
    progress: Progress,
) -> Manifest:
    name = backup_manifest.new_name(kind, made_at, copied.facts.instance, secrets.token_hex(2))
    stored = files.put_data(name, copied.path, progress)
    facts, listed = copied.facts, backup_objects.encode(saved)
    manifest = Manifest(
        name=name,
        kind=kind,
        made_at=made_at,
        program=settings.program_version(),
        schema=facts.schema,
        database=copied.database,
        instance=facts.instance,
        master_keys=_needed(copied.keys),
        sealed_by=files.sealed_by,
        closing=closing,
        counts=facts.counts,
        heads=facts.heads,
        size=stored.length,
        sha256=stored.hex,
        files=len(saved),
        files_sha256=checksum(listed) if saved else "",
    )
    if saved:
        files.put_list(name, listed)
    written = manifest.encode()
    files.put_keys(name, backup_keys.encode(copied.keys, written))
    files.put_manifest(name, written)
    return manifest


def _needed(keys: Iterable[backup_keys.Row]) -> tuple[str, ...]:
    return tuple(sorted({row["master_key_id"] for row in keys if row["state"] != DESTROYED}))


def _half(progress: Progress, which: int) -> Progress:
    """Return *progress* for the first or the second of two pieces of work that are equally long."""

    def halved(done: int, everything: int) -> None:
        progress(which * everything + done, 2 * everything)

    return halved
