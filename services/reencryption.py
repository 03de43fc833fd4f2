"""Replacing the data key of an organization, or of the system, while people read and write.

A new version of the key becomes active in one transaction; from then on everything new is under it. What is
there already is re-encrypted in small batches: read and encrypted outside of any lock, then put in place of
exactly what was read. So it may be killed at any point, run twice at once, or meet people who change the same
rows: whatever state that leaves reads fully, and the next run goes on with what is left.

The audit log's key gets a new version too. Its events keep theirs: the chain covers their encrypted bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, select

from crypto.envelope import DecryptionError
from crypto.keyring import ORGANIZATION_PURPOSES, SYSTEM, KeyRoom
from errors import Conflict
from models import Action, Organization
from policy import SYSTEM_ACTOR, Actor
from services import audit, encrypted, keys, leases
from services.encrypted import EncryptedTable
from services.events import Extra, Origin, Target
from services.runtime import SYSTEM_ORIGIN, Runtime
from services.unit_of_work import UnitOfWork

BATCH = 50
"""Rows that are re-encrypted together: a few milliseconds of work, and less than that under the lock."""
DATA = "data"
SEEN_FOR = timedelta(seconds=20)
"""How long after its last batch a run is believed to go on."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run has done.

    Args:
        version: the data key that everything is under now.
        rows: how many were re-encrypted by this run.
        broken: rows that cannot be decrypted, and stay as they are.
    """

    version: int
    rows: int
    broken: int


@dataclass(frozen=True, slots=True)
class Batch:
    """What came of some rows.

    Args:
        after: the key of the last of them, from where the next batch goes on; None: there were none.
        stale: the data key was replaced once more meanwhile: they are to be read again.
    """

    after: Sequence[Any] | None
    rows: int = 0
    broken: int = 0
    stale: bool = False


def begin(uow: UnitOfWork, organization_id: UUID) -> int:
    """Make a new version of the data key active, unless the last one is not everywhere yet; return it.

    Args:
        uow: a writing one.

    Raises:
        Conflict: the keys of the organization were destroyed.
    """
    version = _active(uow.keys, organization_id)
    with _inside(uow, organization_id):
        if _is_under_way(uow, organization_id, version):
            return version
        made = keys.make_keys(uow.connection, uow.runtime.masters, organization_id, ORGANIZATION_PURPOSES)
        uow.forget_keys()
        _record(uow, organization_id, Action.KEY_TURNED, {"version": made, "was": version})
    return made


def run(
    runtime: Runtime,
    organization_id: UUID,
    *,
    actor: Actor = SYSTEM_ACTOR,
    origin: Origin = SYSTEM_ORIGIN,
    progress: Progress = lambda _done, _all: None,
    goes_on: Callable[[], bool] = lambda: True,
) -> Outcome:
    """Re-encrypt what is not under the active version, to the end or until *goes_on* says no.

    Args:
        organization_id: the zero UUID: what is the system's own.
        progress: called after each batch with how many rows of how many are done.

    Raises:
        Conflict: the keys of the organization were destroyed.
    """
    inside = _actor_in(actor, organization_id)
    every = count_left(runtime, organization_id)
    rows = broken = 0
    for batch in _batches(runtime, organization_id, inside, goes_on):
        rows += batch.rows
        broken += batch.broken
        progress(min(rows + broken, every), every)
    with runtime.work(writing=True, actor=inside, origin=origin) as uow:
        version = _active(uow.keys, organization_id)
        leases.give_back(uow, _lease_of(organization_id))
        if rows:
            extra: Extra = {"version": version, "rows": rows, "broken": broken}
            _record(uow, organization_id, Action.KEY_REENCRYPTED, extra, success=not broken)
    return Outcome(version, rows, broken)


def count_left(runtime: Runtime, organization_id: UUID) -> int:
    """Count the rows that are not under the active version of the data key."""
    with runtime.work(writing=False) as uow:
        return _count_left(uow, organization_id, _active(uow.keys, organization_id))


def unfinished(runtime: Runtime) -> list[UUID]:
    """Return whose data key has a new version that is not everywhere yet: organizations, and the system."""
    with runtime.work(writing=False) as uow:
        owners = [*uow.session.scalars(select(Organization.id)), SYSTEM]
        turned = [owner for owner in owners if (uow.keys.active_version(owner, DATA) or 0) > 1]
        return [owner for owner in turned if _is_under_way(uow, owner, _active(uow.keys, owner))]


def announce(uow: UnitOfWork, organization_id: UUID) -> None:
    """Let pages show from now on that somebody is at it, for whoever is about to begin."""
    leases.take(uow, _lease_of(organization_id), "anybody", SEEN_FOR)


def is_running(runtime: Runtime, organization_id: UUID) -> bool:
    """Whether a process is at it now, this one or another."""
    with runtime.work(writing=False) as uow:
        return leases.is_taken(uow, _lease_of(organization_id))


def _lease_of(organization_id: UUID) -> str:
    return f"turn {organization_id.hex}"


def _batches(
    runtime: Runtime, organization_id: UUID, actor: Actor, goes_on: Callable[[], bool]
) -> Iterator[Batch]:
    for each in encrypted.tables_of(organization_id):
        after: Sequence[Any] | None = None
        while goes_on():
            batch = _reencrypt(runtime, each, organization_id, actor, after)
            yield batch
            if batch.after is None:
                break
            after = after if batch.stale else batch.after


def _reencrypt(
    runtime: Runtime, each: EncryptedTable, organization_id: UUID, actor: Actor, after: Sequence[Any] | None
) -> Batch:
    """Read the next rows and encrypt them without any lock, then put them in place."""
    runtime.turns.let_pass()
    with runtime.turns.turn(), runtime.work(writing=False, actor=actor) as uow:
        version = _active(uow.keys, organization_id)
        rows = encrypted.left(uow.connection, each, organization_id, version, after=after, limit=BATCH)
        fresh = [(row, _fresh(uow.keys, each, organization_id, row)) for row in rows]
    if not rows:
        return Batch(None)
    with runtime.work(writing=True, actor=actor) as uow:
        if uow.keys.active_version(organization_id, DATA) != version:
            return Batch(after or (), stale=True)
        announce(uow, organization_id)
        done = sum(
            encrypted.exchange(uow.connection, each, row, envelopes) for row, envelopes in fresh if envelopes
        )
    return Batch(encrypted.key_of(each, rows[-1]), done, sum(envelopes is None for _, envelopes in fresh))


def _fresh(
    keys: KeyRoom, each: EncryptedTable, organization_id: UUID, row: RowMapping
) -> Mapping[str, bytes] | None:
    """Encrypt the values of a row under the active version; None: one of them cannot be decrypted."""
    fresh = {}
    for column in each.columns:
        envelope = row[column]
        if envelope is None:
            continue
        place = each.place_of(row, column)
        try:
            value = keys.decrypt(organization_id, *place, envelope)
        except DecryptionError:
            return None
        fresh[column] = keys.encrypt(organization_id, *place, value)
    return fresh


def _is_under_way(uow: UnitOfWork, organization_id: UUID, version: int) -> bool:
    """Whether any row that is not under *version* can be decrypted; those that cannot are no work left."""
    for each in encrypted.tables_of(organization_id):
        after: Sequence[Any] | None = None
        while rows := encrypted.left(
            uow.connection, each, organization_id, version, after=after, limit=BATCH
        ):
            if any(_fresh(uow.keys, each, organization_id, row) for row in rows):
                return True
            after = encrypted.key_of(each, rows[-1])
    return False


def _count_left(uow: UnitOfWork, organization_id: UUID, version: int) -> int:
    return sum(
        encrypted.count_left(uow.connection, each, organization_id, version)
        for each in encrypted.tables_of(organization_id)
    )


def _active(keys: KeyRoom, organization_id: UUID) -> int:
    version = keys.active_version(organization_id, DATA)
    if version is None:
        message = "The keys of this organization were destroyed. There is nothing left to re-encrypt."
        raise Conflict(message)
    return version


@contextmanager
def _inside(uow: UnitOfWork, organization_id: UUID) -> Iterator[None]:
    """See the rows of an organization, and record in its log, whoever acts from wherever."""
    before = uow.actor
    uow.act_as(_actor_in(before, organization_id))
    yield
    uow.act_as(before)


def _actor_in(actor: Actor, organization_id: UUID) -> Actor:
    return replace(actor, organization_id=None if organization_id == SYSTEM else organization_id)


def _record(
    uow: UnitOfWork, organization_id: UUID, action: Action, extra: Extra, *, success: bool = True
) -> None:
    name = "" if organization_id == SYSTEM else uow.session.get_one(Organization, organization_id).name
    audit.record(uow, action, Target("organization", organization_id, name), success=success, extra=extra)
