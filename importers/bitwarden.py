"""What Bitwarden and Vaultwarden export as JSON, in the clear or under a password, and as CSV.

The shape is the one of bitwarden.com/help/condition-bitwarden-import; the encrypted one's is that of
``crypto/bitwarden.py``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from crypto.bitwarden import Locked, ProtectedExport, open_export
from importers.entry import Entry, EntryField, EntryKind, EntryType, Reading
from importers.limits import Refused, read_json, take_entries
from importers.source import Asks, Format, Source
from importers.values import filled, folders_of, kind_for, object_of, rows_of, text_of, unique, whole

_LOGIN, _SSH_KEY = 1, 5
"""Types with fields of ours; notes (2), cards (3) and identities (4) become notes."""
_FIELD_KINDS = MappingProxyType({0: EntryKind.TEXT, 1: EntryKind.HIDDEN, 2: EntryKind.TEXT})
"""Text, hidden, yes or no. A linked field (3) only points at the user name or the password."""
_LINKED = 3
_HIDDEN_PARTS = frozenset({"number", "code", "ssn", "passportNumber", "licenseNumber"})
"""What of cards and identities is shown only when asked for."""
_WHAT = "an export of Bitwarden"


def _read_plain(source: Source) -> Reading:
    return _reading(read_json(source.data))


def _read_protected(source: Source) -> Reading:
    outer = whole(read_json(source.data), _WHAT)
    if not outer.get("passwordProtected"):
        raise Refused(
            "This export opens only inside the account that made it. Export again, and choose "
            "“Password protected” or plain JSON."
        )
    try:
        inner = open_export(_protected(outer), source.passphrase)
    except Locked:
        raise Refused(
            "The password does not open this file. Type the one of the export.", "passphrase"
        ) from None
    except ValueError as error:
        raise Refused(str(error)) from None
    return _reading(read_json(inner))


def _protected(outer: dict[str, Any]) -> ProtectedExport:
    numbers = [outer.get(name) for name in ("kdfType", "kdfIterations", "kdfMemory", "kdfParallelism")]
    type_, iterations, memory, lanes = (n if isinstance(n, int) else 0 for n in numbers)
    return ProtectedExport(
        salt=text_of(outer.get("salt")),
        argon=type_ == 1,
        iterations=iterations,
        memory_mib=memory,
        lanes=lanes,
        validation=text_of(outer.get("encKeyValidation_DO_NOT_EDIT")),
        data=text_of(outer.get("data")),
    )


def _reading(value: Any) -> Reading:
    export = whole(value, _WHAT)
    if export.get("encrypted"):
        raise Refused(
            "This file is encrypted in itself once more. Export it as plain or password-protected JSON."
        )
    folders = {
        text_of(row.get("id")): folders_of(text_of(row.get("name")))
        for row in (*rows_of(export.get("folders")), *rows_of(export.get("collections")))
    }
    items = rows_of(export.get("items"))
    trashed = sum(1 for item in items if item.get("deletedDate"))
    unread = (f"{trashed} in Bitwarden's trash are left there.",) if trashed else ()
    return Reading(take_entries(_entries(items, folders)), unread=unread)


def _entries(items: list[dict[str, Any]], folders: Mapping[str, tuple[str, ...]]) -> Iterator[Entry]:
    for number, item in enumerate(items, start=1):
        if not item.get("deletedDate"):
            yield _entry(item, folders, f"item {number}")


def _entry(item: dict[str, Any], folders: Mapping[str, tuple[str, ...]], place: str) -> Entry:
    collections = item.get("collectionIds")
    homes = [
        text_of(item.get("folderId")),
        *map(text_of, collections if isinstance(collections, list) else []),
    ]
    found = [folders[home] for home in homes if home in folders]
    common = {
        "name": text_of(item.get("name")),
        "folder": found[0] if found else (),
        "tags": unique("/".join(path).replace(",", " ") for path in found[1:]),
        "notes": text_of(item.get("notes")),
        "place": place,
    }
    custom = tuple(_custom(row) for row in rows_of(item.get("fields")) if row.get("type") != _LINKED)
    type_ = item.get("type")
    make = _MAKERS.get(type_, _other) if isinstance(type_, int) else _other
    return make(item, common, custom)


def _custom(row: dict[str, Any]) -> EntryField:
    value, type_ = text_of(row.get("value")), row.get("type")
    kind = _FIELD_KINDS.get(type_, EntryKind.HIDDEN) if isinstance(type_, int) else EntryKind.HIDDEN
    return EntryField(text_of(row.get("name")), value, kind_for(value, kind))


def _login(item: dict[str, Any], common: dict[str, Any], custom: tuple[EntryField, ...]) -> Entry:
    login = object_of(item.get("login"))
    left = []
    if rows_of(login.get("fido2Credentials")):
        left.append("Its passkey stays with Bitwarden: only the site can give you another one.")
    if rows_of(item.get("passwordHistory")):
        left.append("Its former passwords are left behind.")
    return Entry(
        **common,
        user_name=text_of(login.get("username")),
        urls=unique(text_of(row.get("uri")) for row in rows_of(login.get("uris"))),
        fields=filled(EntryField("Password", text_of(login.get("password")))),
        totp=text_of(login.get("totp")),
        custom=custom,
        unread=tuple(left),
    )


def _ssh_key(item: dict[str, Any], common: dict[str, Any], custom: tuple[EntryField, ...]) -> Entry:
    key = object_of(item.get("sshKey"))
    fingerprint = EntryField("Fingerprint", text_of(key.get("keyFingerprint")), EntryKind.TEXT)
    return Entry(
        **common,
        type=EntryType.SSH_KEY,
        fields=filled(
            EntryField("Private key", text_of(key.get("privateKey")), EntryKind.MULTILINE),
            EntryField("Public key", text_of(key.get("publicKey")), EntryKind.MULTILINE),
        ),
        custom=(*filled(fingerprint), *custom),
    )


def _other(item: dict[str, Any], common: dict[str, Any], custom: tuple[EntryField, ...]) -> Entry:
    """Notes, cards, identities and what comes later: a note with a field for each part."""
    parts = [part for name, part in item.items() if isinstance(part, dict) and name != "secureNote"]
    named = tuple(
        _part(name, text_of(value)) for part in parts for name, value in part.items() if text_of(value)
    )
    return Entry(**common, type=EntryType.NOTE, custom=(*named, *custom))


def _part(name: str, value: str) -> EntryField:
    kind = EntryKind.HIDDEN if name in _HIDDEN_PARTS else EntryKind.TEXT
    return EntryField(_words(name), value, kind_for(value, kind))


def _words(name: str) -> str:
    """Turn ``cardholderName`` into ``Cardholder name``."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return spaced[:1].upper() + spaced[1:].lower()


_Maker = Callable[[dict[str, Any], dict[str, Any], tuple[EntryField, ...]], Entry]
_MAKERS: Mapping[int, _Maker] = MappingProxyType({_LOGIN: _login, _SSH_KEY: _ssh_key})

_START = 4096
"""Bytes in which the marks of an export stand, laid out as widely as may be."""


def _is_plain(data: bytes) -> bool:
    start = data[:_START]
    return _is_object(start) and b'"items"' in data and (b'"folders"' in start or b'"collections"' in start)


def _is_protected(data: bytes) -> bool:
    start = data[:_START]
    return _is_object(start) and b'"encrypted"' in start and b'"encKeyValidation_DO_NOT_EDIT"' in start


def _is_object(start: bytes) -> bool:
    return start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{")


_HINT = "In Bitwarden: Settings → Export vault. In the web vault: Tools → Export vault."

FORMATS = (
    Format(
        "bitwarden-protected",
        "Bitwarden or Vaultwarden, JSON with a password",
        (".json",),
        _is_protected,
        _read_protected,
        passphrase=Asks.MUST,
        opens_with="Password of the export",
        hint=_HINT,
    ),
    Format(
        "bitwarden-json", "Bitwarden or Vaultwarden, JSON", (".json",), _is_plain, _read_plain, hint=_HINT
    ),
)
