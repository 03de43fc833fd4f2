"""The list of tokens: filtered, in any of its orders, a page at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, or_, select, tuple_

from models import AccessToken, Action, User
from services import audit
from services.csv_export import table
from services.events import Extra, Target
from services.rules import TOKEN_WARNING
from services.unit_of_work import UnitOfWork

PAGE = 50
_HEAD = (
    "owner",
    "e-mail",
    "kind",
    "name",
    "handle",
    "scopes",
    "created",
    "last used",
    "last address",
    "expires",
    "state",
)


class State(StrEnum):
    """What a token is good for now."""

    ACTIVE = "active"
    EXPIRING = "expiring"
    EXPIRED = "expired"
    REVOKED = "revoked"
    REPLACED = "replaced"
    USED_UP = "used up"


class Order(StrEnum):
    """What the list is sorted by."""

    CREATED = "created"
    USED = "used"
    EXPIRES = "expires"
    NAME = "name"


_COLUMNS: Mapping[Order, Any] = {
    Order.CREATED: AccessToken.created_at,
    Order.USED: AccessToken.last_used_at,
    Order.EXPIRES: AccessToken.expires_at,
    Order.NAME: AccessToken.name,
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of the list somebody wants to see.

    Args:
        owner_id: None: everybody's.
        text: part of the name or the handle.
        after: the token that the page follows.
        before: the token that the page comes before.
    """

    kind: str | None = None
    state: State | None = None
    owner_id: UUID | None = None
    text: str = ""
    order: Order = Order.CREATED
    descending: bool = True
    after: UUID | None = None
    before: UUID | None = None


@dataclass(frozen=True, slots=True)
class TokenLine:
    """A token in the list.

    Args:
        uses_left: None: they are not counted.
        service: whether a service account owns it.
        minted: whether another token made it.
        living: whether it can still be used: also a replaced one, for the rest of its overlap.
    """

    id: UUID
    owner_id: UUID
    owner: str
    email: str
    kind: str
    name: str
    handle: str
    scopes: tuple[str, ...]
    created_at: datetime
    used_at: datetime | None
    used_from: str | None
    expires_at: datetime
    state: State
    uses_left: int | None
    service: bool
    minted: bool
    living: bool


@dataclass(frozen=True, slots=True)
class Page:
    """Some tokens, and where the list goes on.

    Args:
        before: the token before which there are more; None: there are none.
        after: the same behind.
    """

    lines: Sequence[TokenLine]
    before: UUID | None
    after: UUID | None


def page(uow: UnitOfWork, wanted: Wanted, *, size: int = PAGE) -> Page:
    """Return a page of the list."""
    start = _position(uow, wanted)
    backward = wanted.before is not None and start is not None
    descending = wanted.descending != backward
    statement = _matching(uow, wanted)
    if start is not None:
        statement = statement.where(_beyond(wanted.order, start, descending=descending))
    rows = uow.session.execute(
        statement.order_by(*_by(wanted.order, descending=descending)).limit(size + 1)
    ).all()
    more, rows = len(rows) > size, rows[:size]
    lines = [line_of(uow, *row) for row in (reversed(rows) if backward else rows)]
    if not lines:
        return Page((), None, None)
    has_before = more if backward else start is not None
    has_after = more or backward
    return Page(lines, lines[0].id if has_before else None, lines[-1].id if has_after else None)


@dataclass(frozen=True, slots=True)
class Family:
    """A token, what made it and what it made."""

    line: TokenLine
    parent: TokenLine | None
    children: Sequence[TokenLine]


def family(uow: UnitOfWork, token: AccessToken) -> Family:
    """Return a token with those that it hangs together with, the newest first."""
    near = or_(
        AccessToken.id == token.id, AccessToken.id == token.parent_id, AccessToken.parent_id == token.id
    )
    rows = uow.session.execute(_matching(uow, Wanted()).where(near).order_by(AccessToken.created_at.desc()))
    lines = {one.id: line_of(uow, one, owner) for one, owner in rows.tuples()}
    line = lines.pop(token.id)
    parent = lines.pop(token.parent_id, None) if token.parent_id else None
    return Family(line, parent, list(lines.values()))


def everything(uow: UnitOfWork, wanted: Wanted) -> list[TokenLine]:
    """Return all that matches."""
    rows = uow.session.execute(
        _matching(uow, wanted).order_by(*_by(wanted.order, descending=wanted.descending))
    ).all()
    return [line_of(uow, *row) for row in rows]


def export(uow: UnitOfWork, wanted: Wanted) -> str:
    """Return all that matches as CSV; that it was taken is an event."""
    lines = everything(uow, wanted)
    filters: Extra = {
        "rows": len(lines),
        "kind": wanted.kind,
        "state": wanted.state,
        "owner": str(wanted.owner_id) if wanted.owner_id else None,
    }
    audit.record(uow, Action.TOKEN_EXPORTED, Target("organization", uow.organization_id), extra=filters)
    return table(_HEAD, map(_cells, lines))


def line_of(uow: UnitOfWork, token: AccessToken, owner: User) -> TokenLine:
    """Return a token as the list shows it."""
    return TokenLine(
        id=token.id,
        owner_id=owner.id,
        owner=owner.name,
        email=owner.email,
        kind=token.kind,
        name=token.name,
        handle=token.lookup_id,
        scopes=tuple(token.scopes.split()),
        created_at=token.created_at,
        used_at=token.last_used_at,
        used_from=token.last_used_address,
        expires_at=token.expires_at,
        state=state_of(token, uow.now),
        uses_left=token.uses_left,
        service=owner.service,
        minted=token.parent_id is not None,
        living=token.revoked_at is None and token.expires_at > uow.now,
    )


def state_of(token: AccessToken, now: datetime) -> State:
    """Say what a token is good for."""
    if token.replaced_by is not None:
        return State.REPLACED
    if token.revoked_at is not None:
        return State.REVOKED
    if token.expires_at <= now:
        return State.EXPIRED
    if token.uses_left == 0:
        return State.USED_UP
    return State.EXPIRING if token.expires_at <= now + TOKEN_WARNING else State.ACTIVE


def _is_in(state: State, now: datetime) -> ColumnElement[bool]:
    """Say :func:`state_of` in SQL."""
    soon = now + TOKEN_WARNING
    if state is State.REPLACED:
        return AccessToken.replaced_by.is_not(None)
    if state is State.REVOKED:
        return AccessToken.replaced_by.is_(None) & AccessToken.revoked_at.is_not(None)
    useful = or_(AccessToken.uses_left.is_(None), AccessToken.uses_left > 0)
    times = {
        State.EXPIRED: AccessToken.expires_at <= now,
        State.USED_UP: and_(AccessToken.expires_at > now, AccessToken.uses_left == 0),
        State.EXPIRING: and_(AccessToken.expires_at > now, AccessToken.expires_at <= soon, useful),
        State.ACTIVE: and_(AccessToken.expires_at > soon, useful),
    }
    return and_(AccessToken.replaced_by.is_(None), AccessToken.revoked_at.is_(None), times[state])


def _matching(uow: UnitOfWork, wanted: Wanted) -> Select[tuple[AccessToken, User]]:
    statement = select(AccessToken, User).join(User, User.id == AccessToken.user_id)
    if wanted.kind is not None:
        statement = statement.where(AccessToken.kind == wanted.kind)
    if wanted.state is not None:
        statement = statement.where(_is_in(wanted.state, uow.now))
    if wanted.owner_id is not None:
        statement = statement.where(AccessToken.user_id == wanted.owner_id)
    if wanted.text:
        statement = statement.where(
            or_(
                AccessToken.name.icontains(wanted.text, autoescape=True),
                AccessToken.lookup_id.startswith(wanted.text.lower(), autoescape=True),
            )
        )
    return statement


def _position(uow: UnitOfWork, wanted: Wanted) -> Row[tuple[object, UUID]] | None:
    """Return where the token at the page's edge stands; None: the list begins at its beginning.

    Only among what the filters let through: an edge tells nothing of tokens that one may not see.
    """
    edge = wanted.before or wanted.after
    if edge is None:
        return None
    unfiltered = Wanted(owner_id=wanted.owner_id)
    return uow.session.execute(
        _matching(uow, unfiltered)
        .where(AccessToken.id == edge)
        .with_only_columns(_COLUMNS[wanted.order], AccessToken.id)
    ).one_or_none()


def _beyond(order: Order, start: Row[tuple[object, UUID]], *, descending: bool) -> ColumnElement[bool]:
    """Say in SQL what comes after *start*. A token never used comes before all that were."""
    column, (value, token_id) = _COLUMNS[order], start
    if value is None:
        later = AccessToken.id < token_id if descending else AccessToken.id > token_id
        return and_(column.is_(None), later) if descending else or_(column.is_not(None), later)
    here = tuple_(column, AccessToken.id)
    there = tuple_(value, token_id, types=[column.type, AccessToken.id.type])
    if not descending:
        return here > there
    return or_(here < there, column.is_(None)) if order is Order.USED else here < there


def _by(order: Order, *, descending: bool) -> tuple[Any, Any]:
    column = _COLUMNS[order]
    if descending:
        return column.desc().nulls_last(), AccessToken.id.desc()
    return column.asc().nulls_first(), AccessToken.id.asc()


def _cells(line: TokenLine) -> tuple[object, ...]:
    return (
        line.owner,
        line.email,
        line.kind,
        line.name,
        line.handle,
        " ".join(line.scopes),
        line.created_at.isoformat(),
        line.used_at.isoformat() if line.used_at else None,
        line.used_from,
        line.expires_at.isoformat(),
        line.state.value,
    )
