"""Access tokens, invitation links and session ids: random, shown once, stored as digests.

One text form for all kinds of token::

    chl_<kind>_<8 hex lookup id>_<43 url-safe base64 of 32 random bytes>_<6 hex checksum>

``signin`` tokens belong to people, ``api`` tokens to programs, and ``enrol`` stands in the link
that invites a person; ``wrap`` tokens open an answer once. The checksum is the first 6 hex digits
of SHA-256 over everything before the last ``_``: it lets secret scanners be sure, and tells a slip
of the hand from a wrong token. The digests that are stored are made by :class:`crypto.keyring.KeyRoom`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, field

from crypto.context import PREFIX

KINDS = ("signin", "api", "enrol", "wrap")
SECRET_LEN = 32
SESSION_ID_LEN = 32

# Lengths are fixed because the base64 part may itself hold "_" and "-".
_TOKEN = re.compile(r"(chl_(signin|api|enrol|wrap)_([0-9a-f]{8})_([A-Za-z0-9_-]{43}))_([0-9a-f]{6})")

_ENCODED = re.compile(r"[A-Za-z0-9_-]{43}")

_FOREIGN_LOOKUP = PREFIX + b"foreign-lookup\0"
_FOREIGN_SECRET = PREFIX + b"foreign-token\0"


@dataclass(frozen=True, slots=True)
class ParsedToken:
    """A well-formed token, which says nothing yet about whether it exists."""

    kind: str
    lookup_id: str
    secret: bytes = field(repr=False)


def new_token(kind: str) -> tuple[str, ParsedToken]:
    """Make a token of *kind*: the text to show once, and its parts.

    Raises:
        ValueError: an unknown kind.
    """
    if kind not in KINDS:
        raise ValueError(f"a token is one of {', '.join(KINDS)}")
    parsed = ParsedToken(kind, secrets.token_hex(4), secrets.token_bytes(SECRET_LEN))
    body = f"chl_{kind}_{parsed.lookup_id}_{_encode(parsed.secret)}"
    return f"{body}_{_checksum(body)}", parsed


def parse_token(text: str) -> ParsedToken | None:
    """Return the parts of a well-formed token, else None."""
    match = _TOKEN.fullmatch(text)
    if match is None:
        return None
    body, kind, lookup_id, encoded, checksum = match.groups()
    secret = _decode(encoded)
    if secret is None or not same(_checksum(body).encode(), checksum.encode()):
        return None
    return ParsedToken(kind, lookup_id, secret)


def derive_token(text: str) -> ParsedToken:
    """Return the parts that stand for any text which is not a token in the one form.

    An operator's own first token may be any long random text; and a malformed token costs the same
    look-up and digest as a wrong one.
    """
    raw = text.encode("utf-8", "surrogatepass")
    lookup_id = hashlib.sha256(_FOREIGN_LOOKUP + raw).hexdigest()[:8]
    return ParsedToken("signin", lookup_id, hashlib.sha256(_FOREIGN_SECRET + raw).digest())


def new_session_id() -> bytes:
    """Return 32 random bytes for a session's cookie."""
    return secrets.token_bytes(SESSION_ID_LEN)


def encode_session_id(session_id: bytes) -> str:
    """Return the 43 characters that stand in the cookie."""
    return _encode(session_id)


def parse_session_id(text: str) -> bytes | None:
    """Return the 32 bytes that *text* stands for, or None if it is not the one way to write them."""
    return _decode(text)


def same(a: bytes, b: bytes) -> bool:
    """Compare two digests in a time that does not tell where they differ."""
    return hmac.compare_digest(a, b)


def _checksum(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()[:6]


def _encode(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _decode(text: str) -> bytes | None:
    if _ENCODED.fullmatch(text) is None:
        return None
    value = base64.urlsafe_b64decode(text + "=")
    # 43 characters carry 2 bits more than 32 bytes: four spellings decode alike, one is right.
    return value if _encode(value) == text else None
