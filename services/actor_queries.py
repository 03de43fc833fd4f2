"""The statements by which an actor becomes known: made once, run at every request.

``FIND_SESSION`` and ``FIND_TOKEN`` look up by digest and handle, before any organization is known.
"""

from __future__ import annotations

from sqlalchemy import bindparam, literal_column, or_, select, true, update
from sqlalchemy.orm import aliased

from models import (
    AccessToken,
    Grant,
    GroupMember,
    Instance,
    Membership,
    Organization,
    User,
    UserSession,
)
from services.factor_queries import has_factor

_CLOSED = or_(Organization.suspended_at.is_not(None), Organization.deletion_at.is_not(None)).label("closed")

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
        has_factor(UserSession.user_id).label("has_factor"),
        Instance.key_generation,
    )
    .join(User, User.id == UserSession.user_id)
    .join(AccessToken, AccessToken.id == UserSession.token_id)
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
        AccessToken.not_before,
        AccessToken.vault_ids,
        AccessToken.name_patterns,
        AccessToken.networks,
        AccessToken.uses_left,
        AccessToken.per_minute,
        User.name.label("user_name"),
        User.operator,
        Organization.slug,
        Organization.name.label("organization_name"),
        _CLOSED,
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

CHARGE = (
    update(AccessToken)
    .where(
        AccessToken.id == bindparam("token_id"),
        AccessToken.organization_id == bindparam("own_organization_id"),
        AccessToken.uses_left > literal_column("0"),
    )
    .values(uses_left=AccessToken.uses_left - literal_column("1"))
)
"""Spends one use of a token; touches no row when none is left."""

FIND_MEMBERSHIP = (
    select(
        Organization.id,
        Organization.slug,
        Organization.name,
        Organization.change,
        _CLOSED,
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
    select(Organization.id, Organization.slug, Organization.name, _CLOSED)
    .join(Membership, Membership.organization_id == Organization.id)
    .where(Membership.user_id == bindparam("user_id"), Membership.disabled_at.is_(None))
    .order_by(Organization.name)
)
"""A person's own organizations."""

ELSEWHERE = select(Membership.id).where(
    Membership.user_id == bindparam("user_id"),
    Membership.organization_id != bindparam("organization_id"),
    Membership.disabled_at.is_(None),
)
"""Whether a person also belongs to another organization than this one."""

_OTHER = aliased(Membership)
ALL_ELSEWHERE = (
    select(Membership.user_id)
    .join(_OTHER, _OTHER.user_id == Membership.user_id)
    .where(
        Membership.organization_id == bindparam("organization_id"),
        _OTHER.organization_id != Membership.organization_id,
        _OTHER.disabled_at.is_(None),
    )
    .distinct()
)
"""The people of an organization who also belong to another."""

TOKEN_HOMES = (
    select(AccessToken.organization_id).where(AccessToken.user_id == bindparam("user_id")).distinct()
)
"""The organizations that have made tokens for a person."""

OTHER_ORGANIZATION = select(Organization.id).where(Organization.id != bindparam("organization_id"))

_GROUPS = select(GroupMember.group_id).where(
    GroupMember.organization_id == bindparam("organization_id"),
    GroupMember.user_id == bindparam("user_id"),
)
RIGHTS = select(Grant.vault_id, Grant.item_id, Grant.right).where(
    Grant.organization_id == bindparam("organization_id"),
    or_(Grant.user_id == bindparam("user_id"), Grant.group_id.in_(_GROUPS)),
    or_(Grant.ends_at.is_(None), Grant.ends_at > bindparam("now")),
)
"""A person's own grants and those of their groups, on vaults and on single items."""
