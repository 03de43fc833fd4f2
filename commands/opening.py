"""What commands share: opening the database, choosing an organization, writing tables."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

import click
from sqlalchemy import select

from app import ROOT, open_runtime
from config import Settings
from models import Organization
from services.unit_of_work import UnitOfWork

Record = Mapping[str, str | int | bool | Sequence[str] | None]

organization_option = click.option(
    "--organization", metavar="SLUG", help="Of which organization; not needed while there is only one."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Write the result for programs.")


def settings() -> Settings:
    """Read the settings that the server would run with."""
    return Settings.load(os.environ, env_file=ROOT / ".env")


@contextmanager
def working(*, writing: bool) -> Iterator[UnitOfWork]:
    """Work on the database as the system, which belongs to no organization."""
    with open_runtime(settings()) as runtime, runtime.work(writing=writing) as uow:
        yield uow


@contextmanager
def working_in(slug: str | None, *, writing: bool) -> Iterator[UnitOfWork]:
    """Work on the database as the system, in one organization."""
    with working(writing=writing) as uow:
        organization = find_organization(uow, slug)
        uow.act_as(replace(uow.actor, organization_id=organization.id))
        yield uow


def show(records: Sequence[Record], *, as_json: bool, nothing: str) -> None:
    """Print records as a table, or as JSON.

    Args:
        nothing: what to say where there are none.
    """
    if as_json:
        click.echo(json.dumps([dict(record) for record in records], indent=2, ensure_ascii=False))
    elif records:
        click.echo(_table(records))
    else:
        click.echo(nothing, err=True)


def written(moment: datetime | None) -> str | None:
    """Write a moment for people and programs alike; None stays None."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def find_organization(uow: UnitOfWork, slug: str | None) -> Organization:
    """Return the organization with this address; None: the only one.

    Raises:
        UsageError: there is none, or there are several to choose from.
    """
    found = list(uow.session.scalars(select(Organization).order_by(Organization.slug)))
    chosen = [each for each in found if slug in (None, each.slug)]
    if len(chosen) == 1:
        return chosen[0]
    names = ", ".join(each.slug for each in found)
    if slug is None:
        message = f"There are several organizations; choose one with --organization: {names}."
    else:
        message = f"There is no organization {slug}. There are: {names}."
    raise click.UsageError(message)


def _table(records: Sequence[Record]) -> str:
    rows = [list(records[0]), *([_cell(value) for value in record.values()] for record in records)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _cell(value: str | int | bool | Sequence[str] | None) -> str:  # noqa: FBT001 - a value, not a switch
    if value is None:
        return "-"
    if isinstance(value, str):
        # A name may hold what a terminal would obey.
        return "".join(character if character.isprintable() else "?" for character in value)
    return " ".join(value) if isinstance(value, Sequence) else str(value)
