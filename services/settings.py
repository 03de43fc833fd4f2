"""What this installation runs on: versions, keys by their ids, the size of the database. No secret."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy import select

from crypto.keyring import SYSTEM
from models import DataKey
from services import audit_queries, checkpoints, health, keys, schema
from services.unit_of_work import UnitOfWork

_CHANGELOG = Path(__file__).parent.parent / "CHANGELOG.md"
_RELEASE = re.compile(r"^## (\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class MasterKey:
    """A master key, by what may be told of it.

    Args:
        rows: how many data keys are wrapped under it; at 0 it may go.
        configured: whether it is there to unwrap them.
    """

    id: str
    rows: int
    primary: bool
    configured: bool


@dataclass(frozen=True, slots=True)
class DataKeyLine:
    """A data key of the organization, or of the system."""

    of_system: bool
    purpose: str
    version: int
    state: str
    master_key_id: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Condition:
    """What the settings page says besides the settings.

    Args:
        newest_schema: the revision that the program wants.
        audit_key: with which checkpoints are verified, as programs that read signed notes take it.
    """

    version: str
    schema: str | None
    newest_schema: str | None
    database: str
    database_bytes: int
    master_keys: list[MasterKey]
    data_keys: list[DataKeyLine]
    instance: UUID
    audit_key: str
    checkpoint_at: datetime | None
    checkpoint_events: int


def condition(uow: UnitOfWork) -> Condition:
    """Look at the installation as the actor's organization may see it: its own keys and the system's."""
    connection = uow.connection
    checkpoint = connection.execute(audit_queries.LAST_CHECKPOINT).one_or_none()
    dialect = connection.dialect
    release = ".".join(map(str, dialect.server_version_info or ()))
    return Condition(
        version=program_version(),
        schema=schema.revision_of(uow.runtime.engine),
        newest_schema=schema.newest_revision(),
        database=f"{'SQLite' if dialect.name == 'sqlite' else 'PostgreSQL'} {release}".strip(),
        database_bytes=health.database_size(uow.runtime.engine),
        master_keys=_master_keys(uow),
        data_keys=_data_keys(uow),
        instance=uow.keys.instance,
        audit_key=checkpoints.verifier_key(uow.keys),
        checkpoint_at=checkpoint.at if checkpoint else None,
        checkpoint_events=checkpoint.total if checkpoint else 0,
    )


def program_version() -> str:
    """Return the newest version that the changelog names."""
    found = _RELEASE.search(_CHANGELOG.read_text(encoding="utf-8"))
    return found[1] if found else "unknown"


def _master_keys(uow: UnitOfWork) -> list[MasterKey]:
    rows = keys.master_key_use(uow.connection)
    masters = uow.runtime.masters
    ids = dict.fromkeys((*masters.ids, *sorted(rows)))
    return [
        MasterKey(key_id, rows.get(key_id, 0), key_id == masters.primary_id, key_id in masters.ids)
        for key_id in ids
    ]


def _data_keys(uow: UnitOfWork) -> list[DataKeyLine]:
    rows = uow.session.scalars(
        select(DataKey)
        .where(DataKey.organization_id.in_((uow.organization_id, SYSTEM)))
        .order_by(DataKey.organization_id, DataKey.purpose, DataKey.version.desc())
    )
    return [
        DataKeyLine(
            row.organization_id == SYSTEM,
            row.purpose,
            row.version,
            row.state,
            row.master_key_id,
            row.created_at,
        )
        for row in rows
    ]
