"""What people ask for: a right on a vault, or a second person's approval of a reveal. Others decide."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Select, func, select, update

from errors import Conflict, Denied, Invalid, NotFound
from models import AccessRequest, Action, Item, Membership, User, Vault
from policy import Permission, Right, right_on
from services import audit, grants, items, vaults
from services.access import holds
from services.approvals import GRANTED
from services.events import Extra, Target
from services.notes import REQUEST_REASON
from services.unit_of_work import UnitOfWork

DECLINED = "declined"
WITHDRAWN = "withdrawn"
CLOSED = "This was decided or taken back meanwhile."
SHOWN = 50
"""Requests in a list of those that are decided."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it stands.

    Args:
        vault_id: where the right is asked for, or where the item lies.
        item_id: what is to be revealed; None: a right on the vault is asked for.
        right: None: it is about a reveal.
        outcome: ``granted``, ``declined``, ``withdrawn``; None: nobody has decided.
        ends_at: until when the approval counts, or the right that was given; None: no end.
    """

    id: UUID
    vault_id: UUID
    item_id: UUID | None
    user_id: UUID
    user_name: str
    right: Right | None
    reason: str = field(repr=False)
    created_at: datetime
    decided_at: datetime | None
    decided_by: UUID | None
    outcome: str | None
    ends_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether it still waits."""
        return self.outcome is None


def find(uow: UnitOfWork, request_id: UUID) -> Asked:
    """Return a request of the actor's organization.

    Raises:
        NotFound: there is none.
    """
    row = uow.session.execute(_rows(AccessRequest.id == request_id)).one_or_none()
    if row is None:
        raise NotFound
    return _asked(uow, row)


def mine(uow: UnitOfWork) -> list[Asked]:
    """Return what the actor asked for, the newest first, at most ``SHOWN``."""
    return _list(uow, AccessRequest.user_id == uow.actor.id)


def waiting(uow: UnitOfWork) -> list[Asked]:
    """Return what waits for the actor's decision, the newest first; nobody decides for themselves."""
    rows = uow.session.execute(
        _rows(AccessRequest.outcome.is_(None), AccessRequest.user_id != uow.actor.id).order_by(
            AccessRequest.created_at.desc()
        )
    )
    found = [_asked(uow, row) for row in rows]
    return [one for one in found if holds(uow, Permission.REQUEST_DECIDE, one.vault_id, one.item_id)]


def decided(uow: UnitOfWork) -> list[Asked]:
    """Return what the actor has decided, the newest first, at most ``SHOWN``."""
    return _list(uow, AccessRequest.decided_by == uow.actor.id, AccessRequest.user_id != uow.actor.id)


def open_approval(uow: UnitOfWork, item_id: UUID) -> Asked | None:
    """Return the actor's own request to reveal an item, while nobody has decided."""
    row = uow.session.execute(
        _rows(
            AccessRequest.item_id == item_id,
            AccessRequest.user_id == uow.actor.id,
            AccessRequest.outcome.is_(None),
        )
    ).one_or_none()
    return None if row is None else _asked(uow, row)


def open_access(uow: UnitOfWork) -> dict[UUID, Asked]:
    """Return the actor's own requests for access that wait, by vault."""
    found = mine(uow)
    return {one.vault_id: one for one in found if one.is_open and one.item_id is None}


def listed(uow: UnitOfWork) -> list[Vault]:
    """Return the vaults that the actor cannot see into, and may ask for, by name."""
    rows = uow.session.scalars(select(Vault).where(Vault.listed.is_(True)))
    unseen = [vault for vault in rows if vault.id not in uow.actor.rights]
    return sorted(unseen, key=lambda vault: (vault.name.casefold(), vault.id))


def ask_for_access(uow: UnitOfWork, vault: Vault, right: Right, reason: str) -> None:
    """Ask for a right on a vault that is listed, or that the actor sees already.

    Raises:
        NotFound: the actor may not know of it.
        Invalid: no reason, or they have that right.
        Conflict: they have asked already.
    """
    demand_askable(uow, vault)
    held = right_on(uow.actor, vault.id)
    if held is not None and held >= right:
        raise Invalid("You may do that already.", "right")
    _ask(uow, reason, vault_id=vault.id, right=right)
    _record(uow, Action.GRANT_REQUESTED, Target("vault", vault.id, vault.name), reason, right=right.label)


def demand_askable(uow: UnitOfWork, vault: Vault) -> None:
    """Refuse to tell of a vault that is not listed.

    Raises:
        NotFound: it is not, and the actor cannot see it.
    """
    if not vault.listed and vault.id not in uow.actor.rights:
        raise NotFound


def ask_for_approval(uow: UnitOfWork, item: items.StoredItem, reason: str) -> None:
    """Ask that somebody approves that the actor reveals an item.

    Raises:
        Invalid: no reason.
        Conflict: it needs no approval, or they have asked already.
    """
    if item.protection.approval_minutes is None:
        raise Conflict("This needs nobody's approval.")
    _ask(uow, reason, item_id=item.id)
    _record(uow, Action.REVEAL_REQUESTED, Target("item", item.id, item.name), reason)


def grant_access(uow: UnitOfWork, asked: Asked, right: Right, ends_at: datetime | None) -> None:
    """Give what was asked for, or another right, until *ends_at*.

    Raises:
        Denied: it is the actor's own.
        Conflict: it was decided or taken back before.
        Invalid: the right cannot be given to them, or the end is past.
    """
    if asked.item_id is not None:
        raise NotFound
    # First what may be refused: nothing of a refusal may stay behind.
    _demand_open(uow, asked)
    grants.grant(uow, vaults.find(uow, asked.vault_id), asked.user_id, right, ends_at, asked.reason)
    _close(uow, asked, GRANTED, ends_at)


def approve(uow: UnitOfWork, asked: Asked) -> datetime:
    """Let somebody reveal an item for as long as its protection says; return until when.

    Raises:
        Denied: it is the actor's own.
        Conflict: it was decided or taken back before, or needs no approval any more.
    """
    if asked.item_id is None:
        raise NotFound
    item = items.find(uow, asked.item_id)
    if item.protection.approval_minutes is None:
        raise Conflict("This needs nobody's approval any more.")
    ends_at = uow.now + timedelta(minutes=item.protection.approval_minutes)
    _decide(uow, asked, GRANTED, ends_at)
    extra: Extra = {"user": str(asked.user_id), "minutes": item.protection.approval_minutes}
    audit.record(uow, Action.REVEAL_APPROVED, Target("item", item.id, item.name), extra=extra)
    return ends_at


def decline(uow: UnitOfWork, asked: Asked) -> None:
    """Say no.

    Raises:
        Denied: it is the actor's own.
        Conflict: it was decided or taken back before.
    """
    _decide(uow, asked, DECLINED, None)
    action = Action.GRANT_DECLINED if asked.item_id is None else Action.REVEAL_DECLINED
    audit.record(uow, action, target_of(uow, asked), extra={"user": str(asked.user_id)})


def withdraw(uow: UnitOfWork, asked: Asked) -> None:
    """Take one's own request back.

    Raises:
        Conflict: it was decided or taken back before.
    """
    _close(uow, asked, WITHDRAWN, None)
    action = Action.GRANT_WITHDRAWN if asked.item_id is None else Action.REVEAL_WITHDRAWN
    audit.record(uow, action, target_of(uow, asked))


def target_of(uow: UnitOfWork, asked: Asked) -> Target:
    """Return what a request is about."""
    if asked.item_id is None:
        return Target("vault", asked.vault_id, vaults.find(uow, asked.vault_id).name)
    return Target("item", asked.item_id, items.find(uow, asked.item_id).name)


def _ask(
    uow: UnitOfWork,
    reason: str,
    *,
    vault_id: UUID | None = None,
    item_id: UUID | None = None,
    right: Right | None = None,
) -> None:
    reason = REQUEST_REASON.check(reason)
    if not reason:
        raise Invalid("Say why, so that whoever decides can.", "reason")
    place = AccessRequest.vault_id == vault_id if vault_id else AccessRequest.item_id == item_id
    again = select(AccessRequest.id).where(
        place, AccessRequest.user_id == uow.actor.id, AccessRequest.outcome.is_(None)
    )
    if uow.session.scalar(again) is not None:
        raise Conflict("You have asked already. Wait for the answer, or take the request back.")
    request_id = uuid4()
    uow.session.add(
        AccessRequest(
            id=request_id,
            organization_id=uow.organization_id,
            vault_id=vault_id,
            item_id=item_id,
            user_id=uow.actor.id,
            right=right,
            reason=REQUEST_REASON.seal(uow, request_id, reason) or b"",
            created_at=uow.now,
        )
    )
    uow.session.flush()


def _decide(uow: UnitOfWork, asked: Asked, outcome: str, ends_at: datetime | None) -> None:
    _demand_open(uow, asked)
    _close(uow, asked, outcome, ends_at)


def _demand_open(uow: UnitOfWork, asked: Asked) -> None:
    """Let nobody decide for themselves, nor a second time; whoever decides now is waited for."""
    if asked.user_id == uow.actor.id:
        message = "Somebody else has to decide about what you ask for."
        raise Denied(message)
    outcome = uow.session.scalar(
        select(AccessRequest.outcome).where(AccessRequest.id == asked.id).with_for_update()
    )
    if outcome is not None:
        raise Conflict(CLOSED)


def _close(uow: UnitOfWork, asked: Asked, outcome: str, ends_at: datetime | None) -> None:
    closed = uow.session.execute(
        update(AccessRequest)
        .where(AccessRequest.id == asked.id, AccessRequest.outcome.is_(None))
        .values(outcome=outcome, decided_at=uow.now, decided_by=uow.actor.id, ends_at=ends_at)
    )
    if closed.rowcount != 1:  # type: ignore[attr-defined]
        raise Conflict(CLOSED)


def _rows(*conditions: ColumnElement[bool]) -> Select[Any]:
    """Of people who were disabled nothing waits."""
    return (
        select(
            AccessRequest,
            func.coalesce(AccessRequest.vault_id, Item.vault_id).label("place"),
            User.name.label("user_name"),
        )
        .outerjoin(Item, Item.id == AccessRequest.item_id)
        .join(User, User.id == AccessRequest.user_id)
        .join(
            Membership,
            (Membership.user_id == AccessRequest.user_id)
            & (Membership.organization_id == AccessRequest.organization_id)
            & Membership.disabled_at.is_(None),
        )
        .where(*conditions)
    )


def _list(uow: UnitOfWork, *conditions: ColumnElement[bool]) -> list[Asked]:
    rows = uow.session.execute(_rows(*conditions).order_by(AccessRequest.created_at.desc()).limit(SHOWN))
    return [_asked(uow, row) for row in rows]


def _asked(uow: UnitOfWork, row: Any) -> Asked:
    request: AccessRequest = row.AccessRequest
    about = Target("item", request.item_id) if request.item_id else Target("vault", request.vault_id)
    return Asked(
        id=request.id,
        vault_id=row.place,
        item_id=request.item_id,
        user_id=request.user_id,
        user_name=row.user_name,
        right=None if request.right is None else Right(request.right),
        reason=REQUEST_REASON.open(uow, request.id, request.reason, about),
        created_at=request.created_at,
        decided_at=request.decided_at,
        decided_by=request.decided_by,
        outcome=request.outcome,
        ends_at=request.ends_at,
    )


def _record(uow: UnitOfWork, action: Action, target: Target, reason: str, **extra: str) -> None:
    audit.record(uow, action, target, extra={**extra, "reason": REQUEST_REASON.check(reason)})
