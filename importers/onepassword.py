"""What 1Password exports as 1PUX: a ZIP archive with one JSON text in it.

Source: support.1password.com/1pux-format.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from importers.entry import Entry, EntryField, EntryKind, EntryType, Reading
from importers.limits import read_json, take_entries
from importers.onepassword_values import Value, value_of
from importers.source import Format, Source
from importers.values import filled, kind_for, object_of, rows_of, text_of, unique, whole
from importers.zip_archive import read_member

_TEXT = "export.data"
_TYPES: Mapping[str, EntryType] = MappingProxyType(
    {
        **dict.fromkeys(("001", "005", "109", "110", "111"), EntryType.LOGIN),
        "102": EntryType.DATABASE,
        "112": EntryType.API_KEY,
        "114": EntryType.SSH_KEY,
    }
)
"""Categories: login, password, router, server, mail; the others, cards and papers, become notes."""
_PLACES: Mapping[EntryType, Mapping[str, str]] = MappingProxyType(
    {
        EntryType.LOGIN: {
            "password": "Password",
            "pop_password": "Password",
            "wireless_password": "Password",
        },
        EntryType.DATABASE: {
            "hostname": "Host",
            "port": "Port",
            "database": "Database",
            "password": "Password",
        },
        EntryType.API_KEY: {"credential": "API key"},
        EntryType.SSH_KEY: {"private_key": "Private key", "password": "Passphrase"},
        EntryType.NOTE: {},
    }
)
"""Which of 1Password's own fields, by their ids, are fields of our types."""
_USER_NAMES = frozenset({"username", "pop_username"})
_URLS = frozenset({"url", "URL", "website"})
_EXPIRES = frozenset({"expires"})


@dataclass(slots=True)
class _Draft:
    """An item while it is read: each value goes to the first place that is free, and else stays a field."""

    type: EntryType
    user_name: str = ""
    urls: list[str] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict, repr=False)
    totp: str = ""
    expires: str = ""
    custom: list[EntryField] = field(default_factory=list, repr=False)
    unread: list[str] = field(default_factory=list)

    def take(self, identifier: str, title: str, value: Value) -> None:
        """Find the place of one value."""
        place = _PLACES[self.type].get(identifier)
        if value.left_behind:
            self.unread.append(value.left_behind)
        elif not value.text:
            return
        elif value.kind is EntryKind.OTP and not self.totp:
            self.totp = value.text
        elif identifier in _USER_NAMES and not self.user_name:
            self.user_name = value.text
        elif identifier in _URLS and self.type is not EntryType.NOTE:
            self.urls.append(value.text)
        elif place and place not in self.fields:
            self.fields[place] = value.text
            self.fields |= value.more
        else:
            self.custom.append(EntryField(title or identifier, value.text, kind_for(value.text, value.kind)))


def _read(source: Source) -> Reading:
    export = whole(read_json(read_member(source.data, _TEXT)), "an export of 1Password")
    return Reading(take_entries(_entries(export)))


def _entries(export: dict[str, Any]) -> Iterator[Entry]:
    accounts = rows_of(export.get("accounts"))
    number = 0
    for account in accounts:
        for vault in rows_of(account.get("vaults")):
            name = text_of(object_of(vault.get("attrs")).get("name"))
            for row in rows_of(vault.get("items")):
                number += 1
                # Older exports wrap each item once more.
                yield _entry(object_of(row.get("item")) or row, name, f"item {number}")


def _entry(item: dict[str, Any], vault: str, place: str) -> Entry:
    overview, details = object_of(item.get("overview")), object_of(item.get("details"))
    draft = _Draft(_TYPES.get(text_of(item.get("categoryUuid")), EntryType.NOTE))
    _take_login(draft, details)
    for section in rows_of(details.get("sections")):
        for row in rows_of(section.get("fields")):
            draft.take(text_of(row.get("id")), text_of(row.get("title")), value_of(row.get("value")))
    if object_of(details.get("documentAttributes")):
        draft.unread.append("Its document is left behind.")
    if rows_of(details.get("passwordHistory")):
        draft.unread.append("Its former passwords are left behind.")
    tags = [text_of(tag) for tag in overview.get("tags") or () if isinstance(overview.get("tags"), list)]
    if item.get("state") == "archived" or item.get("trashed") is True:
        tags.append("archived")
    addresses = (text_of(row.get("url")) for row in rows_of(overview.get("urls")))
    return Entry(
        name=text_of(overview.get("title")),
        folder=(vault,) if vault else (),
        type=draft.type,
        user_name=draft.user_name,
        urls=unique([text_of(overview.get("url")), *addresses, *draft.urls]),
        tags=unique(tags),
        fields=filled(*(EntryField(name, text, _kind(name, text)) for name, text in draft.fields.items())),
        totp=draft.totp,
        notes=text_of(details.get("notesPlain")),
        custom=tuple(draft.custom),
        unread=tuple(draft.unread),
        place=place,
    )


def _kind(name: str, text: str) -> EntryKind:
    return kind_for(text, EntryKind.TEXT if name in {"Host", "Port", "Database"} else EntryKind.HIDDEN)


def _take_login(draft: _Draft, details: dict[str, Any]) -> None:
    """Take what stands outside of the sections: user name, password, and what a page asked for besides."""
    password = text_of(details.get("password"))
    draft.take("password", "password", Value(password))
    for row in rows_of(details.get("loginFields")):
        designation = text_of(row.get("designation"))
        hidden = designation == "password" or row.get("fieldType") == "P"
        value = Value(text_of(row.get("value")), EntryKind.HIDDEN if hidden else EntryKind.TEXT)
        if row.get("fieldType") not in {"B", "I", "S"} or designation:
            # Buttons of the page and what was chosen there are none of one's values.
            draft.take(designation, text_of(row.get("name")) or "field", value)


def _recognises(data: bytes) -> bool:
    return data.startswith(b"PK\x03\x04") and (b"export.attributes" in data or _TEXT.encode() in data)


FORMATS = (
    Format(
        "1password-1pux",
        "1Password, 1PUX",
        (".1pux",),
        _recognises,
        _read,
        hint="In 1Password: File → Export, and choose 1PUX. Attachments are left behind.",
    ),
)
