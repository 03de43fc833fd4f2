"""The tables. Import from here."""

from __future__ import annotations

from models.audit import Action, AuditChain, AuditCheckpoint, AuditDay, AuditEvent, AuditReview
from models.base import Base, Tenant, UtcDateTime, from_microseconds, microseconds
from models.factor import Factor, RecoveryCode
from models.instance import CspReport, DataKey, Instance, Lease
from models.item import Favorite, Item, ItemGone, ItemVersion
from models.organization import Invitation, Membership, Organization, User
from models.token import AccessToken, Lockout, UserSession
from models.vault import Grant, Vault

__all__ = [
    "AccessToken",
    "Action",
    "AuditChain",
    "AuditCheckpoint",
    "AuditDay",
    "AuditEvent",
    "AuditReview",
    "Base",
    "CspReport",
    "DataKey",
    "Factor",
    "Favorite",
    "Grant",
    "Instance",
    "Invitation",
    "Item",
    "ItemGone",
    "ItemVersion",
    "Lease",
    "Lockout",
    "Membership",
    "Organization",
    "RecoveryCode",
    "Tenant",
    "User",
    "UserSession",
    "UtcDateTime",
    "Vault",
    "from_microseconds",
    "microseconds",
]
