r"""A file that leaves the installation: sealed under a passphrase, or under a key of 32 bytes.

::

    offset size
      0     8   "CHLSEAL" and format 01
      8     1   01 passphrase, 02 key
      9     1   Argon2id: lanes
     10     2   passes
     12     4   memory in KiB            (these three and the salt are zero under a key)
     16    16   salt, random
     32     …   the stream of `crypto/chunks.py`, kind 04, key number 0,
                context = LP(P export) | LP(bytes[0:32]) | LP(purpose)

Argon2id runs with the costs that the file names, so that they can be raised later. They are looked at
first: a file that asks for more than :data:`MOST` is refused before anything is computed.

Source of the costs: RFC 9106, section 4, the second choice (64 MiB, 3 passes, 4 lanes; salt 16, tag 32).
"""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Iterator
from typing import BinaryIO

from crypto import chunks
from crypto.chunks import KIND_EXPORT, content_length, open_chunks, seal_chunks
from crypto.context import PREFIX, length_prefixed
from crypto.envelope import DecryptionError
from crypto.passphrase import MAX_TEXT_LEN, Cost, PassphraseHasher

MAGIC = b"CHLSEAL\x01"
COST = Cost(memory_kib=65536, passes=3, lanes=4)
LEAST = Cost(memory_kib=19456, passes=1, lanes=1)
MOST = Cost(memory_kib=262144, passes=10, lanes=16)
"""Within these a file may name its own costs: 256 MiB and ten passes take some 3 s of one core."""

_HEADER = struct.Struct(">8sBBHI16s")
HEADER_LEN = _HEADER.size
_PASSPHRASE, _KEY = 1, 2
_NO_SALT = bytes(16)
_EXPORT = length_prefixed(PREFIX + b"export")


def sealed_length(length: int) -> int:
    """Return how many bytes a sealed file has whose content has *length*."""
    return HEADER_LEN + chunks.sealed_length(length)


def seal_file(
    source: BinaryIO, length: int, secret: str | bytes, *, purpose: str, hasher: PassphraseHasher
) -> Iterator[bytes]:
    """Encrypt what *source* holds from here to its end; yield the pieces of the sealed file.

    Args:
        length: bytes that *source* holds.
        secret: a passphrase as text, or a key of 32 bytes.
        purpose: what the file is, such as ``backup``; it opens as nothing else.

    Raises:
        ValueError: an empty or far too long passphrase, a key of another length, or a source that
            is shorter or longer than *length*.
    """
    if isinstance(secret, str):
        if not 0 < len(secret) <= MAX_TEXT_LEN:
            raise ValueError(f"A passphrase has 1 to {MAX_TEXT_LEN} characters.")
        salt = os.urandom(len(_NO_SALT))
        header = _HEADER.pack(MAGIC, _PASSPHRASE, COST.lanes, COST.passes, COST.memory_kib, salt)
        key = hasher.derive_key(secret, salt, COST)
    else:
        header, key = _HEADER.pack(MAGIC, _KEY, 0, 0, 0, _NO_SALT), secret
    context = _context(header, purpose)
    pieces = seal_chunks(key, source, length, kind=KIND_EXPORT, key_number=0, context=context)
    return _after(header, pieces)


def open_file(
    source: BinaryIO, sealed: int, secret: str | bytes, *, purpose: str, hasher: PassphraseHasher
) -> Iterator[bytes]:
    """Decrypt the sealed file in *source*; yield the content in pieces.

    That the file was cut or continued is found at its end: use nothing of it before.

    Args:
        sealed: bytes that *source* holds, as the file system says.

    Raises:
        DecryptionError: whatever the reason, a wrong passphrase among them.
        ValueError: a key of another length, which is a fault of the caller.
    """
    header = source.read(HEADER_LEN)
    key = _key(header, secret, hasher)
    length = content_length(sealed - HEADER_LEN)
    context = _context(header, purpose)
    return open_chunks(key, source, length, kind=KIND_EXPORT, key_number=0, context=context)


def seal_bytes(content: bytes, secret: str | bytes, *, purpose: str, hasher: PassphraseHasher) -> bytes:
    """Return *content* as a sealed file; arguments and errors as of :func:`seal_file`."""
    source = io.BytesIO(content)
    return b"".join(seal_file(source, len(content), secret, purpose=purpose, hasher=hasher))


def open_bytes(sealed: bytes, secret: str | bytes, *, purpose: str, hasher: PassphraseHasher) -> bytes:
    """Return the content of a sealed file; arguments and errors as of :func:`open_file`."""
    source = io.BytesIO(sealed)
    return b"".join(open_file(source, len(sealed), secret, purpose=purpose, hasher=hasher))


def needs_passphrase(header: bytes) -> bool:
    """Tell from the first ``HEADER_LEN`` bytes of a file whether it wants a passphrase or a key.

    Raises:
        DecryptionError: it is no sealed file, or asks for costs that are not borne.
    """
    return _read(header)[0]


def cost_of(header: bytes) -> Cost:
    """Return what the passphrase of a file costs, from its first ``HEADER_LEN`` bytes; zeros: it wants a key.

    Raises:
        DecryptionError: it is no sealed file, or asks for costs that are not borne.
    """
    return _read(header)[1]


def _key(header: bytes, secret: str | bytes, hasher: PassphraseHasher) -> bytes:
    by_passphrase, cost, salt = _read(header)
    if by_passphrase != isinstance(secret, str):
        raise DecryptionError
    if isinstance(secret, bytes):
        return secret
    if not 0 < len(secret) <= MAX_TEXT_LEN:
        raise DecryptionError
    return hasher.derive_key(secret, salt, cost)


def _read(header: bytes) -> tuple[bool, Cost, bytes]:
    """Return whether a passphrase is wanted, at what cost, and the salt."""
    if len(header) != HEADER_LEN:
        raise DecryptionError
    magic, kind, lanes, passes, memory_kib, salt = _HEADER.unpack(header)
    cost = Cost(memory_kib, passes, lanes)
    if magic != MAGIC:
        raise DecryptionError
    if kind == _KEY and cost == Cost(0, 0, 0) and salt == _NO_SALT:
        return False, cost, salt
    if kind != _PASSPHRASE or not cost.is_within(LEAST, MOST):
        raise DecryptionError
    return True, cost, salt


def _context(header: bytes, purpose: str) -> bytes:
    return _EXPORT + length_prefixed(header) + length_prefixed(purpose.encode())


def _after(header: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    yield header
    yield from pieces
