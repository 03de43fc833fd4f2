"""What the first page tells: the figures, what asks for attention, what is still to be set up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from errors import Invalid
from models import AccessToken, Action, Instance, Membership
from policy import Role
from services import audit, backup_overview, vaults
from services.events import Target
from services.index import Entry
from services.rules import TOKEN_WARNING
from services.unit_of_work import UnitOfWork

EXPIRING = timedelta(days=14)
"""How long before its expiry a credential asks for attention."""
WEAK = 1
"""The best score that still counts as weak."""
NEW = timedelta(days=7)
_EVERYTHING = 1_000_000


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the actor may see, and what of it asks for attention.

    Args:
        created: in the last 7 days.
        expiring: within ``EXPIRING``, or expired, the soonest first.
        broken: cannot be decrypted.
    """

    count: int
    created: int
    expiring: Sequence[Entry]
    weak: Sequence[Entry]
    broken: Sequence[Entry]


@dataclass(frozen=True, slots=True)
class People:
    """Who belongs to the organization; disabled people are not counted."""

    count: int
    owners: int


@dataclass(frozen=True, slots=True)
class FirstHour:
    """What everybody should do before they rely on an installation; None: not this person's to do."""

    second_owner: bool | None
    keys_kept: bool | None
    backup_tried: bool | None

    @property
    def is_done(self) -> bool:
        """Whether nothing is left of it for this person."""
        return {self.second_owner, self.keys_kept, self.backup_tried} <= {None, True}


def credentials(uow: UnitOfWork) -> Credentials:
    """Look through everything that the actor may see."""
    index = uow.runtime.indexes.of(uow)
    entries = index.page(uow.actor.rights.keys(), limit=_EVERYTHING).entries
    soon = uow.now.date() + EXPIRING
    expiring = [entry for entry in entries if entry.expires_on is not None and entry.expires_on <= soon]
    return Credentials(
        count=len(entries),
        created=sum(entry.created_at > uow.now - NEW for entry in entries),
        expiring=sorted(expiring, key=lambda entry: (str(entry.expires_on), entry.key)),
        weak=[entry for entry in entries if entry.strength is not None and entry.strength <= WEAK],
        broken=[entry for entry in entries if entry.broken],
    )


def vault_count(uow: UnitOfWork) -> int:
    """Count the vaults that the actor may know of."""
    return len(vaults.visible(uow))


def people(uow: UnitOfWork) -> People:
    """Count the people of the organization, and its owners."""
    rows = uow.session.execute(
        select(Membership.role, func.count())
        .where(Membership.organization_id == uow.organization_id, Membership.disabled_at.is_(None))
        .group_by(Membership.role)
    )
    counts = dict(rows.tuples().all())
    return People(sum(counts.values()), counts.get(Role.OWNER.value, 0))


def tokens_ending(uow: UnitOfWork, *, everybody: bool) -> int:
    """Count the living tokens that end soon: the actor's own, or the organization's."""
    statement = select(func.count(AccessToken.id)).where(
        AccessToken.organization_id == uow.organization_id,
        AccessToken.revoked_at.is_(None),
        AccessToken.expires_at > uow.now,
        AccessToken.expires_at <= uow.now + TOKEN_WARNING,
    )
    if not everybody:
        statement = statement.where(AccessToken.user_id == uow.actor.id)
    return uow.session.scalars(statement).one()


def ends_soon(uow: UnitOfWork, expires_at: datetime) -> bool:
    """Whether a token that ends then should be replaced by now."""
    return expires_at <= uow.now + TOKEN_WARNING


def first_hour(uow: UnitOfWork, owners: int) -> FirstHour:
    """Return what of the first hour is done, as far as the actor is the one to do it."""
    proven = uow.session.get_one(Instance, 1).proven_key_id
    return FirstHour(
        second_owner=owners > 1 if uow.actor.role is Role.OWNER else None,
        keys_kept=proven == uow.runtime.masters.primary_id if uow.actor.operator else None,
        backup_tried=backup_overview.was_proven(uow) if uow.actor.operator else None,
    )


def prove_key(uow: UnitOfWork, key_id: str) -> None:
    """Note that the operator keeps a copy of the master key elsewhere, which they have read its id from.

    Raises:
        Invalid: it is not the id of the key in use.
    """
    typed = key_id.strip().lower()
    if typed != uow.runtime.masters.primary_id:
        raise Invalid(
            "That is not the id of the key in use. Look at the copy that you keep: if its id differs, "
            "it is an old key, and without the present one nothing can be read.",
            "key_id",
        )
    uow.session.get_one(Instance, 1).proven_key_id = typed
    extra = {"setting": "copy of the master key", "key": typed}
    audit.record(uow, Action.SETTING_CHANGED, Target("setting", None, "Copy of the master key"), extra=extra)
