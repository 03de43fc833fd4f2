"""The encrypted file: everything there is, for this program to read again and for its stand-alone opener.

Inside, packed with gzip, stand lines of JSON in UTF-8. The first says what the file is::

    {"export": "chatelaine", "version": 1, "organization": …, "made_at": …, "made_by": …,
     "vaults": how many, "credentials": how many, "left_out": {why: how many}}

and each further one is a credential::

    {"vault", "name", "type", "user_name", "urls", "tags", "expires", "created_at", "changed_at",
     "fields": [{"name", "kind", "value", "custom"}],
     "files": [{"name", "type", "content": in base64}],
     "versions": the earlier ones, newest first: the same without "vault", "files" and "versions"}

The file around it is that of `crypto/sealed_file.py`, for the purpose ``export``.
"""

from __future__ import annotations

import base64
import gzip
import io
import json
from itertools import chain
from typing import Any

from crypto.passphrase import PassphraseHasher
from crypto.sealed_file import seal_bytes
from exporters.record import Bundle, Credential

PURPOSE = "export"
VERSION = 1


def write(bundle: Bundle, passphrase: str, hasher: PassphraseHasher) -> bytes:
    """Return the sealed file."""
    packed = io.BytesIO()
    # The time would tell nothing that the first line does not.
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as file:
        for line in chain([_head(bundle)], map(_line, bundle.credentials)):
            text = json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n"
            file.write(text.encode())
    return seal_bytes(packed.getvalue(), passphrase, purpose=PURPOSE, hasher=hasher)


def _head(bundle: Bundle) -> dict[str, Any]:
    return {
        "export": "chatelaine",
        "version": VERSION,
        "organization": bundle.organization,
        "made_at": bundle.made_at.isoformat(),
        "made_by": bundle.made_by,
        "vaults": len({one.vault for one in bundle.credentials}),
        "credentials": len(bundle.credentials),
        "left_out": dict(bundle.left_out),
    }


def _line(one: Credential) -> dict[str, Any]:
    return {
        "vault": one.vault,
        **_version(one),
        "files": [
            {"name": each.name, "type": each.media_type, "content": base64.b64encode(each.content).decode()}
            for each in one.files
        ],
        "versions": [_version(each) for each in one.history],
    }


def _version(one: Credential) -> dict[str, Any]:
    return {
        "name": one.name,
        "type": one.type,
        "user_name": one.user_name,
        "urls": one.urls,
        "tags": one.tags,
        "expires": one.expires_on.isoformat() if one.expires_on else None,
        "created_at": one.created_at.isoformat(),
        "changed_at": one.changed_at.isoformat(),
        "fields": [
            {"name": each.name, "kind": each.kind, "value": each.value, "custom": each.custom}
            for each in one.values
        ],
    }
