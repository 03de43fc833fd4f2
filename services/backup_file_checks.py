"""Looking at the attached files of a backup: each that the database names is there, and some are opened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, select

from crypto.attachment import TABLE, open_content, sealed_length
from crypto.envelope import DecryptionError
from crypto.keyring import ACTIVE, DECRYPT_ONLY, KeyRoom
from errors import ObjectMissing
from models import Attachment, DataKey, Item
from services.attachment_contents import object_name
from services.attachments import KEY
from services.backup_manifest import Kind
from services.backup_objects import SavedObject
from services.backup_opening import Unpacked
from services.object_store import ObjectStore

_EVERY = (
    select(
        Attachment.id,
        Attachment.item_id,
        Attachment.organization_id,
        Attachment.size,
        Attachment.key,
        Item.vault_id,
    )
    .join(Item, Item.id == Attachment.item_id)
    .where(
        Attachment.organization_id.in_(
            select(DataKey.organization_id).where(
                DataKey.purpose == "data", DataKey.state.in_((ACTIVE, DECRYPT_ONLY))
            )
        )
    )
    .order_by(Attachment.created_at, Attachment.id)
)
"""Of organizations whose keys were not destroyed; the newest last."""


def try_files(
    connection: Connection, keys: KeyRoom, unpacked: Unpacked, store: ObjectStore
) -> tuple[int, list[str]]:
    """Open the newest file of each vault: return how many opened, and what is wrong, as sentences."""
    if unpacked.manifest.kind is Kind.SNAPSHOT and not unpacked.objects:
        # They lie away from the disk that snapshots are for.
        return 0, []
    saved = {one.name: one for one in unpacked.objects}
    newest: dict[UUID, Row[Any]] = {}
    faults = []
    for row in connection.execute(_EVERY):
        one = saved.get(_name(keys, row))
        if one is None or one.length != sealed_length(row.size):
            what = "is not in it" if one is None else "has another length than its row says"
            faults.append(f"the file {row.id} of credential {row.item_id} {what}")
        else:
            newest[row.vault_id] = row
    broken = [row for row in newest.values() if not _opens(keys, row, saved, store)]
    faults += [f"the file {row.id} of credential {row.item_id} cannot be decrypted" for row in broken]
    return len(newest) - len(broken), faults


def _name(keys: KeyRoom, row: Row[Any]) -> str:
    return object_name(keys.instance, row.organization_id, row.id)


def _opens(keys: KeyRoom, row: Row[Any], saved: Mapping[str, SavedObject], store: ObjectStore) -> bool:
    place = {"instance": keys.instance, "organization": row.organization_id, "file": row.id}
    try:
        key = keys.decrypt(row.organization_id, TABLE, row.id, KEY, 1, row.key)
        with store.get(saved[_name(keys, row)].copy) as source:
            for _ in open_content(key, source, row.size, **place):
                pass
    except (DecryptionError, ObjectMissing):
        return False
    return True
