"""What programs decide about a key: how much is kept of it, how it is written, what is noted on it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from crypto.envelope import DecryptionError
from errors import Undecryptable
from services import kv_queries as queries
from services.item_blobs import record_failure
from services.mounts import MountedVault
from services.prepared import fetch_one, run
from services.unit_of_work import UnitOfWork

_TABLE, _CUSTOM = "item_rules", "custom"


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for one key besides what holds for its vault.

    Args:
        max_versions: 0: as the vault says.
        delete_after: seconds; 0: as the vault says.
        custom: the custom metadata; None: never written.
        revision: how often it was changed; 0: there is no row yet.
    """

    max_versions: int = 0
    cas_required: bool = False
    delete_after: int = 0
    custom: Mapping[str, str] | None = field(default=None, repr=False)
    revision: int = 0
    changed_at: datetime | None = None


NO_RULES = Rules()


def rules_of(uow: UnitOfWork, item_id: UUID) -> Rules:
    """Return what programs have decided about a key.

    Raises:
        Undecryptable: recorded.
    """
    own = {"item_id": item_id, "organization_id": uow.organization_id}
    row = fetch_one(uow.connection, queries.RULES, own)
    if row is None:
        return NO_RULES
    return Rules(
        row.max_versions,
        bool(row.cas_required),
        row.delete_after,
        _open(uow, item_id, row.revision, row.custom),
        row.revision,
        row.changed_at,
    )


def store(uow: UnitOfWork, item_id: UUID, rules: Rules) -> None:
    """Write what holds for a key from now on; whoever calls records it."""
    revision = rules.revision + 1
    kept = {
        "max_versions": rules.max_versions,
        "cas_required": rules.cas_required,
        "delete_after": rules.delete_after,
        "custom": _seal(uow, item_id, revision, rules.custom),
        "revision": revision,
        "changed_at": uow.now,
    }
    if rules.revision == 0:
        own = {"item_id": item_id, "organization_id": uow.organization_id}
        run(uow.connection, queries.INSERT_RULES, own | kept)
        return
    own = {"own_item_id": item_id, "own_organization_id": uow.organization_id}
    run(uow.connection, queries.CHANGE_RULES, own | {f"new_{name}": value for name, value in kept.items()})


def touch(uow: UnitOfWork, item_id: UUID) -> None:
    """Note that the state of one of the key's versions has changed."""
    store(uow, item_id, rules_of(uow, item_id))


def deleted_from(uow: UnitOfWork, mounted: MountedVault, rules: Rules) -> datetime | None:
    """Return when a version that is written or brought back now will count as deleted; None: never."""
    if mounted.delete_after < 0:
        return None
    after = min(filter(None, (mounted.delete_after, max(rules.delete_after, 0))), default=None)
    return uow.now + timedelta(seconds=after) if after else None


def _seal(uow: UnitOfWork, item_id: UUID, revision: int, custom: Mapping[str, str] | None) -> bytes | None:
    if custom is None:
        return None
    text = json.dumps(custom, ensure_ascii=False).encode()
    return uow.keys.encrypt(uow.organization_id, _TABLE, item_id, _CUSTOM, revision, text)


def _open(uow: UnitOfWork, item_id: UUID, revision: int, sealed: bytes | None) -> dict[str, str] | None:
    if sealed is None:
        return None
    try:
        text = uow.keys.decrypt(uow.organization_id, _TABLE, item_id, _CUSTOM, revision, sealed)
    except DecryptionError:
        record_failure(uow, item_id, revision, "custom metadata", 0)
        raise Undecryptable(0) from None
    opened: dict[str, str] = json.loads(text)
    return opened
