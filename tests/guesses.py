"""Tokens as a guesser makes them up."""

from __future__ import annotations

import hashlib

from crypto.tokens import new_token

_SECRET_AT = len("chl_signin_00000000_")
_SECRET_END = _SECRET_AT + 43


def wrong_secret(token: str) -> str:
    """Return a well-formed token with the handle of *token*, a sign-in token, and another secret."""
    body = token[:_SECRET_AT] + new_token("signin")[0][_SECRET_AT:_SECRET_END]
    return f"{body}_{hashlib.sha256(body.encode()).hexdigest()[:6]}"
