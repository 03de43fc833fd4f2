"""The statement about a person's own places."""

from __future__ import annotations

from sqlalchemy import bindparam, select

from models import Membership

OWN_PLACES = select(Membership.organization_id).where(
    Membership.user_id == bindparam("user_id"), Membership.disabled_at.is_(None)
)
"""The ids of the organizations that a person belongs to."""
