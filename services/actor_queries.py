"""The statements by which an actor becomes known: made once, run at every request.

``FIND_SESSION`` and ``FIND_TOKEN`` look up by digest and handle, before any organization is known.
"""

from __future__ import annotations

from sqlalchemy import bindparam, or_, select, true

from models import AccessToken, Factor, Grant, Instance, Membership, Organization, User, UserSession

FIND_SESSION = (
    select(
        UserSession.id,
        UserSession.user_id,
        UserSession.token_id,
        AccessToken.organization_id,
        UserSession.created_at,
        UserSession.seen_at,
        UserSession.expires_at,
        UserSession.confirmed_at,
        UserSession.passed_at,
        UserSession.address,
        User.name,
        User.email,
        User.operator,
        AccessToken.revoked_at.label("token_revoked_at"),
        AccessToken.expires_at.label("token_expires_at"),
        AccessToken.must_replace,
        Factor.confirmed_at.label("factor_at"),
        Instance.key_generation,
    )
    .join(User, User.id == UserSession.user_id)
    .join(AccessToken, AccessToken.id == UserSession.token_id)
    .outerjoin(Factor, (Factor.user_id == UserSession.user_id) & Factor.confirmed_at.is_not(None))
    .join(Instance, true())
    .where(UserSession.digest == bindparam("digest"))
)

FIND_TOKEN = (
    select(
        AccessToken.id,
        AccessToken.organization_id,
        AccessToken.user_id,
        AccessToken.kind,
        AccessToken.name,
        AccessToken.digest,
        AccessToken.scopes,
        AccessToken.must_replace,
        AccessToken.expires_at,
        AccessToken.revoked_at,
        AccessToken.last_used_at,
        User.name.label("user_name"),
        User.operator,
        Organization.slug,
        Membership.role,
        Membership.disabled_at,
        Instance.key_generation,
    )
    .join(User, User.id == AccessToken.user_id)
    .join(Organization, Organization.id == AccessToken.organization_id)
    .join(
        Membership,
        (Membership.organization_id == AccessToken.organization_id)
        & (Membership.user_id == AccessToken.user_id),
    )
    .join(Instance, true())
    .where(AccessToken.lookup_id == bindparam("lookup_id"))
)

FIND_MEMBERSHIP = (
    select(
        Organization.id,
        Organization.slug,
        Organization.name,
        Organization.change,
        Membership.role,
    )
    .join(Membership, Membership.organization_id == Organization.id)
    .where(
        Organization.slug == bindparam("slug"),
        Membership.user_id == bindparam("user_id"),
        Membership.disabled_at.is_(None),
    )
)
"""By slug and person: the look-up that makes the organization known."""

MEMBERSHIPS = (
    select(Organization.slug, Organization.name)
    .join(Membership, Membership.organization_id == Organization.id)
    .where(Membership.user_id == bindparam("user_id"), Membership.disabled_at.is_(None))
    .order_by(Organization.name)
)
"""A person's own organizations."""

RIGHTS = select(Grant.vault_id, Grant.right).where(
    Grant.organization_id == bindparam("organization_id"),
    Grant.user_id == bindparam("user_id"),
    or_(Grant.ends_at.is_(None), Grant.ends_at > bindparam("now")),
)
