"""What must change when somebody leaves: the values that they opened and that are still the same.

Read from the audit log and from the history of each credential; no value is opened for it. In doubt a value
counts as still the same: after an earlier version was restored, when its field has another name by now, or
when the event cannot be decrypted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from errors import NotFound
from models import AccessToken, Action, Membership, User
from policy import GRANTS, Scope
from services import audit, audit_reading, items, token_limits, tokens
from services.audit_append import REVEALS
from services.audit_reading import Filter, Line
from services.contents import Kind
from services.events import Target
from services.items import StoredItem, VersionLine
from services.reach import Reach, reach_of
from services.token_limits import UNLIMITED, Limits
from services.unit_of_work import UnitOfWork

PAGE = 500
LOOKED_AT = 20_000
"""Reveals of one person that are looked at, the newest first."""
PUBLIC = frozenset({"Public key", "Certificate", "Chain"})
"""Fields that are meant to be shown to everybody."""
UNKNOWN = "Perhaps all of it"
"""What stands for the fields of a reveal whose event cannot be decrypted."""
SEED = " seed"
"""Ends the name under which the seed of an authenticator is revealed; a code alone is worth nothing later."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose reveals are looked at: a person's with those of all their programs, or one program's.

    Args:
        type: ``person`` or ``token``.
        user_id: the person; of a token its owner.
        name: what the audit log calls them.
        scopes: what a token was narrowed to; None: a person is not.
        limits: what else it was narrowed to; None: nobody can say, so it opens nothing.
    """

    type: str
    id: UUID
    user_id: UUID
    name: str
    scopes: frozenset[Scope] | None = None
    limits: Limits | None = UNLIMITED

    @property
    def target(self) -> Target:
        """The subject, for an event about it."""
        return Target(self.type, self.id, self.name)


@dataclass(frozen=True, slots=True)
class Opened:
    """A credential that somebody opened.

    Args:
        fields: what of it they know that is still the same; empty: all was changed since.
        seq: the number of the newest reveal in the audit log.
        at: when that was.
        times: how often.
    """

    item_id: UUID
    vault_id: UUID
    name: str
    fields: tuple[str, ...]
    seq: int
    at: datetime
    times: int
    trashed: bool


@dataclass(frozen=True, slots=True)
class Report:
    """What somebody opened.

    Args:
        still: with something that is still the same, the last opened first.
        changed: all of which was changed since.
        gone: how many were destroyed since.
        complete: False: only the newest ``LOOKED_AT`` reveals were looked at.
    """

    still: tuple[Opened, ...]
    changed: tuple[Opened, ...]
    gone: int
    complete: bool


@dataclass(slots=True)
class _Reveals:
    """What somebody saw of one credential: the highest version of each field."""

    seq: int
    at: datetime
    times: int
    versions: dict[str, int]


def of_person(uow: UnitOfWork, member: Membership) -> Subject:
    """Look at a person, and at all that their programs did."""
    user = uow.session.get_one(User, member.user_id)
    return Subject("person", user.id, user.id, user.email)


def of_token(uow: UnitOfWork, token: AccessToken) -> Subject:
    """Look at one program.

    Raises:
        NotFound: the token signs a person in; what they do in a session is not told by token.
    """
    if token.kind != "api":
        raise NotFound
    scopes = frozenset(Scope(scope) for scope in token.scopes.split())
    return Subject(
        "token",
        token.id,
        token.user_id,
        tokens.target_of(token).name,
        scopes,
        token_limits.look_at(uow, token),
    )


def reach(uow: UnitOfWork, subject: Subject) -> list[Reach]:
    """Return the vaults and single items that somebody can see; of a token its owner's, within its scopes."""
    everything = [(one, one.right) for one in reach_of(uow, subject.user_id) if one.right is not None]
    if subject.scopes is None:
        return [one for one, _ in everything]
    allowed = [
        rule.right for rule in GRANTS.values() if rule.right and not rule.scopes.isdisjoint(subject.scopes)
    ]
    if not allowed:
        return []
    found = [replace(one, right=min(right, max(allowed))) for one, right in everything]
    return token_limits.narrowed(found, subject.limits) if subject.limits else []


def report(uow: UnitOfWork, subject: Subject) -> Report:
    """Hold what somebody opened here against what was changed since."""
    seen: dict[UUID, _Reveals] = {}
    looked_at = 0
    for line in _reveals_of(uow, subject):
        looked_at += 1
        if _is_by(line, subject):
            _note(seen, line)
    opened, gone = [], 0
    for item_id, reveals in seen.items():
        item = _find(uow, item_id)
        if item is None:
            gone += 1
        elif lasting := _lasting(item, reveals.versions):
            opened.append(_opened(uow, item, reveals, lasting))
    opened.sort(key=lambda one: one.at, reverse=True)
    return Report(
        still=tuple(one for one in opened if one.fields),
        changed=tuple(one for one in opened if not one.fields),
        gone=gone,
        complete=looked_at < LOOKED_AT,
    )


def newest_reveal(uow: UnitOfWork, subject: Subject, item_id: UUID) -> int | None:
    """Return the number of the newest event in which somebody opened a credential; None: they never did."""
    lines = _reveals_of(uow, subject, item_id)
    return next((line.seq for line in lines if _is_by(line, subject)), None)


def record_export(uow: UnitOfWork, subject: Subject) -> None:
    """Record that the list was taken out."""
    extra = {"format": "csv", "about": "what somebody opened"}
    audit.record(uow, Action.AUDIT_EXPORTED, subject.target, extra=extra)


def _reveals_of(uow: UnitOfWork, subject: Subject, item_id: UUID | None = None) -> Iterator[Line]:
    """Yield reveals of a person, those of their programs too, the newest first."""
    wanted = Filter(actor_id=subject.user_id, actions=REVEALS, success=True, target_id=item_id)
    before: int | None = None
    left = LOOKED_AT
    while left > 0:
        page = audit_reading.page(uow, uow.organization_id, wanted, before=before, limit=min(PAGE, left))
        yield from page.lines
        left -= len(page.lines)
        before = page.before
        if before is None:
            return


def _is_by(line: Line, subject: Subject) -> bool:
    """Whether a reveal of a token's owner came from that token, or may have."""
    return subject.type == "person" or line.details is None or line.details.token_id == str(subject.id)


def _note(seen: dict[UUID, _Reveals], line: Line) -> None:
    """Take a reveal in; they come the newest first."""
    if line.target_id is None:
        return
    reveals = seen.setdefault(line.target_id, _Reveals(line.seq, line.at, 0, {}))
    reveals.times += 1
    extra = line.details.extra if line.details else {"field": UNKNOWN}
    version = extra.get("version")
    for name in _fields_of(extra):
        known = reveals.versions.get(name, 0)
        reveals.versions[name] = max(known, version if isinstance(version, int) else 0)


def _fields_of(extra: Mapping[str, object]) -> list[str]:
    many = extra.get("fields")
    return [str(name) for name in many] if isinstance(many, list) else [str(extra.get("field", ""))]


def _find(uow: UnitOfWork, item_id: UUID) -> StoredItem | None:
    try:
        return items.find(uow, item_id)
    except NotFound:
        return None


def _lasting(item: StoredItem, seen: Mapping[str, int]) -> dict[str, int]:
    """Return the fields whose value stays a secret, with the version seen: a moment's code does not."""
    kinds = _kinds(item)
    return {
        shown.removesuffix(SEED): version
        for shown, version in seen.items()
        if (shown.endswith(SEED) or kinds.get(shown) is not Kind.OTP) and shown not in PUBLIC
    }


def _opened(uow: UnitOfWork, item: StoredItem, reveals: _Reveals, lasting: Mapping[str, int]) -> Opened:
    history = items.history(uow, item)
    return Opened(
        item_id=item.id,
        vault_id=item.vault_id,
        name=item.name,
        fields=tuple(sorted(name for name, seen in lasting.items() if _is_still(item, history, name, seen))),
        seq=reveals.seq,
        at=reveals.at,
        times=reveals.times,
        trashed=item.trashed_at is not None,
    )


def _is_still(item: StoredItem, history: Iterable[VersionLine], name: str, seen: int) -> bool:
    later = [line for line in history if line.number > seen]
    changed = any(name in line.changed for line in later)
    doubtful = name not in _kinds(item) or any(line.reason == "restored" or line.broken for line in later)
    return doubtful or not changed


def _kinds(item: StoredItem) -> dict[str, Kind]:
    return {shape.name: shape.kind for shape in item.overview.shapes} if item.overview else {}
