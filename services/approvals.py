"""Whether a second person has approved that somebody reveals an item."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from errors import Denied
from policy import ActorKind
from services import approval_queries as queries
from services.prepared import fetch_one
from services.unit_of_work import UnitOfWork

if TYPE_CHECKING:
    from services.items import StoredItem

GRANTED = "granted"


@dataclass(frozen=True, slots=True)
class Approval:
    """Until when the actor may reveal an item, and who has approved it."""

    ends_at: datetime
    by: UUID


def approval_of(uow: UnitOfWork, item_id: UUID) -> Approval | None:
    """Return the approval that the actor has now; None: there is none, or its time is over."""
    asked = {
        "organization_id": uow.organization_id,
        "item_id": item_id,
        "user_id": uow.actor.id,
        "outcome": GRANTED,
        "now": uow.now,
    }
    row = fetch_one(uow.connection, queries.APPROVED, asked)
    return None if row is None else Approval(row.ends_at, row.decided_by)


def demand_approval(uow: UnitOfWork, item: StoredItem) -> None:
    """Refuse a reveal that a second person has to approve and has not.

    Raises:
        Denied: says what to do.
    """
    if item.protection.approval_minutes is None:
        return
    if uow.actor.kind is ActorKind.TOKEN:
        message = "A second person has to approve each reveal of this, so no program can have it."
        raise Denied(message)
    if approval_of(uow, item.id) is None:
        message = "A second person has to approve this first. Ask for it on the page of the credential."
        raise Denied(message)
