"""The tables. Import from here."""

from __future__ import annotations

from models.attachment import Attachment, AttachmentVersion
from models.audit import Action, AuditChain, AuditCheckpoint, AuditDay, AuditEvent, AuditReview
from models.backup import Backup
from models.base import Base, Tenant, UtcDateTime, from_microseconds, microseconds
from models.factor import Factor, RecoveryCode
from models.grant import AccessRequest, Grant
from models.group import Group, GroupMember
from models.identity import Identity, SsoAttempt
from models.imports import ImportedItem, ImportPart, ImportRun
from models.instance import CspReport, DataKey, Instance, Lease, MasterKeySeen
from models.item import Favorite, Item, ItemGone, ItemVersion
from models.leaver import LeaverTick
from models.mount import ItemRules, Mount
from models.organization import Invitation, Membership, Organization, User
from models.passkey import Passkey, PasskeyChallenge
from models.profile import AppRole, AuthMount, Profile, SecretId, TokenLease, TokenRole
from models.repeat import Repeat
from models.responsibility import Responsibility
from models.token import AccessToken, Lockout, UserSession
from models.vault import Vault
from models.wrapped import Wrapped

__all__ = [
    "AccessRequest",
    "AccessToken",
    "Action",
    "AppRole",
    "Attachment",
    "AttachmentVersion",
    "AuditChain",
    "AuditCheckpoint",
    "AuditDay",
    "AuditEvent",
    "AuditReview",
    "AuthMount",
    "Backup",
    "Base",
    "CspReport",
    "DataKey",
    "Factor",
    "Favorite",
    "Grant",
    "Group",
    "GroupMember",
    "Identity",
    "ImportPart",
    "ImportRun",
    "ImportedItem",
    "Instance",
    "Invitation",
    "Item",
    "ItemGone",
    "ItemRules",
    "ItemVersion",
    "Lease",
    "LeaverTick",
    "Lockout",
    "MasterKeySeen",
    "Membership",
    "Mount",
    "Organization",
    "Passkey",
    "PasskeyChallenge",
    "Profile",
    "RecoveryCode",
    "Repeat",
    "Responsibility",
    "SecretId",
    "SsoAttempt",
    "Tenant",
    "TokenLease",
    "TokenRole",
    "User",
    "UserSession",
    "UtcDateTime",
    "Vault",
    "Wrapped",
    "from_microseconds",
    "microseconds",
]
