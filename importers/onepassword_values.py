"""The values in sections of 1Password's items: each is an object whose one key names its kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from importers.entry import EntryKind
from importers.values import object_of, text_of


@dataclass(frozen=True, slots=True)
class Value:
    """What one field holds.

    Args:
        more: further fields of our types that came with it.
        left_behind: a sentence, where it cannot be taken along.
    """

    text: str = field(default="", repr=False)
    kind: EntryKind = EntryKind.HIDDEN
    more: Mapping[str, str] = field(default_factory=dict, repr=False)
    left_behind: str = ""


def value_of(value: Any) -> Value:
    """Read one value; of a kind that is not known, what can be read of it, hidden."""
    for kind, content in object_of(value).items():
        if content is None or content == "":
            continue
        return _READERS.get(kind, _unknown)(content)
    return Value()


def _as(kind: EntryKind) -> Callable[[Any], Value]:
    return lambda content: Value(_flat(content), kind)


def _unknown(content: Any) -> Value:
    return Value(_flat(content))


def _flat(content: Any) -> str:
    """Write an object as its values, in their order."""
    if isinstance(content, dict):
        return ", ".join(filter(None, map(text_of, content.values())))
    return text_of(content)


def _day(content: Any) -> Value:
    try:
        day = datetime.fromtimestamp(float(content), UTC).date().isoformat()
    except (TypeError, ValueError, OverflowError, OSError):
        return Value(_flat(content), EntryKind.TEXT)
    return Value(day, EntryKind.DATE)


def _month(content: Any) -> Value:
    digits = text_of(content)
    return Value(f"{digits[:4]}-{digits[4:]}" if len(digits) == len("202712") else digits, EntryKind.TEXT)


def _mail(content: Any) -> Value:
    address = object_of(content).get("email_address") if isinstance(content, dict) else content
    return Value(text_of(address), EntryKind.TEXT)


def _ssh_key(content: Any) -> Value:
    key = object_of(content)
    public = text_of(object_of(key.get("metadata")).get("publicKey"))
    return Value(
        text_of(key.get("privateKey")), EntryKind.MULTILINE, {"Public key": public} if public else {}
    )


def _file(_content: Any) -> Value:
    return Value(left_behind="An attachment is left behind.")


def _reference(_content: Any) -> Value:
    return Value(left_behind="A link to another item is left behind.")


_READERS: Mapping[str, Callable[[Any], Value]] = MappingProxyType(
    {
        **dict.fromkeys(
            ("string", "phone", "menu", "gender", "creditCardType", "address"), _as(EntryKind.TEXT)
        ),
        **dict.fromkeys(("concealed", "creditCardNumber"), _as(EntryKind.HIDDEN)),
        "url": _as(EntryKind.LINK),
        "totp": _as(EntryKind.OTP),
        "email": _mail,
        "date": _day,
        "monthYear": _month,
        "sshKey": _ssh_key,
        "file": _file,
        "reference": _reference,
    }
)
