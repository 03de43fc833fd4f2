"""`./chatelaine audit`: verify the log, take it out, sign where it ends."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import IO
from uuid import UUID

import click

from app import open_runtime
from commands.opening import settings
from services import audit_export, audit_figures, audit_verify, checkpoints
from services.audit_reading import Filter
from services.audit_verify import Report
from services.database import reading
from services.events import SYSTEM_CHAIN
from services.runtime import Runtime

FAULTS_FOUND = 1
DAY = click.DateTime(formats=["%Y-%m-%d"])


@click.group()
def audit() -> None:
    """Verify, export and sign the audit log."""


@audit.command()
@click.option("--organization", metavar="SLUG", help="Only the events of this organization.")
@click.option(
    "--against",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Checkpoints that AUDIT_SINK has kept: finds a log that was cut together with its checkpoints.",
)
@click.option("--json", "as_json", is_flag=True, help="Write the result for programs.")
def verify(organization: str | None, against: Path | None, *, as_json: bool) -> None:
    """Check that nothing in the log was changed, removed, added or reordered.

    Exits with 1 when something was, and names each place.
    """
    kept = against.read_text(encoding="utf-8", errors="replace") if against else None
    with _runtime() as runtime:
        organization_id = _organization(runtime, organization) if organization else None
        report = _verify(runtime, organization_id, kept)
        audit_verify.record(runtime, report)
    click.echo(_as_json(report) if as_json else _in_words(report))
    if report.count:
        sys.exit(FAULTS_FOUND)


@audit.command()
@click.option(
    "--organization", metavar="SLUG", help="Only this organization; without it: all, and the system's own."
)
@click.option(
    "--format", "format_", type=click.Choice([each.value for each in audit_export.Format]), default="jsonl"
)
@click.option("--names", is_flag=True, help="Name credentials and their fields, not only their ids.")
@click.option("--from", "first", type=DAY, help="First day, such as 2026-11-01 (UTC).")
@click.option("--to", "last", type=DAY, help="Last day.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A new file, readable by you alone; without it: standard output.",
)
def export(
    organization: str | None,
    format_: str,
    *,
    names: bool,
    first: datetime | None,
    last: datetime | None,
    output: Path | None,
) -> None:
    """Write the log out, oldest event first.

    The lines of the format jsonl hold all that a verification of order and completeness needs; an export of
    everything ends with the signed checkpoints.
    """
    wanted = Filter(first_day=first.date() if first else None, last_day=last.date() if last else None)
    written_as = audit_export.Format(format_)
    with _runtime() as runtime:
        chains = [_organization(runtime, organization)] if organization else _every_chain(runtime)
        with _target(output) as target:
            for chain_id in chains:
                plan = _planned(runtime, chain_id, wanted, written_as, names=names)
                target.writelines(audit_export.write(runtime, plan))
            if not organization and written_as is audit_export.Format.JSON_LINES:
                target.writelines(audit_export.write_checkpoints(runtime))


@audit.command()
def checkpoint() -> None:
    """Sign where the log ends now, and print the newest checkpoint."""
    with _runtime() as runtime:
        runtime.checkpoints.make()
        with reading(runtime.engine) as connection:
            note = checkpoints.last_note(connection)
    if note is None:
        click.echo("There is nothing to sign yet.", err=True)
        sys.exit(FAULTS_FOUND)
    click.echo(note, nl=False)


@audit.command()
def recount() -> None:
    """Count the figures of every day anew from the events; a verification says when they are wrong."""
    with _runtime() as runtime, runtime.work(writing=True) as uow:
        days = audit_figures.recount(uow)
    click.echo(f"{_counted(days, 'day')} counted anew.")


@audit.command(name="public-key")
def public_key() -> None:
    """Print the key with which anyone can check the checkpoints."""
    with _runtime() as runtime, reading(runtime.engine) as connection:
        click.echo(checkpoints.verifier_key(runtime.keys_for(connection)))


@contextmanager
def _runtime() -> Iterator[Runtime]:
    with open_runtime(settings()) as runtime:
        yield runtime


def _organization(runtime: Runtime, slug: str) -> UUID:
    found = audit_verify.organizations(runtime).get(slug)
    if found is None:
        raise click.UsageError(f"There is no organization {slug}.")
    return found


def _every_chain(runtime: Runtime) -> list[UUID]:
    return [SYSTEM_CHAIN, *audit_verify.organizations(runtime).values()]


def _verify(runtime: Runtime, organization_id: UUID | None, kept: str | None) -> Report:
    with click.progressbar(length=1, label="Verifying", file=sys.stderr) as bar:

        def advance(done: int, everything: int) -> None:
            bar.length = max(everything, 1)
            bar.update(done - bar.pos)

        return audit_verify.verify(runtime, organization_id=organization_id, against=kept, progress=advance)


def _in_words(report: Report) -> str:
    parts = [_counted(len(report.chains), "chain"), _counted(report.checkpoints, "checkpoint")]
    if report.notes is not None:
        parts.append(f"{_counted(report.notes, 'checkpoint')} of the second place")
    parts.append(_counted(sum(chain.items for chain in report.chains), "credential"))
    looked_at = ", ".join(parts)
    if not report.count:
        return (
            f"{_counted(report.events, 'event')} verified: {looked_at}. "
            "Nothing was changed, removed, added or reordered."
        )
    told = [str(fault) for fault in report.faults]
    if report.count > len(told):
        told.append(f"… and {report.count - len(told)} more")
    return "\n".join([*told, f"{_counted(report.count, 'fault')} found: {looked_at}."])


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _as_json(report: Report) -> str:
    return json.dumps(asdict(report), default=str)


def _planned(
    runtime: Runtime, chain_id: UUID, wanted: Filter, format_: audit_export.Format, *, names: bool
) -> audit_export.Plan:
    """Record the export in the chain that it is of, before anything of it is read."""
    with runtime.work(writing=True) as uow:
        if chain_id != SYSTEM_CHAIN:
            uow.act_as(replace(uow.actor, organization_id=chain_id))
        return audit_export.plan(uow, chain_id, wanted, format_, names=names)


@contextmanager
def _target(path: Path | None) -> Iterator[IO[str]]:
    if path is None:
        yield sys.stdout
        return
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise click.UsageError(f"{path} is there already; choose another name.") from None
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        yield file
