"""The XML of KeePass, which its files hold encrypted and which it also exports in the clear.

Source: keepass.info/help/kb/kdbx.html, and what KeePass 2 and KeePassXC write.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from crypto.keepass import Stream
from importers.entry import Entry, EntryField, EntryKind, Reading
from importers.keepass_totp import SEED_NAMES, totp_of
from importers.limits import ENTRIES_MAX, Refused, take_entries
from importers.markup import Path, visit
from importers.source import Format, Source
from importers.values import filled, kind_for, unique

HINT = "In KeePass: File, Export; in KeePassXC: Database, Export."
HIDDEN_MAX = 2 * 1024 * 1024
"""Bytes that are decrypted one by one: two seconds with the older stream."""

_STANDARD = frozenset({"Title", "UserName", "Password", "URL", "Notes"})
_FURTHER_URL = re.compile(r"KP2A_URL(_[0-9]+)?")
_REFERENCE = re.compile(r"\{REF:([TUPAN])@I:([0-9A-Fa-f]{32})\}")
_REFERRED = {"T": "Title", "U": "UserName", "P": "Password", "A": "URL", "N": "Notes"}
_TAGS = re.compile(r"[;,]")
_YEAR_ONE = datetime(1, 1, 1)  # noqa: DTZ001 - a date is read from it, no moment


@dataclass(slots=True)
class _Raw:
    """An entry while it is read."""

    uuid: str = ""
    folder: tuple[str, ...] = ()
    binned: bool = False
    texts: dict[str, str] = field(default_factory=dict, repr=False)
    hidden: set[str] = field(default_factory=set)
    tags: str = ""
    expires: bool = False
    expiry: str = ""
    attachments: int = 0
    versions: int = 0


def read_document(document: bytes, stream: Stream | None = None) -> Reading:
    """Read the XML.

    Args:
        stream: decrypts the values that are marked as protected, in their order.

    Raises:
        Refused: it is not this XML, or beyond the limits.
    """
    visitor = _Visitor(stream)
    visit(document, visitor)
    if not visitor.is_keepass:
        raise Refused("This XML is not of KeePass. Choose the file that was exported, and its format.")
    kept = [raw for raw in visitor.entries if not raw.binned]
    by_uuid = {raw.uuid: raw for raw in kept}
    binned = len(visitor.entries) - len(kept)
    unread = (f"{binned} in KeePass's recycle bin are left there.",) if binned else ()
    return Reading(take_entries(_finished(kept, by_uuid)), unread=unread)


def header_digest(document: bytes) -> bytes:
    """Return what an older file says the digest of its header is; nothing where it does not."""
    found = re.search(rb"<HeaderHash>([A-Za-z0-9+/=]{44})</HeaderHash>", document)
    return base64.b64decode(found[1]) if found else b""


class _Visitor:
    def __init__(self, stream: Stream | None) -> None:
        self.is_keepass = False
        self.entries: list[_Raw] = []
        self._stream = stream
        self._bin = ""
        self._groups: list[list[str]] = []
        self._open: list[_Raw] = []
        self._name = ""
        self._value = ("", False)
        self._hidden_bytes = 0

    def begin(self, path: Path) -> None:
        name, parent = path[-1], path[-2] if len(path) > 1 else ""
        if path == ("KeePassFile",):
            self.is_keepass = True
        elif name == "Group" and parent in {"Root", "Group"}:
            self._groups.append(["", ""])
        elif name == "Entry" and parent in {"Group", "History"}:
            self._open.append(_Raw())
        elif name == "String":
            self._name, self._value = "", ("", False)

    def end(self, path: Path, text: str, attributes: Mapping[str, str]) -> None:
        name, parent = path[-1], path[-2] if len(path) > 1 else ""
        protected = attributes.get("Protected") == "True"
        if protected:
            wanted = name == "Value" and parent == "String" and "History" not in path
            text = self._reveal(text, wanted=wanted)
        if parent == "Entry" and self._open:
            self._end_of_entry(name, text, self._open[-1])
        elif parent == "String":
            self._end_of_string(name, text, hidden=protected or attributes.get("ProtectInMemory") == "True")
        elif parent == "Times" and "Entry" in path and self._open:
            self._end_of_times(name, text, self._open[-1])
        elif parent == "Group" and self._groups:
            self._end_of_group(name, text)
        elif parent == "Meta" and name == "RecycleBinUUID":
            self._bin = text
        if name == "Group" and parent in {"Root", "Group"}:
            self._groups.pop()
        elif name == "Entry" and parent in {"Group", "History"}:
            self._close(self._open.pop(), former=parent == "History")

    def _end_of_entry(self, name: str, text: str, raw: _Raw) -> None:
        if name == "String":
            value, hidden = self._value
            raw.texts[self._name] = value
            if hidden:
                raw.hidden.add(self._name)
        elif name == "UUID":
            raw.uuid = _uuid(text)
        elif name == "Tags":
            raw.tags = text
        elif name == "Binary":
            raw.attachments += 1

    def _end_of_string(self, name: str, text: str, *, hidden: bool) -> None:
        if name == "Key":
            self._name = text
        elif name == "Value":
            self._value = (text, hidden)

    def _end_of_times(self, name: str, text: str, raw: _Raw) -> None:
        if name == "Expires":
            raw.expires = text == "True"
        elif name == "ExpiryTime":
            raw.expiry = text

    def _end_of_group(self, name: str, text: str) -> None:
        if name == "Name":
            self._groups[-1][0] = text
        elif name == "UUID":
            self._groups[-1][1] = text

    def _close(self, raw: _Raw, *, former: bool) -> None:
        if former:
            if self._open:
                self._open[-1].versions += 1
            return
        # The outermost group is the file itself.
        raw.folder = tuple(name for name, _ in self._groups[1:])
        raw.binned = bool(self._bin) and any(uuid == self._bin for _, uuid in self._groups)
        self.entries.append(raw)
        if len(self.entries) > 2 * ENTRIES_MAX:
            raise Refused(f"The file holds more than {ENTRIES_MAX:,} entries. Export it in several parts.")

    def _reveal(self, text: str, *, wanted: bool) -> str:
        if self._stream is None:
            raise Refused("Values in this XML are still encrypted. Export it again from KeePass itself.")
        try:
            data = base64.b64decode(text, validate=True)
            if not wanted:
                self._stream.skip(len(data))
                return ""
            self._hidden_bytes += len(data)
            if self._hidden_bytes > HIDDEN_MAX:
                raise Refused("The file holds more than 2 MiB of protected values. Export it in parts.")
            return self._stream.update(data).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise Refused("A protected value in the file is damaged. Save it again with KeePass.") from None


def _uuid(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).hex()
    except binascii.Error:
        return ""


def _finished(raws: list[_Raw], by_uuid: Mapping[str, _Raw]) -> Iterator[Entry]:
    for number, raw in enumerate(raws, start=1):
        yield _entry(raw, by_uuid, f"entry {number}")


def _entry(raw: _Raw, by_uuid: Mapping[str, _Raw], place: str) -> Entry:
    texts = {name: _followed(value, by_uuid) for name, value in raw.texts.items()}
    totp, mistake = totp_of(texts)
    others = [name for name in texts if name not in _STANDARD and not _FURTHER_URL.fullmatch(name)]
    if not mistake:
        others = [name for name in others if name not in SEED_NAMES]
    entry = Entry(
        name=texts.get("Title", ""),
        folder=raw.folder,
        user_name=texts.get("UserName", ""),
        urls=unique([texts.get("URL", ""), *(v for n, v in texts.items() if _FURTHER_URL.fullmatch(n))]),
        tags=unique(tag.strip() for tag in _TAGS.split(raw.tags)),
        expires_on=_date(raw.expiry) if raw.expires else None,
        fields=filled(EntryField("Password", texts.get("Password", ""))),
        totp=totp,
        notes=texts.get("Notes", ""),
        custom=tuple(_custom(name, texts[name], raw) for name in others),
        place=place,
    )
    return replace(entry, unread=tuple(_left_behind(raw, mistake)))


def _custom(name: str, value: str, raw: _Raw) -> EntryField:
    hidden = name in raw.hidden or name in SEED_NAMES
    return EntryField(name, value, kind_for(value, EntryKind.HIDDEN if hidden else EntryKind.TEXT))


def _left_behind(raw: _Raw, mistake: str) -> Iterator[str]:
    if raw.attachments:
        yield f"Attachments are left behind: {raw.attachments}."
    if raw.versions:
        yield f"Former versions are left behind: {raw.versions}."
    if mistake:
        yield mistake


def _followed(value: str, by_uuid: Mapping[str, _Raw]) -> str:
    """Put in what a value refers to in another entry, one step far."""
    if "{REF:" not in value:
        return value

    def referred(match: re.Match[str]) -> str:
        found = by_uuid.get(match[2].lower())
        return match[0] if found is None else found.texts.get(_REFERRED[match[1]], "")

    return _REFERENCE.sub(referred, value)


def _date(text: str) -> date | None:
    """Read a moment as older files write it, or as seconds since the year 1 in base64."""
    if not text:
        return None
    try:
        if "-" in text:
            return date.fromisoformat(text[:10])
        seconds = int.from_bytes(base64.b64decode(text, validate=True), "little")
        return (_YEAR_ONE + timedelta(seconds=seconds)).date()
    except (ValueError, OverflowError):
        return None


def _read(source: Source) -> Reading:
    return read_document(source.data)


def _recognises(data: bytes) -> bool:
    return b"<KeePassFile" in data[:4096]


FORMATS = (Format("keepass-xml", "KeePass XML", (".xml",), _recognises, _read, hint=HINT),)
