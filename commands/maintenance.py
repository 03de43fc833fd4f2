"""`./chatelaine maintenance`: the housekeeping that the server does by itself, on demand."""

from __future__ import annotations

import json

import click

from app import open_runtime
from commands.opening import settings
from services import maintenance as maintenance_service

WORDS = {
    "trash": "credentials destroyed after their time in the trash",
    "sessions": "ended sessions removed",
    "lockouts": "ended lockouts removed",
    "counters": "ended counters of requests removed",
    "challenges": "questions to passkeys removed that nobody answered",
    "sign-ons": "single sign-ons removed that nobody finished",
    "imports": "previews and leftovers of imports removed",
    "repeats": "remembered answers to repeated requests removed",
    "files": "leftovers of interrupted uploads removed",
    "re-encrypted": "rows re-encrypted where that was interrupted",
    "organizations": "organizations destroyed after their time to change one's mind",
}


@click.group()
def maintenance() -> None:
    """Run the housekeeping that the server does by itself."""


@maintenance.command()
@click.option("--json", "as_json", is_flag=True, help="Write the result for programs.")
def run(*, as_json: bool) -> None:
    """Do every task once, now."""
    with open_runtime(settings()) as runtime:
        done = maintenance_service.run(runtime)
    if as_json:
        click.echo(json.dumps(done))
        return
    for name, count in done.items():
        click.echo(f"{count} {WORDS[name]}.")
