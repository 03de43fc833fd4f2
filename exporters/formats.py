"""Every format that can be written, the safest first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from crypto.passphrase import PassphraseHasher
from exporters import bitwarden, csv_table, kdbx, sealed_json
from exporters.record import Bundle

Write = Callable[[Bundle, str, PassphraseHasher], bytes]


@dataclass(frozen=True, slots=True)
class Format:
    """One way to write credentials down.

    Args:
        key: its name for programs: in forms and the audit log.
        label: its name for people.
        sealed: whether a passphrase opens it; the others are read by whoever has the file.
        write: gets the bundle, the passphrase, and what derives keys of one.
    """

    key: str
    label: str
    ending: str
    media_type: str
    sealed: bool
    write: Write


_BYTES = "application/octet-stream"
_TABLE = "text/csv; charset=utf-8"

FORMATS: tuple[Format, ...] = (
    Format(
        "chatelaine",
        "Encrypted file: everything, to keep or to bring in again",
        ".chatelaine",
        _BYTES,
        sealed=True,
        write=sealed_json.write,
    ),
    Format(
        "keepass",
        "KeePass (.kdbx): encrypted, for KeePass, KeePassXC and programs that read its files",
        ".kdbx",
        _BYTES,
        sealed=True,
        write=kdbx.write,
    ),
    Format(
        "bitwarden-json",
        "Bitwarden JSON: not encrypted, for Bitwarden, Vaultwarden and most others",
        ".json",
        "application/json",
        sealed=False,
        write=bitwarden.write,
    ),
    Format(
        "csv",
        "Table (CSV): not encrypted, values as they are, for another program",
        ".csv",
        _TABLE,
        sealed=False,
        write=csv_table.write_exact,
    ),
    Format(
        "csv-guarded",
        "Table (CSV): not encrypted, for a spreadsheet; what looks like a formula is marked",
        ".csv",
        _TABLE,
        sealed=False,
        write=csv_table.write_guarded,
    ),
)


def find(key: str) -> Format | None:
    """Return the format called *key*; None: there is none."""
    return next((one for one in FORMATS if one.key == key), None)
