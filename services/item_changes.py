"""Changing items. Every change is a new version; what was typed is merged with what is stored."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date
from types import MappingProxyType
from uuid import UUID

from errors import Conflict, Invalid, NotFound, Undecryptable
from models import Action, Vault
from policy import Permission
from services import attachment_rows, items, references
from services import item_queries as queries
from services.access import demand
from services.content_rules import check_approval
from services.contents import Contents, Field, Overview, check_contents
from services.events import Extra
from services.item_blobs import contents_of
from services.item_trash import purge, purge_expired, restore, trash
from services.item_types import MAIN_SECRETS, ItemType
from services.item_versions import (
    FILES,
    PARTS,
    Place,
    advance,
    insert_item,
    place_of,
    record,
    version_conflict,
)
from services.items import Protection, StoredItem
from services.strength import rate
from services.unit_of_work import UnitOfWork

__all__ = [
    "create",
    "duplicate",
    "edit",
    "move",
    "protect",
    "purge",
    "purge_expired",
    "restore",
    "restore_version",
    "set_favorite",
    "trash",
]

NO_RENAMES: Mapping[str, str] = MappingProxyType({})


def create(uow: UnitOfWork, vault: Vault, contents: Contents) -> UUID:
    """Store a new item in *vault* and return its id.

    Raises:
        Invalid: names the form field.
        Conflict: the name is taken in the vault.
    """
    place = Place(vault.id, vault.name, vault.max_versions)
    return create_in(uow, place, check_contents(contents))


def create_in(uow: UnitOfWork, place: Place, contents: Contents) -> UUID:
    """Store a new item, whose contents have been checked, and return its id.

    Raises:
        Invalid: only the operator makes a reference.
        Conflict: the name is taken in the vault, or the organization is full.
    """
    references.refuse_new(uow, contents.fields)
    item_id = insert_item(uow, place, contents, rate(contents), "created")
    record(uow, Action.ITEM_CREATED, item_id, contents.name, {"version": 1, "vault": str(place.id)})
    return item_id


def describe_in(uow: UnitOfWork, place: Place, name: str) -> UUID:
    """Store an item of which nothing is known but its name, as version 0; return its id.

    Raises:
        Invalid: the name cannot be used.
        Conflict: the name is taken in the vault, or the organization is full.
    """
    contents = check_contents(Contents(name, ItemType.SECRET))
    item_id = insert_item(uow, place, contents, None, "described", number=0)
    record(uow, Action.ITEM_CREATED, item_id, contents.name, {"version": 0, "vault": str(place.id)})
    return item_id


def edit(
    uow: UnitOfWork,
    item: StoredItem,
    contents: Contents,
    *,
    expected_version: int,
    clear: Collection[str] = (),
    renames: Mapping[str, str] = NO_RENAMES,
) -> int:
    """Store a changed item as its next version and return that version's number.

    Name, user name, URLs, tags and expiry are taken as given. A field that is given empty, or not at all,
    keeps its stored value. Where nothing differs nothing is stored.

    Args:
        expected_version: the one that the person had before their eyes.
        clear: names of fields to empty; one of the person's own fields is removed with its value.
        renames: old name to new name of the person's own fields, which *contents* gives by the new one.

    Raises:
        Invalid: names the form field.
        Conflict: the name is taken in the vault, or the item is in the trash.
        VersionConflict: the item has a newer version; it carries both, masked.
        Undecryptable: what is stored cannot be opened, so nothing can be merged with it.
    """
    if item.version != expected_version:
        differences = _differences(uow, item, contents, clear, expected_version)
        raise version_conflict(uow, item, expected_version, differences)
    overview, stored = items.values(uow, item, item.version)
    if contents.type is not overview.type:
        raise Invalid("The type of a credential cannot be changed; make a new one.", "type")
    merged = check_contents(replace(contents, fields=_merge(stored, contents.fields, clear, renames)))
    changed = changed_parts(contents_of(overview, stored), merged)
    if not changed:
        return item.version
    main = MAIN_SECRETS.get(merged.type)
    strength = rate(merged) if main in changed else overview.strength
    number = advance(
        uow,
        item,
        merged,
        place_of(uow, item.vault_id),
        strength=strength,
        changed=changed,
        reason="edited",
    )
    record(uow, Action.ITEM_CHANGED, item.id, merged.name, {"version": number, "fields": list(changed)})
    return number


def move(uow: UnitOfWork, item: StoredItem, to_vault: Vault) -> int:
    """Carry an item into another vault, encrypted anew; return the number of the new version.

    Raises:
        NotFound: the actor may not know of that vault.
        Denied: the actor may not edit there.
        Conflict: the item lies there already, or its name is taken there.
        Undecryptable: what cannot be opened cannot be moved.
    """
    demand(uow, Permission.ITEM_EDIT, to_vault.id)
    if to_vault.id == item.vault_id:
        raise Conflict(f"This credential is in the vault {to_vault.name} already.")
    overview, fields = items.values(uow, item, item.version)
    place = Place(to_vault.id, to_vault.name, to_vault.max_versions)
    number = advance(
        uow,
        item,
        contents_of(overview, fields),
        place,
        strength=overview.strength,
        changed=("Vault",),
        reason="moved",
    )
    _keep_protection(uow, item, item.id)
    extra: Extra = {"version": number, "from": str(item.vault_id), "to": str(to_vault.id)}
    record(uow, Action.ITEM_MOVED, item.id, overview.name, extra)
    return number


def duplicate(uow: UnitOfWork, item: StoredItem, name: str) -> UUID:
    """Store a copy of an item under another name in the same vault and return its id.

    Raises:
        Invalid: the name cannot be used.
        Conflict: the name is taken in the vault.
        Undecryptable: what cannot be opened cannot be copied.
    """
    overview, fields = items.values(uow, item, item.version)
    contents = check_contents(replace(contents_of(overview, fields), name=name))
    copy_id = insert_item(uow, place_of(uow, item.vault_id), contents, overview.strength, "duplicated")
    _keep_protection(uow, item, copy_id)
    extra: Extra = {"version": 1, "vault": str(item.vault_id), "copy_of": str(item.id)}
    record(uow, Action.ITEM_CREATED, copy_id, contents.name, extra)
    return copy_id


def restore_version(uow: UnitOfWork, item: StoredItem, number: int) -> int:
    """Make an earlier version's contents the newest ones, in the vault where the item is now.

    Raises:
        NotFound: no such version is kept.
        Conflict: its name is taken in the vault by now, or the item is in the trash.
        Undecryptable: that version cannot be opened.
    """
    if number < 1:
        # What a program has described and not written yet is no version.
        raise NotFound
    overview, fields = items.values(uow, item, number)
    contents = contents_of(overview, fields)
    changed = _changed_from_newest(uow, item, contents)
    if attachment_rows.ids_of(uow, item.id, number) != attachment_rows.ids_of(uow, item.id, item.version):
        changed = (*changed, FILES)
    new = advance(
        uow,
        item,
        contents,
        place_of(uow, item.vault_id),
        strength=overview.strength,
        changed=changed,
        reason="restored",
        files_of=number,
    )
    extra: Extra = {"version": new, "fields": list(changed), "restored_version": number}
    record(uow, Action.ITEM_CHANGED, item.id, contents.name, extra)
    return new


def protect(uow: UnitOfWork, item: StoredItem, wanted: Protection) -> None:
    """Say what a reveal of this one item asks for, besides what its vault says.

    Raises:
        Invalid: an approval cannot count for so long.
    """
    check_approval(wanted.approval_minutes)
    if wanted == item.own_protection:
        return
    _set_protection(uow, item.id, wanted)
    extra: Extra = {"confirm": wanted.confirm, "approval_minutes": wanted.approval_minutes}
    record(uow, Action.ITEM_PROTECTED, item.id, item.name, extra)


def _keep_protection(uow: UnitOfWork, item: StoredItem, kept_on: UUID) -> None:
    """Let what a vault's mark protects stay protected, wherever it or a copy of it goes."""
    if item.protection != Protection():
        _set_protection(uow, kept_on, item.protection)


def _set_protection(uow: UnitOfWork, item_id: UUID, wanted: Protection) -> None:
    uow.connection.execute(
        queries.PROTECT,
        {
            "item_id": item_id,
            "own_organization_id": uow.organization_id,
            "new_confirm": wanted.confirm,
            "new_minutes": wanted.approval_minutes,
        },
    )


def set_favorite(uow: UnitOfWork, item: StoredItem, on: bool) -> None:  # noqa: FBT001 - on or off
    """Keep an item at hand for the actor, or no longer. Nobody else sees it, and nothing is recorded."""
    parameters = {"organization_id": item.organization_id, "user_id": uow.actor.id, "item_id": item.id}
    uow.connection.execute(queries.DELETE_FAVORITE, parameters)
    if on:
        uow.connection.execute(queries.INSERT_FAVORITE, parameters)


def _merge(
    stored: tuple[Field, ...],
    given: tuple[Field, ...],
    clear: Collection[str],
    renames: Mapping[str, str],
) -> tuple[Field, ...]:
    kept = {renames.get(f.name, f.name): f for f in stored if f.name not in clear}
    cleared = {renames.get(name, name) for name in clear}
    merged = []
    for entry in given:
        old = kept.pop(entry.name, None)
        # Another field may take the name of a removed one, with a value of its own or under its new name.
        if entry.name in cleared and old is None and not (entry.custom and entry.value):
            continue
        merged.append(replace(entry, value=old.value) if old and not entry.value else entry)
    rest = (replace(old, name=name) for name, old in kept.items())
    return (*merged, *rest)


def _changed_from_newest(uow: UnitOfWork, item: StoredItem, contents: Contents) -> tuple[str, ...]:
    try:
        newest = items.values(uow, item, item.version)
    except Undecryptable:
        # Bringing an earlier version back is the remedy for a newest one that nobody can open.
        return ()
    return changed_parts(contents_of(*newest), contents)


def changed_parts(old: Contents, new: Contents) -> tuple[str, ...]:
    """Name the parts that differ, as people call them."""
    parts = [label for label, part in PARTS if getattr(old, part) != getattr(new, part)]
    before = {f.name: (f.kind, f.value) for f in old.fields}
    after = {f.name: (f.kind, f.value) for f in new.fields}
    names = dict.fromkeys([*after, *before])
    return (*parts, *(name for name in names if before.get(name) != after.get(name)))


def _differences(
    uow: UnitOfWork, newest: StoredItem, given: Contents, clear: Collection[str], expected: int
) -> tuple[tuple[str, str, str], ...]:
    """Hold the newest version and a refused change against each other; of secrets only what was touched."""
    if newest.overview is None:
        return ()
    shown = [
        (label, _text(newest.overview, part), _text(given, part))
        for label, part in PARTS
        if getattr(newest.overview, part) != getattr(given, part)
    ]
    theirs = {
        name for line in items.history(uow, newest) if line.number > expected for name in line.changed
    } - {label for label, _ in PARTS}
    yours = {f.name for f in given.fields if f.value} | set(clear)
    masked = [
        (name, _touched(name, theirs), _touched(name, yours))
        for name in dict.fromkeys([*sorted(theirs), *sorted(yours)])
    ]
    return (*shown, *masked)


def _text(source: Contents | Overview, part: str) -> str:
    value: str | tuple[str, ...] | date | None = getattr(source, part)
    return ", ".join(value) if isinstance(value, tuple) else str(value or "")


def _touched(name: str, touched: Collection[str]) -> str:
    return "changed" if name in touched else "unchanged"
