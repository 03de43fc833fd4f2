"""Up to where somebody has read the audit log, and whether it is time to read it again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import bindparam, select

from errors import Invalid
from models import Action, AuditReview, Organization
from services import audit, prepared
from services.audit_reading import size_of
from services.events import Target
from services.unit_of_work import UnitOfWork

EVERY = timedelta(days=30)

_LAST = (
    select(AuditReview.seq, AuditReview.at)
    .where(
        AuditReview.organization_id == bindparam("organization_id"),
        AuditReview.user_id == bindparam("user_id"),
    )
    .order_by(AuditReview.seq.desc())
)
_BEGAN = select(Organization.created_at).where(Organization.id == bindparam("organization_id"))


@dataclass(frozen=True, slots=True)
class Reviewed:
    """How far the actor has read.

    Args:
        seq: the last event that they have reviewed; 0: none yet.
        overdue: the last review, or the organization's beginning, is longer ago than ``EVERY``.
    """

    seq: int
    at: datetime | None
    overdue: bool


def mine(uow: UnitOfWork) -> Reviewed:
    """Return how far the actor has read the log of their organization."""
    here = {"organization_id": uow.organization_id}
    last = prepared.fetch_one(uow.connection, _LAST, {**here, "user_id": uow.actor.id})
    if last is not None:
        return Reviewed(last.seq, last.at, overdue=uow.now - last.at > EVERY)
    began = prepared.fetch_one(uow.connection, _BEGAN, here).created_at
    return Reviewed(0, None, overdue=uow.now - began > EVERY)


def mark(uow: UnitOfWork, seq: int) -> None:
    """Note that the actor has reviewed the log up to the event numbered *seq*.

    Raises:
        Invalid: there is no such event yet, or they have been further already.
    """
    if not 1 <= seq <= size_of(uow, uow.organization_id):
        raise Invalid("There is no such event. Load the page again.", "seq")
    if seq < mine(uow).seq:
        raise Invalid("You have reviewed the log further than that already.", "seq")
    uow.session.add(
        AuditReview(
            id=uuid4(),
            organization_id=uow.organization_id,
            user_id=uow.actor.id,
            seq=seq,
            at=uow.now,
        )
    )
    target = Target("chain", uow.organization_id)
    audit.record(uow, Action.AUDIT_REVIEWED, target, extra={"up_to": seq})
