"""Who may do what, on one screen.

A permission is granted by a role in the organization, or by a right on the vault, or because the thing is
one's own, or by any of these. Nobody reveals by role. What is not granted here is refused.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, IntEnum, StrEnum, auto
from uuid import UUID

from policy_programs import Narrowing, Scope

__all__ = [
    "CEILINGS",
    "CONFIRMED",
    "GRANTS",
    "NOBODY",
    "SYSTEM_ACTOR",
    "Actor",
    "ActorKind",
    "Narrowing",
    "Permission",
    "Right",
    "Role",
    "Rule",
    "Scope",
    "Verdict",
    "judge",
    "reaches",
    "right_on",
    "strongest",
]


class Role(StrEnum):
    """A person's place in an organization."""

    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    AUDITOR = "auditor"


class Right(IntEnum):
    """What a grant on a vault or on a single item allows; each includes those before it."""

    USE = 1
    REVEAL = 2
    EDIT = 3
    MANAGE = 4

    @property
    def label(self) -> str:
        """The right's name on pages and in the audit log."""
        return self.name.lower()


class Permission(StrEnum):
    """Something that a route lets somebody do."""

    ACCOUNT_USE = "account:use"
    ACCOUNT_SECURE = "account:secure"

    ORGANIZATION_READ = "organization:read"
    SETTINGS_READ = "settings:read"
    SETTINGS_MANAGE = "settings:manage"
    KEYS_PROVE = "keys:prove"

    PEOPLE_READ = "people:read"
    PEOPLE_MANAGE = "people:manage"
    GROUPS_MANAGE = "groups:manage"

    TOKENS_OWN = "tokens:own"
    TOKENS_ISSUE = "tokens:issue"
    TOKENS_READ = "tokens:read"
    TOKENS_MANAGE = "tokens:manage"
    TOKENS_EXPORT = "tokens:export"
    TOKENS_MINT = "tokens:mint"
    TOKENS_REVOKE = "tokens:revoke"
    TOKEN_SELF = "token:self"  # noqa: S105 - a permission, not a secret
    SERVICES_MANAGE = "services:manage"
    PROFILES_MANAGE = "profiles:manage"

    LEAVER_TICK = "leaver:tick"
    RESPONSIBLE_HAND_OVER = "responsible:hand-over"
    FACTORS_RESET = "factors:reset"

    LOCKOUTS_MANAGE = "lockouts:manage"

    AUDIT_READ = "audit:read"
    AUDIT_EXPORT = "audit:export"
    AUDIT_SYSTEM = "audit:system"

    VAULT_CREATE = "vault:create"
    VAULT_READ = "vault:read"
    VAULT_ACCESS = "vault:access"
    VAULT_MANAGE = "vault:manage"
    VAULT_ASK = "vault:ask"
    VAULT_IMPORT = "vault:import"

    ACCESS_READ = "access:read"
    REACH_READ = "reach:read"
    REQUEST_SEE = "request:see"
    REQUEST_DECIDE = "request:decide"
    REQUEST_WITHDRAW = "request:withdraw"

    ITEM_READ = "item:read"
    ITEM_REVEAL = "item:reveal"
    ITEM_REVEAL_CONFIRMED = "item:reveal-confirmed"
    ITEMS_REVEAL = "items:reveal"
    ITEMS_EXPORT = "items:export"
    ITEM_EDIT = "item:edit"
    ITEM_PLACE = "item:place"
    PROTECTION_CHANGE = "protection:change"
    ITEM_PURGE = "item:purge"

    INSTANCE_READ = "instance:read"
    INSTANCE_MANAGE = "instance:manage"


@dataclass(frozen=True, slots=True)
class Rule:
    """By what a permission is held.

    Args:
        roles: any of these roles in the organization is enough.
        right: this right on the vault or on the item itself, or a higher one, is enough.
        whole: a right on the item alone is not enough: the vault and the people in it are concerned.
        own: that the thing belongs to the actor is enough.
        scopes: an API token needs one of these besides; empty: never by API token.
        narrowed: also by an API token that is narrowed to some vaults or names, where no single credential
            of its is concerned.
        fresh: a person must have confirmed who they are in the last minutes; of a token its scope tells that
            somebody did when it was made.
        operator: only the operator of the instance.
        outside: it concerns no one organization: no role and no right in any is asked for, or is enough.
        anyone: everybody who is signed in.
    """

    roles: frozenset[Role] = frozenset()
    right: Right | None = None
    whole: bool = False
    own: bool = False
    scopes: frozenset[Scope] = frozenset()
    narrowed: bool = False
    fresh: bool = False
    operator: bool = False
    outside: bool = False
    anyone: bool = False


_ALL = frozenset(Role)
_WORKERS = frozenset({Role.OWNER, Role.ADMIN, Role.MEMBER})
_ADMINS = frozenset({Role.OWNER, Role.ADMIN})
_OWNERS = frozenset({Role.OWNER})
_WATCHERS = frozenset({Role.OWNER, Role.ADMIN, Role.AUDITOR})
_LIST = frozenset({Scope.ITEMS_LIST})
_USE = frozenset({Scope.ITEMS_LIST, Scope.ITEMS_USE})
_REVEAL = frozenset({Scope.ITEMS_REVEAL})
_WRITE = frozenset({Scope.ITEMS_WRITE})
_DESTROY = frozenset({Scope.ITEMS_DESTROY})
_BUILD = frozenset({Scope.VAULTS_MANAGE})
_PEOPLE = frozenset({Scope.PEOPLE_READ})
_AUDIT = frozenset({Scope.AUDIT_READ})
_MINT = frozenset({Scope.TOKENS_ISSUE})

GRANTS: Mapping[Permission, Rule] = {
    Permission.ACCOUNT_USE: Rule(anyone=True),
    Permission.ACCOUNT_SECURE: Rule(anyone=True, fresh=True),
    Permission.ORGANIZATION_READ: Rule(roles=_ALL, scopes=_LIST, narrowed=True),
    Permission.SETTINGS_READ: Rule(roles=_WATCHERS),
    Permission.SETTINGS_MANAGE: Rule(roles=_ADMINS, fresh=True),
    Permission.KEYS_PROVE: Rule(operator=True),
    Permission.PEOPLE_READ: Rule(roles=_WATCHERS, scopes=_PEOPLE),
    Permission.PEOPLE_MANAGE: Rule(roles=_ADMINS, fresh=True),
    Permission.GROUPS_MANAGE: Rule(roles=_ADMINS, fresh=True),
    Permission.TOKENS_OWN: Rule(roles=_ALL),
    Permission.TOKENS_ISSUE: Rule(roles=_WORKERS, fresh=True),
    Permission.TOKENS_READ: Rule(roles=_WATCHERS),
    Permission.TOKENS_MANAGE: Rule(roles=_ADMINS, own=True, fresh=True),
    Permission.TOKENS_EXPORT: Rule(roles=_WATCHERS, fresh=True),
    Permission.TOKENS_MINT: Rule(roles=_WORKERS, scopes=_MINT, narrowed=True),
    Permission.TOKENS_REVOKE: Rule(own=True, scopes=_MINT, narrowed=True),
    Permission.TOKEN_SELF: Rule(roles=_ALL, scopes=frozenset(Scope), narrowed=True),
    Permission.SERVICES_MANAGE: Rule(roles=_ADMINS, fresh=True),
    Permission.PROFILES_MANAGE: Rule(roles=_ADMINS, fresh=True),
    Permission.LEAVER_TICK: Rule(roles=_ADMINS),
    Permission.RESPONSIBLE_HAND_OVER: Rule(roles=_ADMINS),
    Permission.FACTORS_RESET: Rule(roles=_OWNERS, fresh=True),
    Permission.LOCKOUTS_MANAGE: Rule(roles=_ADMINS),
    Permission.AUDIT_READ: Rule(roles=_WATCHERS, scopes=_AUDIT),
    Permission.AUDIT_EXPORT: Rule(roles=_WATCHERS, fresh=True),
    Permission.AUDIT_SYSTEM: Rule(operator=True),
    Permission.VAULT_CREATE: Rule(roles=_WORKERS, scopes=_BUILD),
    Permission.VAULT_READ: Rule(right=Right.USE, scopes=_LIST, narrowed=True),
    Permission.VAULT_ACCESS: Rule(roles=_ADMINS, right=Right.MANAGE, fresh=True),
    Permission.VAULT_MANAGE: Rule(right=Right.MANAGE, scopes=_BUILD),
    Permission.VAULT_ASK: Rule(roles=_WORKERS),
    Permission.VAULT_IMPORT: Rule(right=Right.EDIT, whole=True),
    Permission.ACCESS_READ: Rule(roles=_WATCHERS, right=Right.MANAGE),
    Permission.REACH_READ: Rule(roles=_WATCHERS, own=True),
    Permission.REQUEST_SEE: Rule(roles=_ALL),
    Permission.REQUEST_DECIDE: Rule(roles=_ADMINS, right=Right.MANAGE, fresh=True),
    Permission.REQUEST_WITHDRAW: Rule(own=True),
    Permission.ITEM_READ: Rule(right=Right.USE, scopes=_USE),
    Permission.ITEM_REVEAL: Rule(right=Right.REVEAL, scopes=_REVEAL),
    Permission.ITEM_REVEAL_CONFIRMED: Rule(right=Right.REVEAL, fresh=True),
    Permission.ITEMS_REVEAL: Rule(roles=_ALL, scopes=_REVEAL, narrowed=True),
    Permission.ITEMS_EXPORT: Rule(roles=_WORKERS, fresh=True),
    Permission.ITEM_EDIT: Rule(right=Right.EDIT, scopes=_WRITE, narrowed=True),
    Permission.ITEM_PLACE: Rule(right=Right.EDIT, whole=True, scopes=_WRITE),
    Permission.PROTECTION_CHANGE: Rule(right=Right.MANAGE, fresh=True),
    Permission.ITEM_PURGE: Rule(right=Right.MANAGE, whole=True, scopes=_DESTROY, fresh=True),
    Permission.INSTANCE_READ: Rule(operator=True, outside=True),
    Permission.INSTANCE_MANAGE: Rule(operator=True, outside=True, fresh=True),
}

CONFIRMED: Mapping[Permission, Permission] = {Permission.ITEM_REVEAL: Permission.ITEM_REVEAL_CONFIRMED}
"""What is asked for instead, of an item that is marked "confirm to reveal": never by a program."""

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
        rights: the right on each vault there and on each single item, by its id; ended grants left out.
        scopes: what an API token was narrowed to; None for a person's session.
        narrowing: the places that an API token was narrowed to; None: it was not.
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
    narrowing: Narrowing | None = None
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
    item_id: UUID | None = None,
    item_name: str | None = None,
    owner_id: UUID | None = None,
    now: datetime,
    fresh_for: timedelta,
) -> Verdict:
    """Decide whether *actor* may use *permission*, there.

    Args:
        organization_id: of the thing asked for; None outside organizations.
        vault_id: the vault that the thing is, or lies in.
        item_id: the item that the thing is, or is about.
        item_name: what that item is called; None: it cannot be decrypted.
        owner_id: the person whom the thing belongs to, where it is somebody's.
        now: an aware time.
        fresh_for: how long a confirmation of who one is counts.
    """
    rule = GRANTS.get(permission)
    if rule is None or actor.kind is ActorKind.NOBODY:
        return Verdict.HIDE
    if not _is_member(actor, rule, organization_id):
        return Verdict.HIDE
    places = [place for place in (vault_id, item_id) if place is not None]
    counting = [vault_id] if rule.whole and vault_id else places
    if not _holds(actor, rule, counting, owner_id):
        return Verdict.HIDE if owner_id or _is_hidden(actor, rule, places) else Verdict.DENY
    if actor.scopes is not None:
        return _judge_program(actor, rule, vault_id, item_id, item_name)
    if rule.fresh and not _is_fresh(actor, now, fresh_for):
        return Verdict.CONFIRM
    return Verdict.ALLOW


def _judge_program(
    actor: Actor, rule: Rule, vault_id: UUID | None, item_id: UUID | None, item_name: str | None
) -> Verdict:
    """Narrow what a token's owner may do to what the token is for."""
    narrowing = actor.narrowing
    if narrowing is not None and vault_id is not None:
        if not narrowing.reaches_vault(vault_id):
            return Verdict.HIDE
        if item_id is not None and not narrowing.reaches(vault_id, item_name):
            return Verdict.HIDE
    if rule.scopes.isdisjoint(actor.scopes or ()):
        return Verdict.DENY
    if narrowing is not None and item_id is None and not rule.narrowed:
        # Such as a whole vault, where only some of its names are reached; or the log of everything.
        whole = vault_id is not None and not narrowing.names
        return Verdict.ALLOW if whole else Verdict.DENY
    return Verdict.ALLOW


def reaches(actor: Actor, vault_id: UUID, name: str | None) -> bool:
    """Whether the actor's token, if they come with one, reaches a credential of that name there."""
    return actor.narrowing is None or actor.narrowing.reaches(vault_id, name)


def _is_member(actor: Actor, rule: Rule, organization_id: UUID | None) -> bool:
    if rule.anyone:
        return True
    if rule.outside:
        # To everybody else there is no such place.
        return actor.operator and actor.kind is ActorKind.PERSON
    return organization_id is not None and actor.organization_id == organization_id and actor.role is not None


def right_on(actor: Actor, *places: UUID) -> Right | None:
    """Return the actor's strongest right on a vault or on an item in it, no higher than their role allows."""
    return strongest([actor.rights[place] for place in places if place in actor.rights], actor.role)


def strongest(rights: Collection[Right], role: Role | None) -> Right | None:
    """Return what several rights on one thing come to: the strongest of them, up to the role's ceiling."""
    return min(max(rights), CEILINGS.get(role, Right.MANAGE)) if rights else None


def _holds(actor: Actor, rule: Rule, places: Sequence[UUID], owner_id: UUID | None) -> bool:
    if rule.anyone or (rule.operator and actor.operator) or actor.role in rule.roles:
        return True
    if rule.own and owner_id == actor.id:
        return True
    right = right_on(actor, *places)
    return rule.right is not None and right is not None and right >= rule.right


def _is_hidden(actor: Actor, rule: Rule, places: Sequence[UUID]) -> bool:
    """What one has no right on is not there; what one has too small a right on is."""
    return bool(places) and rule.right is not None and right_on(actor, *places) is None


def _is_fresh(actor: Actor, now: datetime, fresh_for: timedelta) -> bool:
    return actor.confirmed_at is not None and now - actor.confirmed_at <= fresh_for
