"""Asking a server that speaks Vault's API; for commands only, which an operator starts.

A page never does this: whoever may name an address on a page could make the server look around in its own
network. The operator can do that anyway, so addresses in private networks are asked as any other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import quote, urlsplit

from errors import Invalid, ProviderFailed
from importers.limits import Refused
from importers.vault_kv import Forbidden
from services.provider_requests import Answer, Line

SECONDS = 10.0
BODY_MAX = 2 * 1024 * 1024
"""Twice what Vault stores at most in one secret, and a list of some ten thousand names."""
_OK, _FORBIDDEN, _NOT_FOUND = 200, 403, 404
_HEADER = re.compile(r"[!-~]{1,4096}")
_REASONS = {
    "redirect": "The server sends this on to another address, which is not followed. Name that address.",
    "slow": "The server took too long to answer. Nothing was stored; try again.",
    "too large": "An answer of the server is too large. Import some folders at a time.",
}
_UNREACHABLE = (
    "The server cannot be reached, or its certificate is not trusted here. For one of your own, set "
    "SSL_CERT_FILE to the certificate of its authority."
)


class KvServer:
    """One server, asked with one token.

    Args:
        address: ``https://…``, or ``http://`` on this machine.
        namespace: of Vault Enterprise or OpenBao; empty: none.
    """

    def __init__(self, address: str, token: str, namespace: str = "", line: Line | None = None) -> None:
        """Check the address; nothing is asked yet.

        Raises:
            Invalid: the address or the token is none; shows neither.
        """
        self._base = _checked(address)
        for text, what in ((token, "The token"), (namespace or "-", "The namespace")):
            if _HEADER.fullmatch(text) is None:
                raise Invalid(f"{what} must be one line of letters, digits and signs without spaces.")
        self._headers = {"X-Vault-Token": token, "X-Vault-Request": "true"}
        if namespace:
            self._headers["X-Vault-Namespace"] = namespace
        self._line = line or Line(SECONDS, BODY_MAX)

    def ask(self, path: str, *, listing: bool = False) -> Mapping[str, Any] | None:
        """Return the member ``data`` of the answer, see :class:`importers.vault_kv.Server`."""
        url = f"{self._base}/v1/{quote(path)}{'?list=true' if listing else ''}"
        try:
            answer = self._line.get(url, self._headers)
        except ProviderFailed as failure:
            raise Refused(_REASONS.get(failure.reason, _UNREACHABLE)) from None
        return _data(answer)


def _data(answer: Answer) -> Mapping[str, Any] | None:
    if answer.status_code == _FORBIDDEN:
        raise Forbidden
    if answer.status_code == _NOT_FOUND:
        return None
    try:
        said = answer.json() if answer.status_code == _OK else None
    except ValueError:
        said = None
    if not isinstance(said, dict) or not isinstance(said.get("data"), dict):
        raise Refused(f"The server answered with what no KV engine says (status {answer.status_code}).")
    data: Mapping[str, Any] = said["data"]
    return data


def _checked(address: str) -> str:
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host, parts = "", urlsplit("")
    odd = "@" in parts.netloc or parts.query or parts.fragment or not address.isascii()
    if not host or odd or parts.scheme not in {"https", "http"}:
        raise Invalid("Write the address of the server like https://vault.example.com:8200.")
    if parts.scheme == "http" and not _is_here(host):
        raise Invalid("Without TLS the token could be read on the way: use https, or http on this machine.")
    return address.rstrip("/")


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
