r"""The operator's master keys, which wrap every other key and are never in the database.

::

    master key   32 random bytes
    its id       HKDF(master, P kid, 4), shown as 8 hex digits
    key-encryption key of an organization   HKDF(master, P kek\0 | organization 16, 32)
"""

from __future__ import annotations

import base64
import hmac
import re
import secrets
from typing import TYPE_CHECKING, NoReturn

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from crypto.context import PREFIX, key_context
from crypto.envelope import KEY_LEN, KIND_WRAPPED_KEY, DecryptionError, open_envelope, seal

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

_KEY_ID_LEN = 4
_SHA256 = SHA256()
_MASTER_KEY = re.compile(r"[A-Za-z0-9_-]{43}=?")
_KID = PREFIX + b"kid"
_KEK = PREFIX + b"kek\0"


def fresh_key() -> bytes:
    """Return 32 random bytes for a new data or system key."""
    return secrets.token_bytes(KEY_LEN)


def generate_master_key() -> str:
    """Return a new master key as url-safe base64, as ``ENCRYPTION_KEYS`` takes it."""
    return base64.urlsafe_b64encode(fresh_key()).decode()


class MasterKeys:
    """The operator's keys: the first wraps, all unwrap."""

    __slots__ = ("_keys", "primary_id")

    primary_id: str

    def __init__(self, keys: Iterable[bytes]) -> None:
        """Take keys of 32 bytes, the primary first.

        Raises:
            ValueError: none, another length, the same twice, or two with one id.
        """
        self._keys: dict[str, bytes] = {}
        for number, key in enumerate(keys, start=1):
            if len(key) != KEY_LEN:
                raise ValueError(f"Key {number} is not {KEY_LEN} bytes long.")
            identifier = expand(key, _KID, _KEY_ID_LEN).hex()
            if identifier in self._keys:
                twice = hmac.compare_digest(self._keys[identifier], key)
                raise ValueError(
                    f"Key {number} is listed twice; list each key once."
                    if twice
                    else f"Key {number} has the same id as another; replace it by a new one."
                )
            self._keys[identifier] = key
        if not self._keys:
            raise ValueError("At least one key is needed.")
        self.primary_id = next(iter(self._keys))

    @classmethod
    def parse(cls, text: str) -> MasterKeys:
        """Read ``PRIMARY[:SECONDARY…]``, each 32 bytes as url-safe base64.

        Raises:
            ValueError: a sentence that says which key is wrong and never shows it.
        """
        return cls(_parse_master_key(number, part) for number, part in enumerate(text.split(":"), start=1))

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all keys, the primary's first."""
        return tuple(self._keys)

    def wrap(self, instance: UUID, organization: UUID, purpose: str, version: int, key: bytes) -> bytes:
        """Wrap *key* (32 bytes) under the primary; :attr:`primary_id` belongs beside it."""
        if len(key) != KEY_LEN:
            raise ValueError("a key has 32 bytes")
        return seal(
            self._wrapping_key(self.primary_id, organization),
            key,
            kind=KIND_WRAPPED_KEY,
            key_number=int(self.primary_id, 16),
            context=key_context(instance, organization, purpose, version),
        )

    def unwrap(
        self,
        master_key_id: str,
        instance: UUID,
        organization: UUID,
        purpose: str,
        version: int,
        wrapped: bytes,
    ) -> bytes:
        """Return the key inside *wrapped*.

        Raises:
            DecryptionError: also when the ring lacks *master_key_id*.
        """
        if master_key_id not in self._keys:
            raise DecryptionError
        key = open_envelope(
            self._wrapping_key(master_key_id, organization),
            wrapped,
            kind=KIND_WRAPPED_KEY,
            key_number=int(master_key_id, 16),
            context=key_context(instance, organization, purpose, version),
        )
        if len(key) != KEY_LEN:
            raise DecryptionError
        return key

    def __repr__(self) -> str:
        return f"<MasterKeys {' '.join(self._keys)}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("keys are never copied or pickled")

    def _wrapping_key(self, master_key_id: str, organization: UUID) -> bytes:
        return expand(self._keys[master_key_id], _KEK + organization.bytes, KEY_LEN)


def expand(key: bytes, info: bytes, length: int) -> bytes:
    """Derive *length* bytes for the use that *info* names (RFC 5869, no salt)."""
    return HKDF(_SHA256, length, None, info).derive(key)


def _parse_master_key(number: int, text: str) -> bytes:
    if not text:
        raise ValueError(f"Key {number} is empty.")
    if _MASTER_KEY.fullmatch(text) is None:
        raise ValueError(f"Key {number} is not {KEY_LEN} bytes of url-safe base64.")
    unpadded = text.removesuffix("=")
    key = base64.urlsafe_b64decode(unpadded + "=")
    if base64.urlsafe_b64encode(key).decode().rstrip("=") != unpadded:
        raise ValueError(f"Key {number} is not exactly {KEY_LEN} bytes; a character was changed.")
    return key
