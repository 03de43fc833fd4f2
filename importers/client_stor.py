"""The vault of Client St0r: passwords with their codes, notes and fields, and the credentials of connections.

Only passwords, codes and connections lie encrypted there; what stood in the clear is read as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from crypto.origins import ClientStorKey, Unopened
from crypto.otp import parse_otp
from importers.entry import Entry, EntryField, EntryKind, EntryType, Reading
from importers.foreign_tables import Opener, Row, Tables, Wanted, holds_table, read_tables
from importers.limits import Refused, take_entries
from importers.origin_values import day_in, fields_of_json, named_by_id, object_in, path_of
from importers.source import Asks, Format, Source
from importers.values import filled, kind_for, unique

_PASSWORDS, _PERSONAL = "passwords", "personal_vault"
_CONNECTIONS = ("psa_connections", "rmm_connections")
_WANTED = (
    Wanted(_PASSWORDS, "SELECT * FROM passwords", frozenset({"title", "encrypted_password", "otp_secret"})),
    *(
        Wanted(name, query, frozenset({"provider_type", "encrypted_credentials"}))
        for name, query in zip(
            _CONNECTIONS,
            ("SELECT * FROM psa_connections", "SELECT * FROM rmm_connections"),
            strict=True,
        )
    ),
    Wanted("organizations", "SELECT id, name FROM organizations"),
    Wanted("password_folders", "SELECT id, name, parent_id FROM password_folders"),
    Wanted("tags", "SELECT id, name FROM tags"),
    Wanted("passwords_tags", "SELECT password_id, tag_id FROM passwords_tags"),
)
_NOTES_WANTED = (
    Wanted(_PERSONAL, "SELECT * FROM personal_vault", frozenset({"user_id", "encrypted_content"})),
    Wanted("auth_user", "SELECT id, username AS name FROM auth_user"),
)
_TYPES: Mapping[str, EntryType] = MappingProxyType(
    {
        "api_key": EntryType.API_KEY,
        "database": EntryType.DATABASE,
        "ssh_key": EntryType.SSH_KEY,
        "otp": EntryType.AUTHENTICATOR,
    }
)
_SECRET_NAMES: Mapping[EntryType, str] = MappingProxyType(
    {EntryType.API_KEY: "API key", EntryType.SSH_KEY: "Passphrase", EntryType.LOGIN: "Password"}
)
_UNTAGGED = frozenset({*_TYPES, "website", "other", ""})
_TEXTS = (
    ("email_server", "Mail server"),
    ("email_port", "Mail port"),
    ("domain", "Domain"),
    ("database_type", "Database type"),
    ("ssh_host", "SSH host"),
    ("otp_issuer", "Issuer"),
)


@dataclass(frozen=True, slots=True)
class _Names:
    """What ids stand for."""

    organizations: dict[str, str]
    folders: dict[str, str]
    parents: dict[str, str]
    tags: Mapping[str, list[str]]


def _read(source: Source) -> Reading:
    key = _key(source)
    tables = read_tables(source.data, _WANTED)
    passwords = tables.get(_PASSWORDS, [])
    connections = [row for name in _CONNECTIONS for row in tables.get(name, [])]
    opener, names = Opener(), _names(tables)
    entries = take_entries(_entries(passwords, connections, names, key, opener))
    opener.check()
    return Reading(entries)


def _key(source: Source) -> ClientStorKey:
    try:
        return ClientStorKey(source.passphrase)
    except ValueError as error:
        raise Refused(str(error), "passphrase") from None


def _names(tables: Tables) -> _Names:
    folders = tables.get("password_folders", [])
    labels = named_by_id(tables.get("tags", []))
    tags: dict[str, list[str]] = {}
    for row in tables.get("passwords_tags", []):
        tags.setdefault(row["password_id"], []).append(labels.get(row["tag_id"], ""))
    return _Names(
        organizations=named_by_id(tables.get("organizations", [])),
        folders=named_by_id(folders),
        parents={row["id"]: row["parent_id"] for row in folders},
        tags=tags,
    )


def _entries(
    passwords: list[Row], connections: list[Row], names: _Names, key: ClientStorKey, opener: Opener
) -> Iterator[Entry]:
    for number, row in enumerate(passwords, start=1):
        yield _password(row, names, key, opener, f"password {row.get('id', number)}")
    for number, row in enumerate(connections, start=1):
        yield _connection(row, names, key, opener, f"connection {row.get('id', number)}")


def _organization(row: Row, names: _Names) -> tuple[str, ...]:
    name = row.get("organization_name") or names.organizations.get(row.get("organization_id", ""), "")
    return (name,) if name else ()


def _password(row: Row, names: _Names, key: ClientStorKey, opener: Opener, place: str) -> Entry:
    secret = totp = ""
    bound = f"org:{row.get('organization_id', '')}||type:"
    if text := row.get("encrypted_password", ""):
        secret = opener.open("password", lambda: key.open(text, "password_vault_v1", bound + "password"))
    if seed := row.get("otp_secret", ""):
        totp = opener.open("authenticator", lambda: _seed(seed, key, bound + "totp"))
    kind = row.get("password_type", "")
    type_ = _TYPES.get(kind, EntryType.LOGIN)
    if type_ is EntryType.AUTHENTICATOR and secret:
        type_ = EntryType.LOGIN
    label = row.get("folder_name", "")
    folder = (label,) if label else path_of(row.get("folder_id", ""), names.folders, names.parents)
    tags = [*names.tags.get(row.get("id", ""), []), *([] if kind in _UNTAGGED else [kind.replace("_", " ")])]
    return Entry(
        name=row.get("title", ""),
        folder=(*_organization(row, names), *folder),
        type=type_,
        user_name=row.get("username", ""),
        urls=unique([row.get("url", "")]),
        tags=unique(tags),
        expires_on=day_in(row.get("expires_at", "")),
        fields=_fields(type_, secret, row),
        totp=totp,
        notes=row.get("notes", ""),
        custom=_custom(row),
        unread=opener.take_failures(),
        place=place,
    )


def _seed(text: str, key: ClientStorKey, bound: str) -> str:
    """Open a seed; older imports have left some in the clear."""
    if text.lower().startswith("otpauth:"):
        return text
    try:
        return key.open(text, "totp_secrets_v1", bound)
    except Unopened:
        try:
            parse_otp(text)
        except ValueError:
            raise Unopened from None
        return text


def _fields(type_: EntryType, secret: str, row: Row) -> tuple[EntryField, ...]:
    if type_ is EntryType.DATABASE:
        return filled(
            EntryField("Host", row.get("database_host", ""), EntryKind.TEXT),
            EntryField("Port", row.get("database_port", ""), EntryKind.TEXT),
            EntryField("Database", row.get("database_name", ""), EntryKind.TEXT),
            EntryField("Password", secret),
        )
    if type_ is EntryType.SSH_KEY and "PRIVATE KEY" in secret:
        return (EntryField("Private key", secret, EntryKind.MULTILINE),)
    return filled(EntryField(_SECRET_NAMES.get(type_, "Password"), secret))


def _custom(row: Row) -> tuple[EntryField, ...]:
    texts = [EntryField(name, row.get(column, ""), EntryKind.TEXT) for column, name in _TEXTS]
    if row.get("ssh_host"):
        # Every row has a port, whether it is about SSH or not.
        texts.append(EntryField("SSH port", row.get("ssh_port", ""), EntryKind.TEXT))
    license_key = row.get("license_key", "")
    own = fields_of_json(row.get("custom_fields", ""), hidden=True)
    return (*filled(*texts, EntryField("License key", license_key, kind_for(license_key))), *own)


def _connection(row: Row, names: _Names, key: ClientStorKey, opener: Opener, place: str) -> Entry:
    """Take the credentials of a connection, each of which is encrypted by itself in the first way."""
    values = {
        name: opener.open(name, partial(key.open, text, "", ""))
        for name, text in object_in(row.get("encrypted_credentials", "")).items()
        if isinstance(text, str)
    }
    fields = (EntryField(name, value, kind_for(value)) for name, value in values.items())
    return Entry(
        name=row.get("name", ""),
        folder=(*_organization(row, names), "Connections"),
        type=EntryType.API_KEY,
        urls=unique([row.get("base_url", "")]),
        tags=unique([row.get("provider_type", "")]),
        custom=filled(*fields),
        unread=opener.take_failures(),
        place=place,
    )


def _read_notes(source: Source) -> Reading:
    key = _key(source)
    tables = read_tables(source.data, _NOTES_WANTED)
    people = named_by_id(tables.get("auth_user", []))
    rows, opener = tables[_PERSONAL], Opener()
    entries = take_entries(_note(row, people, key, opener) for row in rows)
    opener.check()
    return Reading(entries)


def _note(row: Row, people: dict[str, str], key: ClientStorKey, opener: Opener) -> Entry:
    person, text = row.get("user_id", ""), row.get("encrypted_content", "")
    bound = f"type:personal_vault||id:{person}"
    note = opener.open("text", lambda: key.open(text, "generic_data_v1", bound)) if text else ""
    return Entry(
        name=row.get("title", ""),
        folder=("Personal", people.get(person) or f"user {person}"),
        type=EntryType.NOTE,
        tags=unique([row.get("category", "")]),
        notes=note,
        unread=opener.take_failures(),
        place=f"note {row.get('id', '')}",
    )


_KEY_LABEL = "APP_MASTER_KEY"
FORMATS = (
    Format(
        "client-stor",
        "Client St0r, passwords and connections",
        (".sqlite3", ".db", ".csv"),
        lambda data: holds_table(data, _WANTED),
        _read,
        passphrase=Asks.MUST,
        opens_with=_KEY_LABEL,
        hint="The database file, or the table passwords, psa_connections or rmm_connections as CSV.",
    ),
    Format(
        "client-stor-notes",
        "Client St0r, personal notes",
        (".sqlite3", ".db", ".csv"),
        lambda data: holds_table(data, _NOTES_WANTED),
        _read_notes,
        passphrase=Asks.MUST,
        opens_with=_KEY_LABEL,
        hint="The table personal_vault: everybody's own notes, each person's in a folder of their name.",
    ),
)
