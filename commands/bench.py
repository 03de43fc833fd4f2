"""`./chatelaine bench`: how fast this installation's code is on this machine, next to bare Flask."""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

import click

from bench.load import CLIENTS
from bench.measuring import QUICK, Bench, Sizes


@click.command()
@click.option("--quick", is_flag=True, help="Small databases and short rounds: to see that it works.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def bench(*, quick: bool, as_json: bool) -> None:
    """Measure how fast this installation's code is on this machine.

    The production server runs on temporary databases and is loaded over HTTP by another process. Every rate
    is also given as a part of what a bare Flask application reaches on the same server, in the same minute.
    """
    with tempfile.TemporaryDirectory(prefix="chatelaine-bench-") as folder:
        report = Bench(Path(folder), QUICK if quick else Sizes(), _say).run()
    report.notes.append(_circumstances())
    if quick:
        report.notes.append("Quick: the databases are small, so the figures say little and the targets less.")
    click.echo(json.dumps(report.record(), indent=2) if as_json else report.table())
    sys.exit(1 if report.faults else 0)


def _say(words: str) -> None:
    click.echo(words, err=True)


def _circumstances() -> str:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    day = time.strftime("%Y-%m-%d")
    system = f"{platform.system()}, Python {platform.python_version()}"
    return f"{day}, {cores} cores, {system}, SQLite, {CLIENTS} clients."
