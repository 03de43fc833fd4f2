r"""The stream of every encrypted file: the envelope's header, and the content in chunks of 64 KiB.

::

    offset size
      0    72   as in `crypto/envelope.py`; kind 03 attachment, 04 export or backup
     72     …   chunks: 65536 bytes encrypted and their tag of 16, of the last as many as are left

    okm(76) = HKDF-SHA256(key, salt, P msg\0 | bytes[0:8] | context | u64 length of the whole content)
            = encryption key 32 | nonce beginning 7 | 5 bytes not used | commitment 32
    chunk   = AES-256-GCM(encryption key, nonce, content, associated data = bytes[0:72])
    nonce   = nonce beginning | u32 index from 0 | u8 1 for the last chunk, else 0

The last chunk is never empty unless the whole content is. Chunks carry no frame and no padding: the
length is known to whoever has the file. As it is part of the context, and each nonce says where its
chunk stands and whether it ends the stream, chunks cannot be left out, added, repeated or put into
another order. Whoever reads has one chunk in memory, and gets no content that was not checked.

Sources: Hoang, Reyhanitabar, Rogaway, Vizár: Online Authenticated-Encryption and its Nonce-Reuse
Misuse-Resistance (2015), section 7, the construction STREAM; NIST SP 800-38D.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Iterator
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from crypto.envelope import (
    FORMAT,
    HEADER,
    KEY_LEN,
    NONCE_END,
    NONCE_LEN,
    PRELUDE_LEN,
    SALT_END,
    SALT_LEN,
    SUITE,
    TAG_LEN,
    DecryptionError,
    derive,
)

KIND_ATTACHMENT = 3
KIND_EXPORT = 4
CHUNK = 64 * 1024
MAX_LENGTH = CHUNK * 2**32
"""Bytes of content: as many chunks as an index of four bytes can count, 256 TiB."""

_SEALED_CHUNK = CHUNK + TAG_LEN
_NONCE_BEGINNING = NONCE_LEN - 5
_KINDS = frozenset({KIND_ATTACHMENT, KIND_EXPORT})


class _Cipher:
    """Encrypts and decrypts the chunks of one stream."""

    def __init__(self, okm: bytes, prelude: bytes) -> None:
        self._aead = AESGCM(okm[:KEY_LEN])
        self._beginning = okm[KEY_LEN : KEY_LEN + _NONCE_BEGINNING]
        self._prelude = prelude

    def seal(self, index: int, content: bytes, *, last: bool) -> bytes:
        return self._aead.encrypt(self._nonce(index, last=last), content, self._prelude)

    def open(self, index: int, chunk: bytes, *, last: bool) -> bytes:
        try:
            return self._aead.decrypt(self._nonce(index, last=last), chunk, self._prelude)
        except InvalidTag:
            raise DecryptionError from None

    def _nonce(self, index: int, *, last: bool) -> bytes:
        return self._beginning + index.to_bytes(4, "big") + bytes([last])


def sealed_length(length: int) -> int:
    """Return how many bytes a stream has whose content has *length*."""
    return PRELUDE_LEN + length + TAG_LEN * _count(length)


def content_length(sealed: int) -> int:
    """Return how many bytes of content a stream of *sealed* bytes has.

    Raises:
        DecryptionError: no stream has that length.
    """
    chunks = -(-(sealed - PRELUDE_LEN) // _SEALED_CHUNK)
    length = sealed - PRELUDE_LEN - TAG_LEN * chunks
    if length < 0 or sealed_length(length) != sealed:
        raise DecryptionError
    return length


def seal_chunks(
    key: bytes,
    source: BinaryIO,
    length: int,
    *,
    kind: int,
    key_number: int,
    context: bytes,
    salt: bytes | None = None,
) -> Iterator[bytes]:
    """Encrypt what *source* holds from here to its end; yield the pieces of the stream.

    Args:
        key: ``KEY_LEN`` bytes.
        length: of the content; it has to be known before the first piece.
        key_number: what the header names the key by, u32.
        salt: for known-answer tests only; otherwise 32 fresh random bytes.

    Raises:
        ValueError: a key or salt of another length, an unknown kind, or a source that is shorter or
            longer than *length*. What was yielded before that opens nowhere.
    """
    salt = os.urandom(SALT_LEN) if salt is None else salt
    if len(key) != KEY_LEN or len(salt) != SALT_LEN or kind not in _KINDS or not 0 <= length <= MAX_LENGTH:
        raise ValueError("a stream needs a 32-byte key, a 32-byte salt, a known kind and a possible length")
    header = HEADER.pack(FORMAT, kind, SUITE, key_number)
    okm = _derive(key, salt, header, context, length)
    return _seal(source, length, okm, header + salt + okm[NONCE_END:])


def open_chunks(
    key: bytes, source: BinaryIO, length: int, *, kind: int, key_number: int, context: bytes
) -> Iterator[bytes]:
    """Decrypt the stream in *source*, which has to end with it; yield the content in pieces.

    A stream that was cut or continued is found at its last chunk: use nothing of the content
    before this has ended.

    Args:
        length: of the content, from a trusted place or from :func:`content_length`.

    Raises:
        DecryptionError: whatever the reason; the commitment is compared before the first piece.
        ValueError: a key of another length, which is a fault of the caller.
    """
    if len(key) != KEY_LEN:
        raise ValueError("a key has 32 bytes")
    prelude = _read(source, PRELUDE_LEN)
    if _key_number(prelude, kind) != key_number or not 0 <= length <= MAX_LENGTH:
        raise DecryptionError
    okm = _derive(key, prelude[HEADER.size : SALT_END], prelude[: HEADER.size], context, length)
    if not hmac.compare_digest(okm[NONCE_END:], prelude[SALT_END:]):
        raise DecryptionError
    return _open(source, length, _Cipher(okm, prelude))


def _seal(source: BinaryIO, length: int, okm: bytes, prelude: bytes) -> Iterator[bytes]:
    cipher = _Cipher(okm, prelude)
    yield prelude
    for index, size, last in _plan(length):
        content = _read(source, size)
        if len(content) != size or (last and source.read(1)):
            raise ValueError("the source has another length than was said")
        yield cipher.seal(index, content, last=last)


def _open(source: BinaryIO, length: int, cipher: _Cipher) -> Iterator[bytes]:
    for index, size, last in _plan(length):
        content = cipher.open(index, _read(source, size + TAG_LEN), last=last)
        if last and source.read(1):
            raise DecryptionError
        yield content


def _plan(length: int) -> Iterator[tuple[int, int, bool]]:
    """Yield index, size of the content, and whether it is the last, of each chunk."""
    count = _count(length)
    for index in range(count):
        yield index, min(CHUNK, length - index * CHUNK), index == count - 1


def _count(length: int) -> int:
    return max(1, -(-length // CHUNK))


def _derive(key: bytes, salt: bytes, header: bytes, context: bytes, length: int) -> bytes:
    return derive(key, salt, header, context + length.to_bytes(8, "big"))


def _key_number(prelude: bytes, kind: int) -> int:
    if len(prelude) < PRELUDE_LEN:
        raise DecryptionError
    found_format, found_kind, found_suite, key_number = HEADER.unpack_from(prelude)
    if found_format != FORMAT or found_kind != kind or found_suite != SUITE:
        raise DecryptionError
    return int(key_number)


def _read(source: BinaryIO, size: int) -> bytes:
    """Read *size* bytes, fewer only at the end: a pipe or a socket may give them in parts."""
    parts = []
    while size > 0 and (part := source.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
