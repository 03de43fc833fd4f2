"""`./chatelaine lockouts`: see and lift what failed sign-ins have locked."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import click

from commands.opening import json_option, show, working, written
from services import lockouts as lockout_service
from services.unit_of_work import UnitOfWork


@click.group()
def lockouts() -> None:
    """See and lift lockouts."""


@lockouts.command(name="list")
@json_option
def list_(*, as_json: bool) -> None:
    """List the locks, and the counts towards one, of the whole installation."""
    with working(writing=False) as uow:
        lines = lockout_service.living(uow)
    show(
        [
            {
                "id": str(line.id),
                "kind": line.kind,
                "handle": line.handle,
                "owner": line.owner,
                "address": line.address,
                "attempts": line.attempts,
                "locked": line.locked,
                "until": written(line.until),
            }
            for line in lines
        ],
        as_json=as_json,
        nothing="Nobody is locked out.",
    )


@lockouts.command()
@click.argument("lockout_id", metavar="ID", type=click.UUID, required=False)
@click.option("--all", "everything", is_flag=True, help="Lift all of them.")
def lift(lockout_id: UUID | None, *, everything: bool) -> None:
    """Lift one lockout, by the id that the list shows, or all."""
    if (lockout_id is None) != everything:
        message = "Name one ID, or say --all."
        raise click.UsageError(message)
    with working(writing=True) as uow:
        chosen = [line.id for line in lockout_service.living(uow) if lockout_id in (None, line.id)]
        for each in chosen:
            _lift(uow, each)
    if lockout_id is not None and not chosen:
        message = f"There is no lockout {lockout_id}; it may have ended."
        raise click.ClickException(message)
    click.echo(f"{len(chosen)} lifted.", err=True)


def _lift(uow: UnitOfWork, lockout_id: UUID) -> None:
    """Lift it where its organization can read of it."""
    row = lockout_service.find(uow, lockout_id)
    system = uow.actor
    uow.actor = replace(system, organization_id=row.organization_id)
    lockout_service.lift(uow, row)
    uow.actor = system
