"""The encrypted file that this program exports (`exporters/sealed_json.py`): everything comes in as it was.

Who made the file chose what its passphrase costs, so that is held against a limit before it is spent.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from datetime import date
from typing import Any

from crypto import sealed_file
from crypto.envelope import DecryptionError
from crypto.passphrase import PassphraseHasher
from importers.entry import Entry, EntryField, EntryKind, EntryType, Reading
from importers.limits import UNPACKED_MAX, Refused, check_unpacked, read_json, take_entries
from importers.source import Asks, Format, Source
from importers.values import folders_of, object_of, rows_of, text_of

PURPOSE = "export"
VERSION = 1
WORK_MAX = 4 * sealed_file.COST.memory_kib * sealed_file.COST.passes
"""KiB times passes of Argon2id: four times what our own files cost, some 0.6 s of one core."""

_HASHER = PassphraseHasher()
"""One for all imports, so that few of them take so much memory at once."""
_GZIP = 31
_REFERENCE = "reference"
_KINDS = {kind.value: kind for kind in EntryKind}
_TYPES = {type_.value: type_ for type_ in EntryType}
_DAMAGED = "The file is damaged or incomplete. Copy it again, or export it anew."
_LOCKED = (
    "The passphrase does not open this file. Type the one of the export. A backup is restored, not imported."
)


def _read(source: Source) -> Reading:
    text = _unpacked(_opened(source))
    first, *lines = text.rstrip(b"\n").split(b"\n")
    head = object_of(read_json(first))
    if head.get("export") != "chatelaine":
        raise Refused(_DAMAGED)
    if head.get("version") != VERSION:
        raise Refused("A newer version of Chatelaine has written this file. Update this installation first.")
    many = head.get("vaults") != 1
    return Reading(take_entries(_entries(lines, many=many)), unread=tuple(_left_out(head)))


def _opened(source: Source) -> bytes:
    try:
        cost = sealed_file.cost_of(source.data[: sealed_file.HEADER_LEN])
        if cost.memory_kib * cost.passes > WORK_MAX:
            raise Refused("The file asks for more computing than an import takes. Export it anew.")
        return sealed_file.open_bytes(source.data, source.passphrase, purpose=PURPOSE, hasher=_HASHER)
    except DecryptionError:
        raise Refused(_LOCKED, "passphrase") from None


def _unpacked(packed: bytes) -> bytes:
    unpacker = zlib.decompressobj(_GZIP)
    try:
        text = unpacker.decompress(packed, UNPACKED_MAX + 1)
    except zlib.error:
        raise Refused(_DAMAGED) from None
    check_unpacked(len(text))
    if not unpacker.eof:
        raise Refused(_DAMAGED)
    return text


def _left_out(head: dict[str, Any]) -> Iterator[str]:
    number = sum(count for count in object_of(head.get("left_out")).values() if isinstance(count, int))
    if number:
        yield f"Whoever exported it could not take everything along: {number} left out then."


def _entries(lines: list[bytes], *, many: bool) -> Iterator[Entry]:
    for number, line in enumerate(lines, start=1):
        yield _entry(object_of(read_json(line)), f"credential {number}", many=many)


def _entry(row: dict[str, Any], place: str, *, many: bool) -> Entry:
    *folders, name = folders_of(text_of(row.get("name"))) or ("",)
    vault = (text_of(row.get("vault")) or "Shared with you",) if many else ()
    fields = rows_of(row.get("fields"))
    own = [field for field in fields if field.get("custom")]
    of_type = {text_of(field.get("name")): field for field in fields if not field.get("custom")}
    notes, totp = (text_of(of_type.pop(part, {}).get("value")) for part in ("Notes", "TOTP"))
    return Entry(
        name=name,
        folder=(*vault, *folders),
        type=_TYPES.get(text_of(row.get("type")), EntryType.NOTE),
        user_name=text_of(row.get("user_name")),
        urls=_texts(row.get("urls")),
        tags=_texts(row.get("tags")),
        expires_on=_day(text_of(row.get("expires"))),
        fields=tuple(_field(field) for field in of_type.values()),
        totp=totp,
        notes=notes,
        custom=tuple(_field(field) for field in own),
        unread=(*_references(fields), *_left_behind(row)),
        place=place,
        # A vault's name in front may be more than a name takes.
        exact=not many,
    )


def _field(field: dict[str, Any]) -> EntryField:
    kind = text_of(field.get("kind"))
    fallback = EntryKind.TEXT if kind == _REFERENCE else EntryKind.HIDDEN
    return EntryField(text_of(field.get("name")), text_of(field.get("value")), _KINDS.get(kind, fallback))


def _references(fields: list[dict[str, Any]]) -> Iterator[str]:
    if any(field.get("kind") == _REFERENCE for field in fields):
        yield "It referred to a variable of the server; the variable's name is kept as text."


def _left_behind(row: dict[str, Any]) -> Iterator[str]:
    for what, words in (("files", "Files"), ("versions", "Former versions")):
        if count := len(rows_of(row.get(what))):
            yield f"{words} are left behind: {count}."


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(text_of(one) for one in value) if isinstance(value, list) else ()


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


FORMATS = (
    Format(
        "chatelaine",
        "Encrypted file of Chatelaine",
        (".chatelaine",),
        lambda data: data.startswith(sealed_file.MAGIC),
        _read,
        passphrase=Asks.MUST,
        opens_with="Passphrase of the export",
        hint="In Chatelaine: Vaults → Export → Encrypted file.",
    ),
)
