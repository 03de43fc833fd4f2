"""The XML inside of a KeePass file: groups for folders, and each credential an entry.

Source: keepass.info/help/kb/kdbx.html, and what KeePass 2 and KeePassXC write. The seed of an authenticator
is the string ``otp`` of KeePassXC, further addresses are the strings ``KP2A_URL``; what fits none of
KeePass's own fields becomes a string of its own, hidden ones protected.
"""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time
from html import escape
from uuid import UUID, uuid4

from crypto.otp import parse_otp, to_uri
from exporters.record import SHOWN, Bundle, Credential

Protect = Callable[[bytes], bytes]
"""Encrypts the protected values, one after the other, in the order in which they stand."""

_PASSWORDS = ("Password", "API key")
_YEAR_ONE = datetime(1, 1, 1, tzinfo=UTC)
_UNWRITABLE = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, and the carriage return, which it changes. In a protected value it is safe."""
_NEVER = date(2999, 12, 28)
_STANDARD = ("Title", "UserName", "Password", "URL", "Notes")
_TAKEN = re.compile("otp|TOTP Se(ed|ttings)|TimeOtp-.*|KP2A_URL.*")
"""Names of strings that other programs give a meaning."""


def write_document(bundle: Bundle, protect: Protect) -> bytes:
    """Return the XML; files are named by their number, in the order of the credentials."""
    return "".join(_Writer(bundle, protect).document()).encode()


class _Folder:
    """A group, and what stands in it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.folders: dict[str, _Folder] = {}
        self.entries: list[Credential] = []


class _Writer:
    def __init__(self, bundle: Bundle, protect: Protect) -> None:
        self._bundle = bundle
        self._protect = protect
        self._made = _moment(bundle.made_at)
        self._files: dict[UUID, int] = {}
        """The number of each credential's first file, by the order of the credentials."""
        number = 0
        for one in bundle.credentials:
            self._files[one.id] = number
            number += len(one.files)

    def document(self) -> Iterator[str]:
        root = _Folder(self._bundle.organization)
        for one in self._bundle.credentials:
            folder = root
            for name in filter(None, self._bundle.folder_of(one).split("/")):
                folder = folder.folders.setdefault(name, _Folder(name))
            folder.entries.append(one)
        yield '<?xml version="1.0" encoding="utf-8" standalone="yes"?>\n<KeePassFile>'
        yield from self._meta()
        yield "<Root>"
        yield from self._group(root)
        yield "<DeletedObjects/></Root></KeePassFile>"

    def _meta(self) -> Iterator[str]:
        yield "<Meta><Generator>Chatelaine</Generator>"
        yield f"<DatabaseName>{_text(self._bundle.organization)}</DatabaseName>"
        yield f"<DatabaseNameChanged>{self._made}</DatabaseNameChanged>"
        yield f"<SettingsChanged>{self._made}</SettingsChanged>"
        yield f"<MasterKeyChanged>{self._made}</MasterKeyChanged>"
        yield "<MasterKeyChangeRec>-1</MasterKeyChangeRec><MasterKeyChangeForce>-1</MasterKeyChangeForce>"
        marks = "".join(f"<Protect{name}>{name == 'Password'}</Protect{name}>" for name in _STANDARD)
        yield f"<MemoryProtection>{marks}</MemoryProtection><RecycleBinEnabled>True</RecycleBinEnabled>"
        yield f"<RecycleBinUUID>{_id(UUID(int=0))}</RecycleBinUUID><HistoryMaxItems>-1</HistoryMaxItems>"
        yield "<HistoryMaxSize>-1</HistoryMaxSize><CustomData/></Meta>"

    def _group(self, folder: _Folder) -> Iterator[str]:
        yield f"<Group><UUID>{_id(uuid4())}</UUID><Name>{_text(folder.name)}</Name>"
        yield "<Notes/><IconID>48</IconID>"
        yield self._times(self._bundle.made_at, self._bundle.made_at, None)
        yield "<IsExpanded>True</IsExpanded><EnableAutoType>null</EnableAutoType>"
        yield "<EnableSearching>null</EnableSearching>"
        for one in folder.entries:
            yield from self._entry(one)
            yield "<History>"
            for former in reversed(one.history):
                yield from self._entry(former)
                yield "</Entry>"
            yield "</History></Entry>"
        for inner in folder.folders.values():
            yield from self._group(inner)
        yield "</Group>"

    def _entry(self, one: Credential) -> Iterator[str]:
        """Begin an entry; KeePassXC refuses a history within a history, even an empty one."""
        # A separator in a tag would make two of it.
        tags = ";".join(tag.replace(";", " ") for tag in one.tags)
        yield f"<Entry><UUID>{_id(one.id)}</UUID><IconID>0</IconID><ForegroundColor/><BackgroundColor/>"
        yield f"<OverrideURL/><Tags>{_text(tags)}</Tags>"
        yield self._times(one.created_at, one.changed_at, one.expires_on)
        for name, value, hidden in _strings(one):
            yield f"<String><Key>{_text(name)}</Key>{self._value(value, hidden=hidden)}</String>"
        names: Counter[str] = Counter()
        for number, file in enumerate(one.files, start=self._files[one.id]):
            name = _free(file.name, names)
            yield f'<Binary><Key>{_text(name)}</Key><Value Ref="{number}"/></Binary>'
        yield "<AutoType><Enabled>True</Enabled>"
        yield "<DataTransferObfuscation>0</DataTransferObfuscation></AutoType>"

    def _value(self, value: str, *, hidden: bool) -> str:
        if not value or not (hidden or _UNWRITABLE.search(value)):
            return f"<Value>{escape(value)}</Value>"
        sealed = base64.b64encode(self._protect(value.encode())).decode()
        return f'<Value Protected="True">{sealed}</Value>'

    def _times(self, created: datetime, changed: datetime, expires: date | None) -> str:
        ends = datetime.combine(expires or _NEVER, time(), UTC)
        return (
            f"<Times><CreationTime>{_moment(created)}</CreationTime>"
            f"<LastModificationTime>{_moment(changed)}</LastModificationTime>"
            f"<LastAccessTime>{_moment(changed)}</LastAccessTime><ExpiryTime>{_moment(ends)}</ExpiryTime>"
            f"<Expires>{expires is not None}</Expires><UsageCount>0</UsageCount>"
            f"<LocationChanged>{self._made}</LocationChanged></Times>"
        )


def _strings(one: Credential) -> Iterator[tuple[str, str, bool]]:
    """Yield name and value of each string, and whether it is hidden; no two of one name."""
    secret = next((name for name in _PASSWORDS if one.of_type(name)), "")
    first, *further = one.urls or ("",)
    yield "Title", one.leaf, False
    yield "UserName", one.user_name, False
    yield "Password", one.of_type(secret), True
    yield "URL", first, False
    yield "Notes", one.of_type("Notes"), False
    if one.of_type("TOTP"):
        yield "otp", _otp_link(one), True
    for number, url in enumerate(further):
        yield f"KP2A_URL_{number}" if number else "KP2A_URL", url, False
    names = Counter(_STANDARD)
    for value in one.others(secret, "Notes", "TOTP"):
        yield _free(value.name, names), value.value, value.kind not in SHOWN


def _free(name: str, names: Counter[str]) -> str:
    """Return a name that no string of the entry has yet: a field may be called like one of KeePass's own."""
    name = f"Own {name}" if _TAKEN.fullmatch(name) else name
    free, number = name, 1
    while names[free]:
        number += 1
        free = f"{name} ({number})"
    names[free] += 1
    return free


def _otp_link(one: Credential) -> str:
    """Return the seed as the link that KeePassXC keeps; a link that is kept already stays as it is."""
    text = one.of_type("TOTP").strip()
    if text.lower().startswith("otpauth:"):
        return text
    return to_uri(replace(parse_otp(text), issuer=one.leaf, account=one.user_name))


def _text(text: str) -> str:
    return escape(_UNWRITABLE.sub("\ufffd", text))


def _id(uuid: UUID) -> str:
    return base64.b64encode(uuid.bytes).decode()


def _moment(at: datetime) -> str:
    """Write a moment as KDBX 4 does: seconds since the year 1."""
    seconds = int((at.astimezone(UTC) - _YEAR_ONE).total_seconds())
    return base64.b64encode(seconds.to_bytes(8, "little")).decode()
