"""The fingerprint by which people know an SSH key again (RFC 4716; as ``ssh-keygen -l`` prints it)."""

from __future__ import annotations

import base64
import binascii
from hashlib import sha256


def ssh_fingerprint(public_key: str) -> str:
    """Return ``SHA256:…`` of a public key as OpenSSH writes it; empty: it is none."""
    parts = public_key.split()
    try:
        blob = base64.b64decode(parts[1], validate=True)
    except (IndexError, binascii.Error, ValueError):
        return ""
    name_length = int.from_bytes(blob[:4], "big")
    if blob[4 : 4 + name_length] != parts[0].encode():
        return ""
    return "SHA256:" + base64.b64encode(sha256(blob).digest()).decode().rstrip("=")
