"""What the days of the audit log count."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from models import Action, AuditDay
from policy import NOBODY
from services import audit_read_queries as queries
from services import prepared
from services.audit_append import REVEALS
from services.audit_queries import HEAD, HEADS
from services.audit_reading import STRETCH, Filter, bounds, size_of
from services.unit_of_work import UnitOfWork

_EPOCH = date(1970, 1, 1)
_DAY_LONG = 86_400_000_000
"""Microseconds."""

RECENT = 5_000
"""The newest events of today among which the active people are counted."""


@dataclass(frozen=True, slots=True)
class Today:
    """The figures of a day.

    Args:
        people: who did something; of the newest ``RECENT`` events only, when ``partly``.
    """

    events: int
    reveals: int
    failures: int
    people: int
    partly: bool


@dataclass(frozen=True, slots=True)
class Active:
    """The people of a day, as far as a process has looked.

    Args:
        first: the number of the day's first event.
        low: of the first event that was looked at.
        high: of the first that was not.
    """

    first: int
    low: int
    high: int
    people: frozenset[UUID]


def today(uow: UnitOfWork, chain_id: UUID) -> Today:
    """Return the figures of this day, as UTC counts it."""
    day = {"organization_id": chain_id, "day": uow.now.date()}
    row = prepared.fetch_one(uow.connection, queries.DAY, day)
    if row is None:
        return Today(0, 0, 0, 0, partly=False)
    high = size_of(uow, chain_id) + 1
    active = _active(uow, chain_id, row.first_seq, high)
    partly = active.low > row.first_seq
    return Today(row.events, row.reveals, row.failures, len(active.people), partly=partly)


def _active(uow: UnitOfWork, chain_id: UUID, first: int, high: int) -> Active:
    """Find who did something since the event numbered *first*; only what is new since then is read."""
    known = uow.runtime.active.get(chain_id)
    if known is None or known.first != first or not 0 <= high - known.high <= RECENT:
        known = Active(first, max(first, high - RECENT), max(first, high - RECENT), frozenset())
    reach = {"organization_id": chain_id, "low": known.high, "high": high, "nobody": NOBODY.id}
    new = prepared.fetch(uow.connection, queries.ACTORS, reach)
    active = Active(first, known.low, high, known.people.union(row.actor_id for row in new))
    uow.runtime.active[chain_id] = active
    return active


def reveals_by_day(uow: UnitOfWork, chain_id: UUID, *, days: int = 30) -> list[tuple[date, int]]:
    """Return how many reveals and copies each of the last *days* had, today included, oldest first."""
    first = uow.now.date() - timedelta(days=days - 1)
    rows = uow.connection.execute(queries.DAYS, {"organization_id": chain_id, "first_day": first})
    counted = {row.day: row.reveals for row in rows}
    return [(day, counted.get(day, 0)) for day in (first + timedelta(days=n) for n in range(days))]


def count(uow: UnitOfWork, chain_id: UUID, actions: frozenset[Action], *, since: date) -> int:
    """Count the events with one of *actions* from the day *since* on, in the newest ``STRETCH`` only."""
    wanted = Filter(actions=actions, first_day=since)
    floor, high = bounds(uow, chain_id, wanted)
    reach = {"organization_id": chain_id, "low": max(floor, high - STRETCH), "high": high}
    counted: int = uow.connection.execute(queries.COUNT, reach | wanted.conditions()).scalar_one()
    return counted


def recount(uow: UnitOfWork) -> int:
    """Count every day of every chain anew from its events; return how many days there are."""
    chains = [row.chain_id for row in uow.connection.execute(HEADS)]
    return sum(_recount(uow, chain_id) for chain_id in chains)


def _recount(uow: UnitOfWork, chain_id: UUID) -> int:
    here = {"organization_id": chain_id}
    # Nobody may append between the counting and the writing down.
    uow.connection.execute(HEAD, here)
    uow.connection.execute(queries.FORGET_DAYS, here)
    counted = uow.connection.execute(
        queries.RECOUNT, {**here, "reveals": sorted(REVEALS), "day_long": _DAY_LONG}
    ).mappings()
    days = [{**row, "day": _EPOCH + timedelta(days=row["day"])} for row in counted]
    uow.session.add_all(AuditDay(chain_id=chain_id, **day) for day in days)
    return len(days)
