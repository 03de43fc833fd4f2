"""The types of items, and the fields that each has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Kind(StrEnum):
    """How a field's value is typed and shown."""

    TEXT = "text"
    HIDDEN = "hidden"
    LINK = "link"
    DATE = "date"
    MULTILINE = "multiline"
    JSON = "json"
    """What a program has written that is no text: a number, a list, an object."""
    OTP = "otp"
    """The seed of an authenticator, or its ``otpauth://`` link; shown as the code of now."""
    REFERENCE = "reference"
    """The name of an environment variable of the server; shown as what that holds."""


class ItemType(StrEnum):
    """What sort of credential an item is."""

    LOGIN = "login"
    API_KEY = "api-key"
    DATABASE = "database"
    SSH_KEY = "ssh-key"
    CERTIFICATE = "certificate"
    NOTE = "note"
    AUTHENTICATOR = "authenticator"
    SECRET = "secret"  # noqa: S105 - a type of item, not a secret
    """What programs keep: fields by whatever names they like."""

    @property
    def label(self) -> str:
        """What pages call the type."""
        return _LABELS[self]

    @property
    def icon(self) -> str:
        """The drawing's name among the icons."""
        return _ICONS[self]

    @property
    def has_account(self) -> bool:
        """Whether forms ask for a user name and addresses."""
        return self in _WITH_ACCOUNT


_LABELS: Mapping[ItemType, str] = MappingProxyType(
    {
        ItemType.LOGIN: "Login",
        ItemType.API_KEY: "API key",
        ItemType.DATABASE: "Database",
        ItemType.SSH_KEY: "SSH key",
        ItemType.CERTIFICATE: "Certificate",
        ItemType.NOTE: "Secure note",
        ItemType.AUTHENTICATOR: "Authenticator",
        ItemType.SECRET: "Key-value secret",
    }
)
_ICONS: Mapping[ItemType, str] = MappingProxyType(
    {
        ItemType.LOGIN: "key",
        ItemType.API_KEY: "api-key",
        ItemType.DATABASE: "database",
        ItemType.SSH_KEY: "ssh-key",
        ItemType.CERTIFICATE: "certificate",
        ItemType.NOTE: "secure-note",
        ItemType.AUTHENTICATOR: "authenticator",
        ItemType.SECRET: "list-check",
    }
)
_WITH_ACCOUNT = frozenset({ItemType.LOGIN, ItemType.API_KEY, ItemType.DATABASE, ItemType.SSH_KEY})


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """A field that every item of a type has."""

    name: str
    kind: Kind


_NOTES = FieldSpec("Notes", Kind.MULTILINE)
_TOTP = FieldSpec("TOTP", Kind.OTP)
_PASSWORD = FieldSpec("Password", Kind.HIDDEN)
_PASSPHRASE = FieldSpec("Passphrase", Kind.HIDDEN)
_PRIVATE_KEY = FieldSpec("Private key", Kind.MULTILINE)

TYPE_FIELDS: Mapping[ItemType, tuple[FieldSpec, ...]] = MappingProxyType(
    {
        ItemType.LOGIN: (_PASSWORD, _TOTP, _NOTES),
        ItemType.API_KEY: (FieldSpec("API key", Kind.HIDDEN), _NOTES),
        ItemType.DATABASE: (
            FieldSpec("Host", Kind.TEXT),
            FieldSpec("Port", Kind.TEXT),
            FieldSpec("Database", Kind.TEXT),
            _PASSWORD,
            _NOTES,
        ),
        ItemType.SSH_KEY: (
            _PRIVATE_KEY,
            _PASSPHRASE,
            FieldSpec("Public key", Kind.MULTILINE),
            _NOTES,
        ),
        ItemType.CERTIFICATE: (
            FieldSpec("Certificate", Kind.MULTILINE),
            _PRIVATE_KEY,
            FieldSpec("Chain", Kind.MULTILINE),
            _PASSPHRASE,
            _NOTES,
        ),
        ItemType.NOTE: (_NOTES,),
        ItemType.AUTHENTICATOR: (_TOTP, _NOTES),
        ItemType.SECRET: (),
    }
)

MAIN_SECRETS: Mapping[ItemType, str] = MappingProxyType(
    {
        ItemType.LOGIN: "Password",
        ItemType.API_KEY: "API key",
        ItemType.DATABASE: "Password",
        ItemType.SSH_KEY: "Passphrase",
        ItemType.CERTIFICATE: "Passphrase",
    }
)
"""The field whose strength stands in the overview."""
