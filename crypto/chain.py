r"""The audit chain: what each event's hash covers, and the signed checkpoints over all chains.

::

    hash    = SHA-256(P audit\0 | chain 16 | u64 seq | i64 microseconds | previous | SHA-256(payload))
    first previous = SHA-256(P audit-genesis\0 | instance 16 | chain 16)

A chain is named by its organization, the system's own by the zero UUID. A checkpoint is a C2SP
signed note: whoever holds the public key can check it without any secret::

    <name>\n<total>\n<base64 SHA-256 over the sorted chain 16 | u64 size | head>\n<unix time>\n
    \n— <name> <base64(key id 4 | Ed25519 signature)>\n
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from crypto.context import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_EVENT = PREFIX + b"audit\0"
_GENESIS = PREFIX + b"audit-genesis\0"
_NUMBERS = struct.Struct(">Qq")
_SIZE = struct.Struct(">Q")
_KEY_ID_LEN = 4
_ED25519 = b"\x01"

_NAME = re.compile(r"[^\s+]+")
_NOTE = re.compile(
    r"(?P<body>(?P<name>[^\s+]+)\n(?P<total>0|[1-9][0-9]{0,19})\n"
    r"(?P<root>[A-Za-z0-9+/]{43}=)\n(?P<unix>0|[1-9][0-9]{0,18})\n)"
    r"\n(?P<signatures>(?:— [^\s+]+ [A-Za-z0-9+/]+={0,2}\n)+)"
)


class ChainError(Exception):
    """A checkpoint is malformed, or not signed by the key it is checked against."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a signed note says: how many events, under which heads, at what time."""

    name: str
    total: int
    root: bytes
    unix: int


def genesis(instance: UUID, chain: UUID) -> bytes:
    """Return the "previous hash" of a chain's first event."""
    return hashlib.sha256(_GENESIS + instance.bytes + chain.bytes).digest()


def event_hash(chain: UUID, seq: int, microseconds: int, previous: bytes, payload: bytes) -> bytes:
    """Return the hash that binds an event to its place.

    Args:
        microseconds: since 1970, UTC.
        previous: the hash before this one, or :func:`genesis`.
        payload: the whole encrypted payload.
    """
    digest = hashlib.sha256(payload).digest()
    numbers = _NUMBERS.pack(seq, microseconds)
    return hashlib.sha256(_EVENT + chain.bytes + numbers + previous + digest).digest()


def heads_digest(heads: Iterable[tuple[UUID, int, bytes]]) -> bytes:
    """Return one digest over every chain's id, number of events and newest hash."""
    entries = sorted(chain.bytes + _SIZE.pack(size) + head for chain, size, head in heads)
    return hashlib.sha256(b"".join(entries)).digest()


def checkpoint_text(name: str, heads: Iterable[tuple[UUID, int, bytes]], unix: int) -> str:
    """Return the part of a checkpoint that is signed.

    Raises:
        ValueError: the name is empty or holds a space or a plus sign.
    """
    if _NAME.fullmatch(name) is None:
        raise ValueError("a checkpoint's name holds neither space nor plus sign")
    heads = list(heads)
    total = sum(size for _, size, _ in heads)
    return f"{name}\n{total}\n{base64.b64encode(heads_digest(heads)).decode()}\n{unix}\n"


def key_id(name: str, public_key: bytes) -> bytes:
    """Return the 4 bytes by which a signature line names its key."""
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public_key).digest()[:_KEY_ID_LEN]


def sign_checkpoint(
    key: Ed25519PrivateKey, name: str, heads: Iterable[tuple[UUID, int, bytes]], unix: int
) -> str:
    """Return a whole signed note."""
    body = checkpoint_text(name, heads, unix)
    signature = key.sign(body.encode())
    blob = key_id(name, key.public_key().public_bytes_raw()) + signature
    return f"{body}\n— {name} {base64.b64encode(blob).decode()}\n"


def verify_checkpoint(text: str, public_key: bytes) -> Checkpoint:
    """Return what a signed note says, if *public_key* (32 bytes) signed it.

    Signatures by other keys are passed over, as the note format asks.

    Raises:
        ChainError: malformed, or no signature by this key, or one that does not match.
    """
    match = _NOTE.fullmatch(text)
    if match is None:
        raise ChainError("This is not a signed checkpoint.")
    wanted = key_id(match["name"], public_key)
    for line in match["signatures"].splitlines():
        _, signer, encoded = line.split(" ")
        blob = _signature_blob(encoded)
        if signer == match["name"] and blob[:_KEY_ID_LEN] == wanted:
            _check_signature(public_key, blob[_KEY_ID_LEN:], match["body"])
            root = base64.b64decode(match["root"])
            return Checkpoint(match["name"], int(match["total"]), root, int(match["unix"]))
    raise ChainError("This checkpoint is not signed by this key.")


def _signature_blob(encoded: str) -> bytes:
    try:
        blob = base64.b64decode(encoded)
    except binascii.Error:
        blob = b""
    # Base64 has several spellings of the same bytes; a note has one.
    if base64.b64encode(blob).decode() != encoded:
        raise ChainError("A signature of this checkpoint is not base64.")
    return blob


def _check_signature(public_key: bytes, signature: bytes, body: str) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, body.encode())
    except InvalidSignature:
        raise ChainError("The signature of this checkpoint does not match its text.") from None
