"""`./chatelaine keys`: see and turn the keys that everything is encrypted under."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from uuid import UUID

import click
from sqlalchemy import select

from app import open_database, open_runtime, scrub_as_owner
from commands.opening import (
    Record,
    find_organization,
    json_option,
    organization_option,
    settings,
    show,
    written,
)
from crypto.keyring import SYSTEM
from models import Organization
from services import clock, key_rotation, key_status, organization_removal, reencryption, shredding
from services.key_lines import DataKeyLine, MasterKeyLine, MasterState
from services.key_status import Status
from services.reencryption import Outcome
from services.runtime import Runtime

EXIT_FAULT = 1
LEFT_IN_FILE = (
    "The database's files may still hold pages from before, as somebody read for long. "
    "Stop the server, and run `sqlite3 FILE VACUUM`."
)
LEFT_ON_POSTGRESQL = "The table of keys could not be written anew. Run `VACUUM FULL data_key` as its owner."


@click.group()
def keys() -> None:
    """See and turn the keys that everything is encrypted under."""


@keys.command()
@json_option
def status(*, as_json: bool) -> None:
    """List the master keys by their ids, the data keys, what needs them, and what is to do.

    Opens no key, so that it works while one is missing; exits with 1 then.
    """
    with open_database(settings()) as (connection, masters):
        found = key_status.status(connection, masters, clock.now())
    if as_json:
        click.echo(json.dumps(_as_json(found), indent=2, ensure_ascii=False))
    else:
        _print(found)
    if any(line.state is MasterState.MISSING for line in found.master_keys):
        sys.exit(EXIT_FAULT)


@keys.command()
def rotate() -> None:
    """Wrap every key under the first master key of ENCRYPTION_KEYS, while people go on working.

    Start the server with the new key in front before. Can be repeated; at the end no row needs the others.
    """
    with open_runtime(settings()) as runtime:
        click.echo(f"Rotating to the master key {runtime.masters.primary_id} ...", err=True)
        done = key_rotation.rotate(runtime, progress=bar("keys"))
    for purpose, count in done.rewrapped.items():
        click.echo(f"{purpose}: {count}")
    click.echo(f"Rotation complete: {sum(done.rewrapped.values())} keys wrapped anew.")
    for name in done.broken:
        click.echo(f"The key {name} does not open: the row was altered. Restore it from a backup.", err=True)
    if done.broken:
        sys.exit(EXIT_FAULT)


@keys.command()
@organization_option
def reencrypt(organization: str | None) -> None:
    """Give organizations a new data key and re-encrypt everything under it, while people read and write.

    Without --organization it is done for every organization and for the installation itself. What was
    interrupted goes on where it stopped.
    """
    with open_runtime(settings()) as runtime:
        outcomes = [_reencrypt(runtime, slug, owner) for slug, owner in _owners(runtime, organization)]
    if any(outcome.broken for outcome in outcomes):
        sys.exit(EXIT_FAULT)


@keys.command()
@click.argument("organization")
def shred(organization: str) -> None:
    """Destroy an organization at once: its keys, its rows, and what is left of them in the database's files.

    Nothing brings it back but a copy of the database or a backup from before, together with the keys.
    """
    read = settings()
    with open_runtime(read) as runtime:
        with runtime.work(writing=False) as uow:
            name = find_organization(uow, organization).name
        click.echo(f"This destroys {name} for good: credentials, people, tokens and keys.", err=True)
        typed = click.prompt("Type its name to go on", err=True)
        with runtime.work(writing=True) as uow:
            organization_removal.remove_now(uow, find_organization(uow, organization), typed)
        clean = shredding.scrub(runtime.engine, runtime.write_lock)
    if read.database_owner_url:
        clean = scrub_as_owner(read)
    click.echo(f"{name} is destroyed.")
    if not clean:
        click.echo(LEFT_ON_POSTGRESQL if read.database_path is None else LEFT_IN_FILE, err=True)
        sys.exit(EXIT_FAULT)


def _owners(runtime: Runtime, slug: str | None) -> list[tuple[str, UUID]]:
    """Return whose data key is to be replaced, by their names."""
    with runtime.work(writing=False) as uow:
        if slug is not None:
            return [(slug, find_organization(uow, slug).id)]
        every = uow.session.scalars(select(Organization).order_by(Organization.slug))
        return [*((each.slug, each.id) for each in every), ("system", SYSTEM)]


def _reencrypt(runtime: Runtime, name: str, owner: UUID) -> Outcome:
    with runtime.work(writing=True) as uow:
        version = reencryption.begin(uow, owner)
    click.echo(f"{name}: version {version} of the data key ...", err=True)
    outcome = reencryption.run(runtime, owner, progress=bar("rows"))
    click.echo(f"{name}: {outcome.rows} rows re-encrypted under version {outcome.version}.")
    if outcome.broken:
        click.echo(
            f"{name}: {outcome.broken} rows cannot be decrypted and stay as they are; pages name them.",
            err=True,
        )
    return outcome


def bar(what: str) -> Callable[[int, int], None]:
    """Return what shows on standard error how far something has come, where a person looks on."""
    return _Bar(what) if sys.stderr.isatty() else lambda _done, _all: None


class _Bar:
    """A line that is written over; it says how many a second, too."""

    WIDTH = 30

    def __init__(self, what: str) -> None:
        self._what = what
        self._began = clock.now()

    def __call__(self, done: int, every: int) -> None:
        filled = self.WIDTH * done // max(every, 1)
        seconds = (clock.now() - self._began).total_seconds()
        rate = f"{done / seconds:,.0f}/s" if seconds > 0 else ""
        line = f"\r[{'#' * filled}{'.' * (self.WIDTH - filled)}] {done:,} of {every:,} {self._what} {rate} "
        click.echo(line, err=True, nl=done >= every)


def _print(found: Status) -> None:
    click.echo("Master keys")
    show([_master(line) for line in found.master_keys], as_json=False, nothing="There are none.")
    click.echo("\nData keys")
    show([_data(line) for line in found.data_keys], as_json=False, nothing="There are none.")
    click.echo("\nTo do" if found.tasks else "\nThere is nothing to do.")
    for task in found.tasks:
        click.echo(f"- {task.words}")


def _as_json(found: Status) -> dict[str, Sequence[Record]]:
    return {
        "master_keys": [_master(line) for line in found.master_keys],
        "data_keys": [_data(line) for line in found.data_keys],
        "tasks": [
            {"kind": task.kind, "organization": task.slug, "words": task.words} for task in found.tasks
        ],
    }


def _master(line: MasterKeyLine) -> Record:
    return {
        "id": line.id,
        "state": line.state.value,
        "keys": line.rows,
        "first used": written(line.first_at),
        "backups": list(line.backups) or None,
    }


def _data(line: DataKeyLine) -> Record:
    return {
        "of": line.slug or line.name,
        "purpose": line.purpose,
        "version": line.version,
        "state": line.state,
        "master key": line.master_key_id,
        "made": written(line.created_at),
        "rows": line.rows,
    }
