"""Who may do what, on one screen.

A permission is granted by a role in the organization, or by a right on the vault, or because the thing is
one's own, or by any of these. Nobody reveals by role. What is not granted here is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, IntEnum, StrEnum, auto
from uuid import UUID


class Role(StrEnum):
    """A person's place in an organization."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    AUDITOR = "auditor"


class Right(IntEnum):
    """What a grant on a vault allows; each includes those before it."""

    USE = 1
    REVEAL = 2
    EDIT = 3
    MANAGE = 4

    @property
    def label(self) -> str:
        """The right's name on pages and in the audit log."""
        return self.name.lower()


class Scope(StrEnum):
    """What an API token may be used for; it narrows the owner's rights and never widens them."""

    ITEMS_LIST = "items:list"
    ITEMS_REVEAL = "items:reveal"


class Permission(StrEnum):
    """Something that a route lets somebody do."""

    ACCOUNT_USE = "account:use"
    ACCOUNT_SECURE = "account:secure"

    ORGANIZATION_READ = "organization:read"
    SETTINGS_READ = "settings:read"
    KEYS_PROVE = "keys:prove"

    PEOPLE_READ = "people:read"
    PEOPLE_MANAGE = "people:manage"

    TOKENS_OWN = "tokens:own"
    TOKENS_ISSUE = "tokens:issue"
    TOKENS_READ = "tokens:read"
    TOKENS_MANAGE = "tokens:manage"
    TOKENS_EXPORT = "tokens:export"

    LOCKOUTS_MANAGE = "lockouts:manage"

    AUDIT_READ = "audit:read"
    AUDIT_EXPORT = "audit:export"
    AUDIT_SYSTEM = "audit:system"

    VAULT_CREATE = "vault:create"
    VAULT_READ = "vault:read"
    VAULT_ACCESS = "vault:access"
    VAULT_MANAGE = "vault:manage"

    ITEM_READ = "item:read"
    ITEM_REVEAL = "item:reveal"
    ITEM_EDIT = "item:edit"
    ITEM_PURGE = "item:purge"


@dataclass(frozen=True, slots=True)
class Rule:
    """By what a permission is held.

    Args:
        roles: any of these roles in the organization is enough.
        right: this right on the vault, or a higher one, is enough.
        own: that the thing belongs to the actor is enough.
        scope: the scope that an API token needs besides; None: never by API token.
        fresh: the actor must have confirmed who they are in the last minutes.
        operator: only the operator of the instance.
        anyone: everybody who is signed in.
    """

    roles: frozenset[Role] = frozenset()
    right: Right | None = None
    own: bool = False
    scope: Scope | None = None
    fresh: bool = False
    operator: bool = False
    anyone: bool = False


_ALL = frozenset(Role)
_WORKERS = frozenset({Role.OWNER, Role.ADMIN, Role.MEMBER})
_ADMINS = frozenset({Role.OWNER, Role.ADMIN})
_WATCHERS = frozenset({Role.OWNER, Role.ADMIN, Role.AUDITOR})

GRANTS: Mapping[Permission, Rule] = {
    Permission.ACCOUNT_USE: Rule(anyone=True),
    Permission.ACCOUNT_SECURE: Rule(anyone=True, fresh=True),
    Permission.ORGANIZATION_READ: Rule(roles=_ALL, scope=Scope.ITEMS_LIST),
    Permission.SETTINGS_READ: Rule(roles=_WATCHERS),
    Permission.KEYS_PROVE: Rule(operator=True),
    Permission.PEOPLE_READ: Rule(roles=_WATCHERS),
    Permission.PEOPLE_MANAGE: Rule(roles=_ADMINS, fresh=True),
    Permission.TOKENS_OWN: Rule(roles=_ALL),
    Permission.TOKENS_ISSUE: Rule(roles=_WORKERS, fresh=True),
    Permission.TOKENS_READ: Rule(roles=_WATCHERS),
    Permission.TOKENS_MANAGE: Rule(roles=_ADMINS, own=True, fresh=True),
    Permission.TOKENS_EXPORT: Rule(roles=_WATCHERS, fresh=True),
    Permission.LOCKOUTS_MANAGE: Rule(roles=_ADMINS),
    Permission.AUDIT_READ: Rule(roles=_WATCHERS),
    Permission.AUDIT_EXPORT: Rule(roles=_WATCHERS, fresh=True),
    Permission.AUDIT_SYSTEM: Rule(operator=True),
    Permission.VAULT_CREATE: Rule(roles=_WORKERS),
    Permission.VAULT_READ: Rule(right=Right.USE),
    Permission.VAULT_ACCESS: Rule(roles=_ADMINS, right=Right.MANAGE, fresh=True),
    Permission.VAULT_MANAGE: Rule(right=Right.MANAGE),
    Permission.ITEM_READ: Rule(right=Right.USE, scope=Scope.ITEMS_LIST),
    Permission.ITEM_REVEAL: Rule(right=Right.REVEAL, scope=Scope.ITEMS_REVEAL),
    Permission.ITEM_EDIT: Rule(right=Right.EDIT),
    Permission.ITEM_PURGE: Rule(right=Right.MANAGE, fresh=True),
}

CEILINGS: Mapping[Role | None, Right] = {Role.AUDITOR: Right.USE, None: Right.USE}
"""The strongest right that a grant gives to a role: an auditor sees who has what, and never reveals."""


class ActorKind(StrEnum):
    """How the actor came to be known."""

    PERSON = "person"
    TOKEN = "token"  # noqa: S105 - a kind of actor, not a secret
    SYSTEM = "system"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who is asking now, detached from the database.

    Args:
        id: the person's id; of a token: its owner's; the zero UUID for the system and for nobody.
        name: shown in the audit log.
        organization_id: the organization that the request is about, None outside one.
        role: the role there; None for a stranger.
        rights: the right on each vault there, ended grants left out.
        scopes: what an API token was narrowed to; None for a person's session.
        confirmed_at: when a person last proved who they are.
    """

    kind: ActorKind
    id: UUID
    name: str
    organization_id: UUID | None = None
    role: Role | None = None
    operator: bool = False
    rights: Mapping[UUID, Right] = field(default_factory=dict)
    scopes: frozenset[Scope] | None = None
    token_id: UUID | None = None
    session_id: UUID | None = None
    confirmed_at: datetime | None = None


NOBODY = Actor(ActorKind.NOBODY, UUID(int=0), "nobody")
SYSTEM_ACTOR = Actor(ActorKind.SYSTEM, UUID(int=0), "system")


class Verdict(Enum):
    """What :func:`judge` finds."""

    ALLOW = auto()
    DENY = auto()
    HIDE = auto()
    """Refuse in the way that does not tell whether the thing exists."""
    CONFIRM = auto()
    """Allowed once the actor has confirmed who they are."""


def judge(
    actor: Actor,
    permission: Permission,
    *,
    organization_id: UUID | None = None,
    vault_id: UUID | None = None,
    owner_id: UUID | None = None,
    now: datetime,
    fresh_for: timedelta,
) -> Verdict:
    """Decide whether *actor* may use *permission*, there.

    Args:
        organization_id: of the thing asked for; None outside organizations.
        vault_id: the vault that the thing is, or lies in.
        owner_id: the person whom the thing belongs to, where it is somebody's.
        now: an aware time.
        fresh_for: how long a confirmation of who one is counts.
    """
    rule = GRANTS.get(permission)
    if rule is None or actor.kind is ActorKind.NOBODY:
        return Verdict.HIDE
    if not _is_member(actor, rule, organization_id):
        return Verdict.HIDE
    if not _holds(actor, rule, vault_id, owner_id):
        return Verdict.HIDE if owner_id or _is_hidden(actor, rule, vault_id) else Verdict.DENY
    if actor.scopes is not None and (rule.scope is None or rule.scope not in actor.scopes):
        return Verdict.DENY
    if rule.fresh and not _is_fresh(actor, now, fresh_for):
        return Verdict.CONFIRM
    return Verdict.ALLOW


def _is_member(actor: Actor, rule: Rule, organization_id: UUID | None) -> bool:
    if rule.anyone:
        return True
    return organization_id is not None and actor.organization_id == organization_id and actor.role is not None


def _holds(actor: Actor, rule: Rule, vault_id: UUID | None, owner_id: UUID | None) -> bool:
    if rule.anyone or (rule.operator and actor.operator) or actor.role in rule.roles:
        return True
    if rule.own and owner_id == actor.id:
        return True
    right = actor.rights.get(vault_id) if vault_id else None
    if rule.right is None or right is None:
        return False
    return min(right, CEILINGS.get(actor.role, Right.MANAGE)) >= rule.right


def _is_hidden(actor: Actor, rule: Rule, vault_id: UUID | None) -> bool:
    """A vault without any grant is not there; one with too small a right is."""
    return vault_id is not None and rule.right is not None and vault_id not in actor.rights


def _is_fresh(actor: Actor, now: datetime, fresh_for: timedelta) -> bool:
    return actor.confirmed_at is not None and now - actor.confirmed_at <= fresh_for
