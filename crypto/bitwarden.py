"""Opening what Bitwarden exports under a password.

::

    master   PBKDF2-SHA256(password, salt as text, iterations, 32)
             or Argon2id(password, SHA-256(salt as text), iterations, memory, lanes, 32)
    keys     HKDF-Expand(master, "enc", 32) | HKDF-Expand(master, "mac", 32)
    text     "2." base64(iv 16) "|" base64(AES-256-CBC, PKCS 7) "|" base64(HMAC-SHA256(iv | ciphertext))

After bitwarden.com/help/encrypted-export and bitwarden.com/help/kdf-algorithms. The file names the cost, so
the cost is bounded here: by what Bitwarden itself lets people choose, and once more by what one request may
take.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.hashes import SHA256, Hash
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from cryptography.hazmat.primitives.padding import PKCS7

ITERATIONS = range(5_000, 2_000_001)
"""Of PBKDF2, as Bitwarden allows; the upper end takes about half a second."""
PASSES = range(1, 11)
MEMORY_MIB = range(8, 257)
"""Bitwarden's own limit is 1,024, which one request of ours does not take."""
LANES = range(1, 17)
ARGON_WORK_MAX = 256
"""Passes times MiB. Bitwarden proposes 3 times 64; this is about half a second."""
PASSWORD_MAX = 1024
SALT_MAX = 256

_KEY_LEN = 32
_IV_LEN = 16
_MAC_LEN = 32
_BLOCK_BITS = 128
_TOO_COSTLY = "The file asks for more work than an export takes. Export it again with the usual settings."
_NOT_READABLE = "The encrypted part of the file is damaged. Export it again."


class Locked(Exception):
    """The password is not the one of the file."""


@dataclass(frozen=True, slots=True)
class ProtectedExport:
    """An export under a password, as its JSON has it.

    Args:
        argon: Argon2id instead of PBKDF2.
        iterations: of PBKDF2, or passes of Argon2id.
        validation: a short encrypted text, which tells whether the password is right.
    """

    salt: str
    argon: bool
    iterations: int
    memory_mib: int
    lanes: int
    validation: str = field(repr=False)
    data: str = field(repr=False)


def open_export(export: ProtectedExport, password: str) -> bytes:
    """Return the JSON inside.

    Raises:
        Locked: the password is wrong.
        ValueError: a sentence: the file is damaged, or asks for too much work.
    """
    if len(password) > PASSWORD_MAX:
        raise Locked
    _check_cost(export)
    pieces = [_take_apart(text) for text in (export.validation, export.data)]
    master = _master(export, password.encode())
    mac_key = _expand(master, b"mac")
    if not _is_authentic(mac_key, *pieces[0]):
        raise Locked
    if not _is_authentic(mac_key, *pieces[1]):
        raise ValueError(_NOT_READABLE)
    iv, ciphertext, _ = pieces[1]
    return _decrypt(_expand(master, b"enc"), iv, ciphertext)


def _check_cost(export: ProtectedExport) -> None:
    if not export.salt or len(export.salt) > SALT_MAX:
        raise ValueError(_NOT_READABLE)
    if export.argon:
        fits = export.iterations in PASSES and export.memory_mib in MEMORY_MIB and export.lanes in LANES
        fits = fits and export.iterations * export.memory_mib <= ARGON_WORK_MAX
    else:
        fits = export.iterations in ITERATIONS
    if not fits:
        raise ValueError(_TOO_COSTLY)


def _master(export: ProtectedExport, password: bytes) -> bytes:
    salt = export.salt.encode("utf-8", "surrogatepass")
    if not export.argon:
        return PBKDF2HMAC(SHA256(), _KEY_LEN, salt, export.iterations).derive(password)
    digest = Hash(SHA256())
    digest.update(salt)
    return Argon2id(
        salt=digest.finalize(),
        length=_KEY_LEN,
        iterations=export.iterations,
        lanes=export.lanes,
        memory_cost=export.memory_mib * 1024,
    ).derive(password)


def _expand(master: bytes, info: bytes) -> bytes:
    return HKDFExpand(SHA256(), _KEY_LEN, info).derive(master)


def _take_apart(text: str) -> tuple[bytes, bytes, bytes]:
    kind, _, rest = text.partition(".")
    parts = rest.split("|")
    if kind != "2" or len(parts) != 3:  # noqa: PLR2004 - as drawn above
        raise ValueError(_NOT_READABLE)
    try:
        iv, ciphertext, mac = (base64.b64decode(part, validate=True) for part in parts)
    except (binascii.Error, ValueError):
        raise ValueError(_NOT_READABLE) from None
    if len(iv) != _IV_LEN or len(mac) != _MAC_LEN or not ciphertext or len(ciphertext) % _IV_LEN:
        raise ValueError(_NOT_READABLE)
    return iv, ciphertext, mac


def _is_authentic(mac_key: bytes, iv: bytes, ciphertext: bytes, mac: bytes) -> bool:
    return hmac.compare_digest(hmac.digest(mac_key, iv + ciphertext, "sha256"), mac)


def _decrypt(key: bytes, iv: bytes, ciphertext: bytes) -> bytes:
    decryptor = Cipher(AES256(key), CBC(iv)).decryptor()
    unpadder = PKCS7(_BLOCK_BITS).unpadder()
    padded = decryptor.update(ciphertext) + decryptor.finalize()
    return unpadder.update(padded) + unpadder.finalize()
