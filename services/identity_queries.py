"""The statements about accounts at providers: found by what the provider says, before anybody is known."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, bindparam, delete, select

from models import AccessToken, Identity, Membership, Organization, SsoAttempt, User


def _linked() -> Select[Any]:
    return (
        select(
            Identity.id,
            Identity.user_id,
            Identity.token_id,
            Identity.issuer,
            Identity.provider,
            Identity.email,
            Identity.created_at,
            Identity.used_at,
            AccessToken.organization_id,
            AccessToken.revoked_at,
            AccessToken.expires_at,
            Membership.role,
            Membership.disabled_at,
            Organization.slug,
            User.name,
        )
        .join(AccessToken, AccessToken.id == Identity.token_id)
        .join(User, User.id == Identity.user_id)
        .join(Organization, Organization.id == AccessToken.organization_id)
        .join(
            Membership,
            (Membership.organization_id == AccessToken.organization_id) & (Membership.user_id == User.id),
        )
    )


FIND_IDENTITY = _linked().where(
    Identity.issuer == bindparam("issuer"), Identity.subject == bindparam("subject")
)
IDENTITIES_OF = (
    _linked().where(Identity.user_id == bindparam("user_id")).order_by(Identity.created_at, Identity.id)
)
"""A person's own accounts, whatever organization their tokens belong to."""

OTHER_WAYS_IN = select(AccessToken.id).where(
    AccessToken.user_id == bindparam("user_id"),
    AccessToken.id != bindparam("token_id"),
    AccessToken.kind.in_(bindparam("kinds", expanding=True)),
    AccessToken.revoked_at.is_(None),
    AccessToken.expires_at > bindparam("now"),
)
"""A person's own living tokens besides one."""

TAKE_ATTEMPT = (
    delete(SsoAttempt)
    .where(SsoAttempt.digest == bindparam("digest"))
    .returning(
        SsoAttempt.id,
        SsoAttempt.purpose,
        SsoAttempt.session_id,
        SsoAttempt.sealed,
        SsoAttempt.created_at,
        SsoAttempt.expires_at,
    )
)
"""Takes an attempt away as it is read: who comes second finds nothing."""
