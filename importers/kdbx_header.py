"""The plain beginning of a KeePass file: what it is encrypted with, and how its key is derived."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from crypto.keepass import AesKdf, Argon2
from importers.limits import Refused

MAGIC = bytes.fromhex("03d9a29a67fb4bb5")
OLD_MAGICS = (bytes.fromhex("03d9a29a65fb4bb5"), bytes.fromhex("03d9a29a66fb4bb5"))
"""Of KeePass 1, and of a version of KeePass 2 before its release."""

END, CIPHER, COMPRESSION, SEED, KDF_SEED, ROUNDS, NONCE, STREAM_KEY, STREAM_START, STREAM_KIND, KDF = (
    *(0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11),
)
"""Numbers of the header's fields; those for the key's derivation differ between the two versions."""

_MAJORS = (3, 4)
_VERSION = struct.Struct("<HH")
_FIELD_3, _FIELD_4 = struct.Struct("<BH"), struct.Struct("<BI")
_FIELDS_MAX = 64
_SEED_LEN = 32
_AES_KDFS = frozenset(
    map(bytes.fromhex, ("c9d9f39a628a4460bf740d08c18a4fea", "7c02bb8279a74ac0927d114a00648238"))
)
_ARGON2D = bytes.fromhex("ef636ddf8c29444b91f7a9a403e30a0c")
_ARGON2ID = bytes.fromhex("9e298b1956db4773b23dfc3ec6f0a1e6")
_ARGON2_VERSION = 0x13
_INTEGERS = {0x04: 4, 0x05: 8, 0x0C: 4, 0x0D: 8}
_BYTES = 0x42
_NOT_KEEPASS = "This is not a KeePass file. Choose the .kdbx file itself."
_DAMAGED = "The beginning of the file is damaged. Copy it again, or save it anew with KeePass."
_OLD = "This is a file of KeePass 1. Open it with KeePass 2 or KeePassXC and save it as .kdbx."
_OTHER_KDF = (
    "The file derives its key in a way that is not known here. In KeePass, choose AES-KDF, Argon2d or "
    "Argon2id, save it and try again."
)


@dataclass(frozen=True, slots=True)
class Header:
    """What stands before the encrypted part.

    Args:
        length: bytes from the file's beginning to the end of the header.
    """

    major: int
    length: int
    fields: Mapping[int, bytes] = field(repr=False)
    derivation: AesKdf | Argon2

    def get(self, number: int) -> bytes:
        """Return a field.

        Raises:
            Refused: it is missing.
        """
        if number not in self.fields:
            raise Refused(_DAMAGED)
        return self.fields[number]

    def number(self, number: int) -> int:
        """Return a field that is a number; 0 where it is missing."""
        return int.from_bytes(self.fields.get(number, b""), "little")


def read_header(data: bytes) -> Header:
    """Read the header.

    Raises:
        Refused: it is none, damaged, or of a version or derivation that is not known.
    """
    if data.startswith(OLD_MAGICS):
        raise Refused(_OLD)
    if not data.startswith(MAGIC):
        raise Refused(_NOT_KEEPASS)
    try:
        _, major = _VERSION.unpack_from(data, len(MAGIC))
        if major not in _MAJORS:
            raise Refused("The file is of a version of KeePass that is not known here; save it as KDBX 4.")
        fields, length = _read_fields(data, _FIELD_4 if major == _MAJORS[1] else _FIELD_3)
        derivation = _argon_or_aes(fields) if major == _MAJORS[1] else _aes(fields)
    except (struct.error, KeyError, ValueError):
        raise Refused(_DAMAGED) from None
    if len(fields.get(SEED, b"")) != _SEED_LEN:
        raise Refused(_DAMAGED)
    return Header(major, length, fields, derivation)


def _read_fields(data: bytes, head: struct.Struct) -> tuple[dict[int, bytes], int]:
    fields: dict[int, bytes] = {}
    place = len(MAGIC) + _VERSION.size
    for _ in range(_FIELDS_MAX):
        number, length = head.unpack_from(data, place)
        place += head.size + length
        if place > len(data):
            break
        if number == END:
            return fields, place
        fields[number] = data[place - length : place]
    raise ValueError("the header does not end")


def _aes(fields: Mapping[int, bytes]) -> AesKdf:
    return _aes_kdf(fields[KDF_SEED], int.from_bytes(fields[ROUNDS], "little"))


def _aes_kdf(seed: bytes, rounds: int) -> AesKdf:
    if len(seed) != _SEED_LEN:
        raise ValueError("the seed has another length")
    return AesKdf(seed, rounds)


def _argon_or_aes(fields: Mapping[int, bytes]) -> AesKdf | Argon2:
    given = dict(_read_variants(fields[KDF]))
    kind = given["$UUID"]
    if kind in _AES_KDFS:
        return _aes_kdf(given["S"], _integer(given["R"]))
    if (
        kind not in {_ARGON2D, _ARGON2ID}
        or _integer(given["V"]) != _ARGON2_VERSION
        or given.keys() & {"K", "A"}
    ):
        raise Refused(_OTHER_KDF)
    return Argon2(
        hybrid=kind == _ARGON2ID,
        salt=given["S"],
        passes=_integer(given["I"]),
        memory=_integer(given["M"]) // 1024,
        lanes=_integer(given["P"]),
    )


def _integer(value: bytes) -> int:
    return int.from_bytes(value, "little")


def _read_variants(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Read KeePass's dictionary of names and values of several types."""
    place = 2
    for _ in range(_FIELDS_MAX):
        kind = data[place] if place < len(data) else 0
        if kind == 0:
            return
        name, place = _read_sized(data, place + 1)
        value, place = _read_sized(data, place)
        if _INTEGERS.get(kind, len(value)) != len(value):
            raise ValueError("a number has another length")
        yield name.decode(), value


def _read_sized(data: bytes, place: int) -> tuple[bytes, int]:
    (length,) = struct.unpack_from("<I", data, place)
    end = place + 4 + length
    if end > len(data):
        raise ValueError("a value ends after its dictionary")
    return data[place + 4 : end], end
