"""What the pages of the audit log are made of: what their addresses ask for, and the rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Self
from urllib.parse import urlencode
from uuid import UUID

from sqlalchemy import bindparam, select

from blueprints.requests import current_place, current_uow
from blueprints.verdicts import may
from errors import Denied
from forms.audit import FilterForm
from models import AccessToken, Action, Membership, User, Vault
from policy import Permission, Verdict
from services.audit_reading import Filter, Line
from services.audit_words import GROUPS, WORDS, actions_of, detail
from services.events import SYSTEM_CHAIN
from services.prepared import fetch
from services.unit_of_work import UnitOfWork

SYSTEM = "system"
NAME_SHOWN = 48
"""Characters of a target's name that a row has room for."""
_PEOPLE = (
    select(User.id, User.name)
    .join(Membership, Membership.user_id == User.id)
    .where(Membership.organization_id == bindparam("organization_id"))
)
RESULTS: Mapping[str, bool] = {"ok": True, "failed": False}
TYPES: Mapping[str, str] = {
    "chain": "The log itself",
    "event": "Event",
    "file": "File",
    "invitation": "Invitation",
    "item": "Credential",
    "lockout": "Lock",
    "organization": "Organization",
    "passkey": "Passkey",
    "person": "Person",
    "route": "Page or address",
    "session": "Session",
    "setting": "Setting",
    "token": "Token",
    "vault": "Vault",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an address or a form asks for. A choice that there is not is as good as not made.

    Args:
        given: by parameter, what of it was understood.
        chain_id: the organization's, or the system's own.
    """

    given: Mapping[str, str]
    filter: Filter
    chain_id: UUID

    @classmethod
    def read(cls, form: FilterForm) -> Self:
        """Take what *form* says.

        Raises:
            Denied: the system's log is asked for by somebody who does not operate the instance.
        """
        uow = current_uow()
        system = form.chain.data == SYSTEM
        if system:
            demand_operator(uow)
        wanted = Filter(
            actor_id=_id(form.actor.data),
            actions=_actions(form.action.data),
            target_type=form.type.data if form.type.data in TYPES else None,
            target_id=_id(form.target.data),
            success=RESULTS.get(form.result.data or ""),
            first_day=form.since.data,
            last_day=form.until.data,
        )
        understood = {
            "actor": wanted.actor_id,
            "action": form.action.data if wanted.actions else None,
            "type": wanted.target_type,
            "target": wanted.target_id,
            "result": form.result.data if wanted.success is not None else None,
            "since": wanted.first_day,
            "until": wanted.last_day,
            "chain": SYSTEM if system else None,
        }
        given = {name: str(value) for name, value in understood.items() if value is not None}
        return cls(given, wanted, SYSTEM_CHAIN if system else uow.organization_id)

    @property
    def is_system(self) -> bool:
        """Whether it is about the system's own log."""
        return self.chain_id == SYSTEM_CHAIN

    @property
    def is_narrowed(self) -> bool:
        """Whether not all events are asked for."""
        return bool(self.given.keys() - {"chain"})

    def address(self, page: str = "", **changes: str) -> str:
        """Return the address of a page of the log with what is asked for, and *changes*; no empty ones."""
        return _address(page, {**self.given, **changes})

    def elsewhere(self, page: str = "", **others: str) -> str:
        """Return an address that asks for *others* only, in the same log."""
        return _address(page, {"chain": self.given.get("chain", ""), **others})


def demand_operator(uow: UnitOfWork) -> None:
    """Refuse who does not operate the instance.

    Raises:
        Denied: recorded by the guard.
    """
    if may(uow, Permission.AUDIT_SYSTEM) is not Verdict.ALLOW:
        raise Denied


def _address(page: str, asked: Mapping[str, str]) -> str:
    kept = {name: value for name, value in asked.items() if value}
    path = f"/o/{current_place().slug}/audit{page}"
    return f"{path}?{urlencode(kept)}" if kept else path


def _id(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None


def _actions(text: str | None) -> frozenset[Action]:
    try:
        return actions_of(text or "")
    except ValueError:
        return frozenset()


class Row(NamedTuple):
    """An event in the list.

    Args:
        page: the address of the event itself.
        href: of what it was done to, where that is still there and the reader may see it.
        target: its name, perhaps cut short.
        whole: the name, where it was cut.
    """

    page: str
    at: datetime
    action: str
    who: str
    did: str
    detail: str
    target: str
    whole: str
    href: str | None
    address: str
    success: bool


class Links:
    """Knows which targets are still there, and may be seen by who reads the log.

    Args:
        lines: the events that will be shown; what they name is looked up at once.
    """

    def __init__(self, uow: UnitOfWork, lines: Sequence[Line]) -> None:
        self._uow = uow
        self._here = uow.organization_id
        self._base = f"/o/{current_place().slug}"
        self._asked: dict[str, set[UUID]] = {}
        for line in lines:
            if line.target_id is not None:
                self._asked.setdefault(line.target_type, set()).add(line.target_id)
        self._there = {**self._items(), **self._vaults(), **self._people(), **self._tokens()}

    def to(self, line: Line) -> str | None:
        """Return the address of what an event was done to; None: gone, hidden, or without a page."""
        return self._there.get((line.target_type, line.target_id)) if line.target_id else None

    def _items(self) -> dict[tuple[str, UUID | None], str]:
        asked = self._asked.get("item")
        if not asked:
            return {}
        index = self._uow.runtime.indexes.of(self._uow)
        entries = filter(None, map(index.get, asked))
        rights = self._uow.actor.rights
        return {
            ("item", entry.id): f"{self._base}/items/{entry.id}"
            for entry in entries
            if entry.vault_id in rights
        }

    def _vaults(self) -> dict[tuple[str, UUID | None], str]:
        asked = self._asked.get("vault")
        if not asked:
            return {}
        found = self._uow.session.scalars(
            select(Vault.id).where(Vault.organization_id == self._here, Vault.id.in_(asked))
        )
        rights = self._uow.actor.rights
        return {("vault", each): f"{self._base}/vaults/{each}" for each in found if each in rights}

    def _people(self) -> dict[tuple[str, UUID | None], str]:
        """People are named by their own id, or by that of their membership."""
        asked = self._asked.get("person")
        if not asked:
            return {}
        rows = self._uow.session.execute(
            select(Membership.id, Membership.user_id).where(
                Membership.organization_id == self._here,
                Membership.user_id.in_(asked) | Membership.id.in_(asked),
            )
        )
        found: dict[tuple[str, UUID | None], str] = {}
        for member_id, user_id in rows:
            address = f"{self._base}/people/{member_id}"
            found |= {("person", member_id): address, ("person", user_id): address}
        return found

    def _tokens(self) -> dict[tuple[str, UUID | None], str]:
        asked = self._asked.get("token")
        if not asked:
            return {}
        rows = self._uow.session.execute(
            select(AccessToken.id, AccessToken.lookup_id).where(
                AccessToken.organization_id == self._here, AccessToken.id.in_(asked)
            )
        )
        return {("token", id_): f"{self._base}/tokens?{urlencode({'q': handle})}" for id_, handle in rows}


def rows_of(uow: UnitOfWork, lines: Sequence[Line], *, system: bool = False) -> list[Row]:
    """Settle all that the rows of a list show."""
    links = Links(uow, lines)
    before, after = f"/o/{current_place().slug}/audit/", "?chain=system" if system else ""
    rows = []
    for line in lines:
        told, name = line.details, line.target
        is_long = len(name) > NAME_SHOWN
        rows.append(
            Row(
                page=f"{before}{line.seq}{after}",
                at=line.at,
                action=line.action,
                who=line.who,
                did=line.did,
                detail=detail(line.action, told.extra) if told else "",
                target=f"{name[:NAME_SHOWN]}…" if is_long else name,
                whole=name if is_long else "",
                href=links.to(line),
                address=told.address if told else "",
                success=line.success,
            )
        )
    return rows


def people(uow: UnitOfWork) -> tuple[tuple[UUID, str], ...]:
    """Return id and name of everybody who belongs, or belonged, to the organization."""
    rows = fetch(uow.connection, _PEOPLE, {"organization_id": uow.organization_id})
    return tuple(sorted(rows, key=lambda row: (row.name.casefold(), row.id)))


def _action_choices() -> Iterable[tuple[str, tuple[tuple[str, str], ...]]]:
    """Return the choices of actions: groups first, then each group's own actions."""
    yield "Groups", tuple((name, group.label) for name, group in GROUPS.items())
    seen: set[str] = set()
    for group in GROUPS.values():
        own = sorted(action for action in group.actions if action not in seen)
        seen.update(own)
        yield group.label, tuple((action.value, WORDS[action].label) for action in own)


ACTION_CHOICES = tuple(_action_choices())
TYPE_CHOICES = tuple(sorted(TYPES.items(), key=lambda each: each[1]))
