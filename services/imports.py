"""Imports: a file's preview is kept encrypted until somebody stores it, lets it go, or its time ends."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from enum import StrEnum
from itertools import islice
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import delete, select

from crypto.envelope import DecryptionError
from errors import Conflict, Invalid, NotFound, Undecryptable
from importers.entry import Mapped, Reading
from models import Action, ImportPart, ImportRun, User, Vault
from policy import ActorKind
from services import audit
from services.content_rules import check_name
from services.events import Extra, Target
from services.import_contents import FOLDER_MAX, one_line
from services.import_plans import Planned, Verdict, count, dump, load
from services.item_blobs import key_of
from services.unit_of_work import UnitOfWork

PREVIEW_LASTS = timedelta(hours=1)
UNDO_LASTS = timedelta(days=30)
PART = 100
"""Entries that are stored in one transaction; rating their passwords takes about a second."""
FILE = 0
"""The number of the part that is the file itself."""

_RUN, _PART = ImportRun.__tablename__, ImportPart.__tablename__


class State(StrEnum):
    """How far an import is."""

    PREVIEW = "preview"
    RUNNING = "running"
    DONE = "done"
    UNDOING = "undoing"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True, repr=False)
class Draft:
    """A file that was read, before its preview is kept.

    Args:
        source: the file itself, where its columns can still be chosen; empty: it is let go.
        folder: where everything of it goes; empty: beside all else.
    """

    format: str
    file_name: str
    reading: Reading
    planned: Sequence[Planned]
    folder: str = ""
    source: bytes = b""


@dataclass(frozen=True, slots=True)
class Summary:
    """What is shown of a run besides its entries; kept encrypted."""

    file_name: str
    folder: str
    new: int
    duplicate: int
    refused: int
    mapping: tuple[Mapped, ...]
    unread: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A finished import in the list of a vault."""

    run: ImportRun
    by_name: str
    file_name: str


def check_folder(folder: str) -> str:
    """Return the folder of an import in NFC.

    Raises:
        Invalid: it cannot be a folder's name; names the form field ``folder``.
    """
    folder = folder.strip(" /")
    if not folder:
        return ""
    try:
        checked = check_name(folder)
    except Invalid as refusal:
        raise Invalid(str(refusal), "folder") from None
    if len(checked) > FOLDER_MAX:
        raise Invalid(f"Use at most {FOLDER_MAX} characters for the folder.", "folder")
    return checked


def keep(uow: UnitOfWork, vault: Vault, draft: Draft) -> ImportRun:
    """Store the preview of a file, encrypted, for an hour; nothing of it becomes an item yet."""
    found = count(draft.planned)
    run = ImportRun(
        id=uuid4(),
        organization_id=uow.organization_id,
        vault_id=vault.id,
        format=draft.format,
        state=State.PREVIEW,
        planned=found[Verdict.NEW],
        made=0,
        trashed=0,
        kept=0,
        summary=b"",
        made_by=uow.actor.id,
        made_at=uow.now,
        ends_at=uow.now + PREVIEW_LASTS,
    )
    _fill(uow, run, draft)
    uow.session.add(run)
    uow.session.flush()
    _keep_parts(uow, run, draft)
    extra: Extra = {"format": draft.format, **{verdict.value: number for verdict, number in found.items()}}
    audit.record(uow, Action.IMPORT_PREVIEWED, Target("vault", vault.id, vault.name), extra=extra)
    return run


def replan(uow: UnitOfWork, run: ImportRun, draft: Draft) -> None:
    """Put another reading of the same file in the place of a preview, its columns chosen anew."""
    demand_state(run, State.PREVIEW)
    run.planned = count(draft.planned)[Verdict.NEW]
    run.ends_at = uow.now + PREVIEW_LASTS
    _fill(uow, run, draft)
    uow.session.execute(delete(ImportPart).where(ImportPart.run_id == run.id))
    _keep_parts(uow, run, draft)


def find(uow: UnitOfWork, run_id: UUID) -> ImportRun:
    """Return an import of the actor's organization; what is not stored yet only to whoever began it.

    Raises:
        NotFound: there is none, or its time has ended.
    """
    run = uow.session.get(ImportRun, run_id)
    if run is None or run.organization_id != uow.organization_id:
        raise NotFound
    if run.ends_at <= uow.now and run.state != State.RUNNING:
        raise NotFound
    unfinished = run.state in {State.PREVIEW, State.RUNNING}
    if unfinished and uow.actor.kind is ActorKind.PERSON and run.made_by != uow.actor.id:
        raise NotFound
    return run


def finished(uow: UnitOfWork, vault: Vault) -> list[Line]:
    """Return the imports into a vault that can be undone or were, newest first."""
    rows = uow.session.execute(
        select(ImportRun, User.name)
        .outerjoin(User, User.id == ImportRun.made_by)
        .where(
            ImportRun.vault_id == vault.id,
            ImportRun.ends_at > uow.now,
            ImportRun.state.not_in([State.PREVIEW, State.RUNNING]),
        )
        .order_by(ImportRun.made_at.desc())
    )
    return [Line(run, name or "", summary_of(uow, run).file_name) for run, name in rows]


def summary_of(uow: UnitOfWork, run: ImportRun) -> Summary:
    """Open what is shown of a run."""
    held: dict[str, Any] = json.loads(_open(uow, run.id, _RUN, "summary", 1, run.summary))
    held["mapping"] = tuple(Mapped(*row) for row in held["mapping"])
    return Summary(**{**held, "unread": tuple(held["unread"])})


def part_numbers(uow: UnitOfWork, run: ImportRun) -> list[int]:
    """Return the numbers of the parts that are not stored yet."""
    return list(
        uow.session.scalars(
            select(ImportPart.number)
            .where(ImportPart.run_id == run.id, ImportPart.number != FILE)
            .order_by(ImportPart.number)
        )
    )


def part(uow: UnitOfWork, run: ImportRun, number: int) -> list[Planned]:
    """Open one part of a preview.

    Raises:
        NotFound: it is stored already.
    """
    return list(load(_contents_of(uow, run, number)))


def rows(
    uow: UnitOfWork, run: ImportRun, only: Verdict | None = None, *, skip: int = 0, most: int = PART
) -> list[Planned]:
    """Return what is not stored yet, or those of one sort; parts are opened only as far as they are shown."""
    everything = (one for number in part_numbers(uow, run) for one in part(uow, run, number))
    wanted = (one for one in everything if only in {None, one.verdict})
    return list(islice(wanted, skip, skip + most))


def file_of(uow: UnitOfWork, run: ImportRun) -> bytes:
    """Return the file of a preview whose columns can be chosen.

    Raises:
        NotFound: it was not kept.
    """
    return _contents_of(uow, run, FILE)


def discard(uow: UnitOfWork, run: ImportRun) -> None:
    """Let a preview go, with everything that was read.

    Raises:
        Conflict: some of it is stored already.
    """
    demand_state(run, State.PREVIEW)
    uow.session.delete(run)


def demand_state(run: ImportRun, *allowed: State) -> None:
    """Refuse what an import is too far for.

    Raises:
        Conflict: it is in another state by now.
    """
    if run.state not in allowed:
        raise Conflict("This import has gone on since you opened the page. Look at it again.")


def _fill(uow: UnitOfWork, run: ImportRun, draft: Draft) -> None:
    found = count(draft.planned)
    summary = Summary(
        file_name=one_line(draft.file_name)[:200],
        folder=draft.folder,
        new=found[Verdict.NEW],
        duplicate=found[Verdict.DUPLICATE],
        refused=found[Verdict.REFUSED],
        mapping=draft.reading.mapping,
        unread=draft.reading.unread,
    )
    text = json.dumps(asdict(summary)).encode()
    run.summary = uow.keys.encrypt(uow.organization_id, _RUN, run.id, "summary", 1, text)


def _keep_parts(uow: UnitOfWork, run: ImportRun, draft: Draft) -> None:
    rows = [(number, dump(some)) for number, some in enumerate(_pieces(draft.planned), start=1)]
    if draft.source:
        rows.append((FILE, draft.source))
    for number, data in rows:
        sealed = uow.keys.encrypt(uow.organization_id, _PART, run.id, "contents", number, data)
        own = {"run_id": run.id, "number": number, "organization_id": uow.organization_id}
        uow.session.add(ImportPart(**own, contents=sealed))


def _pieces(planned: Sequence[Planned]) -> Iterator[list[Planned]]:
    rest = iter(planned)
    while some := list(islice(rest, PART)):
        yield some


def _contents_of(uow: UnitOfWork, run: ImportRun, number: int) -> bytes:
    held = uow.session.get(ImportPart, (run.id, number))
    if held is None:
        raise NotFound
    return _open(uow, run.id, _PART, "contents", number, held.contents)


def _open(uow: UnitOfWork, run_id: UUID, table: str, column: str, revision: int, sealed: bytes) -> bytes:
    try:
        return uow.keys.decrypt(uow.organization_id, table, run_id, column, revision, sealed)
    except DecryptionError:
        key = key_of(uow.keys, sealed)
        extra: Extra = {"part": column, "key": key}
        target = Target("import", run_id)
        audit.record(uow, Action.DECRYPTION_FAILED, target, success=False, extra=extra)
        raise Undecryptable(key) from None
