"""A place for backups, and what opens them."""

from __future__ import annotations

import base64
from pathlib import Path

from crypto.passphrase import PassphraseHasher
from services.backup_files import BackupFiles
from services.object_store import FolderStore

BACKUP_KEY = "bkUPrhTmWqLx0vYzN5sJcD2eGfA8iKo7Ru4tHy1lQ9M"
SECRET = base64.urlsafe_b64decode(BACKUP_KEY + "=")


def files_in(folder: Path) -> BackupFiles:
    """Return the backups in a folder, sealed under the tests' key."""
    return BackupFiles(FolderStore(folder), SECRET, PassphraseHasher())
