"""The keys in the database: opening them at start and after each change, making new ones."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID, uuid4

from sqlalchemy import Connection, insert, select, update

from crypto.envelope import DecryptionError
from crypto.keyring import (
    KeyRoom,
    MasterKeys,
    StoredKey,
    fresh_key,
    missing_master_ids,
)
from errors import KeysMissing
from models import DataKey, Instance
from services import clock

_INSTANCE = select(Instance.uuid, Instance.key_generation)
_GENERATION = select(Instance.key_generation)
_ROWS = select(
    DataKey.organization_id,
    DataKey.purpose,
    DataKey.version,
    DataKey.state,
    DataKey.master_key_id,
    DataKey.wrapped,
)
_INSERT = insert(DataKey)
_RAISE_GENERATION = update(Instance).values(key_generation=Instance.key_generation + 1)


def stored_keys(connection: Connection) -> list[StoredKey]:
    """Read every row of ``data_key``."""
    return [StoredKey(*row) for row in connection.execute(_ROWS)]


def generation(connection: Connection) -> int:
    """Read how often ``data_key`` has changed."""
    return connection.execute(_GENERATION).scalar_one()


def open_keys(connection: Connection, masters: MasterKeys) -> KeyRoom:
    """Open the keys as they stand now."""
    instance = connection.execute(_INSTANCE).one()
    return KeyRoom(instance.uuid, masters, stored_keys(connection), instance.key_generation)


def check_keys(connection: Connection, masters: MasterKeys) -> None:
    """Prove before the start that every key can be opened.

    Raises:
        KeysMissing: a master key that rows need is missing, or a wrapped key does not open.
    """
    rows = stored_keys(connection)
    missing = missing_master_ids(rows, masters)
    if missing:
        counts = ", ".join(
            f"{key_id} ({sum(row.master_key_id == key_id for row in rows)} rows)" for key_id in missing
        )
        message = (
            f"ENCRYPTION_KEYS lacks a master key that the database needs: {counts}. "
            "Put that key back (it may stand behind the first one) and start again."
        )
        raise KeysMissing(message)
    instance = connection.execute(_INSTANCE).one()
    for row in _one_for_each_master(rows):
        try:
            masters.unwrap(
                row.master_key_id, instance.uuid, row.organization, row.purpose, row.version, row.wrapped
            )
        except DecryptionError:
            message = (
                f"The key {row.purpose!r} in the database does not open under the master key "
                f"{row.master_key_id}: the row or the key was altered. Restore the database from a backup."
            )
            raise KeysMissing(message) from None


def _one_for_each_master(rows: Iterable[StoredKey]) -> list[StoredKey]:
    firsts: dict[str, StoredKey] = {}
    for row in rows:
        if row.state != "destroyed":
            firsts.setdefault(row.master_key_id, row)
    return list(firsts.values())


def make_keys(
    connection: Connection, masters: MasterKeys, organization: UUID, purposes: Iterable[str]
) -> None:
    """Make the first version of keys for *organization* (the zero UUID: the system)."""
    instance = connection.execute(_INSTANCE).one()
    for purpose in purposes:
        wrapped = masters.wrap(instance.uuid, organization, purpose, 1, fresh_key())
        connection.execute(
            _INSERT,
            {
                "id": uuid4(),
                "organization_id": organization,
                "purpose": purpose,
                "version": 1,
                "state": "active",
                "master_key_id": masters.primary_id,
                "wrapped": wrapped,
                "created_at": clock.now(),
            },
        )
    connection.execute(_RAISE_GENERATION)


def master_key_use(connection: Connection) -> dict[str, int]:
    """Count the rows that need each master key, by key id."""
    counts: dict[str, int] = {}
    for row in stored_keys(connection):
        if row.state != "destroyed":
            counts[row.master_key_id] = counts.get(row.master_key_id, 0) + 1
    return counts
