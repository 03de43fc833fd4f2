"""`./chatelaine database`: bringing the tables up to date apart from serving."""

from __future__ import annotations

import click

from commands.opening import settings as read_settings
from commands.restoring import prepare


@click.group()
def database() -> None:
    """Bring the database up to date."""


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
