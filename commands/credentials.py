"""`./chatelaine credentials`: credentials that the server's environment holds, and their way into a vault."""

from __future__ import annotations

import sys
from collections import Counter

import click
from sqlalchemy import select

from commands.opening import json_option, organization_option, show, working_in
from errors import NotFound
from models import Vault
from services import reference_migration as migration
from services.reference_migration import CLEARED, Reference, State
from services.unit_of_work import UnitOfWork

FAULTY = frozenset({State.MISSING, State.DIFFERS, State.BROKEN})


@click.group()
def credentials() -> None:
    """Refer to variables of the environment, and encrypt what they hold."""


@credentials.command()
@click.argument("name")
@click.argument("variable")
@click.option("--vault", "vault_name", metavar="NAME", required=True, help="Where the credential goes.")
@organization_option
def refer(name: str, variable: str, vault_name: str, organization: str | None) -> None:
    """Make a credential whose API key is what a VARIABLE of the server's environment holds.

    Only variables that begin with VAULT_REF_ are read, and nobody else can make such a reference.
    """
    with working_in(organization, writing=True) as uow:
        migration.refer(uow, _find_vault(uow, vault_name), name, variable)
    click.echo(f"{name} in {vault_name} refers to {variable}.", err=True)


@credentials.command("migrate-env")
@click.option("--apply", "apply_", is_flag=True, help="Do it; otherwise it is only said what would be done.")
@click.option("--clear-ref", is_flag=True, help="Also let references go whose value lies encrypted.")
@organization_option
@json_option
def migrate_env(*, apply_: bool, clear_ref: bool, organization: str | None, as_json: bool) -> None:
    """Encrypt what references stand for. Run it as often as you like; no part of a value is ever shown.

    First with --apply; when everything works, with --apply --clear-ref. A reference goes only if the
    encrypted value opens, and equals the variable's where that is still set. Exits with 1 when something
    is left that you have to look at.
    """
    with working_in(organization, writing=apply_) as uow:
        found = migration.survey(uow)
        rows = [(one, _steps(one, clear_ref=clear_ref)) for one in found]
        if apply_:
            for one, steps in rows:
                _take(uow, one, steps)
    show([_record(one, steps) for one, steps in rows], as_json=as_json, nothing="There are no references.")
    _sum_up(rows, done=apply_)
    sys.exit(1 if any(one.state in FAULTY for one in found) else 0)


def _steps(reference: Reference, *, clear_ref: bool) -> tuple[str, ...]:
    encrypts = reference.state is State.PLAIN
    clears = clear_ref and (encrypts or reference.state in CLEARED)
    return (*["encrypt"] * encrypts, *["clear reference"] * clears)


def _take(uow: UnitOfWork, reference: Reference, steps: tuple[str, ...]) -> None:
    if "encrypt" in steps:
        reference = migration.encrypt(uow, reference)
    if "clear reference" in steps and reference.state in CLEARED:
        migration.clear(uow, reference)


def _record(reference: Reference, steps: tuple[str, ...]) -> dict[str, str]:
    return {
        "item": str(reference.item.id),
        "variable": reference.variable,
        "state": reference.state.value,
        "steps": ", ".join(steps) or "nothing",
    }


def _sum_up(rows: list[tuple[Reference, tuple[str, ...]]], *, done: bool) -> None:
    counted = Counter(step for _, steps in rows for step in steps)
    word = "Encrypted" if done else "Would encrypt"
    cleared = "cleared" if done else "clear"
    click.echo(f"{word} {counted['encrypt']}, {cleared} {counted['clear reference']} references.", err=True)
    for one, _ in rows:
        if one.state is State.MISSING:
            click.echo(f"{one.variable} is not set in the environment of this command.", err=True)
        elif one.state is State.DIFFERS:
            click.echo(
                f"{one.variable} holds another value than the credential; look which is right.", err=True
            )


def _find_vault(uow: UnitOfWork, name: str) -> Vault:
    found = uow.session.scalars(select(Vault).where(Vault.name == name)).one_or_none()
    if found is None:
        raise NotFound(f"There is no vault {name} in this organization.")
    return found
