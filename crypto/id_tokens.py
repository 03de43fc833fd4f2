"""ID tokens of OpenID providers: signed by one of the provider's published keys, and meant for us.

OpenID Connect Core 1.0, section 3.1.3.7. Only signatures with a public key count: neither ``none`` nor
one made with a secret that both sides know.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, Key, OKPKey, RSAKey
from joserfc.util import urlsafe_b64decode

ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"),
    "Ed25519",
)
LEEWAY = 60
"""Seconds by which the provider's clock and ours may differ."""
TOKEN_MAX = 32 * 1024
KEYS_MAX = 50
RSA_BITS = 2048


class BadIdToken(Exception):
    """The token proves nothing; the message names the claim or the part at fault, never its value."""


class UnknownKey(BadIdToken):
    """No published key has the id that the token names; the provider may have changed its keys."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token must say.

    Args:
        now: seconds since 1970.
        access_token: what came along with it, for ``at_hash``.
    """

    issuer: str
    client_id: str
    nonce: str
    now: int
    access_token: str


def read_keys(published: Any) -> tuple[Key, ...]:
    """Return the keys of a provider's JWK set; those that are not for signatures are passed over.

    Raises:
        BadIdToken: it is no JWK set.
    """
    listed = published.get("keys") if isinstance(published, Mapping) else None
    if not isinstance(listed, list) or len(listed) > KEYS_MAX:
        raise BadIdToken("keys")
    return tuple(key for key in map(_read_key, listed) if key is not None)


def read_id_token(text: Any, keys: Sequence[Key], expected: Expected) -> Mapping[str, Any]:
    """Return the claims of a good token.

    Raises:
        UnknownKey: it was signed by none of *keys*.
        BadIdToken: anything else.
    """
    if not isinstance(text, str) or not text.isascii() or len(text) > TOKEN_MAX:
        raise BadIdToken("id_token")
    header = _header(text)
    key = _pick(keys, header)
    try:
        signed = jws.deserialize_compact(text.encode(), key, algorithms=[header["alg"]])
        claims = json.loads(signed.payload or b"")
    except (JoseError, ValueError, TypeError, RecursionError):
        raise BadIdToken("signature") from None
    if not isinstance(claims, dict):
        raise BadIdToken("claims")
    _check(claims, header, expected)
    return claims


def _read_key(data: Any) -> Key | None:
    """Return a key for signatures; None: it is for something else, malformed or too short."""
    if not isinstance(data, dict) or data.get("use", "sig") != "sig":
        return None
    try:
        key = JWKRegistry.import_key(data)
        too_short = isinstance(key, RSAKey) and key.raw_value.key_size < RSA_BITS
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return None if too_short else key


def _header(text: str) -> Mapping[str, Any]:
    try:
        header = json.loads(urlsafe_b64decode(text.partition(".")[0].encode()))
    except (ValueError, TypeError, RecursionError):
        raise BadIdToken("header") from None
    if not isinstance(header, dict):
        raise BadIdToken("header")
    if header.get("alg") not in ALGORITHMS:
        raise BadIdToken("alg")
    return header


def _pick(keys: Sequence[Key], header: Mapping[str, Any]) -> Key:
    """Return the key that the header names; without a name, the only one that there is."""
    kid = header.get("kid")
    fitting = [key for key in keys if _fits(key, str(header["alg"]))]
    named = [key for key in fitting if key.get("kid") == kid] if kid is not None else fitting
    if len(named) != 1:
        raise UnknownKey("kid")
    return named[0]


def _fits(key: Key, algorithm: str) -> bool:
    """Whether the key is a public one of the algorithm's kind, and not meant for another."""
    kinds: Mapping[str, type] = {"RS": RSAKey, "PS": RSAKey, "ES": ECKey, "Ed": OKPKey}
    return isinstance(key, kinds[algorithm[:2]]) and key.get("alg", algorithm) == algorithm


def _check(claims: dict[str, Any], header: Mapping[str, Any], expected: Expected) -> None:
    token = CodeIDToken(
        claims,
        dict(header),
        {
            "iss": {"essential": True, "value": expected.issuer},
            "aud": {"essential": True, "value": expected.client_id},
            "sub": {"essential": True},
        },
        {"nonce": expected.nonce, "client_id": expected.client_id, "access_token": expected.access_token},
    )
    try:
        token.validate(now=expected.now, leeway=LEEWAY)
    except JoseError as error:
        # Such as InvalidClaimError: its text names the claim.
        raise BadIdToken(str(getattr(error, "claim", "")) or type(error).__name__) from None
    except (TypeError, ValueError, AttributeError, OverflowError):
        raise BadIdToken("claims") from None
    if not _is_subject(claims["sub"]):
        raise BadIdToken("sub")


def _is_subject(value: Any) -> bool:
    """Whether *value* can name somebody: at most 255 ASCII characters."""
    return isinstance(value, str) and 0 < len(value) <= 255 and value.isascii() and value.isprintable()  # noqa: PLR2004 - section 2


def auth_time_of(claims: Mapping[str, Any]) -> int | None:
    """Return when the person proved who they are, in seconds since 1970; None: the provider does not say."""
    value = claims.get("auth_time")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if isinstance(value, int) or isfinite(value) else None


def is_multi_factor(claims: Mapping[str, Any], levels: Collection[str]) -> bool:
    """Whether the provider asserts that more than one factor was proved.

    That is so for ``mfa``, for methods of two different kinds (RFC 8176), and for the *levels* (``acr``) that
    the operator has named. One strong method by itself is one factor.
    """
    if claims.get("acr") in levels and isinstance(claims.get("acr"), str):
        return True
    methods = claims.get("amr")
    if not isinstance(methods, list):
        return False
    named = {method for method in methods if isinstance(method, str)}
    return "mfa" in named or sum(bool(named & kind) for kind in _KINDS) > 1


_KINDS = (
    frozenset({"pwd", "pin", "kba"}),
    frozenset({"otp", "hwk", "swk", "pop", "sc"}),
    frozenset({"fpt", "face", "iris", "retina", "vbm"}),
)
"""Methods by what they prove: knowing, having, being. Codes by telephone are left out."""
