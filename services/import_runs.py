"""Storing what an import has read, some at a time, and taking a whole import back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import delete, select, update

from errors import Conflict
from models import Action, ImportedItem, ImportPart, ImportRun, Vault
from services import audit, imports, item_trash, items
from services.events import Extra, Target
from services.import_contents import numbered
from services.import_plans import Verdict
from services.imports import State
from services.item_versions import Place, insert_item, is_taken, record
from services.strength import rate
from services.unit_of_work import UnitOfWork

if TYPE_CHECKING:
    from services.contents import Contents

UNDONE_AT_ONCE = 200
"""Items that one transaction takes back."""


@dataclass(frozen=True, slots=True, repr=False)
class Batch:
    """The next part of an import, opened and rated, for the transaction that stores it.

    Args:
        strengths: of each new entry's main secret, in their order.
    """

    number: int
    new: tuple[Contents, ...]
    strengths: tuple[int | None, ...]


def next_batch(uow: UnitOfWork, run: ImportRun) -> Batch | None:
    """Open the next part and rate its passwords, which takes long and is not for a write transaction.

    Returns:
        None: everything is stored.
    """
    for number in imports.part_numbers(uow, run):
        planned = imports.part(uow, run, number)
        new = tuple(one.contents for one in planned if one.verdict is Verdict.NEW and one.contents)
        return Batch(number, new, tuple(rate(contents) for contents in new))
    return None


def store(uow: UnitOfWork, run: ImportRun, vault: Vault, batch: Batch) -> None:
    """Make items of one part; the part goes in the same transaction, so that none is stored twice.

    Raises:
        Conflict: the part is stored already, or the organization is full. Nothing of the part is stored.
    """
    imports.demand_state(run, State.PREVIEW, State.RUNNING)
    if run.state == State.PREVIEW:
        _start(uow, run, vault)
    gone = delete(ImportPart).where(
        ImportPart.run_id == run.id, ImportPart.number.in_((batch.number, imports.FILE))
    )
    if uow.connection.execute(gone).rowcount == 0:
        raise Conflict("This part of the import is stored already. Look at the import again.")
    place = Place(vault.id, vault.name, vault.max_versions)
    for contents, strength in zip(batch.new, batch.strengths, strict=True):
        _make(uow, run, place, contents, strength)
    run.made += len(batch.new)
    run.ends_at = uow.now + imports.PREVIEW_LASTS
    if not imports.part_numbers(uow, run):
        _finish(uow, run)


def _start(uow: UnitOfWork, run: ImportRun, vault: Vault) -> None:
    summary = imports.summary_of(uow, run)
    extra: Extra = {
        "import": str(run.id),
        "format": run.format,
        "file": summary.file_name,
        "new": summary.new,
        "duplicate": summary.duplicate,
        "refused": summary.refused,
    }
    audit.record(uow, Action.IMPORT_STARTED, Target("vault", vault.id, vault.name), extra=extra)
    run.state = State.RUNNING


def _make(uow: UnitOfWork, run: ImportRun, place: Place, contents: Contents, strength: int | None) -> None:
    contents = _with_free_name(uow, place, contents)
    item_id = insert_item(uow, place, contents, strength, "imported")
    own = {"item_id": item_id, "run_id": run.id, "organization_id": uow.organization_id}
    uow.session.add(ImportedItem(**own))
    extra: Extra = {"version": 1, "vault": str(place.id), "import": str(run.id)}
    record(uow, Action.ITEM_CREATED, item_id, contents.name, extra)


def _with_free_name(uow: UnitOfWork, place: Place, contents: Contents) -> Contents:
    """Give way to what was put there since the preview."""
    name, number = contents.name, 1
    while is_taken(uow, place, name):
        number += 1
        name = numbered(contents.name, number)
    return contents if number == 1 else replace(contents, name=name)


def stop(uow: UnitOfWork, run: ImportRun) -> None:
    """Leave an import as far as it is; what is not stored yet is let go.

    Raises:
        Conflict: it is not under way.
    """
    imports.demand_state(run, State.RUNNING)
    _finish(uow, run)


def undo_some(uow: UnitOfWork, run: ImportRun, vault: Vault) -> None:
    """Put some of what an import has made into the trash, and leave what somebody has changed since.

    To be called until the import is undone: the rows go with the transaction.

    Raises:
        Conflict: it is not stored, or undone already.
    """
    imports.demand_state(run, State.RUNNING, State.DONE, State.UNDOING)
    if run.state != State.UNDOING:
        _start_undoing(uow, run, vault)
    own = select(ImportedItem.item_id).where(ImportedItem.run_id == run.id).limit(UNDONE_AT_ONCE)
    item_ids = list(uow.session.scalars(own))
    for item_id in item_ids:
        _take_back(uow, run, item_id)
    uow.session.execute(delete(ImportedItem).where(ImportedItem.item_id.in_(item_ids)))
    if len(item_ids) < UNDONE_AT_ONCE:
        run.state = State.UNDONE


def _start_undoing(uow: UnitOfWork, run: ImportRun, vault: Vault) -> None:
    if run.state == State.RUNNING:
        _finish(uow, run)
    extra: Extra = {"import": str(run.id), "made": run.made}
    audit.record(uow, Action.IMPORT_UNDONE, Target("vault", vault.id, vault.name), extra=extra)
    run.state = State.UNDOING


def _take_back(uow: UnitOfWork, run: ImportRun, item_id: UUID) -> None:
    item = items.find(uow, item_id)
    if item.version > 1 or item.vault_id != run.vault_id:
        run.kept += 1
    elif item.trashed_at is None:
        item_trash.trash(uow, item)
        run.trashed += 1


def _finish(uow: UnitOfWork, run: ImportRun) -> None:
    uow.session.execute(delete(ImportPart).where(ImportPart.run_id == run.id))
    run.state = State.DONE
    run.ends_at = uow.now + imports.UNDO_LASTS


def remove_ended(uow: UnitOfWork) -> int:
    """Remove what time has ended: previews, what was not stored of an import left halfway, the way to undo.

    Works on all organizations.

    Returns:
        How many imports it was about.
    """
    late = ImportRun.ends_at <= uow.now
    halfway = select(ImportRun.id).where(late, ImportRun.state == State.RUNNING)
    uow.connection.execute(delete(ImportPart).where(ImportPart.run_id.in_(halfway)))
    left = uow.connection.execute(
        update(ImportRun)
        .where(late, ImportRun.state == State.RUNNING)
        .values(state=State.DONE, ends_at=uow.now + imports.UNDO_LASTS)
    )
    ended = uow.connection.execute(delete(ImportRun).where(late))
    return left.rowcount + ended.rowcount
