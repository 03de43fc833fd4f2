"""Versions of a key as programs see them: read, written, deleted, brought back, destroyed.

They are the versions of the credential of that name, so a page and a program always see the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from errors import Conflict, Invalid, Undecryptable
from models import Action
from services import attachment_rows, item_changes, items
from services import kv_queries as queries
from services.approvals import demand_approval
from services.events import Extra
from services.item_blobs import contents_of, key_of, open_details, open_overview, record_failure, seal
from services.item_versions import advance, place_of, record, refuse_trashed
from services.items import StoredItem, is_past
from services.kv_contents import Data, contents_for, data_of
from services.kv_keys import Key
from services.kv_rules import NO_RULES, deleted_from, rules_of, touch
from services.prepared import fetch, fetch_one, run
from services.strength import rate
from services.unit_of_work import UnitOfWork

CAS_MISMATCH = "check-and-set parameter did not match the current version"
CAS_MISSING = "check-and-set parameter required for this call"


@dataclass(frozen=True, slots=True)
class Version:
    """A version as programs see it.

    Args:
        deleted_at: from when on it counts as deleted, also in the future.
        custom: the key's custom metadata.
        data: None: it is deleted or destroyed, or was not asked for.
    """

    number: int
    created_at: datetime
    deleted_at: datetime | None
    destroyed: bool
    custom: Mapping[str, str] | None = field(default=None, repr=False)
    data: Data | None = field(default=None, repr=False)


def read(uow: UnitOfWork, key: Key, number: int = 0, *, reveal: bool = True) -> Version | None:
    """Return a version with its data, and record that it was revealed; None: there is no such version.

    Args:
        number: 0: the newest.
        reveal: False: whoever asks is given no value, such as a list of the keys in the data.

    Raises:
        Denied: a second person has to approve first.
        Undecryptable: recorded.
    """
    item = key.item
    row = _row(uow, item, number or key.current) if item else None
    if item is None or row is None:
        return None
    found = Version(
        row.number, row.created_at, row.deleted_at, bool(row.destroyed), rules_of(uow, item.id).custom
    )
    if found.destroyed or is_past(found.deleted_at, uow.now):
        return found
    if reveal:
        demand_approval(uow, item)
    data = data_of(contents_of(*items.values(uow, item, row.number)))
    if reveal:
        extra: Extra = {"fields": list(data), "version": row.number}
        record(uow, Action.ITEM_REVEALED, item.id, item.name, extra)
    return replace(found, data=data)


def write(uow: UnitOfWork, key: Key, data: Mapping[str, Any], cas: int | None) -> Version:
    """Store *data* as the key's next version.

    Args:
        cas: the version that it replaces, 0: none; None: any.

    Raises:
        Invalid: *cas* is not the newest version, or is missing where it must be; or the data cannot be kept.
        Conflict: the organization is full.
    """
    rules = rules_of(uow, key.item.id) if key.item else NO_RULES
    if cas is None and (key.mounted.cas_required or rules.cas_required):
        raise Invalid(CAS_MISSING)
    if cas is not None and cas != key.current:
        raise Invalid(CAS_MISMATCH)
    number, item_id = (1, _create(uow, key, data)) if key.item is None else _advance(uow, key, key.item, data)
    until = deleted_from(uow, key.mounted, rules)
    if until is not None:
        _set_deleted(uow, item_id, number, until)
    return Version(number, uow.now, until, destroyed=False, custom=rules.custom)


def _create(uow: UnitOfWork, key: Key, data: Mapping[str, Any]) -> UUID:
    contents = contents_for(key.name, data, None)
    return item_changes.create_in(uow, place_of(uow, key.vault_id), contents)


def _advance(uow: UnitOfWork, key: Key, item: StoredItem, data: Mapping[str, Any]) -> tuple[int, UUID]:
    before = _before(uow, item)
    contents = contents_for(key.name, data, before)
    changed = item_changes.changed_parts(before, contents) if before else ()
    place = place_of(uow, key.vault_id)
    number = advance(uow, item, contents, place, strength=rate(contents), changed=changed, reason="edited")
    extra: Extra = {"version": number, "fields": list(changed)}
    record(uow, Action.ITEM_CHANGED, item.id, contents.name, extra)
    return number, item.id


def _before(uow: UnitOfWork, item: StoredItem) -> Any:
    """Return what the newest version holds, also a deleted one; None: nobody can say."""
    overview = item.overview
    fields = open_details(uow.keys, item.organization_id, item.id, item.version, item.details_envelope)
    return None if overview is None or fields is None else contents_of(overview, fields)


def delete(uow: UnitOfWork, key: Key, numbers: Iterable[int] | None = None) -> None:
    """Delete versions, the newest unless *numbers* says others. Each can be brought back."""
    chosen = [key.current] if numbers is None else list(numbers)
    if key.item is not None:
        _each(uow, key.item, chosen, Action.ITEM_DELETED, lambda item, row: _delete(uow, item, row))


def undelete(uow: UnitOfWork, key: Key, numbers: Iterable[int]) -> None:
    """Bring versions back, but for destroyed ones."""
    if key.item is not None:
        until = deleted_from(uow, key.mounted, rules_of(uow, key.item.id))
        _bring_back(uow, key.item, numbers, until)


def bring_back(uow: UnitOfWork, item: StoredItem, number: int) -> None:
    """Bring one version back for a person, for good.

    Raises:
        Conflict: it was not deleted, or it is destroyed, or the item is in the trash.
    """
    refuse_trashed(item)
    if not _bring_back(uow, item, [number], None):
        raise Conflict("That version is not deleted, or it was destroyed.")


def _bring_back(uow: UnitOfWork, item: StoredItem, numbers: Iterable[int], until: datetime | None) -> bool:
    def clear(item: StoredItem, row: Any) -> bool:
        return row.deleted_at is not None and _set_deleted(uow, item.id, row.number, until)

    return _each(uow, item, numbers, Action.ITEM_UNDELETED, clear)


def destroy(uow: UnitOfWork, key: Key, numbers: Iterable[int]) -> None:
    """Erase the values of versions for good; that they were there stays."""
    if key.item is not None:
        _each(uow, key.item, numbers, Action.ITEM_DESTROYED, lambda item, row: _destroy(uow, item, row))


def _each(
    uow: UnitOfWork,
    item: StoredItem,
    numbers: Iterable[int],
    action: Action,
    act: Callable[[StoredItem, Any], bool],
) -> bool:
    """Do something to versions, record those for which it did something, and tell whether there were any."""
    rows = [row for number in dict.fromkeys(numbers) if (row := _row(uow, item, number)) is not None]
    done = [row.number for row in rows if act(item, row)]
    if done:
        touch(uow, item.id)
        record(uow, action, item.id, item.name, {"versions": done})
    return bool(done)


def _row(uow: UnitOfWork, item: StoredItem, number: int) -> Any:
    if not 0 < number <= item.version:
        return None
    own = {"item_id": item.id, "number": number, "organization_id": item.organization_id}
    return fetch_one(uow.connection, queries.VERSION, own)


def _delete(uow: UnitOfWork, item: StoredItem, row: Any) -> bool:
    return not is_past(row.deleted_at, uow.now) and _set_deleted(uow, item.id, row.number, uow.now)


def _set_deleted(uow: UnitOfWork, item_id: UUID, number: int, at: datetime | None) -> bool:
    own = {"own_item_id": item_id, "own_number": number, "own_organization_id": uow.organization_id}
    return run(uow.connection, queries.SET_DELETED, own | {"new_deleted_at": at}) == 1


def _destroy(uow: UnitOfWork, item: StoredItem, row: Any) -> bool:
    if row.destroyed:
        return False
    overview = open_overview(uow.keys, item.organization_id, item.id, row.number, row.overview)
    if overview is None:
        record_failure(uow, item.id, row.number, "overview", key_of(uow.keys, row.overview))
        raise Undecryptable(key_of(uow.keys, row.overview))
    bare = replace(overview, user_name="", urls=(), strength=None, shapes=())
    sealed = seal(uow.keys, item.organization_id, item.id, row.number, bare, ())
    own = {"own_item_id": item.id, "own_number": row.number, "own_organization_id": item.organization_id}
    run(uow.connection, queries.DESTROY, own | {"new_overview": sealed[0], "new_details": sealed[1]})
    attachment_rows.let_go_of_all(uow, item.id, row.number)
    return True


def kept(uow: UnitOfWork, item: StoredItem) -> list[Version]:
    """Return the versions that are kept, oldest first, without their data."""
    own = {"item_id": item.id, "newest": item.version, "organization_id": item.organization_id}
    return [
        Version(row.number, row.created_at, row.deleted_at, bool(row.destroyed))
        for row in fetch(uow.connection, queries.VERSIONS, own)
    ]
