"""A device that keeps passkeys, made of software: real keys, real signatures, and every lie on demand."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from dataclasses import dataclass

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

ORIGIN = "http://localhost:8000"
HOST = "localhost"
PRESENT, VERIFIED, SYNCED, COPIED, ATTESTED = 1, 4, 8, 16, 64


def to_text(content: bytes) -> str:
    """Write bytes as browsers do: base64url without padding."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def to_bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Kept:
    """A passkey on the device."""

    credential_id: bytes
    key: ec.EllipticCurvePrivateKey
    user_handle: bytes
    counter: int = 0


class Device:
    """A telephone or security key, with the browser before it.

    Args:
        counts: whether it counts how often a passkey is used; many do not, and say 0 each time.
        synced: whether its passkeys may be copied to other devices.
    """

    def __init__(self, *, counts: bool = True, synced: bool = False) -> None:
        self.counts = counts
        self.synced = synced
        self.kept: list[Kept] = []

    def make(self, asked, *, kind="webauthn.create", alg=-7, cose=None, flags=None, transports=(), **lies):
        """Answer ``navigator.credentials.create`` in its JSON form; *lies* as in :meth:`_client_data`."""
        credential_id = lies.get("credential_id", os.urandom(32))
        key = ec.generate_private_key(ec.SECP256R1())
        kept = Kept(credential_id, key, to_bytes(asked["user"]["id"]))
        self.kept.append(kept)
        numbers = kept.key.public_key().public_numbers()
        x, y = numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")
        public = cose if cose is not None else {1: 2, 3: alg, -1: 1, -2: x, -3: y}
        attested = bytes(16) + len(kept.credential_id).to_bytes(2, "big") + kept.credential_id
        data = self._data(kept, (self._flags() if flags is None else flags) | ATTESTED, lies) + attested
        data += public if isinstance(public, bytes) else cbor2.dumps(public)
        return {
            "id": to_text(kept.credential_id),
            "rawId": to_text(kept.credential_id),
            "type": "public-key",
            "response": {
                "clientDataJSON": to_text(self._client_data(asked, kind, lies)),
                "attestationObject": to_text(cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})),
                "transports": list(transports),
            },
        }

    def use(self, asked, *, kind="webauthn.get", flags=None, which=-1, handle=None, **lies):
        """Answer ``navigator.credentials.get`` in its JSON form, with the newest passkey unless told."""
        kept = self.kept[which]
        if self.counts:
            kept.counter += 1
        data = self._data(kept, self._flags() if flags is None else flags, lies)
        client_data = self._client_data(asked, kind, lies)
        signature = kept.key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(SHA256()))
        return {
            "id": to_text(kept.credential_id),
            "rawId": to_text(kept.credential_id),
            "type": "public-key",
            "response": {
                "clientDataJSON": to_text(client_data),
                "authenticatorData": to_text(data),
                "signature": to_text(signature),
                "userHandle": to_text(kept.user_handle if handle is None else handle),
            },
        }

    def _flags(self) -> int:
        return PRESENT | VERIFIED | (SYNCED | COPIED if self.synced else 0)

    def _data(self, kept: Kept, flags: int, lies) -> bytes:
        host = lies.get("host", HOST)
        counter = lies.get("counter", kept.counter)
        return hashlib.sha256(host.encode()).digest() + bytes([flags]) + counter.to_bytes(4, "big")

    def _client_data(self, asked, kind: str, lies) -> bytes:
        """Say what was asked, and where: ``origin``, ``challenge`` and ``embedded`` may be lies."""
        said = {
            "type": kind,
            "challenge": lies.get("challenge", asked["challenge"]),
            "origin": lies.get("origin", ORIGIN),
            "crossOrigin": lies.get("embedded", False),
        }
        return json.dumps(said).encode()
