"""How this installation stands with its backups: the newest, and the newest that was proven."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from models import Backup
from services import audit_queries, backup_checks, backups, snapshots
from services.backup_checks import Result
from services.backup_manifest import Kind
from services.unit_of_work import UnitOfWork

FRESH = timedelta(days=2)
"""A backup a day, and one that failed."""
PROVEN = timedelta(days=35)
"""A check a month."""
SHOWN = 100


@dataclass(frozen=True, slots=True)
class BackupLine:
    """A backup that this installation knows of.

    Args:
        result: of its newest check; None: there is none that this installation has signed.
    """

    backup: Backup
    result: Result | None

    @property
    def is_proven(self) -> bool:
        """Whether it was found to be restorable."""
        return self.result is not None and self.result.is_sound


@dataclass(frozen=True, slots=True)
class Condition:
    """What the page shows.

    Args:
        made_at: of the newest backup or snapshot.
        proven: the newest sound result; None: nothing was ever proven.
        failed: the newest result, where it is not sound.
        restored: what the database was last restored from.
        foreign: a snapshot in the same place that somebody else has made lately.
        behind: events that no backup and no snapshot holds yet.
    """

    lines: Sequence[BackupLine]
    made_at: datetime | None
    proven: Result | None
    failed: Result | None
    restored: Backup | None
    foreign: str | None
    behind: int
    now: datetime

    @property
    def is_fresh(self) -> bool:
        """Whether there is a backup that is new enough."""
        return self.made_at is not None and self.now - self.made_at <= FRESH

    @property
    def is_proven(self) -> bool:
        """Whether one was found to be restorable lately."""
        return self.proven is not None and self.now - self.proven.at <= PROVEN


def condition(uow: UnitOfWork) -> Condition:
    """Look at what is known of the backups; the place where they lie is not asked."""
    rows = backups.known(uow)
    lines = [BackupLine(row, backup_checks.result_of(uow, row)) for row in rows]
    results = sorted((line.result for line in lines if line.result), key=lambda result: result.at)
    sound = [result for result in results if result.is_sound]
    restored = [row for row in rows if row.restored_at is not None]
    events = uow.connection.execute(audit_queries.TOTAL).scalar_one() or 0
    return Condition(
        lines=_shown(lines),
        made_at=rows[0].made_at if rows else None,
        proven=sound[-1] if sound else None,
        failed=results[-1] if results and not results[-1].is_sound else None,
        restored=max(restored, key=lambda row: row.restored_at or row.made_at, default=None),
        foreign=snapshots.foreign(uow.runtime.engine, uow.now),
        behind=max(0, events - max((row.events for row in rows), default=0)),
        now=uow.now,
    )


def was_proven(uow: UnitOfWork) -> bool:
    """Whether any backup was ever found to be restorable."""
    checked = uow.session.scalars(select(Backup).where(Backup.note.is_not(None)))
    results = (backup_checks.result_of(uow, row) for row in checked)
    return any(result is not None and result.is_sound for result in results)


def _shown(lines: Sequence[BackupLine]) -> Sequence[BackupLine]:
    """Return the backups, and of the snapshots the newest: thirty of them may be one half hour."""
    snapshots = [line for line in lines if line.backup.kind == Kind.SNAPSHOT]
    told = [line for line in snapshots[1:] if line.result or line.backup.restored_at]
    hidden = {line.backup.id for line in snapshots[1:]} - {line.backup.id for line in told}
    return [line for line in lines if line.backup.id not in hidden][:SHOWN]
