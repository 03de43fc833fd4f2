"""`./chatelaine people`: invite people, make new links, list everybody."""

from __future__ import annotations

import json

import click

from commands.opening import json_option, organization_option, settings, show, working_in, written
from policy import Role
from services import invitations
from services import people as people_service
from services.invitations import Invited

ROLES = click.Choice([role.value for role in Role])


@click.group()
def people() -> None:
    """Invite and list people."""


@people.command()
@click.argument("email")
@organization_option
@click.option("--role", type=ROLES, default=Role.MEMBER.value, show_default=True)
@click.option("--name", default="", help="What they are called; they can write it themselves.")
@json_option
def invite(email: str, organization: str | None, role: str, name: str, *, as_json: bool) -> None:
    """Print a one-time link on which a new person makes their own access token."""
    with working_in(organization, writing=True) as uow:
        invited = invitations.invite(uow, email, Role(role), name)
    _print_link(invited, as_json=as_json)


@people.command()
@click.argument("email")
@organization_option
@json_option
def link(email: str, organization: str | None, *, as_json: bool) -> None:
    """Print a one-time link on which a member makes a new access token, because the old one is lost."""
    with working_in(organization, writing=True) as uow:
        invited = invitations.renew(uow, people_service.find_by_email(uow, email))
    _print_link(invited, as_json=as_json)


@people.command(name="remove-factor")
@click.argument("email")
@organization_option
@json_option
def remove_factor(email: str, organization: str | None, *, as_json: bool) -> None:
    """Take away the second factor of somebody who has lost it, and print a link on which they start anew."""
    with working_in(organization, writing=True) as uow:
        invited = people_service.reset_factor(uow, people_service.find_by_email(uow, email))
    _print_link(invited, as_json=as_json)


@people.command(name="list")
@organization_option
@json_option
def list_(organization: str | None, *, as_json: bool) -> None:
    """List everybody: role, state, when last seen, when the sign-in token ends."""
    with working_in(organization, writing=False) as uow:
        lines = people_service.everybody(uow)
    show(
        [
            {
                "email": line.email,
                "name": line.name,
                "role": line.role.value,
                "state": "disabled" if line.disabled_at else "active",
                "seen": written(line.seen_at),
                "token_ends": written(line.token_expires_at),
                "sessions": line.sessions,
            }
            for line in lines
        ],
        as_json=as_json,
        nothing="Nobody has taken up an invitation yet.",
    )


def _print_link(invited: Invited, *, as_json: bool) -> None:
    address = settings().public_url + invited.path
    if as_json:
        ends = written(invited.expires_at)
        click.echo(json.dumps({"email": invited.email, "link": address, "expires": ends}))
        return
    click.echo(
        f"Works once, until {written(invited.expires_at)}. Send it to {invited.email} alone:", err=True
    )
    click.echo(address)
