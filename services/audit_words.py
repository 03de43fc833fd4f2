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
        Action.FACTOR_ADDED: Words("set up a second factor", "Second factor set up", ("name",)),
        Action.FACTOR_CHANGED: Words("renamed a passkey", "Passkey renamed", ("name",)),
        Action.FACTOR_REMOVED: Words("removed a second factor", "Second factor removed", ("name",)),
        Action.FACTOR_RESET_ALL: Words(
            "reset the second factors of everybody", "All second factors reset", ("people",)
        ),
        Action.FACTOR_PASSED: Words("proved their second factor", "Second factor proved", ("name",)),
        Action.FACTOR_FAILED: Words(
            "failed to prove their second factor", "Failed second factor", ("reason",)
        ),
        Action.RECOVERY_MADE: Words("made recovery codes", "Recovery codes made"),
        Action.RECOVERY_USED: Words("used a recovery code", "Recovery code used", ("left",)),
        Action.IDENTITY_LINKED: Words("linked an account elsewhere", "Account linked", ("provider",)),
        Action.IDENTITY_UNLINKED: Words(
            "removed the link to an account elsewhere", "Account unlinked", ("provider",)
        ),
        Action.TOKEN_CREATED: Words("created a token", "Token created", ("kind",)),
        Action.TOKEN_REPLACED: Words("replaced a token", "Token replaced"),
        Action.TOKEN_REVOKED: Words("revoked a token", "Token revoked"),
        Action.TOKEN_MISUSED: Words(
            "presented a token that no longer works", "Dead token presented", ("reason",)
        ),
        Action.TOKEN_RENEWED: Words("renewed a token", "Token renewed", ("seconds",)),
        Action.PROFILE_CREATED: Words("made a profile", "Profile made", ("scopes",)),
        Action.PROFILE_CHANGED: Words("changed a profile", "Profile changed", ("scopes",)),
        Action.PROFILE_DELETED: Words("deleted a profile", "Profile deleted"),
        Action.ROLE_CHANGED: Words("changed a role of programs", "Role changed", ("profiles", "what")),
        Action.ROLE_DELETED: Words("deleted a role of programs", "Role deleted", ("what",)),
        Action.SECRET_ID_CREATED: Words("made a secret id for", "Secret id made"),
        Action.SECRET_ID_DESTROYED: Words("destroyed a secret id of", "Secret id destroyed"),
        Action.WRAP_CREATED: Words("wrapped an answer", "Answer wrapped"),
        Action.WRAP_OPENED: Words("opened a wrapped answer", "Wrapped answer opened"),
        Action.WRAP_MISUSED: Words(
            "came with the token of an answer that was opened already", "Wrapped answer opened twice"
        ),
        Action.TOKEN_EXPORTED: Words("exported the list of tokens", "Tokens exported"),
        Action.PERSON_INVITED: Words("invited a person", "Invitation", ("role",)),
        Action.PERSON_ENROLLED: Words("took up an invitation", "Enrolment"),
        Action.PERSON_JOINED: Words("joined the organization", "Joined", ("provider",)),
        Action.SERVICE_CREATED: Words("made a service account", "Service account made", ("role",)),
        Action.PERSON_CHANGED: Words("changed a person", "Person changed", ("role", "fields")),
        Action.PERSON_DISABLED: Words("disabled a person", "Person disabled"),
        Action.PERSON_ENABLED: Words("enabled a person", "Person enabled"),
        Action.PERSON_RESET: Words("let a person start anew", "Person reset"),
        Action.INVITATION_REVOKED: Words("took back an invitation", "Invitation taken back"),
        Action.GRANT_GIVEN: Words("gave a right on", "Right given", ("right",)),
        Action.GRANT_CHANGED: Words("changed a right on", "Right changed", ("right",)),
        Action.GRANT_TAKEN: Words("took away a right on", "Right taken away", ("was",)),
        Action.GRANT_REQUESTED: Words("asked for access to", "Access asked for", ("right",)),
        Action.GRANT_DECLINED: Words("declined a request for", "Access declined"),
        Action.GRANT_WITHDRAWN: Words("took back a request for", "Request for access taken back"),
        Action.GROUP_CREATED: Words("made a group", "Group made"),
        Action.GROUP_CHANGED: Words("renamed a group", "Group renamed", ("was",)),
        Action.GROUP_DELETED: Words("deleted a group", "Group deleted"),
        Action.GROUP_JOINED: Words("added somebody to the group", "Added to a group", ("email",)),
        Action.GROUP_LEFT: Words("removed somebody from the group", "Removed from a group"),
        Action.RESPONSIBLE_CHANGED: Words(
            "changed the responsible person", "Responsible person changed", ("to",)
        ),
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
        Action.ITEM_DELETED: Words("deleted versions of", "Versions deleted", ("versions",)),
        Action.ITEM_UNDELETED: Words("brought back versions of", "Versions brought back", ("versions",)),
        Action.ITEM_DESTROYED: Words("destroyed versions of", "Versions destroyed", ("versions",)),
        Action.ITEM_DESCRIBED: Words("changed the metadata of", "Metadata changed", ("fields",)),
        Action.ITEM_EXPORTED: Words("exported credentials of", "Credentials exported", ("reason",)),
        Action.ITEM_PROTECTED: Words("changed what a reveal asks for of", "Protection changed"),
        Action.FILE_ADDED: Words("added a file to", "File added"),
        Action.FILE_DOWNLOADED: Words("downloaded a file of", "File downloaded"),
        Action.FILE_REMOVED: Words("removed a file from", "File removed"),
        Action.REVEAL_REQUESTED: Words("asked for approval to reveal", "Approval asked for"),
        Action.REVEAL_APPROVED: Words("approved a reveal of", "Reveal approved", ("minutes",)),
        Action.REVEAL_DECLINED: Words("declined a reveal of", "Reveal declined"),
        Action.REVEAL_WITHDRAWN: Words("took back a request to reveal", "Request to reveal taken back"),
        Action.IMPORT_PREVIEWED: Words("read a file for import into", "Import previewed", ("format",)),
        Action.IMPORT_STARTED: Words("imported a file into", "Import", ("new",)),
        Action.IMPORT_UNDONE: Words("undid an import into", "Import undone"),
        Action.LEAVER_TICKED: Words("ticked off for a leaver", "Ticked off for a leaver", ("about",)),
        Action.LEAVER_UNTICKED: Words("took a tick back", "Tick taken back", ("about",)),
        Action.ACCESS_DENIED: Words("was refused", "Refused", ("organization", "permission")),
        Action.ACCESS_CROSSED: Words(
            "reached into another organization", "Reached into another organization", ("reached",)
        ),
        Action.REQUEST_THROTTLED: Words("was too fast", "Too many requests", ("limit",)),
        Action.DECRYPTION_FAILED: Words(
            "met a value that cannot be decrypted", "Failed decryption", ("part",)
        ),
        Action.SETTING_CHANGED: Words("changed a setting", "Setting changed", ("value",)),
        Action.ORGANIZATION_CREATED: Words("set up the organization", "Organization set up"),
        Action.ORGANIZATION_CHANGED: Words("changed the organization", "Organization changed", ("fields",)),
        Action.ORGANIZATION_SUSPENDED: Words("suspended the organization", "Organization suspended"),
        Action.ORGANIZATION_RESUMED: Words("resumed the organization", "Organization resumed"),
        Action.ORGANIZATION_DELETED: Words("destroyed the organization", "Organization destroyed"),
        Action.DELETION_SET: Words("set the organization's deletion", "Deletion set", ("on",)),
        Action.DELETION_UNDONE: Words("took back the organization's deletion", "Deletion taken back"),
        Action.KEY_CREATED: Words("made keys", "Keys made", ("purposes",)),
        Action.KEY_REWRAPPED: Words("wrapped a key under the new master key", "Key wrapped anew", ("to",)),
        Action.KEY_TURNED: Words("replaced the data key", "Data key replaced", ("version",)),
        Action.KEY_REENCRYPTED: Words("re-encrypted everything", "Re-encryption done", ("rows",)),
        Action.KEY_SHREDDED: Words("destroyed the keys of", "Keys destroyed"),
        Action.KEY_MISSED: Words("started without a master key", "Start without a key", ("missing",)),
        Action.BACKUP_CREATED: Words("made a backup", "Backup made", ("name",)),
        Action.BACKUP_VERIFIED: Words("verified a backup", "Backup verified", ("name",)),
        Action.BACKUP_RESTORED: Words("restored everything from a backup", "Backup restored", ("made",)),
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
        "sign-ins": Group("Sign-ins", _of("session", "signin", "lockout", "factor", "recovery", "identity")),
        "tokens": Group("Tokens", _of("token", "profile", "role", "secret_id", "wrap")),
        "people": Group("People", _of("person", "invitation", "leaver", "service")),
        "vaults": Group("Vaults and rights", _of("vault", "grant", "group", "responsible")),
        "items": Group("Credentials", _of("item", "file", "reveal", "import")),
        "exports": Group(
            "Exports", frozenset({Action.ITEM_EXPORTED, Action.TOKEN_EXPORTED, Action.AUDIT_EXPORTED})
        ),
        "denials": Group(
            "Denials and failures",
            _of("access", "request", "signin", "decryption") | {Action.FACTOR_FAILED, Action.TOKEN_MISUSED},
        ),
        "settings": Group(
            "Settings, keys and backups", _of("setting", "organization", "deletion", "key", "backup")
        ),
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
