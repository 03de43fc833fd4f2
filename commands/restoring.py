"""Preparing the database before anything opens it: where it vanished, the newest snapshot is brought back."""

from __future__ import annotations

import click

import app
from commands import backup_place as place
from commands.backup_words import told
from config import Settings
from config_stores import StorePlace
from crypto.master_keys import MasterKeys
from crypto.passphrase import PassphraseHasher
from errors import BackupDamaged, StartRefused, StoreFailed
from services import backup_restore
from services.backup_files import BackupFiles
from services.stores import open_store


def prepare(settings: Settings) -> str | None:
    """Bring the database back where it is gone and snapshots are kept elsewhere; then as ``app.prepare``.

    Raises:
        StartRefused: also where the place of the snapshots cannot be read: to begin anew would bury them.
    """
    if settings.backup_to is not None:
        _bring_back(settings, settings.backup_to)
    return app.prepare(settings)


def snapshot_files(settings: Settings) -> BackupFiles | None:
    """Return where the server keeps snapshots; None: nowhere, or the data is on PostgreSQL."""
    key = place.key_of(settings)
    if settings.backup_to is None or key is None or settings.database_path is None:
        return None
    return BackupFiles(open_store(settings.backup_to, settings), key, PassphraseHasher())


def _bring_back(settings: Settings, where: StorePlace) -> None:
    files, path = snapshot_files(settings), settings.database_path
    if files is None or path is None:
        return
    if where.folder is not None and not where.folder.is_dir():
        raise StartRefused(f"BACKUP_TO names {where}, which is no folder. Make it, or mount it.")
    if path.exists():
        return
    masters = MasterKeys.parse(settings.encryption_keys)
    try:
        restored = backup_restore.restore_newest(files, path, masters, place.opener(settings))
    except StoreFailed as error:
        raise StartRefused(
            f"There is no database at {path}, and BACKUP_TO cannot be read: {error} "
            "Make it reachable, so that the newest snapshot can be restored."
        ) from None
    except BackupDamaged as error:
        raise StartRefused(
            f"There is no database at {path}, and of the backups in BACKUP_TO {error.reason}. If BACKUP_KEY "
            "is the right one, look at them by hand; to begin anew, let BACKUP_TO name another place."
        ) from None
    if restored is not None:
        click.echo(told(restored), err=True)
