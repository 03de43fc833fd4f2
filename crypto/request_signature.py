"""AWS Signature Version 4: who sends a request to an S3-compatible store, and that it is as it was sent.

Source: "Authenticating Requests (AWS Signature Version 4)" in the Amazon S3 API reference, whose
examples are among the tests.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote

_ALGORITHM = "AWS4-HMAC-SHA256"
_SERVICE = "s3"
EMPTY_DIGEST = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True, slots=True)
class Signer:
    """The account that requests are sent as."""

    access_key: str
    secret_key: str = field(repr=False)
    region: str

    def sign(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        digest: str,
        at: datetime,
    ) -> dict[str, str]:
        """Return *headers* with those that sign the request.

        Args:
            path: begins with a slash, not yet encoded.
            query: parameters, not yet encoded.
            headers: with ``Host``; all of them are signed.
            digest: SHA-256 of the body, in hexadecimal.
            at: the time in UTC; a store refuses one that is a quarter of an hour off.
        """
        stamp = at.strftime("%Y%m%dT%H%M%SZ")
        signed = {**headers, "x-amz-content-sha256": digest, "x-amz-date": stamp}
        names = sorted(name.lower() for name in signed)
        lines = {name.lower(): " ".join(value.split()) for name, value in signed.items()}
        request = "\n".join(
            (
                method,
                quote(path, safe="/-_.~"),
                encode_query(query),
                *(f"{name}:{lines[name]}" for name in names),
                "",
                ";".join(names),
                digest,
            )
        )
        scope = f"{stamp[:8]}/{self.region}/{_SERVICE}/aws4_request"
        hashed = hashlib.sha256(request.encode()).hexdigest()
        signature = _hmac(self._key(stamp[:8]), f"{_ALGORITHM}\n{stamp}\n{scope}\n{hashed}").hex()
        said = f"Credential={self.access_key}/{scope},SignedHeaders={';'.join(names)},Signature={signature}"
        return {**signed, "Authorization": f"{_ALGORITHM} {said}"}

    def _key(self, day: str) -> bytes:
        key = f"AWS4{self.secret_key}".encode()
        for part in (day, self.region, _SERVICE, "aws4_request"):
            key = _hmac(key, part)
        return key


def encode_query(query: Mapping[str, str]) -> str:
    """Return the query as it is signed and sent."""
    return "&".join(
        f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in sorted(query.items())
    )


def digest_of(pieces: Iterable[bytes]) -> str:
    """Return the SHA-256 of what *pieces* make together, in hexadecimal."""
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
