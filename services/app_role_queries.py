"""The statements by which programs come in with a role and a secret id.

``FIND`` and ``FIND_SECRET`` look up by what is shown, before any organization is known.
"""

from __future__ import annotations

from sqlalchemy import bindparam, delete, literal_column, or_, select, true, update

from models import AppRole, AuthMount, Instance, Membership, Organization, SecretId, User

FIND = (
    select(
        AppRole.id,
        AppRole.organization_id,
        AppRole.owner_id,
        AppRole.name,
        AppRole.settings,
        AuthMount.path,
        AuthMount.seconds_usual,
        AuthMount.seconds_max,
        Organization.slug,
        User.name.label("owner_name"),
        Membership.role.label("place"),
        Membership.disabled_at,
        or_(Organization.suspended_at.is_not(None), Organization.deletion_at.is_not(None)).label("closed"),
        Instance.key_generation,
    )
    .join(AuthMount, AuthMount.id == AppRole.mount_id)
    .join(Organization, Organization.id == AppRole.organization_id)
    .join(User, User.id == AppRole.owner_id)
    .join(
        Membership,
        (Membership.organization_id == AppRole.organization_id) & (Membership.user_id == AppRole.owner_id),
    )
    .join(Instance, true())
    .where(AppRole.role_id == bindparam("role_id"), AuthMount.path == bindparam("path"))
)
"""By role id and mount; two organizations may have the same, which their secret ids tell apart."""

FIND_SECRET = select(
    SecretId.id,
    SecretId.metadata_.label("about"),
    SecretId.networks,
    SecretId.token_networks,
    SecretId.uses_left,
    SecretId.expires_at,
).where(SecretId.role_id == bindparam("role"), SecretId.digest == bindparam("digest"))

CHARGE = (
    update(SecretId)
    .where(
        SecretId.id == bindparam("own_id"),
        SecretId.organization_id == bindparam("own_organization_id"),
        SecretId.uses_left > literal_column("0"),
    )
    .values(uses_left=SecretId.uses_left - literal_column("1"))
)
"""Spends one use; touches no row when none is left."""
FORGET = delete(SecretId).where(
    SecretId.organization_id == bindparam("organization_id"),
    or_(SecretId.expires_at < bindparam("now"), SecretId.uses_left == literal_column("0")),
)
