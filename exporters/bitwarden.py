"""The JSON that Bitwarden and Vaultwarden export and import, of a personal vault, in the clear.

The shape is the one of bitwarden.com/help/condition-bitwarden-import. Bitwarden knows logins, notes and SSH
keys; what fits none of their own fields becomes a custom field, so that nothing is lost.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from crypto.fingerprints import ssh_fingerprint
from crypto.passphrase import PassphraseHasher
from exporters.record import SHOWN, Bundle, Credential, Value

_LOGIN, _NOTE, _SSH_KEY = 1, 2, 5
_TEXT, _HIDDEN = 0, 1

Parts = tuple[dict[str, Any], tuple[str, ...]]
"""The members of an item that its type has, and the names of the fields that are in them."""


def write(bundle: Bundle, _passphrase: str, _hasher: PassphraseHasher) -> bytes:
    """Return the JSON."""
    names = sorted({folder for one in bundle.credentials if (folder := bundle.folder_of(one))})
    folders = {name: str(uuid5(NAMESPACE_URL, f"{bundle.organization}/{name}")) for name in names}
    export = {
        "encrypted": False,
        "folders": [{"id": id_, "name": name} for name, id_ in folders.items()],
        "items": [_item(one, folders.get(bundle.folder_of(one))) for one in bundle.credentials],
    }
    return json.dumps(export, ensure_ascii=False, indent=2).encode()


def _item(one: Credential, folder_id: str | None) -> dict[str, Any]:
    parts, known = _MAKERS.get(one.type, _note)(one)
    return {
        "passwordHistory": None,
        "revisionDate": _moment(one.changed_at),
        "creationDate": _moment(one.created_at),
        "deletedDate": None,
        "id": str(one.id),
        "organizationId": None,
        "folderId": folder_id,
        "reprompt": 0,
        "name": one.leaf,
        "notes": one.of_type("Notes") or None,
        "favorite": False,
        "fields": [_field(*row) for row in _rows(one, (*known, "Notes"), is_login="login" in parts)],
        **parts,
        "collectionIds": None,
    }


def _login(one: Credential, secret: str = "Password") -> Parts:  # noqa: S107 - the name of a field
    login = {
        "fido2Credentials": [],
        "uris": [{"match": None, "uri": url} for url in one.urls],
        "username": one.user_name or None,
        "password": one.of_type(secret) or None,
        "totp": one.of_type("TOTP") or None,
    }
    return {"type": _LOGIN, "login": login}, (secret, "TOTP")


def _api_key(one: Credential) -> Parts:
    return _login(one, "API key")


def _note(_one: Credential) -> Parts:
    return {"type": _NOTE, "secureNote": {"type": 0}}, ()


def _ssh_key(one: Credential) -> Parts:
    """Bitwarden's programs show no SSH key that lacks one of the three parts."""
    key = {
        "privateKey": one.of_type("Private key"),
        "publicKey": one.of_type("Public key"),
        "keyFingerprint": ssh_fingerprint(one.of_type("Public key")),
    }
    if not all(key.values()):
        return _note(one)
    return {"type": _SSH_KEY, "sshKey": key}, ("Private key", "Public key")


_MAKERS: Mapping[str, Callable[[Credential], Parts]] = MappingProxyType(
    {
        "login": _login,
        "api-key": _api_key,
        "database": _login,
        "authenticator": _login,
        "ssh-key": _ssh_key,
    }
)


def _rows(one: Credential, known: tuple[str, ...], *, is_login: bool) -> Iterable[tuple[str, str, int]]:
    """Yield name, value and type of what Bitwarden has no place for."""
    if not is_login:
        yield from [("User name", one.user_name, _TEXT)] if one.user_name else []
        yield from [("URL", url, _TEXT) for url in one.urls]
    for value in one.others(*known):
        yield value.name, value.value, _kind_of(value)
    if one.tags:
        yield "Tags", ", ".join(one.tags), _TEXT
    if one.expires_on:
        yield "Expires", one.expires_on.isoformat(), _TEXT


def _kind_of(value: Value) -> int:
    return _TEXT if value.kind in SHOWN else _HIDDEN


def _field(name: str, value: str, kind: int) -> dict[str, Any]:
    return {"name": name, "value": value, "type": kind, "linkedId": None}


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"
