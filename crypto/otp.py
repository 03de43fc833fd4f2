"""Time-based one-time codes (RFC 6238) of stored authenticators.

Many sites hand out seeds of 80 bits, which pyotp refuses; what a person stores must work, so
these few lines are our own and are checked against pyotp and the vectors of the RFC.
"""

from __future__ import annotations

import base64
import hmac
import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

ALGORITHMS = ("SHA1", "SHA256", "SHA512")
DIGITS = range(6, 9)
PERIODS = range(5, 301)
MIN_SEED_LEN = 10
MAX_TEXT_LEN = 4096

_SCHEME = re.compile(r"\s*otpauth:", re.IGNORECASE)
_FILLER = re.compile(r"[\s-]+")
_BASE32 = re.compile(r"[A-Za-z2-7]+")
_NUMBER = re.compile(r"[0-9]{1,3}")
_PARTIAL_BASE32 = frozenset({1, 3, 6})
"""Numbers of characters left over after groups of 8 that no whole number of bytes gives."""


@dataclass(frozen=True, slots=True)
class Otp:
    """A stored authenticator: its seed and how its codes are made."""

    seed: bytes = field(repr=False)
    algorithm: str = "SHA1"
    digits: int = 6
    period: int = 30
    issuer: str = ""
    account: str = ""


def parse_otp(text: str) -> Otp:
    """Read a base32 seed as people paste it, or a whole ``otpauth://totp/`` link.

    Raises:
        ValueError: a sentence for the person, which never shows the seed.
    """
    if len(text) > MAX_TEXT_LEN:
        raise ValueError("This is too long for a seed; paste the seed or the otpauth:// link only.")
    return _parse_link(text.strip()) if _SCHEME.match(text) else Otp(_parse_seed(text))


def code_at(otp: Otp, unix: int) -> str:
    """Return the code that is valid at *unix* seconds (RFC 6238 section 4, RFC 4226 section 5.3)."""
    counter = (unix // otp.period).to_bytes(8, "big")
    digest = hmac.digest(otp.seed, counter, otp.algorithm.lower())
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return str(number % 10**otp.digits).zfill(otp.digits)


def seconds_left(otp: Otp, unix: int) -> int:
    """Return for how many seconds the code of now stays valid, at least 1."""
    return otp.period - unix % otp.period


def to_uri(otp: Otp) -> str:
    """Return the ``otpauth://`` link that authenticator apps read."""
    label = quote(otp.account, safe="")
    parameters = {
        "secret": base64.b32encode(otp.seed).decode().rstrip("="),
        "algorithm": otp.algorithm,
        "digits": str(otp.digits),
        "period": str(otp.period),
    }
    if otp.issuer:
        label = f"{quote(otp.issuer, safe='')}:{label}"
        parameters["issuer"] = otp.issuer
    return f"otpauth://totp/{label}?{urlencode(parameters, quote_via=quote)}"


def _parse_seed(text: str) -> bytes:
    characters = _FILLER.sub("", text).rstrip("=")
    if not characters:
        raise ValueError("Enter the seed: the letters and digits that the site shows for manual entry.")
    if _BASE32.fullmatch(characters) is None:
        raise ValueError(
            "A seed has only the letters A to Z and the digits 2 to 7; check for a mistyped character."
        )
    if len(characters) % 8 in _PARTIAL_BASE32:
        raise ValueError("The seed lacks a character or has one too many; copy it again.")
    seed = base64.b32decode(characters.upper() + "=" * (-len(characters) % 8))
    if len(seed) < MIN_SEED_LEN:
        raise ValueError("The seed is too short; a seed has at least 16 characters.")
    return seed


def _parse_link(text: str) -> Otp:
    try:
        link = urlsplit(text)
        parameters = [(name.lower(), value) for name, value in parse_qsl(link.query, max_num_fields=32)]
    except ValueError:
        raise ValueError("This otpauth:// link cannot be read; copy it again.") from None
    if link.netloc.lower() != "totp":
        raise ValueError("Only links that begin with otpauth://totp/ can be stored.")
    given = dict(parameters)
    if len(given) < len(parameters):
        raise ValueError("This otpauth:// link says the same thing twice; copy it again.")
    issuer, account = _parse_label(unquote(link.path).removeprefix("/"), given.get("issuer", ""))
    return Otp(
        seed=_parse_seed(given.get("secret", "")),
        algorithm=_parse_algorithm(given.get("algorithm", "SHA1")),
        digits=_parse_number(given.get("digits", "6"), DIGITS, "digits"),
        period=_parse_number(given.get("period", "30"), PERIODS, "a period in seconds"),
        issuer=issuer,
        account=account,
    )


def _parse_label(label: str, issuer: str) -> tuple[str, str]:
    if issuer and label.startswith(f"{issuer}:"):
        return issuer, label.removeprefix(f"{issuer}:").strip()
    before, colon, after = label.partition(":")
    return (issuer or before.strip(), after.strip()) if colon else (issuer, label.strip())


def _parse_algorithm(text: str) -> str:
    algorithm = text.upper().replace("-", "")
    if algorithm not in ALGORITHMS:
        raise ValueError("The link's algorithm must be SHA1, SHA256 or SHA512.")
    return algorithm


def _parse_number(text: str, allowed: range, what: str) -> int:
    if _NUMBER.fullmatch(text) is None or int(text) not in allowed:
        raise ValueError(f"The link must ask for {what} from {allowed[0]} to {allowed[-1]}.")
    return int(text)
