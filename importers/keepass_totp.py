"""The four ways in which KeePass, its plugins and KeePassXC keep the seed of an authenticator."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl

from crypto.otp import Otp, parse_otp, to_uri

_BYTES_OF: Mapping[str, Callable[[str], bytes]] = {
    "TimeOtp-Secret": lambda text: text.encode(),
    "TimeOtp-Secret-Hex": bytes.fromhex,
    "TimeOtp-Secret-Base32": lambda text: base64.b32decode(_padded(text.upper()), casefold=True),
    "TimeOtp-Secret-Base64": lambda text: base64.b64decode(text, validate=True),
}
_SETTINGS = ("TimeOtp-Length", "TimeOtp-Period", "TimeOtp-Algorithm")
SEED_NAMES = frozenset({"otp", "TOTP Seed", "TOTP Settings", *_BYTES_OF, *_SETTINGS})
"""The names of the values that together make the seed."""

_MISTAKE = "The authenticator of this entry is of a kind that cannot be used here; it is kept as a field."
_TRAY = re.compile(r"([0-9]+);([0-9]+)(;.*)?")


def totp_of(texts: Mapping[str, str]) -> tuple[str, str]:
    """Return the seed as a link or in base32, and what is wrong with it; both empty where there is none."""
    try:
        return _found(texts), ""
    except (ValueError, binascii.Error):
        return "", _MISTAKE


def _found(texts: Mapping[str, str]) -> str:
    if text := texts.get("otp", "").strip():
        return _link(text) if text.lower().startswith("otpauth:") else _keeotp(text)
    for name, bytes_of in _BYTES_OF.items():
        if text := texts.get(name, "").strip():
            return _checked(
                bytes_of(text),
                algorithm=texts.get("TimeOtp-Algorithm") or "HMAC-SHA-1",
                digits=texts.get("TimeOtp-Length") or "6",
                period=texts.get("TimeOtp-Period") or "30",
            )
    if text := texts.get("TOTP Seed", "").strip():
        settings = texts.get("TOTP Settings", "").strip() or "30;6"
        tray = _TRAY.fullmatch(settings)
        if tray is None:
            raise ValueError("another kind of code")
        return _checked(parse_otp(text).seed, algorithm="SHA1", digits=tray[2], period=tray[1])
    return ""


def _link(text: str) -> str:
    parse_otp(text)
    return text


def _keeotp(text: str) -> str:
    given = dict(parse_qsl(text, max_num_fields=16))
    if given.get("type", "totp").lower() != "totp" or given.get("encoding", "base32").lower() != "base32":
        raise ValueError("another kind of code")
    return _checked(
        parse_otp(given.get("key", text)).seed,
        algorithm=given.get("otpHashMode", "Sha1"),
        digits=given.get("size", "6"),
        period=given.get("step", "30"),
    )


def _checked(seed: bytes, *, algorithm: str, digits: str, period: str) -> str:
    """Write a link, and read it back by the rules of our own seeds."""
    name = algorithm.upper().removeprefix("HMAC-").replace("-", "")
    return _link(to_uri(Otp(seed, name, int(digits), int(period))))


def _padded(text: str) -> str:
    compact = re.sub(r"[\s=-]+", "", text)
    return compact + "=" * (-len(compact) % 8)
