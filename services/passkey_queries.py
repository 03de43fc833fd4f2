"""The statements about passkeys: those that must be whole by themselves, and the way in without a token."""

from __future__ import annotations

from sqlalchemy import and_, bindparam, delete, select, update

from models import AccessToken, Membership, Organization, Passkey, PasskeyChallenge, User

TAKE_CHALLENGE = delete(PasskeyChallenge).where(
    PasskeyChallenge.challenge == bindparam("challenge"),
    PasskeyChallenge.purpose == bindparam("purpose"),
    PasskeyChallenge.holder == bindparam("holder"),
    PasskeyChallenge.expires_at > bindparam("now"),
)
"""Takes an open challenge, once."""
COUNT_USE = (
    update(Passkey)
    .where(Passkey.id == bindparam("passkey_id"), Passkey.counter <= bindparam("at_most"))
    .values(
        counter=bindparam("new_counter"), copied=bindparam("now_copied"), last_used_at=bindparam("used_at")
    )
)
"""Notes an answer, unless a later one was noted before."""
SIGNIN_TOKENS = (
    select(
        AccessToken.id,
        AccessToken.organization_id,
        AccessToken.lookup_id,
        AccessToken.must_replace,
        AccessToken.expires_at,
        AccessToken.revoked_at,
        Membership.role,
        Membership.disabled_at,
        Organization.slug,
        Organization.passkey_sign_in,
        User.name.label("user_name"),
    )
    .join(User, User.id == AccessToken.user_id)
    .join(Organization, Organization.id == AccessToken.organization_id)
    .join(
        Membership,
        and_(
            Membership.organization_id == AccessToken.organization_id,
            Membership.user_id == AccessToken.user_id,
        ),
    )
    .where(AccessToken.user_id == bindparam("user_id"), AccessToken.kind == "signin")
    .order_by(AccessToken.created_at.desc(), AccessToken.id)
)
"""A person's sign-in tokens in all their organizations, the newest first, with what decides about each."""
