"""`./chatelaine serve`: sets everything up on a new machine, then serves until it is told to stop."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from app import ROOT, create_app
from commands.restoring import prepare, snapshot_files
from config import SECRETS, Settings, in_container, is_loopback, write_local_env
from crypto.master_keys import generate_master_key
from errors import StartRefused
from server import Plan, check_address
from server import serve as run_server
from services import key_status, logs
from services.health import fleeting_data
from services.maintenance import Housekeeper
from services.snapshots import SnapshotKeeper

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

ENV_FILE = ROOT / ".env"
DEFAULT_DATABASE = ROOT / "instance" / "chatelaine.db"
# A container is a wall of its own: what reaches it is decided outside.
EVERY_ADDRESS = "0.0.0.0"  # noqa: S104  # nosec B104


@click.command()
@click.option(
    "--host", metavar="H", help="Address to listen on: 127.0.0.1, and every address in the container."
)
@click.option(
    "--port", metavar="P", type=click.IntRange(1, 65535), help="Port to listen on, instead of PORT."
)
@click.option(
    "--workers",
    metavar="N",
    default=1,
    type=click.IntRange(1, 64),
    help="Processes; more than one suits PostgreSQL.",
)
@click.option(
    "--without-key",
    metavar="ID",
    multiple=True,
    help="Start read-only although this master key is missing and rows need it.",
)
def serve(host: str | None, port: int | None, workers: int, without_key: tuple[str, ...]) -> None:
    """Start the server; on a new machine, set everything up first."""
    set_up_this_machine(os.environ, ENV_FILE)
    settings = Settings.load(os.environ, env_file=ENV_FILE).without(without_key)
    settings = settings.on_port(port or settings.port)
    host = host or (EVERY_ADDRESS if in_container(os.environ) else "127.0.0.1")
    if not settings.is_production and not is_loopback(host):
        message = "With APP_ENV=local only this machine may connect: leave --host out, or set up production."
        raise click.BadParameter(message, param_hint="--host")
    # Looked at before the database is touched: the enrolment link is shown only once.
    check_address(host, settings.port)
    token = prepare(settings)
    _warn(settings)
    plan = Plan(partial(make_app, settings, alone=workers == 1))
    run_server(
        plan, host=host, port=settings.port, workers=workers, on_ready=partial(_greet, settings, token)
    )


def _warn(settings: Settings) -> None:
    """Say what would else be a surprise on the day when the data is gone."""
    warning = fleeting_data(settings.database_path, contained=in_container(os.environ))
    if warning and snapshot_files(settings) is not None:
        warning = "The disk below the database does not last: each start restores it from BACKUP_TO."
    elif settings.backup_to is not None and settings.database_path is None:
        warning = (
            "On PostgreSQL nothing goes to BACKUP_TO by itself: let a timer run ./chatelaine backup create."
        )
    if warning:
        click.echo(f"!! {warning}", err=True)


def make_app(settings: Settings, *, alone: bool = False) -> WSGIApplication:
    """Build the application of one server process, with the log and housekeeping that belong to a server.

    Args:
        alone: whether this is the only process that serves.
    """
    logs.configure(settings.log_format, settings.log_level)
    app = create_app(settings)
    runtime = app.extensions["chatelaine"]
    if runtime.missing_keys:
        key_status.record_missing(runtime)
        return app
    files = snapshot_files(settings)
    if files is not None:
        # Ends after the housekeeping, so that the last snapshot holds what that does.
        SnapshotKeeper(runtime, files, alone=alone).start()
    Housekeeper(runtime).start()
    return app


def set_up_this_machine(environ: Mapping[str, str], env_file: Path) -> None:
    """Write a `.env` with fresh keys where nothing is configured; never in a container, whose files vanish.

    Raises:
        StartRefused: there is a database already, whose keys these would not be, or no file can be written.
    """
    if env_file.exists() or in_container(environ) or _is_configured(environ):
        return
    if DEFAULT_DATABASE.exists():
        raise StartRefused(
            f"There is a database at {DEFAULT_DATABASE}, but {env_file} with its keys is gone. "
            "Put that file back: without its ENCRYPTION_KEYS nothing in the database can be read."
        )
    try:
        write_local_env(
            env_file, flask_secret_key=generate_master_key(), encryption_key=generate_master_key()
        )
    except OSError as error:
        raise StartRefused(f"Cannot write {env_file} ({error.strerror}). Make its folder writable.") from None
    click.echo(f"Wrote {env_file} with fresh keys. Keep a copy of it somewhere else.")


def _is_configured(environ: Mapping[str, str]) -> bool:
    names = {
        "APP_ENV",
        "FLASK_ENV",
        "PUBLIC_URL",
        "SPACE_HOST",
        *SECRETS,
        *(f"{name}_FILE" for name in SECRETS),
    }
    return any(environ.get(name, "").strip() for name in names)


def _greet(settings: Settings, token: str | None) -> None:
    if token is not None:
        click.echo("Open this link to become the first owner. It works once, for 24 hours:\n")
        click.echo(f"  {settings.public_url}/enrol/{token}\n")
    click.echo(f"Chatelaine is at {settings.public_url} - Ctrl-C ends it.")
