"""Importing a small table without any page."""

from __future__ import annotations

from uuid import UUID

from importers import formats
from importers.source import Source
from policy import Actor
from services import import_plans, import_runs, imports, vaults
from services.imports import Draft
from services.runtime import Runtime


def keep_preview(
    runtime: Runtime, actor: Actor, vault_id: UUID, data: bytes, name: str = "a.csv", passphrase: str = ""
) -> UUID:
    """Read a file and keep its preview."""
    source = Source(data, name, passphrase)
    format_ = formats.recognise(data)
    reading = formats.read(source, format_)
    with runtime.work(writing=True, actor=actor) as uow:
        planned = import_plans.plan(uow, vault_id, reading.entries)
        draft = Draft(format_.key, source.file_name, reading, planned)
        return imports.keep(uow, vaults.find(uow, vault_id), draft).id


def import_all(
    runtime: Runtime, actor: Actor, vault_id: UUID, data: bytes, name: str = "a.csv", passphrase: str = ""
) -> UUID:
    """Store everything of a file in a vault; return the import's id."""
    run_id = keep_preview(runtime, actor, vault_id, data, name, passphrase)
    while True:
        with runtime.work(writing=True, actor=actor) as uow:
            run = imports.find(uow, run_id)
            batch = import_runs.next_batch(uow, run)
            if batch is None:
                return run_id
            import_runs.store(uow, run, vaults.find(uow, vault_id), batch)
