"""Backups that the installation knows of, as the commands would have noted them."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

from models import Backup
from services import backup_checks
from services.runtime import Runtime

NAME = "backup-20270115T120000000000Z-0123abcd-4567"


def note_backup(
    runtime: Runtime,
    *,
    name: str = NAME,
    kind: str = "backup",
    age: timedelta = timedelta(hours=1),
    events: int = 10,
    sound: bool | None = None,
    restored_at: datetime | None = None,
    forged: bool = False,
) -> None:
    """Note a backup, and what its check found; None: it was not checked."""
    with runtime.work(writing=True) as uow:
        at = uow.now - age
        note = None
        if sound is not None:
            lines = [name, "0" * 64, f"{at:%Y-%m-%dT%H:%M:%SZ}", "sound" if sound else "damaged", "2 faults"]
            note = uow.keys.sign_note(backup_checks.note_name(uow.keys.instance), lines)
        uow.session.add(
            Backup(
                id=uuid4(),
                name=name,
                kind=kind,
                made_at=at,
                size=123_456,
                events=events,
                master_keys=runtime.masters.primary_id,
                checked_at=at if note else None,
                note=note.replace("damaged", "sound") if note and forged else note,
                restored_at=restored_at,
            )
        )
