"""`./chatelaine demo`: a full house within seconds, and nothing left of it afterwards."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Engine, event

from app import create_app, open_runtime
from config import Settings
from crypto.master_keys import generate_master_key
from server import AddressRefused, Plan, check_address, serve
from services.demo import Demo, build

HOST = "127.0.0.1"
NOTE = "Demo: this data is thrown away"


@click.command()
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
def demo(port: int) -> None:
    """Show a made-up team on a throw-away database, on this machine alone."""
    try:
        check_address(HOST, port)
        folder = _throw_away_folder()
        settings = _settings(folder / "demo.db", port)
        click.echo("Making a team and a month of its work …", err=True)
        with _without_warnings(), open_runtime(settings, migrate=True) as runtime:
            _spare_the_disk(runtime.engine)
            made = build(runtime)
        # Made here and not by the server, so that whoever follows the greeting at once is let in.
        app = create_app(settings)
        app.config["ENVIRONMENT_NOTE"] = NOTE
        on_ready = partial(_greet, made, settings.public_url)
        serve(Plan(lambda: app), host=HOST, port=port, on_ready=on_ready)
    except AddressRefused as refused:
        raise click.ClickException(str(refused)) from None


def _throw_away_folder() -> Path:
    """Make a folder, and leave a process behind that deletes it once this one has ended, however it ends.

    The server ends this process without unwinding, and somebody may kill it.
    """
    folder = Path(tempfile.mkdtemp(prefix="chatelaine-demo-"))
    reading, writing = os.pipe()
    if os.fork():
        os.close(reading)
        return folder
    os.close(writing)
    # Away from the terminal, so that Ctrl-C ends the server and not this.
    os.setsid()
    os.read(reading, 1)
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)


def _settings(database: Path, port: int) -> Settings:
    environ = {
        "APP_ENV": "local",
        "FLASK_SECRET_KEY": generate_master_key(),
        "ENCRYPTION_KEYS": generate_master_key(),
        "DATABASE_URL": f"sqlite:///{database}",
        "PORT": str(port),
    }
    return Settings.load(environ, env_file=None)


def _spare_the_disk(engine: Engine) -> None:
    """Wait for no sync: a month's worth of them takes long on some disks, and all of it is thrown away."""
    engine.dispose()

    @event.listens_for(engine, "connect")
    def relax(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA synchronous = OFF")


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Keep the made-up failed sign-ins of the past out of today's log."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def _greet(made: Demo, address: str) -> None:
    width = max(len(guest.person.name) for guest in made.guests)
    click.echo(f"\nReady. Open {address}/sign-in and paste one of these access tokens:\n")
    for guest in made.guests:
        click.echo(f"  {guest.person.name:{width}}  {guest.person.role.value:8} {guest.token}")
    click.echo("\nEnd it with Ctrl-C; all of it is deleted then.")
