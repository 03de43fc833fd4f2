"""What is to do about the keys of this installation, and how far it has come."""

from __future__ import annotations

import logging
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, select

from crypto.keyring import ACTIVE, DESTROYED, MasterKeys
from models import Action, DataKey, Membership, Organization, User
from services import audit
from services.events import Target
from services.key_lines import DataKeyLine, MasterKeyLine, MasterState, data_keys, master_keys
from services.runtime import Runtime

log = logging.getLogger("chatelaine.keys")

OLD = timedelta(days=365)
"""After which a key should be replaced: once a year, and after an incident."""


@dataclass(frozen=True, slots=True)
class Turn:
    """How far the data key of an organization, or of the system, has come.

    Args:
        rows: how many hold values under any version.
        left: those that are not under the active version.
        running: whether a process is re-encrypting them now.
    """

    organization_id: UUID
    name: str
    version: int
    created_at: datetime
    rows: int
    left: int
    running: bool = False

    @property
    def done(self) -> int:
        """How many rows are under the active version."""
        return self.rows - self.left


@dataclass(frozen=True, slots=True)
class Task:
    """Something about the keys that somebody should do.

    Args:
        kind: ``missing``, ``rewrap``, ``leaver``, ``old master``, ``unfinished`` or ``old data``.
        slug: of the organization that it is about; None: the installation.
    """

    kind: str
    words: str
    slug: str | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """All of it, at one moment."""

    master_keys: list[MasterKeyLine]
    data_keys: list[DataKeyLine]
    tasks: list[Task]


def status(connection: Connection, masters: MasterKeys, now: datetime) -> Status:
    """Look at all keys; the connection must see the rows of every organization."""
    master_lines = master_keys(connection, masters)
    data_lines = data_keys(connection)
    return Status(
        master_lines,
        data_lines,
        [*_master_tasks(connection, master_lines, now), *_data_tasks(data_lines, now)],
    )


def pressing(connection: Connection, masters: MasterKeys, now: datetime) -> list[Task]:
    """Return what is to do about the keys, as far as that is known without counting rows."""
    young = now - OLD
    statement = select(Organization.name, DataKey.created_at).where(
        DataKey.organization_id == Organization.id,
        DataKey.purpose == "data",
        DataKey.state == ACTIVE,
        DataKey.created_at <= young,
    )
    old = [
        Task("old data", f"{row.name}: the data key is {_days(now, row.created_at)} days old: re-encrypt.")
        for row in connection.execute(statement)
    ]
    return [*_master_tasks(connection, master_keys(connection, masters), now), *old]


def turns(lines: list[DataKeyLine]) -> list[Turn]:
    """Return how far the data key of each organization has come, the system's last."""
    data = [line for line in lines if line.purpose == "data" and line.state != DESTROYED]
    rows: dict[UUID, int] = defaultdict(int)
    for line in data:
        rows[line.organization_id] += line.rows or 0
    return [
        Turn(
            line.organization_id,
            line.name,
            line.version,
            line.created_at,
            rows[line.organization_id],
            rows[line.organization_id] - (line.rows or 0),
        )
        for line in data
        if line.state == ACTIVE
    ]


def record_missing(runtime: Runtime) -> None:
    """Record that the operator has started without master keys that rows need."""
    missing = list(runtime.missing_keys)
    log.error("started without the master keys %s: everything is read-only", ", ".join(missing))
    with runtime.work(writing=False) as uow:
        audit.record(uow, Action.KEY_MISSED, Target("key", None), extra={"missing": missing})


def _master_tasks(connection: Connection, lines: list[MasterKeyLine], now: datetime) -> list[Task]:
    first = lines[0]
    tasks = [
        Task(
            "missing", f"The master key {line.id} is missing, and {line.rows} keys are under it. Put it back."
        )
        for line in lines
        if line.state is MasterState.MISSING
    ]
    waiting = sum(line.rows for line in lines if line.state is MasterState.NEEDED)
    if waiting:
        tasks.append(
            Task(
                "rewrap", f"{waiting} keys are still under an earlier master key: wrap them under the first."
            )
        )
    if first.first_at is None:
        return tasks
    tasks += [
        Task("leaver", f"{name} could read the master key and has left: replace it.")
        for name, left_at in _leavers(connection)
        if left_at > first.first_at
    ]
    if now - first.first_at >= OLD:
        tasks.append(
            Task("old master", f"The master key is {_days(now, first.first_at)} days old: replace it.")
        )
    return tasks


def _leavers(connection: Connection) -> list[tuple[str, datetime]]:
    """Return who looked after the installation and belongs nowhere any more, and since when."""
    statement = (
        select(User.id, User.name, Membership.disabled_at)
        .join(Membership, Membership.user_id == User.id)
        .where(User.operator)
    )
    left: dict[UUID, list[datetime | None]] = defaultdict(list)
    names: dict[UUID, str] = {}
    for row in connection.execute(statement):
        left[row.id].append(row.disabled_at)
        names[row.id] = row.name
    return [
        (names[person], max(moment for moment in moments if moment))
        for person, moments in left.items()
        if all(moments)
    ]


def _data_tasks(lines: list[DataKeyLine], now: datetime) -> list[Task]:
    tasks = []
    for line in lines:
        if line.purpose != "data" or line.state == DESTROYED:
            continue
        if line.state != ACTIVE and line.rows:
            words = f"{line.name}: {line.rows} rows are still under version {line.version} of the data key."
            tasks.append(Task("unfinished", words, line.slug))
        elif line.state == ACTIVE and now - line.created_at >= OLD:
            words = f"{line.name}: the data key is {_days(now, line.created_at)} days old: re-encrypt."
            tasks.append(Task("old data", words, line.slug))
    return tasks


def _days(now: datetime, since: datetime) -> int:
    return (now - since).days
