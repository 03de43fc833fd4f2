"""The content of a file on an item: under a key of its own, which is kept encrypted like any other value.

::

    key      32 random bytes, made for this one file
    stream   of `crypto/chunks.py`, kind 03, key number 0: no data key opens it
    context  that of a record: table attachment, the file's id, field content, revision 1

So a new data key changes nothing of the content, and destroying the key destroys it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

from crypto.chunks import KIND_ATTACHMENT, open_chunks, seal_chunks, sealed_length
from crypto.context import record_context
from crypto.envelope import KEY_LEN, DecryptionError
from crypto.master_keys import fresh_key

if TYPE_CHECKING:
    from uuid import UUID

__all__ = ["fresh_key", "open_content", "seal_content", "sealed_length"]

TABLE = "attachment"
_CONTENT = "content"
_NO_DATA_KEY = 0


def seal_content(
    key: bytes, source: BinaryIO, length: int, *, instance: UUID, organization: UUID, file: UUID
) -> Iterator[bytes]:
    """Encrypt what *source* holds from here to its end, *length* bytes; yield the pieces.

    Raises:
        ValueError: the source is shorter or longer than *length*.
    """
    context = record_context(instance, organization, TABLE, file, _CONTENT, 1)
    return seal_chunks(key, source, length, kind=KIND_ATTACHMENT, key_number=_NO_DATA_KEY, context=context)


def open_content(
    key: bytes, source: BinaryIO, length: int, *, instance: UUID, organization: UUID, file: UUID
) -> Iterator[bytes]:
    """Decrypt the stream in *source*, whose content has *length* bytes; yield the content in pieces.

    Raises:
        DecryptionError: whatever the reason; that the stream was cut is found at its end.
    """
    if len(key) != KEY_LEN:
        raise DecryptionError
    context = record_context(instance, organization, TABLE, file, _CONTENT, 1)
    return open_chunks(key, source, length, kind=KIND_ATTACHMENT, key_number=_NO_DATA_KEY, context=context)
