"""Ticking off what somebody who leaves has opened: by whom, when, why, and for which reveals it counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid4

from sqlalchemy import select

from errors import Conflict, NotFound
from models import Action, Item, LeaverTick
from services import audit, colleagues, items, leavers
from services.events import Extra, Target
from services.leavers import Opened, Report, Subject
from services.notes import TICK_NOTE
from services.unit_of_work import UnitOfWork


class Reason(StrEnum):
    """Why a credential needs no more thought."""

    CHANGED = "changed"
    NEEDLESS = "needless"

    @property
    def label(self) -> str:
        """How the reason is told."""
        return "Changed elsewhere" if self is Reason.CHANGED else "Needs no change"


@dataclass(frozen=True, slots=True)
class Tick:
    """That a credential was dealt with.

    Args:
        seq: the newest reveal that it is about.
        by: the name of who said so.
        note: empty: there is none.
    """

    seq: int
    reason: Reason
    by: str
    at: datetime
    note: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Row:
    """A credential that must change, and perhaps the tick that says it was dealt with."""

    opened: Opened
    tick: Tick | None


@dataclass(frozen=True, slots=True)
class Rotation:
    """How far the list has come.

    Args:
        rows: what is still the same, in the order of the report.
        total: of these and of what was changed since.
        done: how many of them were changed or ticked off.
    """

    rows: tuple[Row, ...]
    total: int
    done: int


def rotation(uow: UnitOfWork, subject: Subject, report: Report) -> Rotation:
    """Hold a report against what was ticked off; a tick counts until the next reveal."""
    ticks = _ticks_of(uow, subject)
    rows = tuple(Row(one, _counting(ticks.get(one.item_id), one)) for one in report.still)
    done = len(report.changed) + sum(row.tick is not None for row in rows)
    return Rotation(rows, len(report.still) + len(report.changed), done)


def tick(uow: UnitOfWork, subject: Subject, item_id: UUID, seq: int, reason: Reason, note: str = "") -> None:
    """Say that a credential was dealt with, as far as *subject* is concerned.

    Args:
        seq: the newest reveal that the actor knows of.
        note: at most 200 characters.

    Raises:
        NotFound: there is no such credential, or they never opened it.
        Conflict: they have opened it again since.
        Invalid: the note is too long or more than a line.
    """
    note = TICK_NOTE.check(note)
    item = items.find(uow, item_id)
    _lock(uow, item_id)
    newest = leavers.newest_reveal(uow, subject, item_id)
    if newest is None:
        raise NotFound
    if newest != seq:
        message = "They have opened it again since. Load the page anew before you tick it off."
        raise Conflict(message)
    _forget(uow, subject, item_id)
    tick_id = uuid4()
    uow.session.add(
        LeaverTick(
            id=tick_id,
            organization_id=uow.organization_id,
            subject_type=subject.type,
            subject_id=subject.id,
            item_id=item_id,
            seq=seq,
            reason=reason.value,
            note=TICK_NOTE.seal(uow, tick_id, note),
            made_by=uow.actor.id,
            made_at=uow.now,
        )
    )
    uow.session.flush()
    extra: Extra = {"about": subject.name, "reason": reason.value, "up_to": seq}
    audit.record(uow, Action.LEAVER_TICKED, Target("item", item_id, item.name), extra=extra)


def untick(uow: UnitOfWork, subject: Subject, item_id: UUID) -> None:
    """Take a tick back.

    Raises:
        NotFound: there is no such credential.
        Conflict: it is not ticked off.
    """
    item = items.find(uow, item_id)
    _lock(uow, item_id)
    if not _forget(uow, subject, item_id):
        message = "It is not ticked off any more. Load the page again."
        raise Conflict(message)
    extra: Extra = {"about": subject.name}
    audit.record(uow, Action.LEAVER_UNTICKED, Target("item", item_id, item.name), extra=extra)


def _counting(tick: Tick | None, opened: Opened) -> Tick | None:
    return tick if tick is not None and tick.seq >= opened.seq else None


def _ticks_of(uow: UnitOfWork, subject: Subject) -> Mapping[UUID, Tick]:
    rows = uow.session.scalars(
        select(LeaverTick).where(LeaverTick.subject_type == subject.type, LeaverTick.subject_id == subject.id)
    ).all()
    names = colleagues.names(uow, {row.made_by for row in rows})
    return {
        row.item_id: Tick(
            seq=row.seq,
            reason=Reason(row.reason),
            by=names.get(row.made_by, "somebody"),
            at=row.made_at,
            note=TICK_NOTE.open(uow, row.id, row.note, Target("item", row.item_id)),
        )
        for row in rows
    }


def _lock(uow: UnitOfWork, item_id: UUID) -> None:
    """Let nobody else tick the same at the same time, where the database lets many write."""
    uow.session.execute(select(Item.id).where(Item.id == item_id).with_for_update())


def _forget(uow: UnitOfWork, subject: Subject, item_id: UUID) -> bool:
    row = uow.session.scalar(
        select(LeaverTick).where(
            LeaverTick.subject_type == subject.type,
            LeaverTick.subject_id == subject.id,
            LeaverTick.item_id == item_id,
        )
    )
    if row is None:
        return False
    uow.session.delete(row)
    uow.session.flush()
    return True
