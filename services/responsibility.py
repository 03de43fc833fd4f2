"""Who looks after each vault and each credential: named, changed, handed over when somebody leaves.

To be responsible gives no right. It is whoever made the thing, until somebody else is named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, delete, insert, select

from errors import Conflict, Invalid
from models import Action, Item, Responsibility, Vault
from services import audit, colleagues, items, vaults
from services import responsibility_queries as queries
from services.actors import rights_of
from services.colleagues import Colleague
from services.events import Extra, Target
from services.items import StoredItem
from services.prepared import fetch, fetch_one
from services.unit_of_work import UnitOfWork

AT_ONCE = 500
"""Credentials that one statement hands over."""


@dataclass(frozen=True, slots=True)
class Keeper:
    """Who looks after something.

    Args:
        user_id: None: nobody was named.
        left: whether they are disabled, so that nobody does now.
    """

    user_id: UUID | None
    name: str
    left: bool

    @property
    def words(self) -> str:
        """How pages name them."""
        if self.user_id is None:
            return "Nobody"
        return f"Nobody (was {self.name})" if self.left else self.name


@dataclass(frozen=True, slots=True)
class Held:
    """What somebody looks after in one vault.

    Args:
        vault: whether the vault itself.
        items: its credentials, those in the trash too.
    """

    vault_id: UUID
    name: str
    vault: bool
    items: tuple[UUID, ...]

    @property
    def number(self) -> int:
        """How many things that are."""
        return len(self.items) + self.vault


@dataclass(frozen=True, slots=True)
class HandedOver:
    """What came of handing over: how many things went, and how many stayed where they are."""

    given: int
    left: int


def of_item(uow: UnitOfWork, item: StoredItem) -> Keeper:
    """Return who looks after a credential."""
    asked = {"item_id": item.id, "organization_id": uow.organization_id}
    return _keeper(fetch_one(uow.connection, queries.OF_ITEM, asked))


def of_vault(uow: UnitOfWork, vault: Vault) -> Keeper:
    """Return who looks after a vault."""
    asked = {"vault_id": vault.id, "organization_id": uow.organization_id}
    return _keeper(fetch_one(uow.connection, queries.OF_VAULT, asked))


def candidates(uow: UnitOfWork, vault_id: UUID, item_id: UUID | None = None) -> list[Colleague]:
    """Return who may look after a vault, or an item in it: active people who can see it, by name."""
    places = {vault_id, item_id}
    return [person for person in colleagues.active(uow) if places & _rights(uow, person.user_id).keys()]


def give_item(uow: UnitOfWork, item: StoredItem, user_id: UUID | None) -> bool:
    """Let somebody look after a credential; return whether that is news.

    Args:
        user_id: None: nobody.

    Raises:
        Invalid: not somebody who can see it.
    """
    to = _find_candidate(uow, user_id, item.vault_id, item.id)
    return _give_item(uow, item, to)


def give_vault(uow: UnitOfWork, vault: Vault, user_id: UUID | None) -> bool:
    """Let somebody look after a vault; return whether that is news.

    Args:
        user_id: None: nobody.

    Raises:
        Invalid: not somebody who can see it.
    """
    to = _find_candidate(uow, user_id, vault.id)
    return _give_vault(uow, vault, to)


def held_by(uow: UnitOfWork, user_id: UUID) -> list[Held]:
    """Return what a person looks after, by the name of the vault."""
    asked = {"user_id": user_id, "organization_id": uow.organization_id}
    in_vault: dict[UUID, list[UUID]] = {}
    for row in fetch(uow.connection, queries.HELD_ITEMS, asked):
        in_vault.setdefault(row.vault_id, []).append(row.id)
    own = {row.id for row in fetch(uow.connection, queries.HELD_VAULTS, asked)}
    names = vaults.names(uow)
    held = [
        Held(vault_id, names[vault_id], vault_id in own, tuple(in_vault.get(vault_id, ())))
        for vault_id in own | in_vault.keys()
    ]
    return sorted(held, key=lambda one: (one.name.casefold(), one.vault_id))


def hand_over(
    uow: UnitOfWork, from_id: UUID, to_id: UUID, vault_ids: Iterable[UUID] | None = None
) -> HandedOver:
    """Let somebody look after all that another did, as far as they can see it.

    Args:
        vault_ids: in these vaults only; None: in all.

    Raises:
        Invalid: the one is not an active person of the organization, or the very same.
        Conflict: there is nothing to hand over there.
    """
    to = next((one for one in colleagues.active(uow) if one.user_id == to_id), None)
    if to is None or to_id == from_id:
        raise Invalid("Choose somebody else who belongs to the organization.", "user_id")
    wanted = None if vault_ids is None else set(vault_ids)
    held = [one for one in held_by(uow, from_id) if wanted is None or one.vault_id in wanted]
    if not held:
        raise Conflict("They are responsible for nothing there any more.")
    sees = _rights(uow, to_id)
    seen = [one for one in held if one.vault_id in sees]
    was = colleagues.names(uow, [from_id]).get(from_id, "")
    for one in seen:
        _hand_over(uow, one, was, to)
    given = sum(one.number for one in seen)
    return HandedOver(given, sum(one.number for one in held) - given)


def left_behind(uow: UnitOfWork) -> Mapping[UUID, int]:
    """Return how many things each disabled person still stands for, so that nobody looks after them."""
    asked = {"organization_id": uow.organization_id}
    numbers: Counter[UUID] = Counter()
    for statement in (queries.ITEMS_OF_LEAVERS, queries.VAULTS_OF_LEAVERS):
        for row in fetch(uow.connection, statement, asked):
            numbers[row.user_id] += row.number
    return numbers


def _keeper(row: Any) -> Keeper:
    if row is None or row.id is None:
        return Keeper(None, "", left=False)
    return Keeper(row.id, row.name, left=row.member_id is None or row.disabled_at is not None)


def _rights(uow: UnitOfWork, user_id: UUID) -> Mapping[UUID, object]:
    return rights_of(uow.connection, uow.organization_id, user_id, uow.now)


def _find_candidate(
    uow: UnitOfWork, user_id: UUID | None, vault_id: UUID, item_id: UUID | None = None
) -> Colleague | None:
    if user_id is None:
        return None
    person = next((one for one in candidates(uow, vault_id, item_id) if one.user_id == user_id), None)
    if person is None:
        raise Invalid("Choose somebody who can see it.", "user_id")
    return person


def _hand_over(uow: UnitOfWork, held: Held, was: str, to: Colleague) -> None:
    """Hand over what somebody looks after in one vault, many credentials at once: all writers wait."""
    if held.vault:
        _give_vault(uow, vaults.find(uow, held.vault_id), to)
    for start in range(0, len(held.items), AT_ONCE):
        part = held.items[start : start + AT_ONCE]
        uow.session.execute(select(Item.id).where(Item.id.in_(part)).with_for_update())
        uow.session.execute(delete(Responsibility).where(Responsibility.item_id.in_(part)))
        uow.session.execute(insert(Responsibility), [_row(uow, to, item_id) for item_id in part])
        for item_id in part:
            target = Target("item", item_id, items.find(uow, item_id).name)
            _record(uow, target, was, to)


def _row(uow: UnitOfWork, to: Colleague, item_id: UUID) -> dict[str, object]:
    return {
        "id": uuid4(),
        "organization_id": uow.organization_id,
        "vault_id": None,
        "item_id": item_id,
        "user_id": to.user_id,
        "given_by": uow.actor.id,
        "given_at": uow.now,
    }


def _record(uow: UnitOfWork, target: Target, was: str, to: Colleague | None) -> None:
    extra: Extra = {"from": was or "nobody", "to": to.name if to else "nobody"}
    audit.record(uow, Action.RESPONSIBLE_CHANGED, target, extra=extra)


def _give_item(uow: UnitOfWork, item: StoredItem, to: Colleague | None) -> bool:
    # Where the database lets many write, each waits for whoever changes the same thing.
    uow.session.execute(select(Item.id).where(Item.id == item.id).with_for_update())
    was = of_item(uow, item)
    return _give(uow, was, to, Target("item", item.id, item.name), item_id=item.id)


def _give_vault(uow: UnitOfWork, vault: Vault, to: Colleague | None) -> bool:
    uow.session.execute(select(Vault.id).where(Vault.id == vault.id).with_for_update())
    was = of_vault(uow, vault)
    return _give(uow, was, to, Target("vault", vault.id, vault.name), vault_id=vault.id)


def _give(
    uow: UnitOfWork,
    was: Keeper,
    to: Colleague | None,
    target: Target,
    *,
    vault_id: UUID | None = None,
    item_id: UUID | None = None,
) -> bool:
    if was.user_id == (to.user_id if to else None):
        return False
    same: ColumnElement[bool] = (
        Responsibility.item_id == item_id if item_id else Responsibility.vault_id == vault_id
    )
    row = uow.session.scalar(select(Responsibility).where(same))
    if row is None:
        row = Responsibility(
            id=uuid4(), organization_id=uow.organization_id, vault_id=vault_id, item_id=item_id
        )
        uow.session.add(row)
    row.user_id = to.user_id if to else None
    row.given_by, row.given_at = uow.actor.id, uow.now
    uow.session.flush()
    _record(uow, target, was.name, to)
    return True
