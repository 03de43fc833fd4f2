"""`./chatelaine check isolation`: whether anything of one organization hangs on, or shows in, another."""

from __future__ import annotations

import json

import click

from app import open_runtime
from commands.opening import json_option, settings
from services import isolation, isolation_walk
from services.isolation import Finding


@click.command(name="isolation")
@json_option
@click.pass_context
def isolation_command(context: click.Context, *, as_json: bool) -> None:
    """Look whether the live database keeps organizations apart; exit 1 if it does not. Nothing is changed."""
    with open_runtime(settings()) as runtime:
        with runtime.work(writing=False) as uow:
            findings = isolation.check(uow)
        findings += isolation_walk.walk(runtime)
    if as_json:
        click.echo(json.dumps([_record(finding) for finding in findings], indent=2))
    else:
        _print(findings)
    if any(finding.faults for finding in findings):
        context.exit(1)


def _record(finding: Finding) -> dict[str, str | int]:
    return {
        "table": finding.table,
        "rule": finding.rule,
        "rows": finding.rows,
        "faults": finding.faults,
    }


def _print(findings: list[Finding]) -> None:
    for finding in findings:
        mark = "FAIL" if finding.faults else "ok  "
        count = f"{finding.faults} of {finding.rows}" if finding.faults else str(finding.rows)
        click.echo(f"{mark}  {finding.table}: {finding.rule} ({count})")
    faults = sum(finding.faults for finding in findings)
    tables = sorted({finding.table for finding in findings if finding.faults})
    words = f"{faults} faults, in {', '.join(tables)}" if faults else "no fault"
    click.echo(f"\n{len(findings)} rules, {words}.")
