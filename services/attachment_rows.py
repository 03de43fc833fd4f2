"""Which version of an item has which files, and that their content goes with the last that has them.

A file's content is put before its row is, and removed after the row is gone: whatever ends a process in
between leaves content that no row names, and housekeeping removes that.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from errors import StoreFailed
from services import attachment_queries as queries
from services import clock
from services.attachment_contents import object_name
from services.postgresql import seeing_all
from services.prepared import fetch, run
from services.unit_of_work import UnitOfWork

if TYPE_CHECKING:
    from services.runtime import Runtime

STRAY_AFTER = timedelta(hours=1)
"""After which content without a row is what a killed process left: no upload takes half as long."""

log = logging.getLogger("chatelaine.attachments")


def ids_of(uow: UnitOfWork, item_id: UUID, number: int) -> frozenset[UUID]:
    """Return the ids of the files that a version has."""
    asked = {"item_id": item_id, "number": number, "organization_id": uow.organization_id}
    return frozenset(row.attachment_id for row in fetch(uow.connection, queries.IDS_OF_VERSION, asked))


def carry(uow: UnitOfWork, item_id: UUID, before: int, number: int) -> None:
    """Let version *number* have the files of version *before*."""
    own = {"item_id": item_id, "organization_id": uow.organization_id}
    run(uow.connection, queries.CARRY, own | {"number": before, "new_number": number})


def let_go_of_all(uow: UnitOfWork, item_id: UUID, number: int) -> None:
    """Take all files from a version whose values are erased."""
    own = {"item_id": item_id, "number": number, "organization_id": uow.organization_id}
    if run(uow.connection, queries.LET_GO_ALL, own):
        drop_unheld(uow, item_id)


def drop_unheld(uow: UnitOfWork, item_id: UUID | None = None) -> None:
    """Destroy the files that no version has any more, with their keys; their content follows.

    Args:
        item_id: of which item; None: of all.
    """
    own = {"organization_id": uow.organization_id}
    if item_id is None:
        dropped = uow.connection.execute(queries.DROP_UNHELD, own)
    else:
        dropped = uow.connection.execute(queries.DROP_UNHELD_OF, own | {"item_id": item_id})
    _remove_content(uow, dropped.scalars().all())


def follow_item(uow: UnitOfWork, item_id: UUID) -> None:
    """Have the content of all files of an item removed that is about to be destroyed with its rows."""
    asked = {"item_id": item_id, "organization_id": uow.organization_id}
    _remove_content(uow, [row.id for row in fetch(uow.connection, queries.IDS_OF_ITEM, asked)])


def remove_strays(runtime: Runtime) -> int:
    """Remove content that no row names, unless an upload may still be on its way to one; return how much.

    No transaction is held while the store is asked.
    """
    before = clock.now() - STRAY_AFTER
    with runtime.work(writing=False) as uow:
        instance = uow.keys.instance
    try:
        found = [each.name for each in runtime.files.list(f"{instance}/") if each.changed < before]
        with runtime.work(writing=False) as uow, seeing_all(uow.connection):
            known = {str(row.id) for row in fetch(uow.connection, queries.EVERYWHERE, {})}
        strays = [name for name in found if name.rpartition("/")[2] not in known]
        for name in strays:
            runtime.files.delete(name)
        return len(strays) + runtime.files.tidy(before)
    except StoreFailed:
        log.exception("the store of files could not be tidied; it is tried again")
        return 0


def _remove_content(uow: UnitOfWork, ids: Iterable[UUID]) -> None:
    for file_id in ids:
        name = object_name(uow.keys.instance, uow.organization_id, file_id)
        uow.afterwards(partial(uow.runtime.files.delete, name))
