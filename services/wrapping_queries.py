"""The statements about wrapped answers.

``FIND`` looks up by a token's handle, before any organization is known.
"""

from __future__ import annotations

from sqlalchemy import bindparam, delete, insert, null, or_, select, true, update

from models import Instance, Organization, Wrapped

FIND = (
    select(
        Wrapped.id,
        Wrapped.organization_id,
        Wrapped.digest,
        Wrapped.path,
        Wrapped.inner,
        Wrapped.created_at,
        Wrapped.expires_at,
        Wrapped.opened_at,
        or_(Organization.suspended_at.is_not(None), Organization.deletion_at.is_not(None)).label("closed"),
        Instance.key_generation,
    )
    .join(Organization, Organization.id == Wrapped.organization_id)
    .join(Instance, true())
    .where(Wrapped.lookup_id == bindparam("lookup_id"))
)
SEALED = select(Wrapped.sealed).where(
    Wrapped.id == bindparam("id"), Wrapped.organization_id == bindparam("organization_id")
)
INSERT = insert(Wrapped)
OPEN = (
    update(Wrapped)
    .where(
        Wrapped.id == bindparam("own_id"),
        Wrapped.organization_id == bindparam("own_organization_id"),
        Wrapped.opened_at.is_(None),
        Wrapped.expires_at > bindparam("now"),
    )
    .values(opened_at=bindparam("now"), sealed=null())
)
"""Compare-and-set: of two who come at once, one opens it."""
FORGET = delete(Wrapped).where(
    Wrapped.organization_id == bindparam("organization_id"), Wrapped.expires_at < bindparam("before")
)
