"""What the commands that move credentials in share: their options, the plan, the storing, the result."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

from commands.opening import json_option, organization_option, show, working_in
from importers.entry import Reading
from models import ImportRun
from policy import Actor
from services import import_plans, import_runs, imports, vaults
from services.import_plans import Planned, Verdict
from services.imports import Draft, State
from services.runtime import Runtime

_OPTIONS = (
    click.option("--vault", required=True, help="Into which vault, by its name."),
    organization_option,
    click.option("--folder", default="", help="A folder of the vault for everything that is read."),
    click.option("--dry-run", is_flag=True, help="Say what would become of each entry, and store nothing."),
    json_option,
)


@dataclass(frozen=True, slots=True)
class Into:
    """Where everything goes, and how it is told."""

    vault: str
    organization: str | None
    folder: str
    dry_run: bool
    as_json: bool


def into_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of :class:`Into`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def take_in(reading: Reading, key: str, name: str, into: Into) -> None:
    """Store what was read, or say what would become of it.

    Args:
        key: the format's name.
        name: of the file, or of what else was read.
    """
    folder = imports.check_folder(into.folder)
    with working_in(into.organization, writing=False) as uow:
        runtime, actor = uow.runtime, uow.actor
        vault_id = vaults.find_by_name(uow, into.vault).id
        planned = import_plans.plan(uow, vault_id, reading.entries, folder)
        uow.release()
        if into.dry_run:
            _print_plan(planned, as_json=into.as_json)
            return
        with runtime.work(writing=True, actor=actor) as writing:
            draft = Draft(key, name, reading, planned, folder)
            run = imports.keep(writing, vaults.find(writing, vault_id), draft)
        _store(runtime, actor, run)
        _print_result(runtime, actor, run, as_json=into.as_json)


def _store(runtime: Runtime, actor: Actor, run: ImportRun) -> None:
    with click.progressbar(length=run.planned, label="Storing", file=sys.stderr) as bar:
        while True:
            with runtime.work(writing=False, actor=actor) as reading:
                batch = import_runs.next_batch(reading, run)
            if batch is None:
                return
            with runtime.work(writing=True, actor=actor) as uow:
                mine = imports.find(uow, run.id)
                import_runs.store(uow, mine, vaults.find(uow, mine.vault_id), batch)
            bar.update(len(batch.new))


def _print_plan(planned: list[Planned], *, as_json: bool) -> None:
    rows = [
        {"entry": one.name, "place": one.place, "becomes": one.verdict.value, "notes": " ".join(one.notes)}
        for one in planned
    ]
    show(rows, as_json=as_json, nothing="There is nothing in the file.")
    _say(import_plans.count(planned), "Nothing was stored.", as_json=as_json)


def _print_result(runtime: Runtime, actor: Actor, run: ImportRun, *, as_json: bool) -> None:
    with runtime.work(writing=False, actor=actor) as uow:
        done = imports.find(uow, run.id)
        summary = imports.summary_of(uow, done)
    counts = {Verdict.NEW: done.made, Verdict.DUPLICATE: summary.duplicate, Verdict.REFUSED: summary.refused}
    if as_json:
        figures = {verdict.value: number for verdict, number in counts.items()}
        click.echo(json.dumps({"import": str(done.id), "done": done.state == State.DONE, **figures}))
    _say(counts, "The import's page can undo it.", as_json=as_json)


def _say(counts: import_plans.Counts, end: str, *, as_json: bool) -> None:
    if not as_json:
        new, duplicate, refused = (counts[verdict] for verdict in Verdict)
        click.echo(f"{new} new, {duplicate} here already, {refused} that cannot be kept. {end}", err=True)
