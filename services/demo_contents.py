"""What stands in the demo's credentials: made up anew each time, and good for nothing."""

from __future__ import annotations

import base64
from datetime import date, timedelta
from random import Random
from textwrap import wrap

from services import generator
from services.contents import Contents, Field, ItemType, Kind
from services.demo_data import PHRASE, STRONG, CredentialSpec
from services.item_types import MAIN_SECRETS, TYPE_FIELDS

_PEM_BYTES = {"OPENSSH PRIVATE KEY": 300, "PRIVATE KEY": 138, "CERTIFICATE": 560}


def contents_of(spec: CredentialSpec, rng: Random, today: date) -> Contents:
    """Return the credential as it is first typed in."""
    values = _values(spec, rng) | ({"Notes": spec.notes} if spec.notes else {})
    kinds = {field.name: field.kind for field in TYPE_FIELDS[spec.type]}
    return Contents(
        name=spec.name,
        type=spec.type,
        user_name=spec.user_name,
        urls=(spec.url,) if spec.url else (),
        tags=tuple(spec.tags.split()),
        expires_on=None if spec.expires is None else today + timedelta(days=spec.expires),
        fields=tuple(
            Field(name, kinds.get(name, Kind.HIDDEN), value, custom=name not in kinds)
            for name, value in values.items()
        ),
    )


def renewed_field(type_: ItemType, rng: Random) -> Field:
    """Return a new value for what is renewed in a credential of this type."""
    if type_ is ItemType.CERTIFICATE:
        return Field("Certificate", Kind.MULTILINE, _pem("CERTIFICATE", rng))
    name = MAIN_SECRETS[type_]
    return Field(name, Kind.HIDDEN, _key() if type_ is ItemType.API_KEY else generator.password(24))


def _values(spec: CredentialSpec, rng: Random) -> dict[str, str]:
    host, _, port = spec.url.partition(":")
    match spec.type:
        case ItemType.LOGIN:
            return {"Password": _secret(spec)} | ({"TOTP": _seed(rng)} if spec.otp else {})
        case ItemType.API_KEY:
            return {"API key": _key()}
        case ItemType.DATABASE:
            name = spec.name.rpartition("/")[2].partition(" ")[0]
            return {"Host": host, "Port": port, "Database": name, "Password": _secret(spec)}
        case ItemType.SSH_KEY:
            public = base64.b64encode(rng.randbytes(51)).decode()
            return {
                "Private key": _pem("OPENSSH PRIVATE KEY", rng),
                "Passphrase": generator.phrase(5),
                "Public key": f"ssh-ed25519 {public} {spec.user_name}@{host}",
            }
        case ItemType.CERTIFICATE:
            return {"Certificate": _pem("CERTIFICATE", rng), "Private key": _pem("PRIVATE KEY", rng)}
        case ItemType.SECRET:
            return {"SESSION_SECRET": _key(), "MAIL_PASSWORD": _secret(spec), "LOG_LEVEL": "info"}
        case ItemType.NOTE:
            return {}
        case ItemType.AUTHENTICATOR:
            return {"TOTP": _seed(rng)}


def _secret(spec: CredentialSpec) -> str:
    if spec.secret == STRONG:
        return generator.password(24)
    return generator.phrase(6) if spec.secret == PHRASE else spec.secret


def _key() -> str:
    return generator.password(40, symbols=False)


def _seed(rng: Random) -> str:
    return base64.b32encode(rng.randbytes(20)).decode()


def _pem(label: str, rng: Random) -> str:
    body = base64.b64encode(rng.randbytes(_PEM_BYTES[label])).decode()
    return "\n".join((f"-----BEGIN {label}-----", *wrap(body, 64), f"-----END {label}-----"))
