"""Reading items and revealing what they hold."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from crypto.otp import code_at, parse_otp, seconds_left
from errors import NotFound, Undecryptable, VersionDeleted
from models import Action
from policy import Permission
from services import audit, clock, references
from services import item_queries as queries
from services.access import demand
from services.approvals import demand_approval
from services.contents import Field, Kind, Overview
from services.events import Extra, Target
from services.item_blobs import DETAILS, OVERVIEW, key_of, open_details, open_overview, record_failure
from services.prepared import fetch, fetch_one
from services.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Protection:
    """What a reveal asks for first.

    Args:
        confirm: whether it asks again who one is.
        approval_minutes: for how long a second person's approval counts; None: none is needed.
    """

    confirm: bool = False
    approval_minutes: int | None = None


@dataclass(frozen=True, slots=True)
class StoredItem:
    """An item as its newest version has it; the values stay encrypted.

    Args:
        protection: what a reveal asks for, by the item's own marks or its vault's, the stronger of both.
        own_protection: the item's own marks.
        deleted_at: from when on a program has deleted the newest version, also in the future.
        destroyed: whether a program has erased the newest version's values.
        overview: None: it cannot be decrypted, or it was carried here from another vault.
        key_version: of the data key that the overview names; 0: it names none.
    """

    id: UUID
    organization_id: UUID
    vault_id: UUID
    version: int
    change: int
    created_at: datetime
    created_by: UUID
    changed_at: datetime
    changed_by: UUID
    reason: str
    trashed_at: datetime | None
    trashed_by: UUID | None
    deleted_at: datetime | None
    destroyed: bool
    protection: Protection
    own_protection: Protection
    overview: Overview | None
    key_version: int
    details_envelope: bytes = dataclasses.field(repr=False)

    @property
    def known_name(self) -> str | None:
        """The name; None: it cannot be decrypted."""
        return self.overview.name if self.overview else None

    @property
    def name(self) -> str:
        """The name, or the words that stand in its place."""
        return self.overview.name if self.overview else str(Undecryptable(self.key_version))


@dataclass(frozen=True, slots=True)
class Revealed:
    """A value that is about to be shown.

    Args:
        value: of an authenticator the code of now.
        seconds: for how long that code is valid; None: the value stays.
    """

    field: str
    kind: Kind
    value: str = dataclasses.field(repr=False)
    seconds: int | None


@dataclass(frozen=True, slots=True)
class VersionLine:
    """A line of an item's history.

    Args:
        changed: the parts that differ from the version before; empty for the first.
        broken: the version cannot be decrypted.
        deleted: a program has deleted it; it can be brought back.
        destroyed: a program has erased its values.
    """

    number: int
    at: datetime
    by: UUID
    by_name: str
    reason: str
    changed: tuple[str, ...]
    broken: bool
    deleted: bool = False
    destroyed: bool = False


def find(uow: UnitOfWork, item_id: UUID) -> StoredItem:
    """Return an item of the actor's organization, also from the trash.

    Raises:
        NotFound: there is none.
    """
    organization_id = uow.organization_id
    asked = {"item_id": item_id, "organization_id": organization_id}
    row = fetch_one(uow.connection, queries.READ, asked)
    if row is None:
        raise NotFound
    uow.use_keys(row.key_generation)
    overview = open_overview(uow.keys, organization_id, item_id, row.version, row.overview)
    if overview is not None and overview.vault_id != row.vault_id:
        overview = None
    key = key_of(uow.keys, row.overview)
    if overview is None:
        record_failure(uow, item_id, row.version, OVERVIEW, key)
    return StoredItem(
        id=item_id,
        organization_id=organization_id,
        vault_id=row.vault_id,
        version=row.version,
        change=row.change,
        created_at=row.created_at,
        created_by=row.created_by,
        changed_at=row.changed_at,
        changed_by=row.changed_by,
        reason=row.reason,
        trashed_at=row.trashed_at,
        trashed_by=row.trashed_by,
        deleted_at=row.deleted_at,
        destroyed=bool(row.destroyed),
        protection=Protection(
            bool(row.confirm),
            min(filter(None, (row.approval_minutes, row.vault_approval_minutes)), default=None),
        ),
        own_protection=Protection(row.own_confirm, row.approval_minutes),
        overview=overview,
        key_version=key,
        details_envelope=row.details,
    )


def reveal(
    uow: UnitOfWork,
    item: StoredItem,
    field: str,
    *,
    version: int | None = None,
    copied: bool = False,
    seed: bool = False,
) -> Revealed:
    """Return one value, and record that it was revealed (or *copied* without being shown).

    Args:
        version: an earlier one; None: the newest.
        seed: of an authenticator the seed itself, for somebody with ``edit``; else the code of now.

    Raises:
        NotFound: the version is not kept, or has no such field, or nothing in it.
        Denied: the seed is asked for without ``edit``, or a second person has to approve first.
        Undecryptable: recorded; nothing is returned.
    """
    if seed:
        demand(uow, Permission.ITEM_EDIT, item.vault_id, item.id, item.known_name)
    demand_approval(uow, item)
    number = item.version if version is None else version
    entry = next((one for one in values(uow, item, number)[1] if one.name == field), None)
    if entry is None or (seed and entry.kind is not Kind.OTP):
        raise NotFound
    shown = Revealed(f"{field} seed", entry.kind, entry.value, None) if seed else _show(entry)
    action = Action.ITEM_COPIED if copied else Action.ITEM_REVEALED
    _record(uow, action, item, {"field": shown.field, "version": number})
    return shown


def reveal_all(
    uow: UnitOfWork, item: StoredItem, *, version: int | None = None, only: Collection[str] | None = None
) -> dict[str, str]:
    """Return every value by its field's name, for a program; recorded as one event.

    Args:
        only: names of the fields that are wanted, in any case; None: all.

    Raises:
        NotFound: no such version, or it lacks one of the fields.
        Denied: a second person has to approve first.
        Undecryptable: recorded; nothing is returned.
    """
    demand_approval(uow, item)
    number = item.version if version is None else version
    entries = values(uow, item, number)[1]
    if only is not None:
        wanted = {name.casefold() for name in only}
        entries = tuple(entry for entry in entries if entry.name.casefold() in wanted)
        if len(entries) < len(wanted):
            raise NotFound
    shown = [_show(entry) for entry in entries]
    extra: Extra = {"fields": [one.field for one in shown], "version": number}
    _record(uow, Action.ITEM_REVEALED, item, extra)
    return {one.field: one.value for one in shown}


def values(uow: UnitOfWork, item: StoredItem, number: int) -> tuple[Overview, tuple[Field, ...]]:
    """Open a version for a use case that records why itself.

    Raises:
        NotFound: no such version.
        VersionDeleted: a program has deleted or destroyed it.
        Undecryptable: recorded; also where the item was carried into its vault past the program.
    """
    overview, envelope = item.overview, item.details_envelope
    deleted_at, destroyed = item.deleted_at, item.destroyed
    if number != item.version:
        overview, row = _version(uow, item, number)
        envelope, deleted_at, destroyed = row.details, row.deleted_at, bool(row.destroyed)
    if destroyed or is_past(deleted_at, uow.now):
        raise VersionDeleted(number, destroyed=destroyed)
    if overview is None:
        raise Undecryptable(item.key_version)
    fields = open_details(uow.keys, item.organization_id, item.id, number, envelope)
    if fields is None:
        key = key_of(uow.keys, envelope)
        record_failure(uow, item.id, number, DETAILS, key)
        raise Undecryptable(key)
    return overview, fields


def overview_at(uow: UnitOfWork, item: StoredItem, number: int) -> Overview:
    """Return what a version shows without a reveal.

    Raises:
        NotFound: the version is not kept.
        Undecryptable: recorded.
    """
    if number != item.version:
        return _version(uow, item, number)[0]
    if item.overview is None:
        raise Undecryptable(item.key_version)
    return item.overview


def history(uow: UnitOfWork, item: StoredItem) -> list[VersionLine]:
    """Return the versions that are kept, newest first; no value is opened."""
    rows = uow.connection.execute(
        queries.VERSIONS, {"item_id": item.id, "organization_id": item.organization_id}
    )
    lines = []
    for row in rows:
        overview = open_overview(uow.keys, item.organization_id, item.id, row.number, row.overview)
        if overview is None and row.number != item.version:
            record_failure(uow, item.id, row.number, OVERVIEW, key_of(uow.keys, row.overview))
        lines.append(
            VersionLine(
                number=row.number,
                at=row.created_at,
                by=row.created_by,
                by_name=row.created_by_name or "",
                reason=row.reason,
                changed=overview.changed if overview else (),
                broken=overview is None or (row.number == item.version and item.overview is None),
                deleted=not row.destroyed and is_past(row.deleted_at, uow.now),
                destroyed=bool(row.destroyed),
            )
        )
    return lines


def shared(uow: UnitOfWork) -> int:
    """Count the items that the actor sees without seeing their vault."""
    index = uow.runtime.indexes.of(uow)
    singles = filter(None, (index.get(place) for place in uow.actor.rights))
    return sum(one.vault_id not in uow.actor.rights and one.trashed_at is None for one in singles)


def favorites(uow: UnitOfWork) -> frozenset[UUID]:
    """Return the ids of the items that the actor keeps at hand."""
    asked = {"organization_id": uow.organization_id, "user_id": uow.actor.id}
    return frozenset(row.item_id for row in fetch(uow.connection, queries.FAVORITES, asked))


def is_past(at: datetime | None, now: datetime) -> bool:
    """Whether the time is there and has come."""
    return at is not None and at <= now


def _version(uow: UnitOfWork, item: StoredItem, number: int) -> tuple[Overview, Any]:
    if not 0 < number < item.version:
        raise NotFound
    asked = {"item_id": item.id, "number": number, "organization_id": item.organization_id}
    row = fetch_one(uow.connection, queries.READ_VERSION, asked)
    if row is None:
        raise NotFound
    overview = open_overview(uow.keys, item.organization_id, item.id, number, row.overview)
    if overview is None:
        key = key_of(uow.keys, row.overview)
        record_failure(uow, item.id, number, OVERVIEW, key)
        raise Undecryptable(key)
    if item.overview is None and overview.vault_id != item.vault_id:
        raise Undecryptable(item.key_version)
    return overview, row


def _show(entry: Field) -> Revealed:
    if entry.kind is Kind.REFERENCE:
        return Revealed(entry.name, entry.kind, references.resolve(entry), None)
    if entry.kind is not Kind.OTP:
        return Revealed(entry.name, entry.kind, entry.value, None)
    otp = parse_otp(entry.value)
    unix = int(clock.now().timestamp())
    return Revealed(entry.name, entry.kind, code_at(otp, unix), seconds_left(otp, unix))


def _record(uow: UnitOfWork, action: Action, item: StoredItem, extra: Extra) -> None:
    audit.record(uow, action, Target("item", item.id, item.name), extra=extra)
