"""Files on items: listed and downloaded.

What a file is called and what type it is lies encrypted in its row, with the key of its content; the content
lies in the store of files, encrypted under that key (crypto/attachment.py).
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from crypto.attachment import TABLE
from crypto.envelope import DecryptionError
from errors import NotFound, Undecryptable, VersionDeleted
from models import Action
from services import attachment_contents, audit, file_types, items
from services import attachment_queries as queries
from services.approvals import demand_approval
from services.attachment_contents import Content
from services.events import Extra, Target
from services.file_types import FileType
from services.item_blobs import key_of, record_failure
from services.item_versions import FILES
from services.items import StoredItem, is_past
from services.prepared import fetch, fetch_one
from services.unit_of_work import UnitOfWork

FACTS, KEY = "facts", "key"
"""The encrypted fields of a file's row."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file on an item.

    Args:
        known_file: what it is called; None: it cannot be decrypted, or was carried here past the program.
        size: bytes of the content.
        key_version: of the data key that the facts name.
    """

    id: UUID
    item: StoredItem
    known_file: str | None
    type: FileType | None
    size: int
    added_at: datetime
    added_by: UUID
    key_version: int
    sealed_key: bytes = dataclasses.field(repr=False)

    @property
    def file_name(self) -> str:
        """What it is called, or the words that stand in its place."""
        return str(Undecryptable(self.key_version)) if self.known_file is None else self.known_file

    @property
    def organization_id(self) -> UUID:
        """Whose it is."""
        return self.item.organization_id

    @property
    def vault_id(self) -> UUID:
        """Where its item lies."""
        return self.item.vault_id

    @property
    def item_id(self) -> UUID:
        """The item that it is on."""
        return self.item.id

    @property
    def known_name(self) -> str | None:
        """The item's name."""
        return self.item.known_name


def find(uow: UnitOfWork, file_id: UUID) -> StoredFile:
    """Return a file of the actor's organization, whichever version of its item has it.

    Raises:
        NotFound: there is none.
    """
    row = fetch_one(
        uow.connection, queries.READ, {"file_id": file_id, "organization_id": uow.organization_id}
    )
    if row is None:
        raise NotFound
    return _stored(uow, items.find(uow, row.item_id), row)


def of(uow: UnitOfWork, item: StoredItem, number: int | None = None) -> list[StoredFile]:
    """Return the files that a version of an item has, the oldest first.

    Args:
        number: of the version; None: the newest.
    """
    asked = {
        "item_id": item.id,
        "number": item.version if number is None else number,
        "organization_id": item.organization_id,
    }
    return [_stored(uow, item, row) for row in fetch(uow.connection, queries.OF_VERSION, asked)]


def download(uow: UnitOfWork, file: StoredFile) -> Content:
    """Open a file for whoever may reveal its item, and record that; it leaves after the event is stored.

    Raises:
        Denied: a second person has to approve first.
        NotFound: no version that is kept has it.
        VersionDeleted: a program has deleted every version that has it.
        Conflict: its content is not where files are kept.
        Undecryptable: recorded; nothing is returned.
    """
    demand_approval(uow, file.item)
    number = _holder(uow, file)
    key, instance = _key(uow, file), uow.keys.instance
    uow.release()
    with uow.runtime.turns.aside():
        content = _content(uow, file, instance, key)
    extra: Extra = {"field": FILES, "version": number, "file": str(file.id), "size": file.size}
    record(uow, Action.FILE_DOWNLOADED, file.item, extra)
    return content


def clear_content(uow: UnitOfWork, file: StoredFile) -> Content:
    """Open a file for a use case that has asked who may, and that records why itself.

    All of it was checked before this returns; reading and closing it needs no unit of work any more.

    Raises:
        Conflict: its content is not where files are kept.
        Undecryptable: recorded.
    """
    return _content(uow, file, uow.keys.instance, _key(uow, file))


def _content(uow: UnitOfWork, file: StoredFile, instance: UUID, key: bytes) -> Content:
    try:
        return attachment_contents.fetch(
            uow.runtime.files,
            key,
            file.size,
            instance=instance,
            organization=file.organization_id,
            file=file.id,
        )
    except DecryptionError:
        record_failure(uow, file.item_id, file.item.version, "content of a file", file.key_version)
        raise Undecryptable(file.key_version) from None


def _stored(uow: UnitOfWork, item: StoredItem, row: Any) -> StoredFile:
    facts = _facts(uow, item, row.id, row.facts) if row.item_id == item.id else None
    version = key_of(uow.keys, row.facts)
    if facts is None:
        record_failure(uow, item.id, item.version, "name of a file", version)
    return StoredFile(
        id=row.id,
        item=item,
        known_file=facts["name"] if facts else None,
        type=file_types.TYPES.get(facts["type"]) if facts else None,
        size=row.size,
        added_at=row.created_at,
        added_by=row.created_by,
        key_version=version,
        sealed_key=row.key,
    )


def _facts(uow: UnitOfWork, item: StoredItem, file_id: UUID, envelope: bytes) -> dict[str, str] | None:
    try:
        facts = json.loads(uow.keys.decrypt(item.organization_id, TABLE, file_id, FACTS, 1, envelope))
    except DecryptionError:
        return None
    return facts if facts["item"] == str(item.id) else None


def _key(uow: UnitOfWork, file: StoredFile) -> bytes:
    if file.known_file is None:
        raise Undecryptable(file.key_version)
    try:
        return uow.keys.decrypt(file.organization_id, TABLE, file.id, KEY, 1, file.sealed_key)
    except DecryptionError:
        version = key_of(uow.keys, file.sealed_key)
        record_failure(uow, file.item_id, file.item.version, "key of a file", version)
        raise Undecryptable(version) from None


def _holder(uow: UnitOfWork, file: StoredFile) -> int:
    """Return the newest version that has a file and is not deleted."""
    asked = {"file_id": file.id, "item_id": file.item_id, "organization_id": file.organization_id}
    holders = fetch(uow.connection, queries.HOLDERS, asked)
    if not holders:
        raise NotFound
    for row in holders:
        if not row.destroyed and not is_past(row.deleted_at, uow.now):
            return int(row.number)
    raise VersionDeleted(holders[0].number, destroyed=False)


def record(uow: UnitOfWork, action: Action, item: StoredItem, extra: Extra) -> None:
    """Record what became of a file; its name is nobody's affair but the item's."""
    audit.record(uow, action, Target("item", item.id, item.name), extra=extra)
