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
        hint: a sentence for people: what it is good for.
        whole: whether it holds files on credentials and earlier versions.
    """

    key: str
    label: str
    ending: str
    media_type: str
    sealed: bool
    write: Write
    hint: str
    whole: bool = False


_BYTES = "application/octet-stream"
_TABLE = "text/csv; charset=utf-8"

FORMATS: tuple[Format, ...] = (
    Format(
        "chatelaine",
        "Encrypted file",
        ".chatelaine",
        _BYTES,
        sealed=True,
        write=sealed_json.write,
        hint="Everything, to keep or to bring in again here. A small script opens it without Chatelaine.",
        whole=True,
    ),
    Format(
        "keepass",
        "KeePass (.kdbx), encrypted",
        ".kdbx",
        _BYTES,
        sealed=True,
        write=kdbx.write,
        hint="Opens in KeePass, KeePassXC and whatever reads their files.",
        whole=True,
    ),
    Format(
        "bitwarden-json",
        "Bitwarden JSON, not encrypted",
        ".json",
        "application/json",
        sealed=False,
        write=bitwarden.write,
        hint="For Bitwarden, Vaultwarden and most other password managers.",
    ),
    Format(
        "csv",
        "CSV for programs, not encrypted",
        ".csv",
        _TABLE,
        sealed=False,
        write=csv_table.write_exact,
        hint="A table with values as they are, for other programs. Do not open it in a spreadsheet.",
    ),
    Format(
        "csv-guarded",
        "CSV for spreadsheets, not encrypted",
        ".csv",
        _TABLE,
        sealed=False,
        write=csv_table.write_guarded,
        hint="The same with an apostrophe before what would be taken for a formula, passwords too.",
    ),
)
