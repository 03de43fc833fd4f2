"""Putting items into the trash, taking them out again, and destroying them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from errors import Conflict
from models import Action
from services import attachment_rows, items
from services import item_queries as queries
from services.database import EVERY_ORGANIZATION, see_organization
from services.item_versions import bump, place_of, record, refuse_trashed
from services.items import StoredItem
from services.unit_of_work import UnitOfWork

NOT_TRASHED = "This credential is not in the trash."


def trash(uow: UnitOfWork, item: StoredItem) -> None:
    """Put an item into the trash; its name is free again.

    Raises:
        Conflict: it is there already.
    """
    refuse_trashed(item)
    change = bump(uow)
    result = uow.connection.execute(
        queries.TRASH,
        {
            "item_id": item.id,
            "own_organization_id": uow.organization_id,
            "new_trashed_at": uow.now,
            "new_trashed_by": uow.actor.id,
            "new_change": change,
        },
    )
    if result.rowcount != 1:
        refuse_trashed(items.find(uow, item.id))
    record(uow, Action.ITEM_TRASHED, item.id, item.name, {"version": item.version})


def restore(uow: UnitOfWork, item: StoredItem) -> None:
    """Take an item out of the trash.

    Raises:
        Conflict: it is not there, or its name was taken meanwhile.
    """
    if item.trashed_at is None:
        raise Conflict(NOT_TRASHED)
    change = bump(uow)
    own = {"item_id": item.id, "organization_id": uow.organization_id}
    if uow.connection.execute(queries.TWIN, own).first() is not None:
        raise Conflict(
            f"The vault {place_of(uow, item.vault_id).name} has another credential called {item.name} now. "
            "Rename that one, then restore this one."
        )
    result = uow.connection.execute(
        queries.RESTORE,
        {"item_id": item.id, "own_organization_id": uow.organization_id, "new_change": change},
    )
    if result.rowcount != 1:
        raise Conflict(NOT_TRASHED)
    record(uow, Action.ITEM_RESTORED, item.id, item.name, {"version": item.version})


def purge(uow: UnitOfWork, item: StoredItem) -> None:
    """Destroy an item of the trash with all its versions.

    Raises:
        Conflict: it is not in the trash.
    """
    change = bump(uow)
    attachment_rows.follow_item(uow, item.id)
    result = uow.connection.execute(
        queries.DELETE, {"item_id": item.id, "organization_id": uow.organization_id}
    )
    if result.rowcount != 1:
        raise Conflict(f"{NOT_TRASHED} Move it there before you destroy it.")
    uow.connection.execute(
        queries.INSERT_GONE,
        {"id": item.id, "organization_id": uow.organization_id, "change": change},
    )
    record(uow, Action.ITEM_PURGED, item.id, item.name, {"version": item.version})


def purge_expired(uow: UnitOfWork, before: datetime) -> int:
    """Destroy what was put into the trash before *before*, and return how many items that were.

    Outside an organization it looks into all of them; each event stands in its organization's chain.
    """
    if uow.actor.organization_id is not None:
        return _purge_expired_here(uow, before)
    everywhere = uow.actor
    places = uow.connection.execute(queries.EXPIRED_PLACES, {"before": before}).scalars().all()
    purged = 0
    for organization_id in places:
        uow.act_as(replace(everywhere, organization_id=organization_id))
        purged += _purge_expired_here(uow, before)
    uow.act_as(everywhere)
    see_organization(uow.session, EVERY_ORGANIZATION)
    return purged


def _purge_expired_here(uow: UnitOfWork, before: datetime) -> int:
    expired: list[UUID] = list(
        uow.connection.execute(
            queries.EXPIRED, {"organization_id": uow.organization_id, "before": before}
        ).scalars()
    )
    for item_id in expired:
        purge(uow, items.find(uow, item_id))
    return len(expired)
