"""Where backups lie and what opens them, from the settings, a path or what somebody types."""

from __future__ import annotations

import base64
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

import click

from app import open_runtime
from config import Settings
from crypto.passphrase import PassphraseHasher
from services import backup_manifest, backup_postgresql
from services.backup_files import BackupFiles, Progress
from services.backup_opening import Opener
from services.object_store import FolderStore, ObjectStore
from services.runtime import Runtime
from services.stores import open_store

PASSPHRASE_MIN = 12
NEWEST = "newest"
CHECK = "_check"
"""What the name of the database ends in, in which backups are tried: deploy/postgresql.sql makes it."""


def opener(settings: Settings) -> Opener:
    """Return what opens an unpacked backup: the second place of the log is not told what it does there."""

    def open_at(url: str) -> AbstractContextManager[Runtime]:
        if url == settings.database_owner_url:
            # The database itself: its owner brings it up to date, and lets the program at it.
            return open_runtime(replace(settings, audit_sink=None), migrate=True)
        moved = replace(settings, database_url=url, database_owner_url=None, audit_sink=None)
        return open_runtime(moved, migrate=True)

    return open_at


def store_at(settings: Settings, folder: Path | None) -> ObjectStore:
    """Return the place for backups: a folder that was named, else what the settings say."""
    if folder is not None:
        return FolderStore(folder.absolute())
    if settings.backup_to is None:
        raise click.UsageError("Say where: --to DIR, or set BACKUP_TO.")
    return open_store(settings.backup_to, settings)


def key_of(settings: Settings) -> bytes | None:
    """Return the key for backups; None: none is set."""
    text = settings.backup_key
    return base64.urlsafe_b64decode(text.removesuffix("=") + "=") if text else None


def server_of(settings: Settings) -> str | None:
    """Return the address of the database as the owner of its tables; None: it is a file."""
    return None if settings.database_path else settings.database_owner_url or settings.database_url


@contextmanager
def to_try(settings: Settings) -> Iterator[str | None]:
    """Give the database of a server in which backups are tried, and empty it; None: a file will do."""
    server = server_of(settings)
    if server is None:
        yield None
        return
    url = backup_postgresql.beside(server, CHECK)
    backup_postgresql.empty(url)
    try:
        yield url
    finally:
        backup_postgresql.empty(url)


def files_to_write(settings: Settings, folder: Path | None, *, passphrase: bool) -> BackupFiles:
    """Return the place for a new backup, with the key, or a passphrase that is asked for."""
    key = key_of(settings)
    secret = ask_for_passphrase(twice=True) if passphrase or key is None else key
    if isinstance(secret, str) and len(secret) < PASSPHRASE_MIN:
        raise click.UsageError(f"Use a passphrase of at least {PASSPHRASE_MIN} characters.")
    return BackupFiles(store_at(settings, folder), secret, PassphraseHasher())


def files_to_list(settings: Settings, folder: Path | None) -> BackupFiles:
    """Return a place of which only the manifests are read, which needs no secret."""
    return BackupFiles(store_at(settings, folder), b"", PassphraseHasher())


def files_to_read(settings: Settings, named: str) -> tuple[BackupFiles, str]:
    """Return the place and the name of a backup.

    Args:
        named: one of its files, its name in ``BACKUP_TO``, or ``newest`` there.
    """
    store, name = _locate(settings, named)
    files = BackupFiles(store, b"", PassphraseHasher())
    if name == NEWEST:
        names = files.names()
        if not names:
            raise click.UsageError("There is no backup yet.")
        name = names[0]
    if files.manifest(name)[0].sealed_by == "passphrase":
        return replace(files, secret=ask_for_passphrase(twice=False)), name
    key = key_of(settings)
    if key is None:
        raise click.UsageError("Set BACKUP_KEY to the key that this backup was sealed with.")
    return replace(files, secret=key), name


def ask_for_passphrase(*, twice: bool) -> str:
    """Ask for a passphrase, or read it from standard input where nobody sits."""
    if sys.stdin.isatty():
        text: str = click.prompt("Passphrase", hide_input=True, confirmation_prompt=twice, err=True)
        return text
    return sys.stdin.readline().rstrip("\r\n")


@contextmanager
def bar(label: str) -> Iterator[Progress]:
    """Show how far something has come, on standard error."""
    with click.progressbar(length=1000, label=label, file=sys.stderr) as shown:

        def advance(done: int, everything: int) -> None:
            shown.update(done * 1000 // max(everything, 1) - shown.pos)

        yield advance


def _locate(settings: Settings, named: str) -> tuple[ObjectStore, str]:
    path = Path(named)
    if named == NEWEST or (len(path.parts) == 1 and not path.exists()):
        found = (store_at(settings, None), named)
    else:
        found = (FolderStore(path.absolute().parent), path.name)
    split = backup_manifest.split_file(found[1])
    name = split[0] if split else found[1]
    if name != NEWEST and backup_manifest.kind_of(name) is None:
        raise click.UsageError(f"{named} is no backup. Name one of its files, such as NAME.manifest.")
    return found[0], name
