"""The settings that use cases need, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from crypto.passkey_answers import Site
from services.virus_scan import Scanner


@dataclass(frozen=True, slots=True)
class AttachmentRules:
    """What files on items may be.

    Args:
        max_bytes: of one; 0: none can be added.
        per_item: how many one may have.
        scanner: looks at each before it is stored; None: there is none.
    """

    max_bytes: int = 10 * 1024 * 1024
    per_item: int = 20
    scanner: Scanner | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """How long things last and how often they may be tried."""

    session_idle: timedelta = timedelta(minutes=30)
    session_lasts: timedelta = timedelta(hours=12)
    fresh_for: timedelta = timedelta(minutes=5)
    lockout_failures: int = 5
    lockout_lasts: timedelta = timedelta(minutes=60)
    trash_kept: timedelta = timedelta(days=30)
    attachments: AttachmentRules = AttachmentRules()
    second_factor: bool = False
    """Whether everybody must have one."""
    passkeys: Site | None = None
    """Where passkeys are made and used; None: browsers would not let them, as the address is no name."""


TOKEN_LASTS = timedelta(days=90)
TOKEN_LASTS_AT_MOST = timedelta(days=365)
TOKEN_WARNING = timedelta(days=14)
INVITATION_LASTS = timedelta(hours=24)
HALF_LASTS = timedelta(minutes=5)
"""How long a session waits for the second factor."""
APPROVAL_MINUTES = (15, 60, 240, 480, 1440)
"""For how long a second person's approval of a reveal may count."""
PASSKEY_ASKED = timedelta(minutes=5)
"""How long a browser may take to answer with a passkey."""
PASSKEYS_PER_PERSON = 20
SESSIONS_PER_PERSON = 10
WAYS_IN = ("signin", "sso")
"""Kinds of tokens that let people in: presented by themselves, and behind an account at a provider."""
