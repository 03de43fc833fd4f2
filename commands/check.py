"""`./chatelaine check`: every rule of a good deployment, and how it stands here."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import click

from app import ROOT, open_runtime
from commands.check_isolation import isolation_command
from commands.opening import settings as read_settings
from config import Settings, in_container, secret_names
from services.deployment import Facts, Result, State, review_database, review_settings

MARKS = {State.PASS: "ok  ", State.FAIL: "FAIL", State.WARN: "warn", State.BY_HAND: "hand"}


@click.group(invoke_without_command=True)
@click.option("--deploy", is_flag=True, help="Judge this as what people will rely on, not as a try-out.")
@click.option("--json", "as_json", is_flag=True, help="Write the result for programs.")
@click.pass_context
def check(context: click.Context, *, deploy: bool, as_json: bool) -> None:
    """Go through every rule of a good deployment; exit 1 if one that matters is not kept."""
    if context.invoked_subcommand is not None:
        return
    settings = read_settings()
    results = review_settings(_facts(settings))
    with open_runtime(settings) as runtime, runtime.work(writing=False) as uow:
        results += review_database(uow)
    if as_json:
        click.echo(json.dumps([_record(result) for result in results], indent=2))
    else:
        _print(results)
    failed = any(result.state is State.FAIL for result in results)
    if failed and (deploy or settings.is_production):
        context.exit(1)


check.add_command(isolation_command)


def _facts(settings: Settings) -> Facts:
    return Facts(
        production=settings.is_production,
        public_url=settings.public_url,
        hsts_seconds=settings.secure_hsts_seconds,
        proxies=settings.trusted_proxies,
        contact=settings.security_contact,
        second_factor=settings.require_2fa,
        audit_sink=settings.audit_sink is not None,
        metrics_token=settings.metrics_token is not None,
        contained=in_container(os.environ),
        database=settings.database_path,
        files=_files(settings),
        saves=settings.backup_to is not None and settings.backup_key is not None,
    )


def _files(settings: Settings) -> dict[str, Path]:
    named = {f"{name}_FILE": os.environ.get(f"{name}_FILE", "") for name in secret_names(settings)}
    files = {name: Path(path) for name, path in named.items() if path}
    files[".env"] = ROOT / ".env"
    if settings.database_path is not None:
        files["the database"] = settings.database_path
    return files


def _record(result: Result) -> dict[str, str]:
    return {"rule": result.rule, "state": result.state.value, "words": result.words}


def _print(results: list[Result]) -> None:
    for result in results:
        click.echo(f"{MARKS[result.state]}  {result.rule}")
        if result.words and result.state is not State.PASS:
            click.echo(f"      {result.words}")
    counts = Counter(result.state for result in results)
    click.echo("\n" + ", ".join(f"{counts[state]} {state.value}" for state in State))
