"""A process that re-encrypts an organization until somebody kills it, and the rows that it works on."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select

from models import Item, ItemVersion
from services import clock, reencryption
from services.database import writing
from services.item_blobs import open_details, open_overview, overview_of, seal
from services.runtime import Runtime
from tests import world as worlds
from tests.world import login

AT_ONCE = 2000


@dataclass(frozen=True)
class Orders:
    """What the victim re-encrypts, and how many rows at a time; it tells of each batch with a line."""

    path: Path
    organization: UUID
    batch: int


def work(orders: Orders, pipe: Any) -> None:
    """Go on with the turn until it is done."""
    reencryption.BATCH = orders.batch
    runtime = worlds.open_world(orders.path)
    with runtime.work(writing=True) as uow:
        reencryption.begin(uow, orders.organization)
    number = pipe.fileno()
    outcome = reencryption.run(
        runtime, orders.organization, progress=lambda _done, _all: os.write(number, b"batch\n") and None
    )
    os.write(number, f"done {outcome.rows} {outcome.broken}\n".encode())
    runtime.close()


def plant(runtime: Runtime, organization: UUID, vault: UUID, count: int) -> None:
    """Add credentials with one version each, past the services: in numbers, and quickly."""
    for start in range(0, count, AT_ONCE):
        items, versions = [], []
        with writing(runtime.engine, runtime.write_lock) as connection:
            keys = runtime.keys_for(connection)
            for number in range(start, min(start + AT_ONCE, count)):
                item, version = _rows(keys, organization, vault, number)
                items.append(item)
                versions.append(version)
            connection.execute(Item.__table__.insert(), items)
            connection.execute(ItemVersion.__table__.insert(), versions)


def _rows(keys: Any, organization: UUID, vault: UUID, number: int) -> tuple[dict[str, Any], dict[str, Any]]:
    item_id, now, made = uuid4(), clock.now(), login(f"planted/{number}")
    overview = overview_of(made, vault, strength=4, changed=())
    sealed = seal(keys, organization, item_id, 1, overview, made.fields)
    by = {"organization_id": organization, "created_at": now, "created_by": UUID(int=0)}
    item = {
        **by,
        "id": item_id,
        "vault_id": vault,
        "name_digest": keys.name_digest(organization, vault, made.name),
        "version": 1,
        "change": 1,
        "confirm": False,
    }
    return item, {
        **by,
        "item_id": item_id,
        "number": 1,
        "overview": sealed[0],
        "details": sealed[1],
        "reason": "created",
    }


def read_all(runtime: Runtime, organization: UUID) -> int:
    """Decrypt every version that there is; return how many, and fail where one does not open."""
    count = 0
    with runtime.work(writing=False) as uow:
        own = select(ItemVersion).where(ItemVersion.organization_id == organization)
        for row in uow.connection.execution_options(yield_per=1000).execute(own):
            place = (uow.keys, organization, row.item_id, row.number)
            assert open_overview(*place, row.overview) is not None
            assert open_details(*place, row.details) is not None
            count += 1
    return count
