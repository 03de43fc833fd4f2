"""Tokens as a guesser makes them up."""

from __future__ import annotations

import hashlib

from crypto.tokens import new_token

SECRET_LEN = 43


def wrong_secret(token: str) -> str:
    """Return a well-formed token of the same kind and with the same handle, but another secret."""
    _, kind, handle, _ = token.split("_", 3)
    secret = new_token(kind)[0].removeprefix(f"chl_{kind}_")[len(handle) + 1 :][:SECRET_LEN]
    body = f"chl_{kind}_{handle}_{secret}"
    return f"{body}_{hashlib.sha256(body.encode()).hexdigest()[:6]}"
