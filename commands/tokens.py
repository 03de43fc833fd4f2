"""`./chatelaine tokens`: list, create and revoke access tokens."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import click

from commands.opening import json_option, organization_option, show, working_in, written
from errors import Conflict
from policy import GRANTS, Permission, Scope
from services import api_tokens, people, token_list, vaults
from services import tokens as token_service
from services.rules import TOKEN_LASTS, TOKEN_LASTS_AT_MOST
from services.token_limits import PER_MINUTE_MAX, USES_MAX, Limits, read_names, read_networks
from services.token_list import State, TokenLine, Wanted
from services.unit_of_work import UnitOfWork

SCOPES = click.Choice([scope.value for scope in Scope])
STATES = click.Choice([state.value for state in State])
DAYS = click.IntRange(1, TOKEN_LASTS_AT_MOST.days)


NARROWING = (
    click.option(
        "--vault", multiple=True, help="Only in this vault, by its name; may be given several times."
    ),
    click.option(
        "--only",
        multiple=True,
        metavar="NAME",
        help="Only credentials of this name; prod/* is the folder prod. May be given several times.",
    ),
    click.option(
        "--network",
        multiple=True,
        help="Only from this network, such as 192.0.2.0/24; may be given several times.",
    ),
    click.option("--not-before", type=click.DateTime(["%Y-%m-%d"]), help="From this day on, UTC."),
    click.option("--uses", type=click.IntRange(1, USES_MAX), help="So many requests, then no more."),
    click.option("--per-minute", type=click.IntRange(1, PER_MINUTE_MAX), help="So many requests a minute."),
)


def narrowing(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that narrow a token."""
    for option in reversed(NARROWING):
        command = option(command)
    return command


@click.group()
def tokens() -> None:
    """List, create and revoke access tokens."""


@tokens.command(name="list")
@organization_option
@click.option("--state", type=STATES, help="Only those in this state.")
@json_option
def list_(organization: str | None, state: str | None, *, as_json: bool) -> None:
    """List all tokens of an organization, the newest first. What they are is never shown."""
    wanted = Wanted(state=State(state) if state else None)
    with working_in(organization, writing=False) as uow:
        lines = token_list.everything(uow, wanted)
    show([_record(line) for line in lines], as_json=as_json, nothing="There are no such tokens.")


@tokens.command()
@organization_option
@click.option("--owner", metavar="EMAIL", required=True, help="For whom the token acts.")
@click.option("--name", required=True, help="The program that gets it.")
@click.option(
    "--scope", "scopes", type=SCOPES, multiple=True, required=True, help="May be given several times."
)
@click.option("--days", type=DAYS, default=TOKEN_LASTS.days, show_default=True, help="How long it works.")
@narrowing
@json_option
def create(
    organization: str | None,
    owner: str,
    name: str,
    scopes: Sequence[str],
    days: int,
    *,
    as_json: bool,
    **narrowed: Any,
) -> None:
    """Issue an API token and print it, this once, alone on standard output.

    What narrows it is what the page asks for, too; left out, the token reaches all that its owner does.
    """
    chosen = [Scope(scope) for scope in scopes]
    with working_in(organization, writing=True) as uow:
        owner_id = _find_worker(uow, owner)
        limits = _limits(uow, **narrowed)
        minted = api_tokens.issue(uow, name, chosen, timedelta(days=days), owner_id=owner_id, limits=limits)
    if as_json:
        click.echo(json.dumps({"token": minted.text, "expires": written(minted.expires_at)}))
        return
    click.echo(f"Works until {written(minted.expires_at)}. It is not shown again:", err=True)
    click.echo(minted.text)


@tokens.command()
@click.argument("handle")
@organization_option
def revoke(handle: str, organization: str | None) -> None:
    """Revoke the token with this handle, the 8 characters by which lists name it."""
    with working_in(organization, writing=True) as uow:
        token_service.revoke(uow, token_service.find_by_handle(uow, handle))
    click.echo(f"Revoked {handle.lower()}.", err=True)


def _limits(
    uow: UnitOfWork,
    *,
    vault: Sequence[str],
    only: Sequence[str],
    network: Sequence[str],
    not_before: datetime | None,
    uses: int | None,
    per_minute: int | None,
) -> Limits:
    return Limits(
        vaults=frozenset(vaults.find_by_name(uow, each).id for each in vault) if vault else None,
        names=read_names(only),
        networks=read_networks(network),
        not_before=not_before.replace(tzinfo=UTC) if not_before else None,
        uses=uses,
        per_minute=per_minute,
    )


def _find_worker(uow: UnitOfWork, email: str) -> UUID:
    member = people.find_by_email(uow, email)
    if member.disabled_at is not None or member.role not in GRANTS[Permission.TOKENS_ISSUE].roles:
        message = f"{email} is disabled, or an auditor: API tokens do not act for them."
        raise Conflict(message)
    return member.user_id


def _record(line: TokenLine) -> dict[str, str | Sequence[str] | None]:
    return {
        "handle": line.handle,
        "kind": line.kind,
        "name": line.name,
        "owner": line.email,
        "state": line.state.value,
        "scopes": line.scopes,
        "created": written(line.created_at),
        "last_used": written(line.used_at),
        "last_address": line.used_from,
        "expires": written(line.expires_at),
    }
