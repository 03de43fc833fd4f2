"""`./chatelaine database`: bringing the tables up to date apart from serving, and moving elsewhere."""

from __future__ import annotations

import os
import sys

import click

from app import ROOT
from commands.backup_place import bar
from commands.opening import settings as read_settings
from commands.restoring import prepare
from config import Settings
from config_reader import Reader
from config_servers import read_target
from crypto.master_keys import MasterKeys
from services import database_copy
from services.copy_targets import Place
from services.database_copy import End

FAULTS_FOUND = 1
_to = click.option(
    "--to",
    "target_url",
    required=True,
    envvar="TARGET_URL",
    metavar="URL",
    help="postgresql+psycopg://… or sqlite:///FILE; with a password in it, better as TARGET_URL.",
)


@click.group()
def database() -> None:
    """Bring the database up to date, or move to another."""


@database.command()
def migrate() -> None:
    """Make the tables or bring them up to date, as DATABASE_OWNER_URL where that is set.

    The server does so by itself at its start. Where it shall not know their owner, this runs before it.
    """
    settings = read_settings()
    token = prepare(settings)
    click.echo("The database is up to date.")
    if token is not None:
        click.echo("This link makes the first owner. It works once, for 24 hours:\n")
        click.echo(f"  {settings.public_url}/enrol/{token}")


@database.command()
@_to
@click.option(
    "--owner",
    "owner_url",
    envvar="TARGET_OWNER_URL",
    metavar="URL",
    help="On PostgreSQL: as the role that owns the tables; with a password, better as TARGET_OWNER_URL.",
)
def copy(target_url: str, owner_url: str | None) -> None:
    """Copy everything into an empty database, compare both, and say what to set.

    Stop the server first: the copy holds what was there when it began. Attached files stay where they are.
    """
    settings = read_settings()
    target = _target(target_url, owner_url)
    with bar("Copying") as progress:
        copied = database_copy.copy(_source(settings), target, _masters(settings), progress)
    click.echo(f"Copied and compared: {_told(copied.target)}, the same at both ends.")
    click.echo(f"Set DATABASE_URL to {target.name}{' and its password' if target.path is None else ''}.")
    click.echo(
        f"Attached files stay where they are: set ATTACHMENTS_TO={settings.attachments_to} as well, "
        "if it is not set."
    )
    if copied.later:
        click.echo(
            f"Somebody went on working: {copied.later} events came after the copy began and are not in it. "
            "Stop the server, empty the target, and copy again.",
            err=True,
        )
        sys.exit(FAULTS_FOUND)


@database.command()
@_to
def compare(target_url: str) -> None:
    """Compare every row and the audit log with another database; exits with 1 where they differ.

    A server that has started on one of them has changed it: compare before that.
    """
    settings = read_settings()
    target = _target(target_url, None)
    with bar("Comparing") as progress:
        compared = database_copy.compare(_source(settings), target, _masters(settings), progress)
    if not compared.differences:
        click.echo(f"The same at both ends: {_told(compared.source)}.")
        return
    click.echo("\n".join([*compared.differences, f"{len(compared.differences)} differences found."]))
    sys.exit(FAULTS_FOUND)


def _told(end: End) -> str:
    log = end.log
    faults = f", with {log.count} faults" if log.count else ""
    return (
        f"{end.rows} rows in {len(end.tables)} tables, {log.events} events of the audit log in "
        f"{len(log.chains)} chains verified{faults}"
    )


def _source(settings: Settings) -> Place:
    return Place(settings.database_url)


def _target(url: str, owner_url: str | None) -> Place:
    """Hold the address to the same rules as DATABASE_URL."""
    given = {"TARGET_URL": url, "TARGET_OWNER_URL": owner_url or ""}
    reader = Reader({**os.environ, **given}, ROOT / ".env", ())
    place = Place(*read_target(reader))
    faults = [fault.sentence for fault in reader.faults if fault.name.startswith("--")]
    if faults:
        raise click.UsageError("\n".join(faults))
    return place


def _masters(settings: Settings) -> MasterKeys:
    return MasterKeys.parse(settings.encryption_keys)
