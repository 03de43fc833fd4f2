r"""Signed notes: a few lines that anyone with the public key can check, in the C2SP note format.

Checkpoints of the audit log are such notes, too (crypto/chain.py); these say what they like::

    <name>\n<line>\n…\n
    \n— <name> <base64(key id 4 | Ed25519 signature)>\n
"""

from __future__ import annotations

import base64
import hmac
import re
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from crypto.chain import key_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_NAME = re.compile(r"[^\s+]+")
_NOTE = re.compile(
    r"(?P<body>(?P<name>[^\s+]+)\n(?:[^\n]+\n)+)\n— (?P=name) (?P<signature>[A-Za-z0-9+/]+={0,2})\n"
)
_KEY_ID_LEN = 4


class NoteError(Exception):
    """A note is malformed, or not signed by the key it is checked against."""


def sign_note(key: Ed25519PrivateKey, name: str, lines: Sequence[str]) -> str:
    """Return a whole signed note.

    Raises:
        ValueError: the name holds a space or a plus sign, or a line is empty or more than one.
    """
    if _NAME.fullmatch(name) is None or not lines or not all(line and "\n" not in line for line in lines):
        raise ValueError("a note has a plain name and whole lines")
    body = "".join(f"{line}\n" for line in (name, *lines))
    blob = key_id(name, key.public_key().public_bytes_raw()) + key.sign(body.encode())
    return f"{body}\n— {name} {base64.b64encode(blob).decode()}\n"


def open_note(text: str, name: str, public_key: bytes) -> list[str]:
    """Return the lines of a note called *name*, if *public_key* (32 bytes) signed it.

    Raises:
        NoteError: malformed, of another name, or not signed by this key.
    """
    match = _NOTE.fullmatch(text)
    if match is None or match["name"] != name:
        raise NoteError("This is not a signed note of that name.")
    try:
        blob = base64.b64decode(match["signature"], validate=True)
        if not hmac.compare_digest(blob[:_KEY_ID_LEN], key_id(name, public_key)):
            raise NoteError("This note is not signed by this key.")
        Ed25519PublicKey.from_public_bytes(public_key).verify(blob[_KEY_ID_LEN:], match["body"].encode())
    except (ValueError, InvalidSignature):
        raise NoteError("The signature of this note does not match its text.") from None
    return match["body"].splitlines()[1:]
