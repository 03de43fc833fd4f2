r"""What the programs that people move here from have encrypted with. Read only; nothing is written like this.

::

    Fernet        base64(80 | u64 seconds | IV 16 | AES-128-CBC | HMAC-SHA256 32), see github.com/fernet/spec
    SCORE         Fernet, its key = HKDF-SHA256(key text, no salt, "docuscore-connector-secret-v1:" + tenant)
    Pinakes       Fernet, under one of a list of keys
    Client St0r   1  base64(nonce 12 | AES-256-GCM), no associated data
                  2  base64(02 | nonce 12 | AES-256-GCM), key = HKDF-SHA256(master, no salt, context)
                  as its documents say: base64(Fernet), key = PBKDF2-SHA256(key text, 100,000)
"""

from __future__ import annotations

import base64
import binascii
from functools import cached_property

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

KEY_LEN = 32
KEYS_MAX = 32

_NONCE_LEN = 12
_TAG_LEN = 16
_SCORE = b"docuscore-connector-secret-v1:"
_DOCUMENTED_SALT = b"clientst0r-salt-v1"
_DOCUMENTED_ROUNDS = 100_000
_DOCUMENTED_START = "Z0FBQUFB"
_SECOND = b"\x02"


class Unopened(ValueError):
    """A value does not open with this key; says no more."""


def open_score(key_text: str, tenant: str, token: str) -> str:
    """Open a secret of SCORE.

    Args:
        key_text: ``FIELD_ENCRYPTION_KEY``, or ``SECRET_KEY`` where that was not set; taken as it is.
        tenant: the tenant's UUID in lower case with its hyphens.

    Raises:
        Unopened: it is another tenant's, another key's, or no token.
    """
    key = HKDF(SHA256(), KEY_LEN, None, _SCORE + tenant.encode()).derive(key_text.encode())
    return _open_fernet(Fernet(base64.urlsafe_b64encode(key)), token)


class PinakesKeys:
    """The keys of Pinakes, of which any may open a value."""

    def __init__(self, text: str) -> None:
        """Take ``PINAKES_DB_ENCRYPTION_KEYS``: keys in url-safe base64 with colons between them.

        Raises:
            ValueError: a sentence that shows no key.
        """
        parts = text.split(":")
        if len(parts) > KEYS_MAX:
            raise ValueError("These are too many keys; give those that are in use.")
        try:
            self._keys = MultiFernet([Fernet(part) for part in parts])
        except (ValueError, binascii.Error):
            raise ValueError("Each key must be 32 bytes in url-safe base64, with colons between.") from None

    def open(self, token: str) -> str:
        """Open a value.

        Raises:
            Unopened: no key opens it.
        """
        return _open_fernet(self._keys, token)


class ClientStorKey:
    """The master key of Client St0r, and what it opens."""

    def __init__(self, text: str) -> None:
        """Take ``APP_MASTER_KEY``: 32 bytes in base64, with its padding or without.

        Raises:
            ValueError: a sentence that does not show it.
        """
        self._text = text
        try:
            key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if len(key) != KEY_LEN:
            raise ValueError(
                "APP_MASTER_KEY must be 32 bytes in base64, with + and / and not with - and _: "
                "Client St0r has never encrypted anything with another."
            )
        self._key = key

    def open(self, text: str, context: str, bound: str) -> str:
        """Open a value of any of the three ways.

        Args:
            context: which of the derived keys the second way uses.
            bound: the associated data of the second way.

        Raises:
            Unopened: none of them opens it.
        """
        if text.startswith(_DOCUMENTED_START):
            return self._open_documented(text)
        data = _from_base64(text)
        if data.startswith(_SECOND):
            # One in 256 values of the first way begins with the same byte.
            derived = HKDF(SHA256(), KEY_LEN, None, context.encode()).derive(self._key)
            try:
                return _open_gcm(derived, data[1:], bound.encode())
            except Unopened:
                pass
        return _open_gcm(self._key, data, None)

    def _open_documented(self, text: str) -> str:
        return _open_fernet(self._documented, _from_base64(text).decode("ascii", "replace"))

    @cached_property
    def _documented(self) -> Fernet:
        derived = PBKDF2HMAC(SHA256(), KEY_LEN, _DOCUMENTED_SALT, _DOCUMENTED_ROUNDS).derive(
            self._text.encode()
        )
        return Fernet(base64.urlsafe_b64encode(derived))


def _open_fernet(keys: Fernet | MultiFernet, token: str) -> str:
    try:
        return keys.decrypt(token.encode()).decode()
    except (InvalidToken, ValueError):
        raise Unopened from None


def _open_gcm(key: bytes, data: bytes, bound: bytes | None) -> str:
    if len(data) < _NONCE_LEN + _TAG_LEN:
        raise Unopened
    try:
        return AESGCM(key).decrypt(data[:_NONCE_LEN], data[_NONCE_LEN:], bound).decode()
    except (InvalidTag, UnicodeDecodeError):
        raise Unopened from None


def _from_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Unopened from None
