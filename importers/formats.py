"""Every format that can be read. The order is that of recognising: the particular before the general."""

from __future__ import annotations

from importers import (
    bitwarden,
    chatelaine,
    client_stor,
    csv_formats,
    dotenv,
    json_secrets,
    kdbx,
    keepass_xml,
    onepassword,
    pinakes,
    score,
    vault_kv,
)
from importers.entry import Reading
from importers.limits import ENTRIES_MAX, Refused, check_file
from importers.source import Asks, Format, Source

FORMATS: tuple[Format, ...] = (
    *chatelaine.FORMATS,
    *bitwarden.FORMATS,
    *kdbx.FORMATS,
    *keepass_xml.FORMATS,
    *onepassword.FORMATS,
    *score.FORMATS,
    *client_stor.FORMATS,
    *pinakes.FORMATS,
    *json_secrets.FORMATS,
    *csv_formats.FORMATS,
    *dotenv.FORMATS,
)

BY_COMMAND: tuple[Format, ...] = (vault_kv.FORMAT,)
"""What no file holds: only a command reads it."""


def find(key: str) -> Format:
    """Return the format called *key*.

    Raises:
        Refused: there is none.
    """
    for format_ in (*FORMATS, *BY_COMMAND):
        if format_.key == key:
            return format_
    raise Refused("Choose one of the formats.", "format")


def recognise(data: bytes) -> Format:
    """Return the first format that knows the file as its own.

    Raises:
        Refused: none does.
    """
    for format_ in FORMATS:
        if format_.recognises(data):
            return format_
    raise Refused("Nothing here knows this file. Choose its format, or export it as CSV.")


def read(source: Source, format_: Format) -> Reading:
    """Read the whole file.

    Raises:
        Refused: it is too large, not of this format, damaged, empty, or does not open with what was given.
    """
    check_file(source.data)
    if format_.passphrase is Asks.MUST and not source.passphrase:
        sentence = f"{format_.opens_with}: {format_.label} does not open without it."
        raise Refused(sentence, "passphrase")
    if format_.key_file is Asks.MUST and not source.key_file:
        raise Refused("Choose the key file too; the file does not open without it.", "key_file")
    reading = format_.read(source)
    if len(reading.entries) > ENTRIES_MAX:
        raise Refused(f"The file holds more than {ENTRIES_MAX:,} entries. Export it in several parts.")
    if not reading.entries:
        raise Refused("Nothing in the file can be imported. Look whether it is the right one.")
    return reading
