"""The tables that known programs export, and any other table with its columns chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from importers.csv_table import Becomes, Column, entries_of, headings_of, mapping_of, read_table
from importers.entry import Entry, EntryType, Reading
from importers.limits import Refused, take_entries
from importers.source import Format, Source
from importers.values import host_of


@dataclass(frozen=True, slots=True)
class Layout:
    """How one program lays its table out.

    Args:
        columns: by heading in lower case.
        marks: headings that no other program's table has together.
        plain: the marks are what anybody might call columns, so a table with others is not this program's.
        separator: what stands between folders.
        mend: changes an entry where the program has ways of its own.
    """

    key: str
    label: str
    hint: str
    columns: Mapping[str, Becomes]
    marks: frozenset[str]
    separator: str = "/"
    mend: Callable[[Entry], Entry] = lambda entry: entry
    plain: bool = False

    def recognises(self, data: bytes) -> bool:
        """Tell whether the headings are this program's."""
        headings = {heading.strip().lower() for heading in headings_of(data)}
        return self.marks <= headings and not (self.plain and headings - self.columns.keys())

    def read(self, source: Source) -> Reading:
        """Read the table; a column that the program has added since becomes a field of its own."""
        table = read_table(source.data)
        known = [heading.lower() for heading in table.headings]
        if not self.marks <= set(known):
            raise Refused(f"The headings are not those of {self.label}. Choose another format.")
        columns = [
            Column(heading, self.columns.get(name, Becomes.TEXT))
            for heading, name in zip(table.headings, known, strict=True)
        ]
        found = (_named(self.mend(entry)) for entry in entries_of(table, columns, self.separator))
        return Reading(take_entries(found), mapping=mapping_of(columns))

    @property
    def format(self) -> Format:
        """The row in the list of formats."""
        return Format(self.key, self.label, (".csv",), self.recognises, self.read, hint=self.hint)


def _named(entry: Entry) -> Entry:
    """Call what has no name after its site: browsers keep none."""
    if entry.name:
        return entry
    return replace(entry, name=next(filter(None, map(host_of, entry.urls)), ""))


def _mend_lastpass(entry: Entry) -> Entry:
    """A secure note of LastPass stands at an address that is none."""
    if entry.urls != ("http://sn",):
        return entry
    is_note = not (entry.user_name or entry.fields or entry.totp)
    return replace(entry, urls=(), type=EntryType.NOTE if is_note else entry.type)


_BITWARDEN = MappingProxyType(
    {
        "folder": Becomes.FOLDER,
        "collections": Becomes.FOLDER,
        "favorite": Becomes.NOTHING,
        "type": Becomes.NOTHING,
        "name": Becomes.NAME,
        "notes": Becomes.NOTES,
        "fields": Becomes.LINES,
        "reprompt": Becomes.NOTHING,
        "archiveddate": Becomes.NOTHING,
        "login_uri": Becomes.URL,
        "login_username": Becomes.USER_NAME,
        "login_password": Becomes.PASSWORD,
        "login_totp": Becomes.TOTP,
    }
)
_LASTPASS = MappingProxyType(
    {
        "url": Becomes.URL,
        "username": Becomes.USER_NAME,
        "password": Becomes.PASSWORD,
        "totp": Becomes.TOTP,
        "extra": Becomes.NOTES,
        "name": Becomes.NAME,
        "grouping": Becomes.FOLDER,
        "fav": Becomes.NOTHING,
    }
)
_FIREFOX = MappingProxyType(
    {
        "url": Becomes.URL,
        "username": Becomes.USER_NAME,
        "password": Becomes.PASSWORD,
        "httprealm": Becomes.TEXT,
        "formactionorigin": Becomes.NOTHING,
        "guid": Becomes.NOTHING,
        "timecreated": Becomes.NOTHING,
        "timelastused": Becomes.NOTHING,
        "timepasswordchanged": Becomes.NOTHING,
    }
)
_ONEPASSWORD = MappingProxyType(
    {
        "title": Becomes.NAME,
        "url": Becomes.URL,
        "username": Becomes.USER_NAME,
        "password": Becomes.PASSWORD,
        "otpauth": Becomes.TOTP,
        "favorite": Becomes.NOTHING,
        "archived": Becomes.NOTHING,
        "tags": Becomes.TAGS,
        "notes": Becomes.NOTES,
    }
)
_SAFARI = MappingProxyType(
    {
        "title": Becomes.NAME,
        "url": Becomes.URL,
        "username": Becomes.USER_NAME,
        "password": Becomes.PASSWORD,
        "notes": Becomes.NOTES,
        "otpauth": Becomes.TOTP,
    }
)
_CHROME = MappingProxyType(
    {
        "name": Becomes.NAME,
        "url": Becomes.URL,
        "username": Becomes.USER_NAME,
        "password": Becomes.PASSWORD,
        "note": Becomes.NOTES,
    }
)

LAYOUTS = (
    Layout(
        "bitwarden-csv",
        "Bitwarden or Vaultwarden, CSV",
        "JSON holds more: in the CSV, cards, identities and SSH keys are missing.",
        _BITWARDEN,
        frozenset({"login_uri", "login_username", "login_password"}),
    ),
    Layout(
        "lastpass-csv",
        "LastPass, CSV",
        "In LastPass: Advanced Options → Export.",
        _LASTPASS,
        frozenset({"url", "username", "password", "extra", "grouping"}),
        separator="\\",
        mend=_mend_lastpass,
    ),
    Layout(
        "firefox-csv",
        "Firefox, CSV",
        "In Firefox: Passwords → the menu → Export passwords.",
        _FIREFOX,
        frozenset({"url", "username", "password", "formactionorigin", "guid"}),
    ),
    Layout(
        "1password-csv",
        "1Password, CSV",
        "In 1Password: File → Export. The 1PUX file holds more.",
        _ONEPASSWORD,
        frozenset({"title", "username", "password", "otpauth", "archived"}),
    ),
    Layout(
        "safari-csv",
        "Safari or Apple Passwords, CSV",
        "In Passwords: File → Export All Passwords to File.",
        _SAFARI,
        frozenset({"title", "url", "username", "password", "otpauth"}),
    ),
    Layout(
        "chrome-csv",
        "Chrome or Edge, CSV",
        "In Chrome: Password Manager → Settings → Export passwords.",
        _CHROME,
        frozenset({"name", "url", "username", "password"}),
        plain=True,
    ),
)

_GUESSES: Mapping[str, Becomes] = MappingProxyType(
    {
        **dict.fromkeys(("name", "title", "account", "item", "service", "site", "label"), Becomes.NAME),
        **dict.fromkeys(("folder", "group", "grouping", "path", "category", "collection"), Becomes.FOLDER),
        **dict.fromkeys(
            ("username", "user name", "user", "login", "login name", "email", "e-mail"), Becomes.USER_NAME
        ),
        **dict.fromkeys(("password", "pass", "secret", "value"), Becomes.PASSWORD),
        **dict.fromkeys(("url", "urls", "uri", "website", "web site", "address", "link"), Becomes.URL),
        **dict.fromkeys(("totp", "otp", "otpauth", "2fa", "authenticator", "one-time code"), Becomes.TOTP),
        **dict.fromkeys(("notes", "note", "comment", "comments", "extra", "description"), Becomes.NOTES),
        **dict.fromkeys(("tags", "tag", "labels"), Becomes.TAGS),
        **dict.fromkeys(("expires", "expiry", "expires on", "valid until"), Becomes.EXPIRES),
    }
)


def guess(heading: str) -> Becomes:
    """Return what a column most likely becomes; a hidden field where its heading says nothing."""
    return _GUESSES.get(heading.lower().replace("_", " "), Becomes.HIDDEN)


def _read_any(source: Source) -> Reading:
    table = read_table(source.data)
    names = [heading or f"Column {number}" for number, heading in enumerate(table.headings, start=1)]
    columns = [Column(name, _chosen(source, name)) for name in names]
    found: Iterator[Entry] = (_named(entry) for entry in entries_of(table, columns))
    return Reading(take_entries(found), mapping=mapping_of(columns, open_=True))


def _chosen(source: Source, heading: str) -> Becomes:
    choice = source.mapping.get(heading)
    if choice is None:
        return guess(heading)
    try:
        return Becomes(choice)
    except ValueError:
        raise Refused("Choose what each column becomes from the list.", "mapping") from None


def _is_table(data: bytes) -> bool:
    headings = {heading.strip() for heading in headings_of(data)}
    return len(headings) > 1 and any(guess(heading) is not Becomes.HIDDEN for heading in headings)


FORMATS = (
    *(layout.format for layout in LAYOUTS),
    Format(
        "csv",
        "Any other table, CSV",
        (".csv", ".tsv", ".txt"),
        _is_table,
        _read_any,
        hint="The first line holds the headings. You choose what each column becomes.",
    ),
)
