"""Providers of single sign-on, as the operator has set them up, and what they say of people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from policy import Role

GOOGLE = "https://accounts.google.com"


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider as the operator has set it up.

    Args:
        name: as in addresses.
        label: as on buttons.
        organization: the slug of the one whose people it vouches for; None: any.
        domains: of e-mail addresses whose owners may come in without an invitation.
        role: what those become.
        trusts_mfa: whether its word counts for our second factor.
        levels: values of ``acr`` that stand for more than one factor.
        email_is_verified: believe each e-mail address, where the provider never says whether it is verified.
        plain: whether it may be spoken to without TLS; only on this machine.
    """

    name: str
    label: str
    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    scopes: Sequence[str] = ("openid", "email", "profile")
    organization: str | None = None
    domains: frozenset[str] = frozenset()
    role: Role = Role.MEMBER
    trusts_mfa: bool = True
    levels: tuple[str, ...] = ()
    email_is_verified: bool = False

    @property
    def plain(self) -> bool:
        """Whether it is on this machine and spoken to without TLS."""
        return self.issuer.startswith("http://")


@dataclass(frozen=True, slots=True)
class Secrets:
    """What one attempt is held together by, kept until the person comes back."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Vouched:
    """Whom a provider vouches for.

    Args:
        email: in lower case; empty: it does not say.
        verified: whether the address is known to be theirs.
        hosted: the organization whose account it is, as Google says it.
        authenticated_at: when they proved who they are; None: it does not say.
        multi_factor: whether it asserts more than one factor.
    """

    subject: str
    email: str
    verified: bool
    name: str
    hosted: str
    authenticated_at: int | None
    multi_factor: bool
