"""The statement about approvals that stands before every reveal of what needs one."""

from __future__ import annotations

from sqlalchemy import bindparam, select

from models import AccessRequest

APPROVED = (
    select(AccessRequest.ends_at, AccessRequest.decided_by)
    .where(
        AccessRequest.organization_id == bindparam("organization_id"),
        AccessRequest.item_id == bindparam("item_id"),
        AccessRequest.user_id == bindparam("user_id"),
        AccessRequest.outcome == bindparam("outcome"),
        AccessRequest.ends_at > bindparam("now"),
    )
    .order_by(AccessRequest.ends_at.desc())
)
