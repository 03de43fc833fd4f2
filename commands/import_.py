"""`./chatelaine import`: move credentials in from a file of another program."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from commands.importing import Into, into_options, take_in
from importers import formats
from importers.limits import FILE_MAX, check_file
from importers.source import Asks, Format, Source

FORMATS = click.Choice([one.key for one in formats.FORMATS])
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(name="import")
@click.argument("file", type=FILE)
@click.option("--format", "key", type=FORMATS, help="What the file is; found out by itself otherwise.")
@click.option("--key-file", type=FILE, help="The file that opens it, where it needs one.")
@into_options
def import_(file: Path, key: str | None, key_file: Path | None, **into: Any) -> None:
    """Store what another program has exported. A passphrase is read from standard input, never an argument.

    Nothing of a value is printed. What is in the vault already is left out; the import's page can undo it.
    """
    data = _bytes_of(file)
    check_file(data)
    format_ = formats.find(key) if key else formats.recognise(data)
    source = Source(data, file.name, _passphrase(format_), _bytes_of(key_file) if key_file else b"")
    reading = formats.read(source, format_)
    take_in(reading, format_.key, file.name, Into(**into))


def _bytes_of(file: Path) -> bytes:
    with file.open("rb") as opened:
        # A byte more than fits, so that a file that is too large is known as such and never read whole.
        return opened.read(FILE_MAX + 1)


def _passphrase(format_: Format) -> str:
    if format_.passphrase is Asks.NEVER:
        return ""
    if sys.stdin.isatty():
        prompt = format_.opens_with + ("" if format_.passphrase is Asks.MUST else " (empty: none)")
        return str(click.prompt(prompt, hide_input=True, default="", show_default=False, err=True))
    return sys.stdin.readline().rstrip("\r\n")
