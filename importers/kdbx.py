"""KeePass files: KDBX 3.1 and 4, opened with a passphrase, a key file or both.

Source: keepass.info/help/kb/kdbx.html. The ciphers stand in ``crypto/keepass.py``.
"""

from __future__ import annotations

import struct
import zlib

from crypto import keepass
from crypto.keepass import Keys, Locked, Stream, TooCostly
from importers.entry import Reading
from importers.kdbx_header import (
    CIPHER,
    COMPRESSION,
    MAGIC,
    NONCE,
    OLD_MAGICS,
    SEED,
    STREAM_KEY,
    STREAM_KIND,
    STREAM_START,
    Header,
    read_header,
)
from importers.keepass_key_file import read_key_file
from importers.keepass_xml import header_digest, read_document
from importers.limits import UNPACKED_MAX, Refused, check_unpacked
from importers.source import Asks, Format, Source

_NEWER = 4
_AES = bytes.fromhex("31c1f2e6bf714350be5805216afc5aff")
_CHACHA20 = bytes.fromhex("d6038a2b8b6f4cb5a524339a31dbb59a")
_SALSA20_STREAM, _CHACHA20_STREAM = 2, 3
_TAG_LEN = 32
_BLOCK_HEAD = struct.Struct("<32sI")
_INNER_HEAD = struct.Struct("<BI")
_INNER_END, _INNER_KIND, _INNER_KEY = 0, 1, 2
_GZIP = 31
_DAMAGED = "The file is damaged or incomplete. Copy it again, or save it anew with KeePass."
_LOCKED = "The passphrase or the key file does not open this file. Try both again."
_OTHER_CIPHER = (
    "The file is encrypted with a cipher that is not known here. In KeePass, choose AES or ChaCha20, "
    "save it and try again."
)


def _read(source: Source) -> Reading:
    file_key = read_key_file(source.key_file) if source.key_file else None
    header = read_header(source.data)
    _check_cipher(header)
    try:
        composite = keepass.composite_key(source.passphrase, file_key)
        keys = keepass.file_keys(composite, header.derivation, header.get(SEED))
        open_ = _open_newer if header.major == _NEWER else _open_older
        document, stream = open_(source.data, header, keys)
    except TooCostly as error:
        raise Refused(str(error)) from None
    except Locked:
        raise Refused(_LOCKED, "passphrase") from None
    except (ValueError, zlib.error, struct.error):
        raise Refused(_DAMAGED) from None
    return read_document(document, stream)


def _open_newer(data: bytes, header: Header, keys: Keys) -> tuple[bytes, Stream]:
    """Open KDBX 4: first its tags, then its cipher."""
    plain_header, place = data[: header.length], header.length + 2 * _TAG_LEN
    if not keepass.is_digest(plain_header, data[header.length : header.length + _TAG_LEN]):
        raise Refused(_DAMAGED)
    keys.check_header(plain_header, data[header.length + _TAG_LEN : place])
    payload = bytearray()
    for number in range(len(data)):
        tag, length = _BLOCK_HEAD.unpack_from(data, place)
        place += _BLOCK_HEAD.size + length
        block = data[place - length : place]
        if len(block) != length:
            raise Refused(_DAMAGED)
        keys.check_block(number, block, tag)
        if not block:
            break
        payload += block
    plain = _unpacked(header, _decrypted(header, keys, bytes(payload)))
    return _after_inner_header(plain)


def _open_older(data: bytes, header: Header, keys: Keys) -> tuple[bytes, Stream]:
    """Open KDBX 3.1, which proves its key by 32 known bytes and has digests instead of tags."""
    try:
        plain = _decrypted(header, keys, data[header.length :])
    except ValueError:
        raise Locked from None
    start = header.get(STREAM_START)
    if len(start) != _TAG_LEN or plain[:_TAG_LEN] != start:
        raise Locked
    document = _unpacked(header, b"".join(keepass.hashed_blocks(plain[_TAG_LEN:])))
    known = header_digest(document)
    if known and not keepass.is_digest(data[: header.length], known):
        raise Refused(_DAMAGED)
    return document, _stream(header.number(STREAM_KIND), header.get(STREAM_KEY))


def _check_cipher(header: Header) -> None:
    if header.get(CIPHER) not in {_AES, _CHACHA20}:
        raise Refused(_OTHER_CIPHER)


def _decrypted(header: Header, keys: Keys, data: bytes) -> bytes:
    decrypt = keepass.decrypt_aes if header.get(CIPHER) == _AES else keepass.decrypt_chacha20
    return decrypt(keys.encryption, header.get(NONCE), data)


def _unpacked(header: Header, data: bytes) -> bytes:
    if not header.number(COMPRESSION):
        return data
    unpacker = zlib.decompressobj(_GZIP)
    plain = unpacker.decompress(data, UNPACKED_MAX + 1)
    check_unpacked(len(plain))
    if not unpacker.eof:
        raise ValueError("the packed part does not end")
    return plain


def _after_inner_header(plain: bytes) -> tuple[bytes, Stream]:
    kind, key, place = 0, b"", 0
    while True:
        number, length = _INNER_HEAD.unpack_from(plain, place)
        place += _INNER_HEAD.size + length
        if place > len(plain):
            raise ValueError("the inner header does not end")
        if number == _INNER_END:
            return plain[place:], _stream(kind, key)
        if number == _INNER_KIND:
            kind = int.from_bytes(plain[place - length : place], "little")
        elif number == _INNER_KEY:
            key = plain[place - length : place]


def _stream(kind: int, key: bytes) -> Stream:
    if kind not in {_SALSA20_STREAM, _CHACHA20_STREAM} or not key:
        raise Refused(_OTHER_CIPHER)
    return (keepass.salsa20_stream if kind == _SALSA20_STREAM else keepass.chacha20_stream)(key)


def _recognises(data: bytes) -> bool:
    return data.startswith((MAGIC, *OLD_MAGICS))


FORMATS = (
    Format(
        "keepass",
        "KeePass (.kdbx)",
        (".kdbx",),
        _recognises,
        _read,
        passphrase=Asks.MAY,
        key_file=Asks.MAY,
        hint="The file that KeePass or KeePassXC opens, with its passphrase, its key file, or both.",
    ),
)
