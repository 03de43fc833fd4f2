"""What each part of an item may be. Every refusal is a sentence that says what to do."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import date

from crypto.otp import parse_otp
from errors import Invalid
from services import strict_json
from services.item_types import Kind
from services.rules import APPROVAL_MINUTES

NAME_MAX = 200
USER_NAME_MAX = 500
URLS_MAX = 20
URL_MAX = 2000
TAGS_MAX = 30
TAG_MAX = 60
CUSTOM_FIELDS_MAX = 50
FIELD_NAME_MAX = 60
KEYS_MAX = 200
KEY_MAX = 255
"""Fields of what programs keep, and characters of each one's name."""
VALUE_MAX = 64 * 1024
"""Bytes of UTF-8."""

REFERENCE_PREFIX = "VAULT_REF_"
"""What the name of a variable begins with that a reference may read."""

_REFERENCE = re.compile(REFERENCE_PREFIX + "[A-Z0-9_]{1,100}")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
"""NUL ends a text in many programs, and a lone surrogate has no bytes in UTF-8."""
_NOT_IN_A_LINE = frozenset({"Cc", "Cs", "Zl", "Zp"})
_SCRIPT_URL = re.compile(r"\s*(?:javascript|data|vbscript)\s*:", re.IGNORECASE)


def check_name(name: str) -> str:
    """Return an item's name in NFC; a ``/`` in it makes folders.

    Raises:
        Invalid: too long, or a segment that no path may have.
    """
    name = unicodedata.normalize("NFC", name)
    if not name.strip():
        raise Invalid("Enter a name.", "name")
    if len(name) > NAME_MAX:
        raise Invalid(f"Use at most {NAME_MAX} characters for the name.", "name")
    check_line(name, "The name", "name")
    for segment in name.split("/"):
        if not segment:
            raise Invalid("Write something before and after each slash of the name.", "name")
        if segment != segment.strip():
            raise Invalid("Remove the spaces at the ends of the name and around its slashes.", "name")
        if segment in {".", ".."}:
            raise Invalid("A part of the name cannot be “.” or “..”; write a word instead.", "name")
    return name


def check_user_name(user_name: str) -> str:
    """Return the user name as it is, if it can be kept."""
    check_storable(user_name, "The user name", "user_name")
    if len(user_name) > USER_NAME_MAX:
        raise Invalid(f"Use at most {USER_NAME_MAX} characters for the user name.", "user_name")
    return user_name


def check_urls(urls: Iterable[str]) -> tuple[str, ...]:
    """Return the addresses without blanks around them, empty ones and repetitions left out."""
    kept = tuple(dict.fromkeys(filter(None, (url.strip() for url in urls))))
    if len(kept) > URLS_MAX:
        raise Invalid(f"Keep at most {URLS_MAX} URLs.", "urls")
    for url in kept:
        if len(url) > URL_MAX:
            raise Invalid(f"Use at most {URL_MAX} characters for each URL.", "urls")
        check_line(url, "A URL", "urls")
        if _SCRIPT_URL.match(url):
            raise Invalid("A URL must be an address, not a script; begin it with https://.", "urls")
    return kept


def check_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Return the tags without blanks around them; of two that differ in case only, the first stays."""
    kept: dict[str, str] = {}
    for tag in (unicodedata.normalize("NFC", tag.strip()) for tag in tags):
        if len(tag) > TAG_MAX:
            raise Invalid(f"Use at most {TAG_MAX} characters for each tag.", "tags")
        check_line(tag, "A tag", "tags")
        if "," in tag:
            raise Invalid("A tag cannot hold a comma; write two tags.", "tags")
        if tag:
            kept.setdefault(tag.casefold(), tag)
    if len(kept) > TAGS_MAX:
        raise Invalid(f"Keep at most {TAGS_MAX} tags.", "tags")
    return tuple(kept.values())


def check_field_name(name: str, longest: int = FIELD_NAME_MAX) -> str:
    """Return the name of a custom field in NFC, without blanks around it."""
    name = unicodedata.normalize("NFC", name).strip()
    if not name:
        raise Invalid("Give each of your own fields a name.", "fields")
    if len(name) > longest:
        raise Invalid(f"Use at most {longest} characters for the name of a field.", "fields")
    check_line(name, "The name of a field", "fields")
    return name


def check_value(name: str, kind: Kind, value: str) -> None:
    """Refuse a value that cannot be kept byte for byte, or that its kind cannot use.

    Raises:
        Invalid: never shows the value; belongs to the form field *name*.
    """
    check_storable(value, name, name)
    if len(value.encode()) > VALUE_MAX:
        raise Invalid(f"{name} is too long: at most {VALUE_MAX // 1024} KiB can be kept.", name)
    if not value:
        return
    if kind is Kind.OTP:
        try:
            parse_otp(value)
        except ValueError as error:
            raise Invalid(str(error), name) from None
    if kind is Kind.JSON:
        check_json(name, value)
    if kind is Kind.REFERENCE and _REFERENCE.fullmatch(value) is None:
        raise Invalid(f"{name} must be the name of a variable that begins with {REFERENCE_PREFIX}.", name)
    if kind is Kind.DATE and not _is_date(value):
        raise Invalid(f"Write {name} as a date: year-month-day, for example 2027-03-31.", name)


def check_json(name: str, value: str) -> None:
    """Refuse what is no JSON, or says something in a way that programs read differently."""
    try:
        strict_json.parse(value.encode())
    except Invalid:
        raise Invalid(
            f"Write {name} as JSON: a number, true, false, null, a list or an object.", name
        ) from None


def check_approval(minutes: int | None) -> None:
    """Refuse a time for which no approval counts."""
    if minutes is not None and minutes not in APPROVAL_MINUTES:
        raise Invalid("Choose one from the list.", "approval_minutes")


def _is_date(value: str) -> bool:
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def check_storable(text: str, what: str, field: str) -> None:
    """Refuse what no database and no page can give back as it was."""
    if _UNSTORABLE.search(text):
        raise Invalid(f"{what} holds a character that cannot be kept; type it anew.", field)


def check_line(text: str, what: str, field: str) -> None:
    """Refuse what does not fit into one visible line."""
    if not text.isprintable() and any(unicodedata.category(c) in _NOT_IN_A_LINE for c in text):
        raise Invalid(f"{what} must be one line without control characters.", field)
