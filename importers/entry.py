"""What every reader makes of a file: plain entries, held against our rules only later."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import NamedTuple


class EntryType(StrEnum):
    """What sort of credential an entry is; the values are those of items."""

    LOGIN = "login"
    API_KEY = "api-key"
    DATABASE = "database"
    SSH_KEY = "ssh-key"
    CERTIFICATE = "certificate"
    NOTE = "note"
    AUTHENTICATOR = "authenticator"
    SECRET = "secret"  # noqa: S105 - a type of credential, not a secret
    """What programs keep: fields by whatever names they like, exactly as they stand."""


class EntryKind(StrEnum):
    """How a value is typed and shown; the values are those of items' fields."""

    TEXT = "text"
    HIDDEN = "hidden"
    LINK = "link"
    DATE = "date"
    MULTILINE = "multiline"
    OTP = "otp"
    JSON = "json"
    """What is no text for programs: a number, a list, an object."""


@dataclass(frozen=True, slots=True)
class EntryField:
    """A value and its name, as the file has them."""

    name: str
    value: str = field(repr=False)
    kind: EntryKind = EntryKind.HIDDEN


@dataclass(frozen=True, slots=True, repr=False)
class Entry:
    """One credential of a foreign file, values byte for byte.

    Names may be too long, taken or odd: whoever stores entries mends what can be mended and says so.

    Args:
        name: without its folder; may be empty.
        folder: names of folders, the outermost first.
        fields: values of the fields that items of *type* have, by their names there, such as ``Password``;
            TOTP and notes stand apart, because every type can be given them.
        totp: a base32 seed or an ``otpauth://`` link.
        custom: what people added themselves, and what no field of ours fits, in the file's order.
        unread: sentences about what of this entry is left behind, such as an attachment.
        place: where in the file it stands, for people: ``line 7``.
        exact: this program wrote it, under its own rules: nothing is shortened or split to make room.
    """

    name: str
    folder: tuple[str, ...] = ()
    type: EntryType = EntryType.LOGIN
    user_name: str = ""
    urls: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    expires_on: date | None = None
    fields: tuple[EntryField, ...] = ()
    totp: str = ""
    notes: str = ""
    custom: tuple[EntryField, ...] = ()
    unread: tuple[str, ...] = ()
    place: str = ""
    exact: bool = False


class Mapped(NamedTuple):
    """What becomes of one column of a file.

    Args:
        becomes: in words, for people.
        choice: its name for programs, where people may choose another; empty: they may not.
    """

    heading: str
    becomes: str
    choice: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Reading:
    """All that one file gave.

    Args:
        mapping: of files with columns, each column in its order; empty: there are none.
        unread: sentences about what of the whole file is left behind, never with a value in them.
    """

    entries: tuple[Entry, ...]
    mapping: tuple[Mapped, ...] = ()
    unread: tuple[str, ...] = ()
