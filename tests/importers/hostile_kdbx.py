"""KeePass files that no KeePass writes, built from our own ciphers."""

from __future__ import annotations

import hmac
import struct
import zlib
from hashlib import sha512

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from crypto import keepass
from crypto.keepass import AesKdf
from importers.kdbx_header import MAGIC

PASSPHRASE = "open"
AES_ID = bytes.fromhex("31c1f2e6bf714350be5805216afc5aff")
AES_KDF = bytes.fromhex("c9d9f39a628a4460bf740d08c18a4fea")
ARGON2D = bytes.fromhex("ef636ddf8c29444b91f7a9a403e30a0c")
SEED = bytes(range(32))
NONCE = bytes(16)


def variants(**values: tuple[int, bytes]) -> bytes:
    """Write a dictionary of KeePass."""
    rows = b"".join(
        struct.pack("<BI", kind, len(name)) + name.encode() + struct.pack("<I", len(value)) + value
        for name, (kind, value) in values.items()
    )
    return b"\x00\x01" + rows + b"\x00"


def aes_kdf(rounds: int = 1) -> bytes:
    """Write what asks for so many rounds of AES."""
    return variants(**{"$UUID": (0x42, AES_KDF), "R": (0x05, struct.pack("<Q", rounds)), "S": (0x42, SEED)})


def argon2(passes: int = 1, memory: int = 8, lanes: int = 1) -> bytes:
    """Write what asks for Argon2d; *memory* in KiB."""
    numbers = {
        "I": (0x05, struct.pack("<Q", passes)),
        "M": (0x05, struct.pack("<Q", memory * 1024)),
        "P": (0x04, struct.pack("<I", lanes)),
        "V": (0x04, struct.pack("<I", 0x13)),
    }
    return variants(**{"$UUID": (0x42, ARGON2D), "S": (0x42, SEED)}, **numbers)


def header(kdf: bytes, *, cipher: bytes = AES_ID, version: int = 4, compression: int = 1) -> bytes:
    """Write the plain beginning of a file of version 4."""
    fields = {2: cipher, 3: struct.pack("<I", compression), 4: SEED, 7: NONCE, 11: kdf, 0: b"\r\n\r\n"}
    rows = (struct.pack("<BI", number, len(value)) + value for number, value in fields.items())
    return MAGIC + struct.pack("<HH", 0, version) + b"".join(rows)


def file(document: bytes, *, inner: bytes | None = None, packed: bytes | None = None) -> bytes:
    """Make a file that opens with :data:`PASSPHRASE` and holds *document*."""
    plain_header = header(aes_kdf())
    keys = keepass.file_keys(keepass.composite_key(PASSPHRASE, None), AesKdf(SEED, 1), SEED)
    if inner is None:
        inner = struct.pack("<BII", 1, 4, 3) + struct.pack("<BI", 2, 64) + bytes(64) + bytes(5)
    packed = zlib.compress(inner + document, wbits=31) if packed is None else packed
    padding, encryptor = PKCS7(128).padder(), Cipher(AES(keys.encryption), CBC(NONCE)).encryptor()
    payload = encryptor.update(padding.update(packed) + padding.finalize())
    tag = hmac.digest(sha512(b"\xff" * 8 + keys.blocks).digest(), plain_header, "sha256")
    blocks = b"".join(_block(keys.blocks, number, part) for number, part in enumerate([payload, b""]))
    return plain_header + keepass.digest(plain_header) + tag + blocks


def _block(key: bytes, number: int, data: bytes) -> bytes:
    head = struct.pack("<QI", number, len(data))
    tag = hmac.digest(sha512(struct.pack("<Q", number) + key).digest(), head + data, "sha256")
    return tag + struct.pack("<I", len(data)) + data
