"""Verifying a backup: restored in a temporary place, looked through, and the result signed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import Connection, select

from crypto.keyring import ACTIVE, DECRYPT_ONLY, KeyRoom
from crypto.notes import NoteError, open_note
from models import Action, Backup, DataKey, Item, ItemVersion, Vault
from services import audit, audit_verify, backup_file_checks, backups, clock, item_blobs
from services.backup_files import BackupFiles
from services.backup_manifest import Manifest
from services.backup_objects import missing
from services.backup_opening import Opener, Unpacked
from services.database import reading
from services.events import Extra

if TYPE_CHECKING:
    from services.runtime import Runtime
    from services.unit_of_work import UnitOfWork

SOUND, DAMAGED = "sound", "damaged"
_TIME = "%Y-%m-%dT%H:%M:%SZ"
_NEWEST = (
    select(Item.id, Item.organization_id, Item.version, ItemVersion.overview, ItemVersion.details)
    .join(ItemVersion, (ItemVersion.item_id == Item.id) & (ItemVersion.number == Item.version))
    .order_by(Item.id)
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Check:
    """What a verification has found.

    Args:
        vaults: how many have a credential that was decrypted.
        empty: how many have none, or are of an organization whose keys were destroyed.
        events: of the audit log, each looked at.
        faults: sentences; the first of many.
        note: the result, signed by the installation that the backup is of.
        files: how many vaults have a file that was decrypted.
    """

    manifest: Manifest
    at: datetime
    vaults: int
    empty: int
    events: int
    faults: tuple[str, ...]
    note: str
    files: int = 0

    @property
    def is_sound(self) -> bool:
        """Whether everything is as it must be."""
        return not self.faults


@dataclass(frozen=True, slots=True)
class Result:
    """What a signed note says."""

    name: str
    at: datetime
    is_sound: bool
    words: str


def verify(
    unpacked: Unpacked,
    files: BackupFiles,
    opener: Opener,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Check:
    """Look through a backup that was unpacked: its counts were compared then.

    Raises:
        StartRefused: its database cannot be opened by this program.
    """
    with opener(unpacked.url) as runtime:
        report = audit_verify.verify(runtime, progress=progress)
        with reading(runtime.engine) as connection:
            keys = runtime.keys_for(connection)
            opened, empty, broken = _try_each_vault(connection, keys)
            tried, lacking = backup_file_checks.try_files(connection, keys, unpacked, files.store)
        gone = [f"the attached file {name} is gone" for name in missing(unpacked.objects, files.store)]
        faults = [*broken, *gone, *lacking, *map(str, report.faults)]
        at = clock.now()
        seen = f"{report.events} events verified, a credential of each of {opened} vaults decrypted"
        if tried:
            seen += f", and the newest file of {tried}"
        lines = [
            unpacked.manifest.name,
            unpacked.manifest.sha256,
            at.strftime(_TIME),
            DAMAGED if faults else SOUND,
            f"{seen}, {len(faults)} faults",
        ]
        note = keys.sign_note(note_name(keys.instance), lines)
    return Check(unpacked.manifest, at, opened, empty, report.events, tuple(faults), note, tried)


def record(runtime: Runtime, check: Check) -> None:
    """Record what was found, and keep the note for the page, if the backup is of this installation."""
    with runtime.work(writing=True) as uow:
        if uow.keys.instance != check.manifest.instance:
            return
        row = backups.note(uow, check.manifest)
        row.checked_at, row.note = check.at, check.note
        extra: Extra = {
            "name": check.manifest.name,
            "events": check.events,
            "vaults": check.vaults,
            "faults": len(check.faults),
        }
        audit.record(
            uow,
            Action.BACKUP_VERIFIED,
            backups.target_of(check.manifest),
            success=check.is_sound,
            extra=extra,
        )


def result_of(uow: UnitOfWork, backup: Backup) -> Result | None:
    """Return what the newest check of a backup found; None: there is none that this installation signed."""
    if backup.note is None:
        return None
    try:
        lines = open_note(backup.note, note_name(uow.keys.instance), uow.keys.audit_public_key())
        name, _, at, state, words = lines
    except (NoteError, ValueError):
        return None
    if name != backup.name:
        return None
    moment = datetime.strptime(f"{at}+0000", f"{_TIME}%z")
    return Result(name, moment, state == SOUND, words)


def note_name(instance: UUID) -> str:
    """Return what the notes about an installation's backups are called."""
    return f"chatelaine-backup/{instance}"


def _try_each_vault(connection: Connection, keys: KeyRoom) -> tuple[int, int, list[str]]:
    """Decrypt a credential of every vault: return how many opened, how many have none, and what failed."""
    readable = set(
        connection.scalars(
            select(DataKey.organization_id).where(
                DataKey.purpose == "data", DataKey.state.in_((ACTIVE, DECRYPT_ONLY))
            )
        )
    )
    opened, empty = 0, 0
    broken: list[str] = []
    for vault_id in connection.scalars(select(Vault.id).order_by(Vault.id)).all():
        row = connection.execute(_NEWEST.where(Item.vault_id == vault_id)).one_or_none()
        if row is None or row.organization_id not in readable:
            empty += 1
            continue
        place = (keys, row.organization_id, row.id, row.version)
        overview = item_blobs.open_overview(*place, row.overview)
        if overview is None or item_blobs.open_details(*place, row.details) is None:
            broken.append(f"credential {row.id} of vault {vault_id} cannot be decrypted")
        elif overview.vault_id != vault_id:
            broken.append(f"credential {row.id} was moved into vault {vault_id} past the program")
        else:
            opened += 1
    return opened, empty, broken
