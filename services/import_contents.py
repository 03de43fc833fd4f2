"""Turning an entry of a foreign file into what an item may hold: nothing is lost, what is mended is said."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from crypto.otp import parse_otp
from errors import Invalid
from importers.entry import Entry, EntryField, EntryKind, EntryType
from services import content_rules as rules
from services.contents import Contents, Field, check_contents
from services.item_types import TYPE_FIELDS, ItemType, Kind

UNTITLED = "Untitled"
FOLDER_MAX = 120
"""Characters of all folders together, so that something is left for the name."""
NUMBER_ROOM = len(" (10000)")

FIELDS_EACH = 40
"""Fields of a file in one credential: with what is added here there are at most 50. More make several."""

_LINE_BREAKERS = frozenset({"Cc", "Cs", "Zl", "Zp"})
_INSTEAD = {Kind.OTP: Kind.HIDDEN, Kind.JSON: Kind.HIDDEN, Kind.DATE: Kind.TEXT}
_MANY_LINES = frozenset({Kind.TEXT, Kind.HIDDEN, Kind.LINK})


def make_contents(entry: Entry, folder: str = "") -> tuple[Contents, tuple[str, ...]]:
    """Return what is kept of *entry*, and sentences about what was changed to keep it.

    Args:
        folder: where everything of this import goes; empty: beside all else.

    Raises:
        Invalid: a value that cannot be kept, such as one that is too long.
    """
    draft = _Draft(entry)
    contents = Contents(
        name=draft.name(folder),
        type=draft.type,
        user_name=draft.user_name(),
        urls=draft.urls(),
        tags=draft.tags(),
        expires_on=entry.expires_on,
        fields=draft.fields(),
    )
    return check_contents(contents), (*entry.unread, *draft.notes)


def in_parts(entry: Entry) -> Iterator[Entry]:
    """Make several entries of one with more fields than a credential may have."""
    each = rules.CUSTOM_FIELDS_MAX if entry.exact else FIELDS_EACH
    most = rules.KEYS_MAX if entry.type is EntryType.SECRET else each
    yield replace(entry, custom=entry.custom[:most])
    for start in range(most, len(entry.custom), most):
        yield Entry(
            f"{entry.name}, part {start // most + 1}",
            entry.folder,
            entry.type,
            custom=entry.custom[start : start + most],
            place=entry.place,
        )


def one_line(text: str) -> str:
    """Return *text* in NFC and in one line without control characters."""
    if text.isascii() and text.isprintable():
        return text.strip()
    kept = (" " if unicodedata.category(c) in _LINE_BREAKERS else c for c in text)
    return unicodedata.normalize("NFC", "".join(kept)).strip()


def numbered(name: str, number: int) -> str:
    """Return *name* as the *number*-th of its kind."""
    if number == 1:
        return name
    suffix = f" ({number})"
    return name[: rules.NAME_MAX - len(suffix)].rstrip(" /") + suffix


class _Draft:
    """One entry while it is taken apart; what fits nowhere else becomes a field of its own."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.type = ItemType(entry.type.value)
        self.notes: list[str] = []
        self._own: list[Field] = []

    def name(self, folder: str) -> str:
        segments = [self._segment(part) for part in self.entry.folder]
        path = "/".join([folder] * bool(folder) + [part for part in segments if part])
        leaf = self._segment(self.entry.name) or UNTITLED
        if len(path) > FOLDER_MAX and not self.entry.exact:
            path = path[:FOLDER_MAX].rstrip(" /")
            self.notes.append("Its folders were shortened.")
        whole = f"{path}/{leaf}" if path else leaf
        longest = rules.NAME_MAX - self._room
        if len(whole) > longest:
            self._keep("Whole name", self.entry.name, Kind.TEXT)
            self.notes.append("Its name was shortened; the whole one is in a field.")
            whole = whole[:longest].rstrip(" /")
        return whole

    def user_name(self) -> str:
        given = self.entry.user_name
        if self.type.has_account and len(given) <= rules.USER_NAME_MAX:
            return given
        self._keep("User name", given, Kind.TEXT)
        return ""

    def urls(self) -> tuple[str, ...]:
        fit = [url for url in self.entry.urls if self.type.has_account and _passes(url, rules.check_urls)]
        kept = fit[: rules.URLS_MAX]
        for url in self.entry.urls:
            if url not in kept:
                self._keep("URL", url, Kind.TEXT)
        return tuple(kept)

    def tags(self) -> tuple[str, ...]:
        mended = [one_line(tag) for tag in self.entry.tags]
        kept = [tag for tag in mended if _passes(tag, rules.check_tags)][: rules.TAGS_MAX]
        if len(kept) < len(mended):
            self.notes.append("Tags that cannot be kept are left behind.")
        return tuple(kept)

    def fields(self) -> tuple[Field, ...]:
        specs = {spec.name: spec for spec in TYPE_FIELDS[self.type]}
        typed: dict[str, Field] = {}
        for field in (*self.entry.fields, EntryField("Notes", self.entry.notes), *self._totp()):
            spec = specs.get(field.name)
            if spec is not None and field.name not in typed:
                typed[field.name] = Field(spec.name, spec.kind, field.value)
            elif field.value:
                self._keep(field.name, field.value, Kind(field.kind.value))
        for field in self.entry.custom:
            self._keep(field.name, field.value, Kind(field.kind.value), empty=True)
        longest = rules.KEY_MAX if self.type is ItemType.SECRET else rules.FIELD_NAME_MAX
        return (*typed.values(), *_distinct(self._own, specs, longest, self._room))

    def _totp(self) -> tuple[EntryField, ...]:
        if not self.entry.totp:
            return ()
        try:
            parse_otp(self.entry.totp)
        except ValueError:
            self.notes.append("No codes can be made of its TOTP; it is kept as a hidden field.")
            return (EntryField("Authenticator", self.entry.totp),)
        return (EntryField("TOTP", self.entry.totp, EntryKind.OTP),)

    def _segment(self, text: str) -> str:
        line = one_line(text)
        if "/" in line:
            line = " ".join(line.replace("/", "-").split())
            self.notes.append("A slash in a name became a dash.")
        return "" if line in {".", ".."} else line

    @property
    def _room(self) -> int:
        """Characters of a name that are left for a number behind it."""
        return 0 if self.entry.exact else NUMBER_ROOM

    def _keep(self, name: str, value: str, kind: Kind, *, empty: bool = False) -> None:
        if value or empty:
            fitting = kind if self.entry.exact else _fitting(kind, value)
            self._own.append(Field(name, fitting, value, custom=True))


def _fitting(kind: Kind, value: str) -> Kind:
    """Return the kind that the value can have: a date that is none is a text."""
    if kind in _MANY_LINES and "\n" in value:
        return Kind.MULTILINE
    try:
        rules.check_value("", kind, value)
    except Invalid:
        return _INSTEAD.get(kind, kind)
    return kind


def _passes(text: str, check: Callable[[Iterable[str]], object]) -> bool:
    try:
        check((text,))
    except Invalid:
        return False
    return bool(text.strip())


def _distinct(fields: Sequence[Field], reserved: Iterable[str], longest: int, room: int) -> list[Field]:
    """Give each field a name that no other has; *room* characters of it are left for a number."""
    taken = {name.casefold() for name in reserved}
    found = []
    for field in fields:
        base = one_line(field.name)[: longest - room].strip() or "Field"
        name, number = base, 1
        while name.casefold() in taken:
            number += 1
            name = f"{base} ({number})"
        taken.add(name.casefold())
        found.append(replace(field, name=name))
    return found
