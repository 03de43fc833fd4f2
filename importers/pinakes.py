"""The notification settings of Pinakes: a JSON object each, under one of a list of keys."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from crypto.origins import PinakesKeys
from importers.entry import Entry, EntryType, Reading
from importers.foreign_tables import Opener, Row, Wanted, holds_table, read_tables
from importers.limits import Refused, take_entries
from importers.origin_values import fields_of_json, named_by_id
from importers.source import Asks, Format, Source

_WANTED = (
    Wanted(
        "main_notificationsetting",
        "SELECT * FROM main_notificationsetting",
        frozenset({"settings", "notification_type_id"}),
    ),
    Wanted("main_notificationtype", "SELECT id, n_type AS name FROM main_notificationtype"),
)


def _read(source: Source) -> Reading:
    try:
        keys = PinakesKeys(source.passphrase)
    except ValueError as error:
        raise Refused(str(error), "passphrase") from None
    tables = read_tables(source.data, _WANTED)
    kinds = named_by_id(tables.get("main_notificationtype", []))
    rows = [row for row in tables["main_notificationsetting"] if row.get("settings")]
    opener = Opener()
    entries = take_entries(_entries(rows, kinds, keys, opener))
    opener.check()
    return Reading(entries)


def _entries(rows: list[Row], kinds: dict[str, str], keys: PinakesKeys, opener: Opener) -> Iterator[Entry]:
    for number, row in enumerate(rows, start=1):
        token = row["settings"]
        settings = opener.open("settings", partial(keys.open, token))
        kind = kinds.get(row.get("notification_type_id", ""), "")
        yield Entry(
            name=row.get("name", "") or f"Notification {row.get('id', number)}",
            folder=("Notifications",),
            type=EntryType.NOTE,
            tags=(kind,) if kind else (),
            custom=fields_of_json(settings, hidden=True),
            unread=opener.take_failures(),
            place=f"row {number}",
        )


FORMATS = (
    Format(
        "pinakes",
        "Pinakes, notification settings",
        (".sqlite3", ".db", ".csv"),
        lambda data: holds_table(data, _WANTED),
        _read,
        passphrase=Asks.MUST,
        opens_with="PINAKES_DB_ENCRYPTION_KEYS",
        hint="The database file, or the table main_notificationsetting as CSV with its headings.",
    ),
)
