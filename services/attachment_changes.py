"""Changing which files an item has: each change is a new version of it.

An earlier version keeps the files that it had, for as long as it is kept itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import BinaryIO

from crypto.attachment import TABLE
from errors import ChatelaineError, Conflict, Invalid, ReadOnly
from models import Action
from services import attachment_contents, attachment_rows, attachments, audit, file_names, items
from services import attachment_queries as queries
from services.attachment_contents import Draft
from services.attachments import FACTS, KEY, StoredFile, record
from services.events import Extra, Target
from services.item_blobs import contents_of
from services.item_versions import FILES, advance, place_of, refuse_trashed
from services.items import StoredItem
from services.prepared import fetch_one, run
from services.unit_of_work import UnitOfWork
from services.virus_scan import Infected

ADDED_WITHIN = timedelta(minutes=30)
"""From the beginning of an upload to its row: content without one is taken for a stray after twice that."""
EVER = 5
"""How many times as many files as it may have an item keeps for its earlier versions."""


@contextmanager
def prepared(uow: UnitOfWork, item: StoredItem, name: str, source: BinaryIO) -> Iterator[Draft]:
    """Look at a file and store its content, and let :func:`add` follow in the block.

    Nothing that others wait for is held meanwhile. If the block refuses, the content goes again; if a process
    ends in it, or nobody knows whether the transaction did, housekeeping finds out.

    Raises:
        Invalid: too large, empty, of a type that is not taken, or infected; the last is recorded.
        Conflict: the item has as many files as it may have, or is in the trash.
        ReadOnly: a master key is missing.
        StoreFailed: the store of files could not do it.
    """
    if uow.runtime.missing_keys:
        raise ReadOnly
    cleaned = file_names.clean(name)
    _refuse_more(uow, item, cleaned)
    instance, files = uow.keys.instance, uow.runtime.files
    uow.release()
    try:
        with uow.runtime.turns.aside():
            draft = attachment_contents.store(
                files, uow.rules.attachments, instance, item.organization_id, cleaned, source
            )
    except Infected as infected:
        extra: Extra = {"reason": "the virus scanner refused it", "found": infected.found}
        audit.record(uow, Action.FILE_ADDED, Target("item", item.id, item.name), success=False, extra=extra)
        raise
    try:
        yield draft
    except ChatelaineError:
        uow.release()
        with uow.runtime.turns.aside():
            files.delete(attachment_contents.object_name(instance, item.organization_id, draft.id))
        raise


def add(uow: UnitOfWork, item: StoredItem, draft: Draft) -> int:
    """Put a prepared file on an item; return the number of the new version.

    Raises:
        Conflict: as of :func:`prepared`, or the preparation took too long.
        Undecryptable: what cannot be opened cannot be changed.
    """
    if uow.now - draft.begun > ADDED_WITHIN:
        raise Conflict("Storing the file took too long. Send it again.")
    _refuse_more(uow, item, draft.name)
    number = _new_version(uow, item)
    own = {"organization_id": uow.organization_id, "item_id": item.id}
    facts = {"item": str(item.id), "name": draft.name, "type": draft.type.key}
    place = (uow.organization_id, TABLE, draft.id)
    row = {
        "id": draft.id,
        "facts": uow.keys.encrypt(*place, FACTS, 1, json.dumps(facts).encode()),
        "key": uow.keys.encrypt(*place, KEY, 1, draft.key),
        "size": draft.size,
        "created_at": uow.now,
        "created_by": uow.actor.id,
    }
    run(uow.connection, queries.INSERT, own | row)
    run(uow.connection, queries.HOLD, own | {"number": number, "attachment_id": draft.id})
    record(uow, Action.FILE_ADDED, item, {"version": number, "file": str(draft.id), "size": draft.size})
    return number


def remove(uow: UnitOfWork, file: StoredFile) -> int:
    """Take a file off the newest version of its item; return the number of the new one.

    Earlier versions keep it, for as long as they are kept.

    Raises:
        Conflict: it is off already, or the item is in the trash.
        Undecryptable: what cannot be opened cannot be changed.
    """
    item = file.item
    if file.id not in attachment_rows.ids_of(uow, item.id, item.version):
        raise Conflict("This file was removed already; only earlier versions have it.")
    number = _new_version(uow, item)
    own = {"organization_id": uow.organization_id, "item_id": item.id}
    run(uow.connection, queries.LET_GO, own | {"number": number, "file_id": file.id})
    # Where the vault keeps no earlier version, nothing has it any more.
    attachment_rows.drop_unheld(uow, item.id)
    record(uow, Action.FILE_REMOVED, item, {"version": number, "file": str(file.id)})
    return number


def _refuse_more(uow: UnitOfWork, item: StoredItem, name: str) -> None:
    refuse_trashed(item)
    if item.version == 0:
        raise Conflict(
            "A program has described this credential and written nothing into it yet. Edit it first."
        )
    rules = uow.rules.attachments
    if not rules.max_bytes:
        raise Conflict("Files cannot be added here: the operator of this installation does not want any.")
    here = attachments.of(uow, item)
    if len(here) >= rules.per_item:
        raise Conflict(f"A credential has at most {rules.per_item} files. Remove one first.")
    if any(one.known_file == name for one in here):
        raise Invalid(f"This credential already has a file called {name}. Remove that one first.", "file")
    asked = {"item_id": item.id, "organization_id": item.organization_id}
    if fetch_one(uow.connection, queries.COUNT, asked).count >= rules.per_item * EVER:
        raise Conflict(
            "Earlier versions of this credential keep too many files that were removed. Let its vault keep "
            "fewer versions, or make a new credential."
        )


def _new_version(uow: UnitOfWork, item: StoredItem) -> int:
    overview, fields = items.values(uow, item, item.version)
    same, place = contents_of(overview, fields), place_of(uow, item.vault_id)
    return advance(uow, item, same, place, strength=overview.strength, changed=(FILES,), reason="edited")
