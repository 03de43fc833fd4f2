"""The connectors of SCORE: name, settings, and a secret under a key of its tenant."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from crypto.origins import Unopened, open_score
from importers.entry import Entry, EntryField, EntryKind, EntryType, Reading
from importers.foreign_tables import Opener, Row, Wanted, holds_table, read_tables
from importers.limits import take_entries
from importers.origin_values import fields_of_json, named_by_id
from importers.source import Asks, Format, Source
from importers.values import filled, unique

_WANTED = (
    Wanted(
        "connectors_connectorconfig",
        "SELECT * FROM connectors_connectorconfig",
        frozenset({"tenant_id", "encrypted_secret", "credential_ref"}),
    ),
    Wanted("tenants_tenant", "SELECT id, name FROM tenants_tenant"),
)


def _read(source: Source) -> Reading:
    tables = read_tables(source.data, _WANTED)
    tenants = named_by_id(tables.get("tenants_tenant", []))
    rows = tables["connectors_connectorconfig"]
    filled_rows = [row for row in rows if row.get("encrypted_secret") or row.get("credential_ref")]
    opener = Opener()
    reading = take_entries(_entries(filled_rows, tenants, source.passphrase, opener))
    opener.check()
    without = len(rows) - len(filled_rows)
    unread = (f"{without} connectors hold no secret and are left behind.",) if without else ()
    return Reading(reading, unread=unread)


def _entries(rows: list[Row], tenants: dict[str, str], key: str, opener: Opener) -> Iterator[Entry]:
    for number, row in enumerate(rows, start=1):
        yield _entry(row, tenants, key, opener, f"row {number}")


def _entry(row: Row, tenants: dict[str, str], key: str, opener: Opener, place: str) -> Entry:
    secret = ""
    if token := row.get("encrypted_secret", ""):
        secret = opener.open("secret", lambda: open_score(key, _tenant(row), token))
    settings = fields_of_json(row.get("config", ""))
    tenant = row.get("tenant_name") or tenants.get(row.get("tenant_id", ""), "")
    reference = EntryField("Environment variable", row.get("credential_ref", ""), EntryKind.TEXT)
    return Entry(
        name=row.get("name", ""),
        folder=(tenant,) if tenant else (),
        type=EntryType.API_KEY,
        urls=unique(field.value for field in settings if field.value.startswith(("https://", "http://"))),
        tags=unique([row.get("connector_type", "")]),
        fields=filled(EntryField("API key", secret)),
        custom=(*filled(reference), *settings),
        unread=opener.take_failures(),
        place=place,
    )


def _tenant(row: Row) -> str:
    """Write the tenant as its key was derived from: SQLite keeps it without hyphens."""
    try:
        return str(UUID(row["tenant_id"]))
    except ValueError:
        raise Unopened from None


FORMATS = (
    Format(
        "score",
        "SCORE, connectors",
        (".sqlite3", ".db", ".csv"),
        lambda data: holds_table(data, _WANTED),
        _read,
        passphrase=Asks.MUST,
        opens_with="FIELD_ENCRYPTION_KEY, or SECRET_KEY where that was not set",
        hint="The database file, or the table connectors_connectorconfig as CSV with its headings.",
    ),
)
