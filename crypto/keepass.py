"""What KeePass files are encrypted with (KDBX 3.1 and 4); only their importer and their writer use it.

A file that is read names its own parameters, and whoever made it chose them, so each is held against a limit
before anything is computed. Sources: KeePass's own page "KDBX File Format Specification", RFC 9106 (Argon2),
RFC 8439 (ChaCha20).
"""

from __future__ import annotations

import hmac
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256, sha512
from typing import Protocol

from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.algorithms import AES, ChaCha20
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.kdf.argon2 import Argon2d, Argon2id
from cryptography.hazmat.primitives.padding import PKCS7

from crypto.salsa20 import Salsa20

KEY_LEN = 32
ROUNDS_MAX = 50_000_000
"""Rounds of the older key derivation: two seconds of one core here."""
MEMORY_MAX = 256 * 1024
"""KiB for Argon2; KeePass proposes 64 MiB."""
WORK_MAX = 2 * 1024 * 1024
"""KiB times passes: two seconds of one core here."""
PASSES_MAX = 1024
LANES_MAX = 16
SALT_LENS = range(8, 65)

_ALONE = threading.Lock()
"""Held by the one thread of a process that derives such a key: each can take a quarter of a gigabyte."""
_ZEROS = bytes(64 * 1024)
_SALSA_NONCE = bytes.fromhex("e830094b97205d2a")
_BLOCK_HEAD = struct.Struct("<QI")


class TooCostly(ValueError):
    """The file asks for more computing than any honest file needs; the message is a sentence."""


class Locked(ValueError):
    """The passphrase or the key file is not the one."""


@dataclass(frozen=True, slots=True)
class AesKdf:
    """Key derivation of KeePass 2 up to 2.34: AES, applied many times.

    Args:
        seed: 32 bytes, the key of AES.
    """

    seed: bytes = field(repr=False)
    rounds: int

    def derive(self, composite: bytes) -> bytes:
        """Return 32 bytes.

        Raises:
            TooCostly: more than ``ROUNDS_MAX`` rounds.
        """
        if not 0 < self.rounds <= ROUNDS_MAX:
            raise TooCostly(_TOO_COSTLY)
        return sha256(self._half(composite[:16]) + self._half(composite[16:])).digest()

    def _half(self, block: bytes) -> bytes:
        # Zeros in CBC mode encrypt the previous block anew each time, all of it inside the library.
        encryptor = Cipher(AES(self.seed), CBC(block)).encryptor()
        left = self.rounds * 16
        last = block
        while left:
            last = encryptor.update(_ZEROS[:left])
            left -= len(last)
        return last[-16:]


@dataclass(frozen=True, slots=True)
class Argon2:
    """Key derivation of newer files.

    Args:
        hybrid: Argon2id, otherwise Argon2d.
        memory: in KiB.
    """

    hybrid: bool
    salt: bytes = field(repr=False)
    passes: int
    memory: int
    lanes: int

    def derive(self, composite: bytes) -> bytes:
        """Return 32 bytes.

        Raises:
            TooCostly: more than the limits above, or less than RFC 9106 allows.
        """
        fits = (
            0 < self.passes <= PASSES_MAX
            and 0 < self.lanes <= LANES_MAX
            and 8 * self.lanes <= self.memory <= MEMORY_MAX
            and self.memory * self.passes <= WORK_MAX
            and len(self.salt) in SALT_LENS
        )
        if not fits:
            raise TooCostly(_TOO_COSTLY)
        make = Argon2id if self.hybrid else Argon2d
        hasher = make(
            salt=self.salt,
            length=KEY_LEN,
            iterations=self.passes,
            lanes=self.lanes,
            memory_cost=self.memory,
        )
        with _ALONE:
            return hasher.derive(composite)


_TOO_COSTLY = (
    "This file asks for more computing than can be spent on it. In KeePass, set the key transformation to "
    "Argon2 with 64 MiB and at most 32 iterations, save the file and try again."
)


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys that one file is encrypted and authenticated with."""

    encryption: bytes = field(repr=False)
    blocks: bytes = field(repr=False)

    def header_tag(self, header: bytes) -> bytes:
        """Return the tag of the header of a KDBX 4 file."""
        key = sha512(b"\xff" * 8 + self.blocks).digest()
        return hmac.digest(key, header, "sha256")

    def block_tag(self, number: int, block: bytes) -> bytes:
        """Return the tag of one block of a KDBX 4 file."""
        key = sha512(number.to_bytes(8, "little") + self.blocks).digest()
        return hmac.digest(key, _BLOCK_HEAD.pack(number, len(block)) + block, "sha256")

    def check_header(self, header: bytes, tag: bytes) -> None:
        """Compare the tag of the header of a KDBX 4 file.

        Raises:
            Locked: it differs.
        """
        if not hmac.compare_digest(self.header_tag(header), tag):
            raise Locked

    def check_block(self, number: int, block: bytes, tag: bytes) -> None:
        """Compare the tag of one block of a KDBX 4 file.

        Raises:
            ValueError: it differs.
        """
        if not hmac.compare_digest(self.block_tag(number, block), tag):
            raise ValueError("a block was altered")


def composite_key(passphrase: str, file_key: bytes | None) -> bytes:
    """Put what people have together: the passphrase, the key file's 32 bytes, or both."""
    parts = [sha256(passphrase.encode()).digest()] if passphrase or file_key is None else []
    return sha256(b"".join([*parts, *([file_key] if file_key else [])])).digest()


def file_keys(composite: bytes, derivation: AesKdf | Argon2, master_seed: bytes) -> Keys:
    """Derive the keys of a file.

    Raises:
        TooCostly: its parameters are beyond the limits.
    """
    transformed = derivation.derive(composite)
    return Keys(
        encryption=sha256(master_seed + transformed).digest(),
        blocks=sha512(master_seed + transformed + b"\x01").digest(),
    )


def digest(data: bytes) -> bytes:
    """Return the SHA-256 of *data*, by which these files find accidents."""
    return sha256(data).digest()


def is_digest(data: bytes, expected: bytes) -> bool:
    """Tell whether *expected* is the SHA-256 of *data*, or its beginning."""
    return bool(expected) and hmac.compare_digest(sha256(data).digest()[: len(expected)], expected)


def decrypt_aes(key: bytes, nonce: bytes, data: bytes) -> bytes:
    """Decrypt AES-256 in CBC mode with PKCS #7.

    Raises:
        ValueError: the length or the padding is wrong.
    """
    decryptor = Cipher(AES(key), CBC(nonce)).decryptor()
    padding = PKCS7(128).unpadder()
    return padding.update(decryptor.update(data) + decryptor.finalize()) + padding.finalize()


def encrypt_aes(key: bytes, nonce: bytes, data: bytes) -> bytes:
    """Encrypt with AES-256 in CBC mode with PKCS #7; *nonce* has 16 fresh random bytes."""
    padding = PKCS7(128).padder()
    encryptor = Cipher(AES(key), CBC(nonce)).encryptor()
    return encryptor.update(padding.update(data) + padding.finalize()) + encryptor.finalize()


def decrypt_chacha20(key: bytes, nonce: bytes, data: bytes) -> bytes:
    """Decrypt ChaCha20 with a nonce of 12 bytes, counting from 0.

    Raises:
        ValueError: the nonce has another length.
    """
    return _chacha20(key, nonce).update(data)


class Stream(Protocol):
    """The cipher over the protected values of a file, which are read in the order in which they stand."""

    def update(self, data: bytes) -> bytes:
        """Decrypt the next bytes."""
        ...

    def skip(self, length: int) -> None:
        """Pass over *length* bytes."""
        ...


class _ChaCha20Stream:
    __slots__ = ("_cipher",)

    def __init__(self, key: bytes, nonce: bytes) -> None:
        self._cipher = _chacha20(key, nonce)

    def update(self, data: bytes) -> bytes:
        return self._cipher.update(data)

    def skip(self, length: int) -> None:
        self._cipher.update(bytes(length))


def salsa20_stream(key: bytes) -> Stream:
    """Return the stream of older files."""
    return Salsa20(sha256(key).digest(), _SALSA_NONCE)


def chacha20_stream(key: bytes) -> Stream:
    """Return the stream of newer files."""
    wide = sha512(key).digest()
    return _ChaCha20Stream(wide[:32], wide[32:44])


def hashed_blocks(data: bytes) -> Iterator[bytes]:
    """Yield the blocks that a KDBX 3.1 file consists of after its decryption.

    Raises:
        ValueError: one is damaged or missing.
    """
    place = 0
    while True:
        head = data[place : place + 40]
        if len(head) < 40:  # noqa: PLR2004 - number 4, digest 32, length 4
            raise ValueError("the file ends within a block")
        length = int.from_bytes(head[36:], "little")
        if length == 0:
            return
        block = data[place + 40 : place + 40 + length]
        if len(block) != length or not is_digest(block, head[4:36]):
            raise ValueError("a block is damaged")
        yield block
        place += 40 + length


def _chacha20(key: bytes, nonce: bytes) -> CipherContext:
    if len(nonce) != 12:  # noqa: PLR2004 - RFC 8439
        raise ValueError("ChaCha20 takes a nonce of 12 bytes")
    # The library takes the counter and the nonce in one.
    return Cipher(ChaCha20(key, bytes(4) + nonce), mode=None).encryptor()
