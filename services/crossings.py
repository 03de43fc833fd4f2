"""Attempts to reach into another organization.

They are answered like what does not exist, word for word. What was asked for is in the log of who asked, like
every refusal; that it exists elsewhere is told to the operator alone, in the system's log: in their own, an
auditor would read in it what other organizations have.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute

from models import AccessRequest, Action, Attachment, Item, Membership, Organization
from models.base import Tenant
from services import audit_figures
from services.access_requests import Asked
from services.attachments import StoredFile
from services.events import SYSTEM_CHAIN, Target, make_event
from services.items import StoredItem
from services.postgresql import seeing_all
from services.unit_of_work import UnitOfWork

DAYS = 30
"""How long the operator's pages count them."""

_ROWS: dict[type, type[Tenant]] = {StoredItem: Item, StoredFile: Attachment, Asked: AccessRequest}
"""What the rows are where a route names a thing that was put together from some."""


def notice(uow: UnitOfWork, target: Target, model: type | None, slug: str | None) -> None:
    """Record it when a refused request named something of an organization that the actor is not in.

    Args:
        target: what the refusal names.
        model: what the id in the address should be of.
        slug: the organization that the address names.
    """
    named = (_named(uow, slug), _owner(uow, model, target.id))
    reached = next((each for each in named if each and not _is_in(uow, each)), None)
    if reached is None:
        return
    uow.events.append(
        make_event(
            uow.actor,
            uow.origin,
            Action.ACCESS_CROSSED,
            target,
            organization_id=None,
            success=False,
            extra={"reached": str(reached)},
        )
    )


def recent(uow: UnitOfWork) -> int:
    """Count those of the last ``DAYS`` days."""
    since = uow.now.date() - timedelta(days=DAYS - 1)
    with seeing_all(uow.connection):
        return audit_figures.count(uow, SYSTEM_CHAIN, frozenset({Action.ACCESS_CROSSED}), since=since)


def _named(uow: UnitOfWork, slug: str | None) -> UUID | None:
    """Return the organization that the address names."""
    return _look(uow, Organization.id, Organization.slug, slug) if slug else None


def _owner(uow: UnitOfWork, model: type | None, asked: UUID | None) -> UUID | None:
    """Return whose the thing is that was asked for."""
    row = _ROWS.get(model, model) if model else None
    if asked is None or row is None or not issubclass(row, Tenant):
        return None
    return _look(uow, row.organization_id, row.id, asked)  # type: ignore[attr-defined]  # of every row


def _is_in(uow: UnitOfWork, organization_id: UUID) -> bool:
    """Whether the actor belongs there: who does took the wrong address, and nothing else."""
    if organization_id == uow.actor.organization_id:
        return True
    where = (Membership.organization_id == organization_id, Membership.user_id == uow.actor.id)
    with seeing_all(uow.connection):
        return uow.connection.execute(select(Membership.id).where(*where)).first() is not None


def _look(
    uow: UnitOfWork,
    wanted: InstrumentedAttribute[UUID],
    named_by: InstrumentedAttribute[UUID | str],
    name: UUID | str,
) -> UUID | None:
    with seeing_all(uow.connection):
        found: UUID | None = uow.connection.execute(select(wanted).where(named_by == name)).scalar()
    return found
