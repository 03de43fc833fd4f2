"""`./chatelaine secrets`: make keys, and check those that are configured."""

from __future__ import annotations

import os
import sys
from uuid import UUID

import click

from config import ROOT, ConfigError, load_secrets
from crypto.envelope import DecryptionError
from crypto.master_keys import MasterKeys, fresh_key, generate_master_key

KINDS = {
    "flask": "Put it into FLASK_SECRET_KEY.",
    "encryption": "Put it into ENCRYPTION_KEYS, and keep a copy elsewhere: without it nothing can be read.",
    "backup": "Put it into BACKUP_KEY, and keep a copy elsewhere: without it no backup can be opened.",
    "admin-token": "Put it into ADMIN_TOKEN or METRICS_TOKEN.",
}


@click.group()
def secrets() -> None:
    """Make keys, and check those that are configured."""


@secrets.command("generate-key")
@click.option("--kind", type=click.Choice(list(KINDS)), default="encryption", show_default=True)
def generate_key(kind: str) -> None:
    """Print a fresh key of 32 random bytes, alone on standard output."""
    click.echo(generate_master_key())
    click.echo(f"A base64-encoded 256-bit key. {KINDS[kind]}", err=True)


@secrets.command()
def validate() -> None:
    """Check that every secret is there, strong and unlike the others, and that it encrypts.

    Starts nothing. Exits with 1 when there is a fault, and names each.
    """
    faults: list[str] = []
    try:
        configured = load_secrets(os.environ, env_file=ROOT / ".env")
        try_encryption(MasterKeys.parse(configured["ENCRYPTION_KEYS"] or ""))
    except ConfigError as error:
        faults = [fault.sentence for fault in error.faults]
    except (ValueError, DecryptionError) as error:
        faults = [f"ENCRYPTION_KEYS: {error}"]
    if not faults:
        click.echo("All secrets configured correctly")
        return
    click.echo("Validation failed:")
    for fault in faults:
        click.echo(f"  - {fault}")
    sys.exit(1)


@secrets.command("key-id")
def key_id() -> None:
    """Print the id of an encryption key, which is read from standard input and kept nowhere.

    With it you can tell which key a copy is of without comparing the keys themselves.
    """
    typed = click.prompt("Key", hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.read()
    try:
        click.echo(MasterKeys.parse(typed.strip()).primary_id)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def try_encryption(masters: MasterKeys) -> None:
    """Wrap a key and open it again.

    Raises:
        DecryptionError: it did not open.
    """
    nowhere = UUID(int=0)
    wrapped = masters.wrap(nowhere, nowhere, "validate", 1, fresh_key())
    masters.unwrap(masters.primary_id, nowhere, nowhere, "validate", 1, wrapped)
