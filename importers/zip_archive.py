"""Taking one text out of a ZIP archive of a stranger, in memory; nothing is ever unpacked onto a disk."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

from importers.limits import Refused, check_unpacked

DIRECTORY_MAX = 2 * 1024 * 1024
"""Bytes of the list of what is in an archive: more than ten thousand attachments with long names."""

_ENCRYPTED = 1
_WAYS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_END = struct.Struct("<4s4H2LH")
_END_MAGIC = b"PK\x05\x06"
_LARGE = b"PK\x06\x07"
"""Stands before the end of archives beyond 4 GiB, and would overrule what is said there."""
_LARGE_LEN = 20
_DAMAGED = "The archive is damaged or incomplete. Export it again."


def read_member(data: bytes, name: str) -> bytes:
    """Return what the archive holds under *name*.

    Raises:
        Refused: it is no archive, damaged, odd, or unpacks to too much, wherever in it that would happen.
    """
    _check_directory(data)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            _check_members(members)
            wanted = [member for member in members if member.filename == name]
            if len(wanted) != 1:
                raise Refused(f"The archive holds no {name}. Choose the file that was exported.")
            return _read(archive, wanted[0])
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError):
        raise Refused(_DAMAGED) from None


def _check_directory(data: bytes) -> None:
    """Look how long the directory says it is, before the library reads it line by line."""
    place = data.rfind(_END_MAGIC)
    if place < 0 or len(data) - place < _END.size:
        raise Refused("This is no archive, or its end is missing. Export it again.")
    large = data[max(place - _LARGE_LEN, 0) :].startswith(_LARGE)
    if large or _END.unpack_from(data, place)[5] > DIRECTORY_MAX:
        raise Refused("The archive holds too many files. Export it in several parts.")


def _check_members(members: list[zipfile.ZipInfo]) -> None:
    check_unpacked(sum(member.file_size for member in members))
    for member in members:
        parts = member.filename.replace("\\", "/").split("/")
        if ".." in parts or not parts[0] or ":" in parts[0]:
            raise Refused("The archive names files outside of itself, which no export does; it is not read.")
        if member.flag_bits & _ENCRYPTED:
            raise Refused("The archive is encrypted. Export it without a password.")


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """Read no more than the directory has said: what comes out of it may be longer."""
    if member.compress_type not in _WAYS:
        raise Refused("The archive is packed in a way that no export uses. Export it again.")
    with archive.open(member) as opened:
        content = opened.read(member.file_size + 1)
    if len(content) != member.file_size:
        raise Refused(_DAMAGED)
    return content
