"""`./chatelaine organizations`: list, make, suspend and resume organizations."""

from __future__ import annotations

import json

import click
from sqlalchemy import select

from commands.opening import json_option, settings, show, working, written
from errors import NotFound
from models import Organization
from services import organizations as organizations_service
from services.unit_of_work import UnitOfWork

slug_argument = click.argument("slug")


@click.group()
def organizations() -> None:
    """List, make, suspend and resume organizations."""


@organizations.command(name="list")
@json_option
def list_(*, as_json: bool) -> None:
    """List all organizations: state, people, vaults, credentials. Nothing that lies in them is shown."""
    with working(writing=False) as uow:
        lines = organizations_service.everything(uow)
    show(
        [
            {
                "slug": line.slug,
                "name": line.name,
                "state": line.state,
                "people": line.people,
                "vaults": line.vaults,
                "credentials": line.items,
                "created": written(line.created_at),
                "deletion": written(line.deletion_at),
            }
            for line in lines
        ],
        as_json=as_json,
        nothing="There is no organization yet.",
    )


@organizations.command()
@click.argument("name")
@click.option("--owner", metavar="EMAIL", required=True, help="Who owns it first.")
@click.option("--owner-name", default="", help="What they are called; they can write it themselves.")
@json_option
def create(name: str, owner: str, owner_name: str, *, as_json: bool) -> None:
    """Make an organization, and print the one-time link of its first owner."""
    with working(writing=True) as uow:
        made = organizations_service.create(uow, name, owner, owner_name)
    address = settings().public_url + made.invited.path
    ends = written(made.invited.expires_at)
    if as_json:
        click.echo(
            json.dumps({"slug": made.slug, "email": made.invited.email, "link": address, "expires": ends})
        )
        return
    click.echo(f"{made.name} is at /o/{made.slug}/.", err=True)
    click.echo(f"Works once, until {ends}. Send it to {made.invited.email} alone:", err=True)
    click.echo(address)


@organizations.command()
@slug_argument
def suspend(slug: str) -> None:
    """Shut everybody out of an organization, people and programs, until it is resumed."""
    with working(writing=True) as uow:
        organization = _find(uow, slug)
        organizations_service.suspend(uow, organization)
    click.echo(f"{slug} is suspended.", err=True)


@organizations.command()
@slug_argument
def resume(slug: str) -> None:
    """Let everybody work in a suspended organization again."""
    with working(writing=True) as uow:
        organization = _find(uow, slug)
        organizations_service.resume(uow, organization)
    click.echo(f"{slug} goes on.", err=True)


def _find(uow: UnitOfWork, slug: str) -> Organization:
    organization = uow.session.scalar(select(Organization).where(Organization.slug == slug))
    if organization is None:
        message = f"There is no organization {slug}."
        raise NotFound(message)
    return organization
