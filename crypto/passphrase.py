"""Argon2id for what people type that is too short for a plain digest: codes and passphrases.

Parameters of codes: 19 MiB, 2 passes, 1 lane, the second choice of the OWASP Password Storage Cheat Sheet
and the floor of ASVS 5.0 appendix C: some 45 ms of one core. Salt and tag lengths are those of RFC 9106.
"""

from __future__ import annotations

import os
import re
import threading
import unicodedata
from typing import NamedTuple

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

MEMORY_KIB = 19456
PASSES = 2
LANES = 1
SALT_LEN = 16
TAG_LEN = 32
CONCURRENT = 2
"""At most so many run at once: more would slow every reader without answering sooner."""

MAX_TEXT_LEN = 1024

# Only our own parameters and lengths: others in a row would let a database writer pick the cost.
_PHC = re.compile(
    rf"\$argon2id\$v=19\$m={MEMORY_KIB},t={PASSES},p={LANES}"
    r"\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}"
)


class Cost(NamedTuple):
    """What Argon2id is asked to spend on one derivation."""

    memory_kib: int
    passes: int
    lanes: int

    def is_within(self, least: Cost, most: Cost) -> bool:
        """Tell whether no figure is below *least*'s or above *most*'s."""
        return all(low <= own <= high for low, own, high in zip(least, self, most, strict=True))


class PassphraseHasher:
    """Hashes and verifies codes and derives keys, at most :data:`CONCURRENT` at once.

    One stands on the application.
    """

    __slots__ = ("_slots",)

    def __init__(self) -> None:
        self._slots = threading.BoundedSemaphore(CONCURRENT)

    def hash_code(self, text: str) -> str:
        """Return the salted hash of *text* as a PHC string.

        Raises:
            ValueError: more than ``MAX_TEXT_LEN`` characters.
        """
        if len(text) > MAX_TEXT_LEN:
            raise ValueError(f"Use at most {MAX_TEXT_LEN} characters.")
        hasher = Argon2id(
            salt=os.urandom(SALT_LEN),
            length=TAG_LEN,
            iterations=PASSES,
            lanes=LANES,
            memory_cost=MEMORY_KIB,
        )
        with self._slots:
            return hasher.derive_phc_encoded(_normal(text))

    def verify_code(self, text: str, phc: str) -> bool:
        """Tell whether *phc* is a hash of *text*; a hash of other parameters never is."""
        if len(text) > MAX_TEXT_LEN or _PHC.fullmatch(phc) is None:
            return False
        with self._slots:
            try:
                Argon2id.verify_phc_encoded(_normal(text), phc)
            except InvalidKey:
                return False
        return True

    def derive_key(self, text: str, salt: bytes, cost: Cost) -> bytes:
        """Return the key of ``TAG_LEN`` bytes that a passphrase stands for; the caller bounds the cost."""
        hasher = Argon2id(
            salt=salt,
            length=TAG_LEN,
            iterations=cost.passes,
            lanes=cost.lanes,
            memory_cost=cost.memory_kib,
        )
        with self._slots:
            return hasher.derive(_normal(text))


def _normal(text: str) -> bytes:
    return unicodedata.normalize("NFC", text).encode()
