"""Putting a backup in the place of the database: everything is done to a copy, which then takes the place."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import select

from crypto.master_keys import MasterKeys
from errors import BackupDamaged, Conflict
from models import Action, Organization
from services import audit, backup_postgresql, backup_sqlite, backups, clock
from services.backup_files import BackupFiles, Progress, nothing
from services.backup_manifest import Manifest
from services.backup_objects import put_back
from services.backup_opening import Opener, Unpacked, unpack
from services.backup_voiding import void
from services.events import Extra
from services.unit_of_work import UnitOfWork
from services.workplace import workplace

log = logging.getLogger("chatelaine.backups")


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored.

    Args:
        complete: nothing had been changed after the backup, so nothing was lost and nothing voided.
        kept: where the database that was there before is kept.
        passed_over: newer backups that could not be used, each with why.
    """

    manifest: Manifest
    complete: bool
    kept: Path | None = None
    passed_over: tuple[str, ...] = ()


def restore(
    files: BackupFiles,
    name: str,
    path: Path,
    masters: MasterKeys,
    opener: Opener,
    *,
    overwrite: bool = False,
    newest: bool = False,
    progress: Progress = nothing,
) -> Restored:
    """Restore one backup to *path*, bring it up to this program's schema, and record that.

    Until the last step, which cannot be half done, the database that is there stays what it is.

    Args:
        overwrite: whether a database that is there may go; it is kept beside.
        newest: whether it is known that nothing was done after this backup but what it says itself.

    Raises:
        BackupDamaged: it cannot be used.
        Conflict: there is a database, and it may not go, or is in use.
        KeysMissing: it needs a master key that is not there.
    """
    if path.exists() and not overwrite:
        raise Conflict(f"There is a database at {path}. Add --overwrite if this backup shall take its place.")
    if path.exists():
        backup_sqlite.refuse_while_open(path)
    with workplace(path) as folder:
        unpacked = unpack(files, name, masters, folder, progress)
        complete = newest and unpacked.manifest.closing
        _settle(unpacked, files, opener, complete=complete)
        new = folder / unpacked.manifest.name
        backup_sqlite.close_up(new)
        kept = backup_sqlite.replace(path, new, f"{clock.now():%Y%m%dT%H%M%SZ}")
    return Restored(unpacked.manifest, complete, kept)


def restore_on_server(
    files: BackupFiles,
    name: str,
    url: str,
    masters: MasterKeys,
    opener: Opener,
    *,
    overwrite: bool = False,
    progress: Progress = nothing,
) -> Restored:
    """Restore one backup to a database on PostgreSQL; the tables are replaced in one transaction.

    Where something fails after that, the same again ends it.

    Args:
        url: as the owner of the tables.
        overwrite: whether tables that are there may go.

    Raises:
        BackupDamaged: it cannot be used.
        BackupFailed: a program of PostgreSQL is missing, or has failed.
        Conflict: there are tables, and they may not go, or somebody is connected.
        KeysMissing: it needs a master key that is not there.
    """
    backup_postgresql.refuse_to_replace(url, overwrite=overwrite)
    with workplace(None) as folder:
        unpacked = unpack(files, name, masters, folder, progress, server=url)
        _settle(unpacked, files, opener, complete=False)
    return Restored(unpacked.manifest, complete=False)


def restore_newest(
    files: BackupFiles, path: Path, masters: MasterKeys, opener: Opener, progress: Progress = nothing
) -> Restored | None:
    """Restore the newest backup that can be used to *path*, where there is no database; None: there is none.

    Raises:
        BackupDamaged: there are some, and none can be used.
        KeysMissing: the newest that is whole needs a master key that is not there.
    """
    passed_over: list[str] = []
    for name in files.names():
        try:
            newest = not passed_over
            restored = restore(files, name, path, masters, opener, newest=newest, progress=progress)
        except BackupDamaged as error:
            log.error("the backup %s is passed over: %s", name, error.reason)  # noqa: TRY400 - the reason is all
            passed_over.append(f"{name}: {error.reason}")
        else:
            return replace(restored, passed_over=tuple(passed_over))
    if passed_over:
        raise BackupDamaged(f"there are {len(passed_over)}, and none of them can: {'; '.join(passed_over)}")
    return None


def _settle(unpacked: Unpacked, files: BackupFiles, opener: Opener, *, complete: bool) -> None:
    """Void what may have been used since, and record in every chain that it goes on from here.

    Attached files come first: those that are there already, of a later time, stay readable until then.
    """
    manifest = unpacked.manifest
    with opener(unpacked.url) as runtime:
        put_back(unpacked.objects, files.store, runtime.files)
        with runtime.work(writing=True) as uow:
            _record(uow, manifest, complete=complete)


def _record(uow: UnitOfWork, manifest: Manifest, *, complete: bool) -> None:
    voided = {} if complete else void(uow)
    row = backups.note(uow, manifest)
    row.restored_at = uow.now
    extra: Extra = {"name": manifest.name, "made": manifest.made_at.isoformat(), "complete": complete}
    system = uow.actor
    for chain_id in (None, *uow.session.scalars(select(Organization.id).order_by(Organization.id))):
        uow.act_as(replace(system, organization_id=chain_id))
        audit.record(uow, Action.BACKUP_RESTORED, backups.target_of(manifest), extra={**extra, **voided})
    uow.act_as(system)
