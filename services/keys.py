"""The keys in the database: opening them at start and after each change, making new ones."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import Connection, func, insert, select, update

from crypto.envelope import DecryptionError
from crypto.keyring import (
    ACTIVE,
    DECRYPT_ONLY,
    DESTROYED,
    DIGEST_PURPOSES,
    SYSTEM,
    KeyRoom,
    MasterKeys,
    StoredKey,
    fresh_key,
    missing_master_ids,
)
from errors import KeysMissing
from models import DataKey, Instance, MasterKeySeen
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


def open_keys(connection: Connection, masters: MasterKeys, before: KeyRoom | None = None) -> KeyRoom:
    """Open the keys as they stand now.

    Args:
        before: the room of an earlier generation; what was open in it stays open.
    """
    instance = connection.execute(_INSTANCE).one()
    rows = stored_keys(connection)
    return KeyRoom(instance.uuid, masters, rows, instance.key_generation, before=before)


def check_keys(
    connection: Connection, masters: MasterKeys, *, without: Collection[str] = ()
) -> tuple[str, ...]:
    """Prove before the start that every key can be opened; return the ids of those started without.

    Args:
        without: the ids of master keys that the operator has decided to start without.

    Raises:
        KeysMissing: a master key that rows need is missing, or a wrapped key does not open.
    """
    rows = stored_keys(connection)
    missing = missing_master_ids(rows, masters)
    if set(missing) - set(without):
        raise KeysMissing(_what_is_missing(rows, missing))
    if any(_is_indispensable(row) and row.master_key_id in missing for row in rows):
        message = (
            "Without that key nobody can sign in and nothing can be recorded: the installation's own keys "
            f"are under it ({', '.join(missing)}). Put it back; there is no starting without it."
        )
        raise KeysMissing(message)
    instance = connection.execute(_INSTANCE).one()
    for row in _one_for_each_master(row for row in rows if row.master_key_id not in missing):
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
    return missing


def _what_is_missing(rows: Collection[StoredKey], missing: Iterable[str]) -> str:
    counts = {key_id: sum(row.master_key_id == key_id for row in rows) for key_id in missing}
    named = ", ".join(f"{key_id} ({count} rows)" for key_id, count in counts.items())
    return (
        f"ENCRYPTION_KEYS lacks a master key that the database needs: {named}. "
        "Put that key back (it may stand behind the first one) and start again. `./chatelaine keys status` "
        "shows what needs it. If it is lost, `./chatelaine serve --without-key ID` serves what is left, "
        "read-only."
    )


def _is_indispensable(row: StoredKey) -> bool:
    """Whether nothing goes without this key."""
    return row.organization == SYSTEM and row.state == ACTIVE and row.purpose in {*DIGEST_PURPOSES, "audit"}


def _one_for_each_master(rows: Iterable[StoredKey]) -> list[StoredKey]:
    firsts: dict[str, StoredKey] = {}
    for row in rows:
        if row.state != DESTROYED:
            firsts.setdefault(row.master_key_id, row)
    return list(firsts.values())


def make_keys(
    connection: Connection, masters: MasterKeys, organization: UUID, purposes: Iterable[str]
) -> int:
    """Make the next version of keys for *organization* (the zero UUID: the system); return its number.

    It is what encrypts from now on; the versions before it only decrypt.
    """
    instance = connection.execute(_INSTANCE).one()
    own = DataKey.organization_id == organization
    version = 1 + (connection.execute(select(func.max(DataKey.version)).where(own)).scalar() or 0)
    now = clock.now()
    for purpose in purposes:
        before = update(DataKey).where(own, DataKey.purpose == purpose, DataKey.state == ACTIVE)
        connection.execute(before.values(state=DECRYPT_ONLY))
        wrapped = masters.wrap(instance.uuid, organization, purpose, version, fresh_key())
        connection.execute(
            _INSERT,
            {
                "id": uuid4(),
                "organization_id": organization,
                "purpose": purpose,
                "version": version,
                "state": ACTIVE,
                "master_key_id": masters.primary_id,
                "wrapped": wrapped,
                "created_at": now,
            },
        )
    note_master(connection, masters.primary_id, now)
    connection.execute(_RAISE_GENERATION)
    return version


def rewrap(connection: Connection, masters: MasterKeys, row: DataKey) -> bool:
    """Wrap one key under the first master key; False: it is not under the same one as *row* any more.

    Raises:
        DecryptionError: it does not open under the master key that it names.
    """
    instance = connection.execute(_INSTANCE).one().uuid
    place = (instance, row.organization_id, row.purpose, row.version)
    key = masters.unwrap(row.master_key_id, *place, row.wrapped)
    changed = connection.execute(
        update(DataKey)
        .where(DataKey.id == row.id, DataKey.wrapped == row.wrapped)
        .values(master_key_id=masters.primary_id, wrapped=masters.wrap(*place, key))
    )
    note_master(connection, masters.primary_id, clock.now())
    connection.execute(_RAISE_GENERATION)
    return changed.rowcount == 1


def note_master(connection: Connection, key_id: str, now: datetime) -> None:
    """Note when a master key was first used."""
    if connection.execute(select(MasterKeySeen.id).where(MasterKeySeen.id == key_id)).first() is None:
        connection.execute(insert(MasterKeySeen).values(id=key_id, first_at=now))


def destroy_keys(connection: Connection, organization: UUID) -> int:
    """Overwrite the keys of *organization*, for good; return how many there were.

    The rows stay, so that a verification knows that nothing was lost by accident. A copy of the database that
    was made before still holds the keys.
    """
    destroyed = {"state": DESTROYED, "wrapped": b""}
    living = (DataKey.organization_id == organization, DataKey.state != DESTROYED)
    count = connection.execute(update(DataKey).where(*living).values(destroyed)).rowcount
    connection.execute(_RAISE_GENERATION)
    return count
