"""The statements about second factors: who has one, and those that compare and set."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import BindParameter, ColumnElement, bindparam, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute

from models import Factor, Passkey, RecoveryCode


def has_factor(user_id: InstrumentedAttribute[UUID] | BindParameter[UUID]) -> ColumnElement[bool]:
    """Return the condition that a person has a second factor: an app that counts, or a passkey."""
    return or_(
        select(Factor.id).where(Factor.user_id == user_id, Factor.confirmed_at.is_not(None)).exists(),
        select(Passkey.id).where(Passkey.user_id == user_id).exists(),
    )


HAS = select(has_factor(bindparam("user_id", type_=Factor.user_id.type)))

TAKE_STEP = (
    update(Factor)
    .where(Factor.id == bindparam("factor_id"), Factor.last_step < bindparam("step"))
    .values(last_step=bindparam("new_step"), failures=bindparam("none"))
)
"""Takes a code of a time step, unless one of that step or of a later one was taken before."""
COUNT_FAILURE = update(Factor).where(Factor.id == bindparam("factor_id")).values(failures=Factor.failures + 1)
SPEND_CODE = (
    update(RecoveryCode)
    .where(RecoveryCode.id == bindparam("code_id"), RecoveryCode.used_at.is_(None))
    .values(used_at=bindparam("now"))
)
"""Spends a recovery code, once."""
