"""The keys of this installation, line by line: which there are, how old they are, what needs them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from sqlalchemy import Connection, select

from crypto.keyring import DESTROYED, SYSTEM, MasterKeys
from models import Backup, DataKey, MasterKeySeen, Organization
from services import encrypted, keys

PURPOSES: Mapping[str, str] = MappingProxyType(
    {
        "data": "Credentials and notes",
        "audit": "The audit log's details",
        "token-mac": "Digests of tokens",
        "session-mac": "Digests of sessions",
        "audit-mac": "Proofs of the audit log",
        "audit-sign": "Signatures of checkpoints",
        "index-mac": "Digests of names",
        "throttle-mac": "Names of counters",
    }
)
"""What a key of each purpose is for."""


class MasterState(StrEnum):
    """What a master key is good for now."""

    FIRST = "first"
    NEEDED = "needed"
    BACKUPS = "backups"
    """Nothing but backups needs it any more."""
    UNNEEDED = "unneeded"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class MasterKeyLine:
    """A master key, by what may be told of it.

    Args:
        rows: how many data keys are wrapped under it.
        first_at: when it was first used; None: never.
        backups: those that open only with it, by their names.
        configured: whether it is in the ring.
    """

    id: str
    state: MasterState
    rows: int
    first_at: datetime | None
    backups: tuple[str, ...] = ()
    configured: bool = True


@dataclass(frozen=True, slots=True)
class DataKeyLine:
    """A version of a key of an organization, or of the system.

    Args:
        slug: of the organization; None: it is the system's, or the organization is gone.
        rows: how many hold values under it; None: it encrypts no rows, or the audit log's, which keep theirs.
    """

    organization_id: UUID
    slug: str | None
    name: str
    purpose: str
    version: int
    state: str
    master_key_id: str
    created_at: datetime
    rows: int | None = None

    @property
    def of_system(self) -> bool:
        """Whether it is a key of the installation itself."""
        return self.organization_id == SYSTEM


def master_keys(connection: Connection, masters: MasterKeys) -> list[MasterKeyLine]:
    """Return the master keys that are configured or needed, the first of the ring first."""
    first_at = dict(connection.execute(select(MasterKeySeen.id, MasterKeySeen.first_at)).tuples().all())
    rows: dict[str, int] = defaultdict(int)
    for row in keys.stored_keys(connection):
        rows[row.master_key_id] += row.state != DESTROYED
    needed = sorted(key_id for key_id, count in rows.items() if count)
    of_backups = _backups_needing(connection)
    return [
        MasterKeyLine(
            key_id,
            _state(key_id, masters, rows[key_id], backed_up=key_id in of_backups),
            rows[key_id],
            first_at.get(key_id),
            of_backups.get(key_id, ()),
            configured=key_id in masters.ids,
        )
        for key_id in dict.fromkeys((*masters.ids, *needed, *sorted(of_backups)))
    ]


def _backups_needing(connection: Connection) -> dict[str, tuple[str, ...]]:
    """Return the names of the known backups, the newest first, by the master keys that open them."""
    found: dict[str, list[str]] = defaultdict(list)
    statement = select(Backup.name, Backup.master_keys).order_by(Backup.made_at.desc())
    for name, key_ids in connection.execute(statement):
        for key_id in key_ids.split():
            found[key_id].append(name)
    return {key_id: tuple(names) for key_id, names in found.items()}


def _state(key_id: str, masters: MasterKeys, rows: int, *, backed_up: bool) -> MasterState:
    if key_id == masters.primary_id:
        return MasterState.FIRST
    if rows:
        return MasterState.NEEDED if key_id in masters.ids else MasterState.MISSING
    return MasterState.BACKUPS if backed_up else MasterState.UNNEEDED


def data_keys(connection: Connection, organizations: Collection[UUID] | None = None) -> list[DataKeyLine]:
    """Return the keys of these organizations (None: of all), the system's last, the newest of each first."""
    statement = (
        select(DataKey, Organization.slug, Organization.name)
        .outerjoin(Organization, Organization.id == DataKey.organization_id)
        .order_by(Organization.name, DataKey.purpose, DataKey.version.desc())
    )
    if organizations is not None:
        statement = statement.where(DataKey.organization_id.in_(organizations))
    found = list(connection.execute(statement))
    needed = {owner: _needed(connection, owner) for owner in {row.organization_id for row in found}}
    lines = [
        DataKeyLine(
            row.organization_id,
            row.slug,
            row.name or ("System" if row.organization_id == SYSTEM else "A deleted organization"),
            row.purpose,
            row.version,
            row.state,
            row.master_key_id,
            row.created_at,
            needed[row.organization_id].get(row.version, 0) if row.purpose == "data" else None,
        )
        for row in found
    ]
    return sorted(lines, key=lambda line: (line.of_system, line.slug is None))


def _needed(connection: Connection, organization_id: UUID) -> dict[int, int]:
    """Count the rows that need each version of an organization's data key."""
    counts: dict[int, int] = defaultdict(int)
    for each in encrypted.tables_of(organization_id):
        for version, number in encrypted.versions(connection, each, organization_id).items():
            counts[version] += number
    return counts
