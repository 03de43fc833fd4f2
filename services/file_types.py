"""What a file is, by its content: one of a list of what belongs to credentials, or it is not taken.

The name is believed in nothing. Where its ending claims another type than the content has, the file is
refused as well: somebody would open it with the wrong program.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO

from errors import Invalid
from services.file_names import ending

PIECE = 64 * 1024
_HEAD = 16
_DER_LONG = {0x81: 1, 0x82: 2, 0x83: 3}
"""How a DER sequence of 128 bytes and more says its length: the first byte, and how many follow."""
_CONTROLS = frozenset(range(32)) - {9, 10, 12, 13, 27}
"""What stands in no text: all control characters but tab, line ends, form feed and escape."""


@dataclass(frozen=True, slots=True)
class FileType:
    """A type of file that is taken.

    Args:
        key: what is stored.
        label: what people call it.
        media: the media type (RFC 6838).
        endings: names of this type have one of these; a name with one of another type's is refused.
    """

    key: str
    label: str
    media: str
    endings: frozenset[str]


def _type(key: str, label: str, media: str, endings: str) -> FileType:
    return FileType(key, label, media, frozenset(endings.split()))


PDF = _type("pdf", "PDF", "application/pdf", "pdf")
PNG = _type("png", "PNG image", "image/png", "png")
JPEG = _type("jpeg", "JPEG image", "image/jpeg", "jpg jpeg")
GIF = _type("gif", "GIF image", "image/gif", "gif")
WEBP = _type("webp", "WebP image", "image/webp", "webp")
ZIP = _type("zip", "ZIP archive or document", "application/zip", "zip docx xlsx pptx odt ods odp")
GZIP = _type("gzip", "gzip archive", "application/gzip", "gz tgz")
KDBX = _type("kdbx", "KeePass database", "application/x-keepass2", "kdbx")
JKS = _type("jks", "Java key store", "application/x-java-keystore", "jks jceks")
DER = _type(
    "der",
    "certificate or key (DER)",
    "application/octet-stream",
    "der cer crt p12 pfx p7b p7c p8 pk8 key csr crl keystore jks",
)
PGP = _type("pgp", "OpenPGP data", "application/octet-stream", "gpg pgp sig")
RAW = _type("raw", "raw key", "application/octet-stream", "bin key keyfile")
TEXT = _type("text", "text", "text/plain", "txt text log md csv tsv json yaml yml toml ini cfg conf env")
"""With any other ending too, such as .pem, .pub or .ovpn: but not with one of a type above."""

TYPES = {one.key: one for one in (PDF, PNG, JPEG, GIF, WEBP, ZIP, GZIP, KDBX, JKS, DER, PGP, RAW, TEXT)}
_RAW_SIZES = frozenset({16, 24, 32, 48, 64, 128, 256})
"""Bytes of a key that is nothing but a key."""
_SHARED = frozenset({"cer", "crt", "key", "csr", "crl", "p7b", "p8", "gpg", "pgp", "sig", "keystore"})
"""Endings that stand for a binary form and for a text one."""

_BEGINNINGS: tuple[tuple[bytes, FileType], ...] = (
    (b"%PDF-", PDF),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"\xff\xd8\xff", JPEG),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
    (b"PK\x03\x04", ZIP),
    (b"\x1f\x8b\x08", GZIP),
    (b"\x03\xd9\xa2\x9a\x67\xfb\x4b\xb5", KDBX),
    (b"\xfe\xed\xfe\xed", JKS),
    (b"\xce\xce\xce\xce", JKS),
)
_REFUSED = (
    "Files of this type are not taken: only text, keys and certificates, PDF, images, ZIP and gzip archives, "
    "KeePass databases and OpenPGP data."
)


def recognise(name: str, source: BinaryIO, size: int) -> FileType:
    """Return the type of the file in *source*, which is read from its beginning.

    Args:
        name: as it was cleaned.
        size: bytes that *source* holds.

    Raises:
        Invalid: it is of no type that is taken, or its name claims another one.
    """
    source.seek(0)
    head = source.read(_HEAD)
    found = _by_beginning(head) or (DER if _is_der(head, size) else None)
    if found is None and _is_pgp(head) and ending(name) in PGP.endings:
        found = PGP
    if found is None and _is_text(source):
        found = TEXT
    if found is None and size in _RAW_SIZES:
        found = RAW
    if found is None:
        raise Invalid(_REFUSED, "file")
    _refuse_disguise(name, found)
    return found


def _by_beginning(head: bytes) -> FileType | None:
    for beginning, found in _BEGINNINGS:
        if head.startswith(beginning):
            return found
    return WEBP if head.startswith(b"RIFF") and head[8:12] == b"WEBP" else None


def _is_der(head: bytes, size: int) -> bool:
    """Whether it is one DER sequence, as long as the file."""
    if len(head) < 2 or head[0] != 0x30:  # noqa: PLR2004 - SEQUENCE, and its length
        return False
    if head[1] < 0x80:  # noqa: PLR2004 - a length in one byte
        return size == head[1] + 2
    count = _DER_LONG.get(head[1], 0)
    return bool(count) and size == int.from_bytes(head[2 : 2 + count], "big") + 2 + count


def _is_pgp(head: bytes) -> bool:
    """Whether it begins with the tag of an OpenPGP packet (RFC 9580, section 4.2)."""
    return bool(head) and head[0] & 0x80 != 0


def _is_text(source: BinaryIO) -> bool:
    """Whether it is UTF-8, or UTF-16 that says so, without control characters; read to its end."""
    source.seek(0)
    mark = source.read(2)
    source.seek(0)
    decode = _decoder("utf-16" if mark in {codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE} else "utf-8")
    try:
        for piece in iter(partial(source.read, PIECE), b""):
            if not _CONTROLS.isdisjoint(map(ord, set(decode(piece, False)))):
                return False
        decode(b"", True)
    except UnicodeDecodeError:
        return False
    return True


def _decoder(encoding: str) -> Callable[[bytes, bool], str]:
    return codecs.getincrementaldecoder(encoding)().decode


def _refuse_disguise(name: str, found: FileType) -> None:
    last = ending(name)
    if last in found.endings or (found in {TEXT, RAW} and last in _SHARED):
        return
    if any(last in other.endings for other in TYPES.values() if other is not found):
        raise Invalid(
            f"The name ends in .{last}, and the content is another: {found.label}. Rename it.", "file"
        )
