"""Verifying the audit log: every chain from its first event to its last, the checkpoints, the items."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import Connection, Row, Select

from crypto.keyring import DESTROYED
from models import Action
from services import audit, clock
from services import audit_verify_queries as queries
from services.audit_faults import Fault, Faults
from services.audit_verify_chain import ChainWalk
from services.audit_verify_checkpoints import CheckpointWalk
from services.database import reading
from services.events import SYSTEM_CHAIN, Target
from services.keys import stored_keys

if TYPE_CHECKING:
    from crypto.keyring import KeyRoom
    from services.runtime import Runtime

BATCH = 1000
SYSTEM = "system"
_BEFORE_ALL = -(2**62)


@dataclass(frozen=True, slots=True)
class Verified:
    """What was verified of one chain."""

    chain_id: UUID
    place: str
    events: int
    items: int
    faults: int
    first_fault: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a verification has found.

    Args:
        notes: checkpoints of the second place; None: it was not asked for.
        faults: the first of them; ``count`` says how many there are.
    """

    started_at: datetime
    chains: tuple[Verified, ...]
    checkpoints: int
    notes: int | None
    faults: tuple[Fault, ...]
    count: int

    @property
    def events(self) -> int:
        """How many events were looked at."""
        return sum(chain.events for chain in self.chains)


def organizations(runtime: Runtime) -> dict[str, UUID]:
    """Return the id of every organization's chain, by slug."""
    with reading(runtime.engine) as connection:
        return {slug: chain_id for chain_id, slug in connection.execute(queries.ORGANIZATIONS).tuples()}


def verify(
    runtime: Runtime,
    *,
    organization_id: UUID | None = None,
    against: str | None = None,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Report:
    """Verify the audit log as it stands at one moment; others go on writing meanwhile.

    Args:
        organization_id: only this chain is walked; None: all.
        against: what a second place has kept of the checkpoints.
        progress: called after each batch with how many events of how many were looked at.
    """
    started_at = clock.now()
    with reading(runtime.engine) as connection:
        keys = runtime.keys_for(connection)
        return _Verification(connection, keys, progress).run(started_at, organization_id, against)


def verify_on(connection: Connection, keys: KeyRoom) -> Report:
    """Verify the whole audit log as *connection* sees it, in its transaction."""
    return _Verification(connection, keys, lambda _done, _all: None).run(clock.now(), None, None)


def record(runtime: Runtime, report: Report) -> None:
    """Record in each chain what was found in it, and in the system's what was found at all.

    Nothing is added to the chain of an organization that was deleted: its keys are gone.
    """
    living = {SYSTEM_CHAIN, *organizations(runtime).values()}
    with runtime.work(writing=True) as uow:
        system = uow.actor
        for chain in report.chains:
            if chain.chain_id not in living:
                continue
            inside = None if chain.chain_id == SYSTEM_CHAIN else chain.chain_id
            uow.act_as(replace(system, organization_id=inside))
            extra: dict[str, Any] = {"events": chain.events, "items": chain.items, "faults": chain.faults}
            extra |= {"checkpoints": report.checkpoints, "faults_elsewhere": report.count - chain.faults}
            if chain.first_fault:
                extra["first_fault"] = chain.first_fault
            target = Target("chain", chain.chain_id, chain.place)
            audit.record(uow, Action.AUDIT_VERIFIED, target, success=not report.count, extra=extra)
        uow.act_as(system)


class _Verification:
    """One run over one snapshot of the database."""

    def __init__(self, connection: Connection, keys: KeyRoom, progress: Callable[[int, int], None]) -> None:
        self._connection = connection
        self._keys = keys
        self._progress = progress
        self._faults = Faults()
        self._done = 0
        self._ends = {row.chain_id: row for row in connection.execute(queries.CHAINS)}
        self._slugs = dict(connection.execute(queries.ORGANIZATIONS).tuples().all())
        self._destroyed = [key for key in stored_keys(connection) if key.state == DESTROYED]

    def run(self, started_at: datetime, organization_id: UUID | None, against: str | None) -> Report:
        checkpoints = CheckpointWalk(self._keys, self._faults)
        for row in self._batches(queries.CHECKPOINTS, "id"):
            checkpoints.see(row)
        notes = None
        if against is not None:
            total = sum(end.size for end in self._ends.values())
            notes = checkpoints.check_against(against, total)
        wanted = [organization_id] if organization_id is not None else self._chains(checkpoints)
        self._all = sum(self._ends[chain].size for chain in wanted if chain in self._ends)
        chains = tuple(self._walk(chain_id, checkpoints) for chain_id in wanted)
        self._progress(self._all, self._all)
        faults = self._faults
        return Report(started_at, chains, checkpoints.count, notes, tuple(faults.told), faults.count)

    def _chains(self, checkpoints: CheckpointWalk) -> list[UUID]:
        """Name every chain that is there, has an end, has been signed, or must be there."""
        found = {*self._ends, *self._slugs, *checkpoints.signed}
        chain_id: UUID | None = self._connection.execute(queries.FIRST_CHAIN).scalar_one_or_none()
        while chain_id is not None:
            found.add(chain_id)
            after = {"after": chain_id}
            chain_id = self._connection.execute(queries.NEXT_CHAIN, after).scalar_one_or_none()
        return sorted(found)

    def _walk(self, chain_id: UUID, checkpoints: CheckpointWalk) -> Verified:
        place = SYSTEM if chain_id == SYSTEM_CHAIN else self._slugs.get(chain_id, str(chain_id))
        earlier, told = self._faults.count, len(self._faults.told)
        walk = ChainWalk(
            self._keys,
            chain_id,
            place,
            self._faults,
            signed={
                size: [(number, head) for head, number in heads.items()]
                for size, heads in checkpoints.signed.get(chain_id, {}).items()
            },
            destroyed=self._destroyed_of(chain_id),
        )
        here = {"organization_id": chain_id}
        for row in self._batches(queries.EVENTS, "seq", here):
            walk.see(row)
            self._count()
        walk.end(self._ends.get(chain_id), self._connection.execute(queries.DAYS, here))
        items = walk.items.compare(place, self._connection.execute(queries.ITEMS, here), self._faults)
        first = self._faults.told[told : told + 1]
        return Verified(
            chain_id,
            place,
            walk.events,
            items,
            self._faults.count - earlier,
            str(first[0]) if first else "",
        )

    def _destroyed_of(self, chain_id: UUID) -> frozenset[int]:
        return frozenset(
            key.version for key in self._destroyed if (key.organization, key.purpose) == (chain_id, "audit")
        )

    def _batches(
        self, statement: Select[Any], key: str, parameters: dict[str, Any] | None = None
    ) -> Iterator[Row[Any]]:
        after = _BEFORE_ALL
        while True:
            rows = self._connection.execute(
                statement, {**(parameters or {}), "after": after, "limit": BATCH}
            ).all()
            if not rows:
                return
            yield from rows
            after = getattr(rows[-1], key)

    def _count(self) -> None:
        self._done += 1
        if self._done % BATCH == 0:
            self._progress(self._done, self._all)
