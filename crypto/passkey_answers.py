"""Where passkeys are used, and what a browser brings from one: its JSON form, taken apart.

The form is the standard's (level 3, 5.1.8). Nothing here is believed; ``crypto/passkeys.py`` checks it.
"""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

CHALLENGE_LEN = 32
CREDENTIAL_ID_MAX = 1023
"""Bytes, as the standard has it (7.1, step 25)."""
TRANSPORTS = frozenset({"usb", "nfc", "ble", "smart-card", "internal", "cable", "hybrid"})
"""How a browser can say that it reaches a device."""
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)


class Fault(StrEnum):
    """Why a passkey's answer is not accepted, as the audit log tells it."""

    MALFORMED = "malformed"
    CHALLENGE = "not what was asked, too late, or answered before"
    ORIGIN = "made for another site"
    UNVERIFIED = "the person was not verified"
    UNKNOWN = "unknown passkey"
    OWNER = "another person's passkey"
    SIGNATURE = "wrong signature"
    COUNTER = "the counter went back"
    CHANGED = "another kind of passkey than it was"
    ALTERED = "the stored key was altered"


class Refused(Exception):
    """A passkey's answer is not accepted."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.value)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Site:
    """Where passkeys are made and used.

    Args:
        host: the name that they are bound to (the standard's ``rpId``).
        origins: scheme, host and port of the pages that may use them.
    """

    host: str
    origins: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """A passkey that there is already, and how its device is reached."""

    credential_id: bytes
    transports: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, taken apart.

    Args:
        kind: ``webauthn.create`` or ``webauthn.get``.
        challenge: which question it answers.
        embedded: whether it was given inside another site's page.
        data: of a new passkey the attestation object, else the authenticator data.
        user_handle: whose the device says the passkey is; None: it does not say.
        transports: how the browser says that it reaches the device.
    """

    credential_id: bytes
    kind: str
    challenge: bytes
    origin: str
    embedded: bool
    client_data: bytes = field(repr=False)
    data: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    user_handle: bytes | None
    transports: tuple[str, ...]


def new_challenge() -> bytes:
    """Return a fresh question."""
    return os.urandom(CHALLENGE_LEN)


def read_new(sent: object) -> Answer:
    """Take apart what ``navigator.credentials.create`` gave.

    Raises:
        Refused: it has another form.
    """
    return _read(sent, "attestationObject")


def read_use(sent: object) -> Answer:
    """Take apart what ``navigator.credentials.get`` gave.

    Raises:
        Refused: it has another form.
    """
    return _read(sent, "authenticatorData", signed=True)


def _read(sent: object, data: str, *, signed: bool = False) -> Answer:
    outer = _mapping(sent)
    response = _mapping(outer.get("response"))
    credential_id = _bytes_in(outer, "rawId")
    if outer.get("type") != "public-key" or not 0 < len(credential_id) <= CREDENTIAL_ID_MAX:
        raise Refused(Fault.MALFORMED)
    client_data = _bytes_in(response, "clientDataJSON")
    said = _said_in(client_data)
    return Answer(
        credential_id=credential_id,
        kind=_text_in(said, "type"),
        challenge=_bytes_in(said, "challenge"),
        origin=_text_in(said, "origin"),
        embedded=said.get("crossOrigin", False) is not False,
        client_data=client_data,
        data=_bytes_in(response, data),
        signature=_bytes_in(response, "signature") if signed else b"",
        user_handle=_bytes_in(response, "userHandle") if response.get("userHandle") else None,
        transports=_transports_in(response),
    )


def _said_in(client_data: bytes) -> Mapping[str, Any]:
    try:
        return _mapping(json.loads(client_data))
    except (ValueError, RecursionError):
        raise Refused(Fault.MALFORMED) from None


def _transports_in(response: Mapping[str, Any]) -> tuple[str, ...]:
    named = response.get("transports")
    listed = named if isinstance(named, list) else []
    return tuple(sorted({each for each in listed if isinstance(each, str) and each in TRANSPORTS}))


def _mapping(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Refused(Fault.MALFORMED)
    return value


def _text_in(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name)
    if not isinstance(value, str):
        raise Refused(Fault.MALFORMED)
    return value


def _bytes_in(values: Mapping[str, Any], name: str) -> bytes:
    """Read base64url without padding, in which browsers write all bytes."""
    text = _text_in(values, name)
    if _BASE64URL.fullmatch(text) is None:
        raise Refused(Fault.MALFORMED)
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        raise Refused(Fault.MALFORMED) from None
