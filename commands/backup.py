"""`./chatelaine backup`: make backups, prove that they can be restored, restore one."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
from sqlalchemy import select

from app import open_runtime
from commands import backup_place as place
from commands.backup_words import told
from commands.opening import json_option, show, written
from commands.opening import settings as read_settings
from config import Settings
from crypto.master_keys import MasterKeys
from models import Instance
from services import backup_checks, backup_restore, backups
from services.backup_checks import Check
from services.backup_opening import unpack
from services.database import reading
from services.workplace import workplace

FAULTS_FOUND = 1
_SECRETS = {"key": "BACKUP_KEY", "passphrase": "the passphrase"}


@click.group()
def backup() -> None:
    """Make backups, prove that they can be restored, restore one."""


@backup.command()
@click.option(
    "--to",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="A folder, best on another machine's disk; without it: BACKUP_TO.",
)
@click.option(
    "--keep",
    type=click.IntRange(1, 10_000),
    default=backups.KEEP,
    show_default=True,
    help="So many stay there; older ones are removed.",
)
@click.option("--passphrase", is_flag=True, help="Seal it with a passphrase instead of BACKUP_KEY.")
@json_option
def create(folder: Path | None, keep: int, *, passphrase: bool, as_json: bool) -> None:
    """Make an encrypted backup while the server runs, and print its name.

    Without BACKUP_KEY a passphrase is asked for, or read from standard input.
    """
    settings = read_settings()
    files = place.files_to_write(settings, folder, passphrase=passphrase)
    with open_runtime(settings) as runtime, place.bar("Backing up") as progress:
        made = backups.create(
            runtime, files, keep=keep, progress=progress, owner_url=place.server_of(settings)
        )
    manifest = made.manifest
    if as_json:
        record = {"name": manifest.name, "bytes": manifest.size, "events": manifest.events}
        click.echo(json.dumps({**record, "master_keys": manifest.master_keys, "removed": made.removed}))
        return
    click.echo(manifest.name)
    click.echo(
        f"{manifest.size} bytes, {manifest.events} events. To be read it needs {_SECRETS[files.sealed_by]} "
        f"and the master key {' and '.join(manifest.master_keys)}: keep both elsewhere.",
        err=True,
    )


@backup.command("list")
@click.option(
    "--in",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="A folder instead of BACKUP_TO.",
)
@json_option
def list_command(folder: Path | None, *, as_json: bool) -> None:
    """List the backups in a place, and which master keys they need."""
    settings = read_settings()
    files = place.files_to_list(settings, folder)
    lines = [
        {
            "name": manifest.name,
            "made": written(manifest.made_at),
            "bytes": manifest.size,
            "events": manifest.events,
            "sealed_by": manifest.sealed_by,
            "master_keys": manifest.master_keys,
        }
        for manifest in backups.manifests(files)
    ]
    show(lines, as_json=as_json, nothing="There is no backup.")


@backup.command()
@click.argument("file")
@json_option
def verify(file: str, *, as_json: bool) -> None:
    """Restore a backup in a temporary place, look through it, and sign what was found.

    FILE is one of its files, its name in BACKUP_TO, or "newest". Exits with 1 when it is not sound.
    """
    settings = read_settings()
    files, name = place.files_to_read(settings, file)
    masters = MasterKeys.parse(settings.encryption_keys)
    with workplace(settings.database_path) as folder, place.to_try(settings) as server:
        with place.bar("Restoring") as progress:
            unpacked = unpack(files, name, masters, folder, progress, server=server)
        with place.bar("Verifying") as progress:
            check = backup_checks.verify(unpacked, files, place.opener(settings), progress)
    files.put_note(name, check.note)
    _record(settings, check)
    click.echo(_as_json(check) if as_json else _in_words(check))
    if not check.is_sound:
        sys.exit(FAULTS_FOUND)


@backup.command()
@click.argument("file")
@click.option("--overwrite", is_flag=True, help="Take the place of a database, which is kept beside.")
def restore(file: str, *, overwrite: bool) -> None:
    """Put a backup in the place of the database, while the server does not run.

    FILE is one of its files, its name in BACKUP_TO, or "newest".
    """
    settings = read_settings()
    files, name = place.files_to_read(settings, file)
    masters, opener = MasterKeys.parse(settings.encryption_keys), place.opener(settings)
    server, path = place.server_of(settings), settings.database_path
    with place.bar("Restoring") as progress:
        if path is None:
            restored = backup_restore.restore_on_server(
                files, name, server or "", masters, opener, overwrite=overwrite, progress=progress
            )
        else:
            restored = backup_restore.restore(
                files, name, path, masters, opener, overwrite=overwrite, progress=progress
            )
    click.echo(told(restored))


def _record(settings: Settings, check: Check) -> None:
    """Tell the installation, if it is there."""
    path = settings.database_path
    if path is not None and not path.exists():
        return
    with open_runtime(settings) as runtime:
        with reading(runtime.engine) as connection:
            is_new = connection.execute(select(Instance.id)).first() is None
        if not is_new:
            backup_checks.record(runtime, check)


def _in_words(check: Check) -> str:
    looked_at = (
        f"{check.events} events verified, a credential of each of {check.vaults} vaults decrypted"
        + (f", and a file of each of {check.files}" if check.files else "")
        + (f", {check.empty} vaults empty" if check.empty else "")
        + ", all counts as the manifest says"
    )
    if check.is_sound:
        return f"{check.manifest.name} can be restored: {looked_at}."
    return "\n".join([*check.faults, f"{len(check.faults)} faults found: {looked_at}."])


def _as_json(check: Check) -> str:
    return json.dumps(
        {
            "name": check.manifest.name,
            "sound": check.is_sound,
            "events": check.events,
            "vaults": check.vaults,
            "files": check.files,
            "empty": check.empty,
            "faults": check.faults,
            "note": check.note,
        }
    )
