"""KeePass files, KDBX 4: Argon2id, AES-256, and a tag on the header and on each block.

::

    signature 8 | version 4.0 | fields: u8 number, u32 length, value | SHA-256 of all that | its tag
    blocks: tag 32 | u32 length | content; the last is empty

Numbers are little-endian. What the blocks hold together is encrypted, and inside packed with gzip: fields
that name the stream over the protected values and hold the files, then the XML of ``keepass_xml.py``. Source:
keepass.info/help/kb/kdbx.html. The ciphers stand in ``crypto/keepass.py``.
"""

from __future__ import annotations

import gzip
import os
import struct
from collections.abc import Iterator

from crypto import keepass
from crypto.keepass import Argon2, Keys
from crypto.passphrase import PassphraseHasher
from exporters.keepass_xml import write_document
from exporters.record import Bundle

_SIGNATURE = bytes.fromhex("03d9a29a67fb4bb5")
_VERSION = struct.pack("<HH", 0, 4)
_AES = bytes.fromhex("31c1f2e6bf714350be5805216afc5aff")
_ARGON2ID = bytes.fromhex("9e298b1956db4773b23dfc3ec6f0a1e6")
_ARGON2_VERSION = 0x13
_END, _CIPHER, _COMPRESSION, _SEED, _NONCE, _KDF = 0, 2, 3, 4, 7, 11
_GZIP = 1
_INNER_END, _INNER_KIND, _INNER_KEY, _INNER_FILE = 0, 1, 2, 3
_PROTECTED = b"\x01"
"""Begins a file that other programs should keep hidden in memory."""
_CHACHA20_STREAM = 3
_STREAM_KEY_LEN = 64
_UINT32, _UINT64, _BYTES = 0x04, 0x05, 0x42
_VARIANTS = 0x0100
_BLOCK = 1024 * 1024

MEMORY_KIB, PASSES, LANES = 65536, 8, 4
"""Of Argon2id: more than RFC 9106's second choice, about 0.4 s of a core; KeePassXC aims at a second."""


def write(bundle: Bundle, passphrase: str, _hasher: PassphraseHasher) -> bytes:
    """Return the file, which opens with the passphrase alone."""
    seed, nonce = os.urandom(32), os.urandom(16)
    derivation = Argon2(hybrid=True, salt=os.urandom(32), passes=PASSES, memory=MEMORY_KIB, lanes=LANES)
    keys = keepass.file_keys(keepass.composite_key(passphrase, None), derivation, seed)
    header = _header(seed, nonce, derivation)
    sealed = keepass.encrypt_aes(keys.encryption, nonce, gzip.compress(_content(bundle), mtime=0))
    return b"".join([header, keepass.digest(header), keys.header_tag(header), *_blocks(keys, sealed)])


def _header(seed: bytes, nonce: bytes, derivation: Argon2) -> bytes:
    fields = (
        (_CIPHER, _AES),
        (_COMPRESSION, struct.pack("<I", _GZIP)),
        (_SEED, seed),
        (_NONCE, nonce),
        (_KDF, _variants(derivation)),
        (_END, b"\r\n\r\n"),
    )
    return _SIGNATURE + _VERSION + b"".join(_field(*field) for field in fields)


def _variants(derivation: Argon2) -> bytes:
    """Write KeePass's dictionary of names and values of several types."""
    entries = (
        (_BYTES, "$UUID", _ARGON2ID),
        (_BYTES, "S", derivation.salt),
        (_UINT32, "P", struct.pack("<I", derivation.lanes)),
        (_UINT64, "M", struct.pack("<Q", derivation.memory * 1024)),
        (_UINT64, "I", struct.pack("<Q", derivation.passes)),
        (_UINT32, "V", struct.pack("<I", _ARGON2_VERSION)),
    )
    body = b"".join(bytes([kind]) + _sized(name.encode()) + _sized(value) for kind, name, value in entries)
    return struct.pack("<H", _VARIANTS) + body + b"\0"


def _content(bundle: Bundle) -> bytes:
    stream_key = os.urandom(_STREAM_KEY_LEN)
    inner = (
        _field(_INNER_KIND, struct.pack("<I", _CHACHA20_STREAM)),
        _field(_INNER_KEY, stream_key),
        *(_field(_INNER_FILE, _PROTECTED + file.content) for one in bundle.credentials for file in one.files),
        _field(_INNER_END, b""),
    )
    # The stream's cipher adds the same bytes in both directions.
    return b"".join(inner) + write_document(bundle, keepass.chacha20_stream(stream_key).update)


def _blocks(keys: Keys, data: bytes) -> Iterator[bytes]:
    blocks = [*(data[start : start + _BLOCK] for start in range(0, len(data), _BLOCK)), b""]
    for number, block in enumerate(blocks):
        yield keys.block_tag(number, block) + _sized(block)


def _field(number: int, value: bytes) -> bytes:
    return bytes([number]) + _sized(value)


def _sized(value: bytes) -> bytes:
    return struct.pack("<I", len(value)) + value
