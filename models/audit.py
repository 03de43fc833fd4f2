"""The audit log: events in chains, and the signed checkpoints over them."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Tenant


class Action(StrEnum):
    """Everything that is recorded; nothing else is."""

    SESSION_STARTED = "session.started"
    SESSION_ENDED = "session.ended"
    SESSION_CONFIRMED = "session.confirmed"
    SIGNIN_FAILED = "signin.failed"
    SIGNIN_LOCKED = "signin.locked"
    LOCKOUT_LIFTED = "lockout.lifted"
    FACTOR_ADDED = "factor.added"
    FACTOR_CHANGED = "factor.changed"
    FACTOR_REMOVED = "factor.removed"
    FACTOR_RESET_ALL = "factor.reset_all"
    FACTOR_PASSED = "factor.passed"
    FACTOR_FAILED = "factor.failed"
    RECOVERY_MADE = "recovery.made"
    RECOVERY_USED = "recovery.used"
    IDENTITY_LINKED = "identity.linked"
    IDENTITY_UNLINKED = "identity.unlinked"
    TOKEN_CREATED = "token.created"
    TOKEN_REPLACED = "token.replaced"
    TOKEN_REVOKED = "token.revoked"
    TOKEN_MISUSED = "token.misused"
    TOKEN_RENEWED = "token.renewed"
    TOKEN_EXPORTED = "token.exported"
    PROFILE_CREATED = "profile.created"
    PROFILE_CHANGED = "profile.changed"
    PROFILE_DELETED = "profile.deleted"
    ROLE_CHANGED = "role.changed"
    ROLE_DELETED = "role.deleted"
    SECRET_ID_CREATED = "secret_id.created"
    SECRET_ID_DESTROYED = "secret_id.destroyed"
    WRAP_CREATED = "wrap.created"
    WRAP_OPENED = "wrap.opened"
    WRAP_MISUSED = "wrap.misused"
    PERSON_INVITED = "person.invited"
    PERSON_ENROLLED = "person.enrolled"
    PERSON_JOINED = "person.joined"
    SERVICE_CREATED = "service.created"
    PERSON_CHANGED = "person.changed"
    PERSON_DISABLED = "person.disabled"
    PERSON_ENABLED = "person.enabled"
    PERSON_RESET = "person.reset"
    INVITATION_REVOKED = "invitation.revoked"
    GRANT_GIVEN = "grant.given"
    GRANT_CHANGED = "grant.changed"
    GRANT_TAKEN = "grant.taken"
    GRANT_REQUESTED = "grant.requested"
    GRANT_DECLINED = "grant.declined"
    GRANT_WITHDRAWN = "grant.withdrawn"
    GROUP_CREATED = "group.created"
    GROUP_CHANGED = "group.changed"
    GROUP_DELETED = "group.deleted"
    GROUP_JOINED = "group.joined"
    GROUP_LEFT = "group.left"
    RESPONSIBLE_CHANGED = "responsible.changed"
    VAULT_CREATED = "vault.created"
    VAULT_CHANGED = "vault.changed"
    VAULT_DELETED = "vault.deleted"
    ITEM_CREATED = "item.created"
    ITEM_CHANGED = "item.changed"
    ITEM_REVEALED = "item.revealed"
    ITEM_COPIED = "item.copied"
    ITEM_MOVED = "item.moved"
    ITEM_TRASHED = "item.trashed"
    ITEM_RESTORED = "item.restored"
    ITEM_PURGED = "item.purged"
    ITEM_DELETED = "item.deleted"
    ITEM_UNDELETED = "item.undeleted"
    ITEM_DESTROYED = "item.destroyed"
    ITEM_DESCRIBED = "item.described"
    ITEM_EXPORTED = "item.exported"
    ITEM_PROTECTED = "item.protected"
    FILE_ADDED = "file.added"
    FILE_DOWNLOADED = "file.downloaded"
    FILE_REMOVED = "file.removed"
    REVEAL_REQUESTED = "reveal.requested"
    REVEAL_APPROVED = "reveal.approved"
    REVEAL_DECLINED = "reveal.declined"
    REVEAL_WITHDRAWN = "reveal.withdrawn"
    IMPORT_PREVIEWED = "import.previewed"
    IMPORT_STARTED = "import.started"
    IMPORT_UNDONE = "import.undone"
    LEAVER_TICKED = "leaver.ticked"
    LEAVER_UNTICKED = "leaver.unticked"
    ACCESS_DENIED = "access.denied"
    ACCESS_CROSSED = "access.crossed"
    REQUEST_THROTTLED = "request.throttled"
    DECRYPTION_FAILED = "decryption.failed"
    SETTING_CHANGED = "setting.changed"
    ORGANIZATION_CREATED = "organization.created"
    ORGANIZATION_CHANGED = "organization.changed"
    ORGANIZATION_SUSPENDED = "organization.suspended"
    ORGANIZATION_RESUMED = "organization.resumed"
    ORGANIZATION_DELETED = "organization.deleted"
    DELETION_SET = "deletion.set"
    DELETION_UNDONE = "deletion.undone"
    KEY_CREATED = "key.created"
    KEY_REWRAPPED = "key.rewrapped"
    KEY_TURNED = "key.turned"
    KEY_REENCRYPTED = "key.reencrypted"
    KEY_SHREDDED = "key.shredded"
    KEY_MISSED = "key.missed"
    BACKUP_CREATED = "backup.created"
    BACKUP_VERIFIED = "backup.verified"
    BACKUP_RESTORED = "backup.restored"
    AUDIT_EXPORTED = "audit.exported"
    AUDIT_VERIFIED = "audit.verified"
    AUDIT_REVIEWED = "audit.reviewed"


class AuditEvent(Base):
    """One fact, never changed. The columns repeat what the encrypted payload says, for filters.

    Indexes only grow at their end, so that appending stays fast at any size: the second one holds all that
    the filters compare, and is walked.
    """

    __tablename__ = "audit_event"
    __table_args__ = (
        Index(
            "ix_audit_event_walk",
            "chain_id",
            "seq",
            "action",
            "actor_id",
            "target_type",
            "target_id",
            "success",
        ),
    )

    chain_id: Mapped[UUID] = mapped_column(primary_key=True)
    """The organization, or the zero UUID for the system."""
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """From 1, without gaps."""
    id: Mapped[UUID]
    at: Mapped[datetime]
    """Never earlier than the event before."""
    action: Mapped[str] = mapped_column(String(24))
    actor_id: Mapped[UUID]
    target_type: Mapped[str] = mapped_column(String(16))
    target_id: Mapped[UUID | None]
    success: Mapped[bool]
    payload: Mapped[bytes]
    hash: Mapped[bytes]
    mac: Mapped[bytes]


class AuditChain(Base):
    """The end of each chain."""

    __tablename__ = "audit_chain"

    chain_id: Mapped[UUID] = mapped_column(primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger)
    head: Mapped[bytes]
    last_at: Mapped[datetime]


class AuditDay(Base):
    """Where a day begins in a chain, and what it counted: derived, and made anew from the chain at will."""

    __tablename__ = "audit_day"

    chain_id: Mapped[UUID] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    first_seq: Mapped[int] = mapped_column(BigInteger)
    events: Mapped[int]
    reveals: Mapped[int]
    failures: Mapped[int]


class AuditCheckpoint(Base):
    """A signed statement of how long every chain was, and where it ended."""

    __tablename__ = "audit_checkpoint"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    total: Mapped[int] = mapped_column(BigInteger)
    heads: Mapped[str] = mapped_column(Text)
    """A line for each chain: id, size and head in hex; what the signed digest is over."""
    note: Mapped[str] = mapped_column(Text)


class AuditReview(Tenant, Base):
    """Up to where a person has read the log."""

    __tablename__ = "audit_review"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    seq: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]
