"""A key's metadata, as programs read and write it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from errors import Invalid
from models import Action
from services import item_changes, items
from services.item_trash import trash
from services.item_versions import place_of, record
from services.items import StoredItem
from services.kv_keys import Key
from services.kv_rules import NO_RULES, Rules, rules_of, store
from services.kv_versions import Version, kept
from services.unit_of_work import UnitOfWork
from services.vaults import VERSIONS_MAX

CUSTOM_MAX, CUSTOM_KEY_MAX, CUSTOM_VALUE_MAX = 64, 128, 512
"""Entries of custom metadata; bytes of one's key and of its value."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """Everything about a key but its data.

    Args:
        oldest: number of the oldest version that is kept; 0: none has been dropped yet.
        current: number of the newest version; 0: nothing was written.
    """

    versions: tuple[Version, ...]
    current: int
    oldest: int
    created_at: datetime
    updated_at: datetime
    rules: Rules


def read(uow: UnitOfWork, item: StoredItem) -> Metadata:
    """Return a key's metadata.

    Raises:
        Undecryptable: recorded.
    """
    versions = tuple(kept(uow, item))
    rules = rules_of(uow, item.id)
    first = versions[0].number if versions else 0
    return Metadata(
        versions,
        item.version,
        first if first > 1 else 0,
        item.created_at,
        max(filter(None, (item.changed_at, rules.changed_at))),
        rules,
    )


def change(uow: UnitOfWork, key: Key, changes: Mapping[str, Any]) -> None:
    """Change what is decided about a key, which is made without any version where there is none.

    Args:
        changes: any of ``max_versions``, ``cas_required``, ``delete_after`` (seconds) and ``custom``.

    Raises:
        Invalid: a value cannot be kept.
        Conflict: the organization is full.
    """
    item_id = (
        key.item.id if key.item else item_changes.describe_in(uow, place_of(uow, key.vault_id), key.name)
    )
    rules = rules_of(uow, item_id) if key.item else NO_RULES
    wanted = replace(rules, **changes)
    if not 0 <= wanted.max_versions <= VERSIONS_MAX:
        raise Invalid(f"max_versions is 0 to {VERSIONS_MAX}")
    if wanted.custom is not None:
        check_custom(wanted.custom)
    store(uow, item_id, wanted)
    record(uow, Action.ITEM_DESCRIBED, item_id, key.name, {"fields": sorted(changes)})


def remove(uow: UnitOfWork, key: Key) -> None:
    """Take a key away with all its versions. People find it in the trash of its vault for a while."""
    if key.item is not None:
        trash(uow, items.find(uow, key.item.id))


def check_custom(custom: Mapping[str, str]) -> None:
    """Refuse custom metadata that other servers would refuse.

    Raises:
        Invalid: lists every fault.
    """
    faults = []
    if len(custom) > CUSTOM_MAX:
        faults.append(f"payload must contain at most {CUSTOM_MAX} keys, provided {len(custom)}")
    for name, value in custom.items():
        if not 0 < len(name.encode()) <= CUSTOM_KEY_MAX:
            faults.append(f"length of key {name[:40]!r} is not 1 to {CUSTOM_KEY_MAX} bytes")
        if not 0 < len(value.encode()) <= CUSTOM_VALUE_MAX:
            faults.append(f"length of value for key {name[:40]!r} is not 1 to {CUSTOM_VALUE_MAX} bytes")
        if not name.isprintable():
            faults.append(f"key {name[:40]!r} contains unprintable characters")
        if not value.isprintable():
            faults.append(f"value for key {name[:40]!r} contains unprintable characters")
    if faults:
        raise Invalid("custom_metadata validation failed: " + "; ".join(faults))
