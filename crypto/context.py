"""Where an encrypted value stands, as bytes that are never stored.

A value opens only under the context it was sealed with, so that a database writer cannot carry
it into another row, field, revision, organization or instance::

    record       LP(P record) | instance 16 | organization 16 | LP(table) | record 16 | LP(field) | revision 8
    wrapped key  LP(P key)    | instance 16 | organization 16 | LP(purpose) | version 4

``LP(x)`` is the u16 length of x and x; integers are big-endian and unsigned; ``P`` is :data:`PREFIX`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uuid import UUID

PREFIX = b"chatelaine/v1/"
"""Begins everything that is hashed or derived, so that no two uses of a key can meet."""


def length_prefixed(part: bytes) -> bytes:
    """Return the u16 length of *part* and *part*, so that joined parts cannot run together."""
    return len(part).to_bytes(2, "big") + part


_RECORD = length_prefixed(PREFIX + b"record")
_KEY = length_prefixed(PREFIX + b"key")


def record_context(
    instance: UUID, organization: UUID, table: str, record: UUID, field: str, revision: int
) -> bytes:
    """Name the place of one encrypted value: its row, its field and the row's revision."""
    return b"".join(
        (
            _RECORD,
            instance.bytes,
            organization.bytes,
            length_prefixed(table.encode()),
            record.bytes,
            length_prefixed(field.encode()),
            revision.to_bytes(8, "big"),
        )
    )


def key_context(instance: UUID, organization: UUID, purpose: str, version: int) -> bytes:
    """Name the place of one wrapped key."""
    return b"".join(
        (
            _KEY,
            instance.bytes,
            organization.bytes,
            length_prefixed(purpose.encode()),
            version.to_bytes(4, "big"),
        )
    )
