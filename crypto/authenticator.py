"""The codes of people's authenticator apps (RFC 6238): six digits, 30 seconds, SHA-1, as every app knows.

The seed has 160 bits (RFC 4226 section 4, R6). Whether a code was taken before is for the caller to know.
"""

from __future__ import annotations

import base64
import hmac
import os
import re

import pyotp

from crypto.otp import Otp, to_uri

SEED_LEN = 20
PERIOD = 30
_CODE = re.compile(r"[0-9]{6}", re.ASCII)


def new_seed() -> bytes:
    """Return a fresh seed."""
    return os.urandom(SEED_LEN)


def seed_text(seed: bytes) -> str:
    """Write a seed as apps take it when it is typed: base 32 in groups of four."""
    text = base64.b32encode(seed).decode()
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def seed_uri(seed: bytes, account: str, issuer: str) -> str:
    """Write a seed as the link that apps read from a picture."""
    return to_uri(Otp(seed, issuer=issuer, account=account))


def matching_step(seed: bytes, code: str, unix: int) -> int | None:
    """Return the time step whose code *code* is, of the present one and the one before; None: neither's."""
    if _CODE.fullmatch(code) is None:
        return None
    totp = pyotp.TOTP(base64.b32encode(seed).decode())
    now = unix // PERIOD
    matching = [
        step
        for step in (now, now - 1)
        if hmac.compare_digest(totp.generate_otp(step).encode(), code.encode())
    ]
    return matching[0] if matching else None
