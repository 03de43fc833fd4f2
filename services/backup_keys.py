"""The wrapped keys of a backup, and the digest of its manifest: what lies sealed in ``NAME.keys``.

They have a file of their own, so that whoever destroys the keys of an organization can also destroy them in
backups, without touching what else lies there.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, delete, insert, select

from crypto.checksum import checksum
from errors import BackupDamaged
from models import DataKey, from_microseconds, microseconds

KEYS_MAX = 16 * 1024 * 1024
"""Bytes of the file: a data key takes about 450."""

Row = dict[str, Any]
"""A row of ``data_key``, as the database takes it."""


def read_rows(connection: Connection) -> list[Row]:
    """Return every row of ``data_key``."""
    rows = connection.execute(select(DataKey.__table__).order_by(DataKey.created_at, DataKey.id))
    return [dict(row) for row in rows.mappings()]


def remove_rows(connection: Connection) -> None:
    """Empty ``data_key``."""
    connection.execute(delete(DataKey))


def insert_rows(connection: Connection, rows: Sequence[Row]) -> None:
    """Fill an empty ``data_key``."""
    if rows:
        connection.execute(insert(DataKey), list(rows))


def encode(rows: Sequence[Row], manifest: bytes) -> bytes:
    """Write the rows, and which manifest they belong to, as JSON."""
    written = [
        {
            **row,
            "id": row["id"].hex,
            "organization_id": row["organization_id"].hex,
            "wrapped": base64.b64encode(row["wrapped"]).decode(),
            "created_at": microseconds(row["created_at"]),
        }
        for row in rows
    ]
    return json.dumps({"manifest": checksum(manifest), "data_key": written}, separators=(",", ":")).encode()


def decode(data: bytes, manifest: bytes) -> list[Row]:
    """Read what :func:`encode` wrote.

    Raises:
        BackupDamaged: it belongs to another manifest, or the manifest was changed.
    """
    try:
        stored = json.loads(data)
        if stored["manifest"] != checksum(manifest):
            raise BackupDamaged("its manifest was changed, or its keys belong to another backup")
        return [
            {
                **row,
                "id": UUID(row["id"]),
                "organization_id": UUID(row["organization_id"]),
                "wrapped": base64.b64decode(row["wrapped"]),
                "created_at": from_microseconds(row["created_at"]),
            }
            for row in stored["data_key"]
        ]
    except (ValueError, KeyError, TypeError):
        raise BackupDamaged("its keys cannot be read") from None
