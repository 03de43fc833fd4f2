"""What this installation runs on: versions, keys by their ids, the size of the database. No secret."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from crypto.keyring import SYSTEM
from services import audit_queries, checkpoints, health, key_lines, schema
from services.key_lines import DataKeyLine, MasterKeyLine
from services.unit_of_work import UnitOfWork

_CHANGELOG = Path(__file__).parent.parent / "CHANGELOG.md"
_RELEASE = re.compile(r"^## (\S+)", re.MULTILINE)


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
    master_keys: list[MasterKeyLine]
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
        master_keys=key_lines.master_keys(connection, uow.runtime.masters),
        data_keys=key_lines.data_keys(connection, (uow.organization_id, SYSTEM)),
        instance=uow.keys.instance,
        audit_key=checkpoints.verifier_key(uow.keys),
        checkpoint_at=checkpoint.at if checkpoint else None,
        checkpoint_events=checkpoint.total if checkpoint else 0,
    )


def program_version() -> str:
    """Return the newest version that the changelog names."""
    found = _RELEASE.search(_CHANGELOG.read_text(encoding="utf-8"))
    return found[1] if found else "unknown"
