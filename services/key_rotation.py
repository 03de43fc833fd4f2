"""Replacing the master key: every key in the database is wrapped anew under the first of the ring.

What the keys encrypt stays as it is, so this takes moments, and nobody waits for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from crypto.envelope import DecryptionError
from crypto.keyring import DESTROYED
from models import Action, DataKey
from policy import SYSTEM_ACTOR, Actor
from services import audit, keys
from services.database import reading
from services.events import Extra, Origin, Target
from services.runtime import SYSTEM_ORIGIN, Runtime
from services.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a run has done.

    Args:
        rewrapped: how many keys of each purpose.
        broken: keys that do not open under the master key that they name: altered, and left as they are.
    """

    rewrapped: Mapping[str, int]
    broken: tuple[str, ...]


def rotate(
    runtime: Runtime,
    *,
    actor: Actor = SYSTEM_ACTOR,
    origin: Origin = SYSTEM_ORIGIN,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Rotation:
    """Wrap every key that is not under the first master key, in a transaction each with its event.

    Killed at any point, the next run goes on with what is left.

    Args:
        progress: called after each with how many of how many were looked at.
    """
    waiting = _waiting(runtime)
    done: Counter[str] = Counter()
    broken: list[str] = []
    for number, key_id in enumerate(waiting, start=1):
        with runtime.work(writing=True, actor=actor, origin=origin) as uow:
            row = uow.session.get_one(DataKey, key_id)
            try:
                done[row.purpose] += _rewrap(uow, row)
            except DecryptionError:
                broken.append(f"{row.purpose} {row.version} of {row.organization_id}")
        progress(number, len(waiting))
    return Rotation({purpose: done[purpose] for purpose in sorted(+done)}, tuple(broken))


def _waiting(runtime: Runtime) -> list[UUID]:
    statement = (
        select(DataKey.id)
        .where(DataKey.master_key_id != runtime.masters.primary_id, DataKey.state != DESTROYED)
        .order_by(DataKey.organization_id, DataKey.purpose, DataKey.version)
    )
    with reading(runtime.engine) as connection:
        return list(connection.execute(statement).scalars())


def _rewrap(uow: UnitOfWork, row: DataKey) -> bool:
    masters = uow.runtime.masters
    if row.state == DESTROYED or row.master_key_id == masters.primary_id:
        # Another run was faster, or the organization is gone meanwhile.
        return False
    was = row.master_key_id
    keys.rewrap(uow.connection, masters, row)
    extra: Extra = {
        "purpose": row.purpose,
        "version": row.version,
        "organization": str(row.organization_id),
        "was": was,
        "to": masters.primary_id,
    }
    audit.record(uow, Action.KEY_REWRAPPED, Target("key", row.id, row.purpose), extra=extra)
    return True
