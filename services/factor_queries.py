"""The statements about second factors that must be whole by themselves: each compares and sets."""

from __future__ import annotations

from sqlalchemy import bindparam, update

from models import Factor, RecoveryCode

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
