"""What the actions of the audit log are called on pages: one table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from models import Action
from services.events import ExtraValue


@dataclass(frozen=True, slots=True)
class Words:
    """How an action is told.

    Args:
        did: follows the name of who did it.
        label: names the action in lists of choices.
        details: which extra facts say more, the first that is there first.
    """

    did: str
    label: str
    details: tuple[str, ...] = ()


WORDS: Mapping[Action, Words] = MappingProxyType(
    {
        Action.SESSION_STARTED: Words("signed in", "Sign-in"),
        Action.SESSION_ENDED: Words("ended a session", "Session ended", ("reason",)),
        Action.SESSION_CONFIRMED: Words("confirmed who they are", "Confirmation"),
        Action.SIGNIN_FAILED: Words("failed to sign in", "Failed sign-in", ("reason",)),
        Action.SIGNIN_LOCKED: Words("was kept out by a lock", "Locked sign-in"),
        Action.LOCKOUT_LIFTED: Words("lifted a lock", "Lock lifted"),
        Action.FACTOR_ADDED: Words("set up a second factor", "Second factor set up"),
        Action.FACTOR_REMOVED: Words("removed a second factor", "Second factor removed"),
        Action.FACTOR_PASSED: Words("gave a good code", "Second factor passed"),
        Action.FACTOR_FAILED: Words("gave a wrong code", "Wrong code", ("reason",)),
        Action.RECOVERY_MADE: Words("made recovery codes", "Recovery codes made"),
        Action.RECOVERY_USED: Words("used a recovery code", "Recovery code used", ("left",)),
        Action.TOKEN_CREATED: Words("created a token", "Token created", ("kind",)),
        Action.TOKEN_REPLACED: Words("replaced a token", "Token replaced"),
        Action.TOKEN_REVOKED: Words("revoked a token", "Token revoked"),
        Action.TOKEN_EXPORTED: Words("exported the list of tokens", "Tokens exported"),
        Action.PERSON_INVITED: Words("invited a person", "Invitation", ("role",)),
        Action.PERSON_ENROLLED: Words("took up an invitation", "Enrolment"),
        Action.PERSON_CHANGED: Words("changed a person", "Person changed", ("role", "fields")),
        Action.PERSON_DISABLED: Words("disabled a person", "Person disabled"),
        Action.PERSON_ENABLED: Words("enabled a person", "Person enabled"),
        Action.INVITATION_REVOKED: Words("took back an invitation", "Invitation taken back"),
        Action.GRANT_GIVEN: Words("gave a right on", "Right given", ("right",)),
        Action.GRANT_CHANGED: Words("changed a right on", "Right changed", ("right",)),
        Action.GRANT_TAKEN: Words("took away a right on", "Right taken away", ("was",)),
        Action.VAULT_CREATED: Words("made a vault", "Vault made"),
        Action.VAULT_CHANGED: Words("changed a vault", "Vault changed", ("fields",)),
        Action.VAULT_DELETED: Words("deleted a vault", "Vault deleted"),
        Action.ITEM_CREATED: Words("created a credential", "Credential created"),
        Action.ITEM_CHANGED: Words("changed", "Credential changed", ("fields",)),
        Action.ITEM_REVEALED: Words("revealed", "Reveal", ("field", "fields")),
        Action.ITEM_COPIED: Words("copied", "Copy", ("field", "fields")),
        Action.ITEM_MOVED: Words("moved to another vault", "Credential moved"),
        Action.ITEM_TRASHED: Words("moved to the trash", "Credential moved to the trash"),
        Action.ITEM_RESTORED: Words("restored from the trash", "Credential restored"),
        Action.ITEM_PURGED: Words("destroyed", "Credential destroyed"),
        Action.ITEM_EXPORTED: Words("exported credentials", "Credentials exported"),
        Action.ACCESS_DENIED: Words("was refused", "Refused", ("permission",)),
        Action.REQUEST_THROTTLED: Words("was too fast", "Too many requests", ("limit",)),
        Action.DECRYPTION_FAILED: Words(
            "met a value that cannot be decrypted", "Failed decryption", ("part",)
        ),
        Action.SETTING_CHANGED: Words("changed a setting", "Setting changed"),
        Action.ORGANIZATION_CREATED: Words("set up the organization", "Organization set up"),
        Action.KEY_CREATED: Words("made keys", "Keys made", ("purposes",)),
        Action.AUDIT_EXPORTED: Words("exported the audit log", "Audit log exported", ("format",)),
        Action.AUDIT_VERIFIED: Words("verified the audit log", "Audit log verified"),
        Action.AUDIT_REVIEWED: Words("reviewed the audit log", "Audit log reviewed"),
    }
)


@dataclass(frozen=True, slots=True)
class Group:
    """Actions that people look for together."""

    label: str
    actions: frozenset[Action]


def _of(*nouns: str) -> frozenset[Action]:
    return frozenset(action for action in Action if action.value.partition(".")[0] in nouns)


GROUPS: Mapping[str, Group] = MappingProxyType(
    {
        "sign-ins": Group("Sign-ins", _of("session", "signin", "lockout", "factor", "recovery")),
        "tokens": Group("Tokens", _of("token")),
        "people": Group("People", _of("person", "invitation")),
        "vaults": Group("Vaults and rights", _of("vault", "grant")),
        "items": Group("Credentials", _of("item")),
        "denials": Group(
            "Denials and failures", _of("access", "request", "signin", "decryption") | {Action.FACTOR_FAILED}
        ),
        "settings": Group("Settings and keys", _of("setting", "organization", "key")),
        "log": Group("The log itself", _of("audit")),
    }
)

FAILED_SIGNINS = frozenset({Action.SIGNIN_FAILED, Action.SIGNIN_LOCKED})


def actions_of(text: str) -> frozenset[Action]:
    """Return the actions that a choice stands for: a group, an action, or everything when it is empty.

    Raises:
        ValueError: it is neither.
    """
    if not text:
        return frozenset()
    group = GROUPS.get(text)
    return group.actions if group else frozenset({Action(text)})


def did(action: str) -> str:
    """Say what was done; an action that a newer version recorded is named as it is."""
    words = WORDS.get(Action(action)) if action in _KNOWN else None
    return words.did if words else action


def detail(action: str, extra: Mapping[str, ExtraValue]) -> str:
    """Return the extra fact that says most about an event, if there is one."""
    for name in WORDS[Action(action)].details if action in _KNOWN else ():
        value = extra.get(name)
        if value:
            return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return ""


_KNOWN = frozenset(action.value for action in Action)
