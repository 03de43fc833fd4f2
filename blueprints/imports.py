"""Importing a file: chosen, looked at as a preview, stored some at a time, and taken back if need be."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from time import monotonic
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import FileStorage

from blueprints.declared import FILE_BODY
from blueprints.guard import requires
from blueprints.requests import current_place, current_uow, runtime
from blueprints.writing import writing
from errors import Conflict, Invalid
from forms.fields import choices
from forms.imports import ColumnsForm, ImportForm
from importers import formats
from importers.entry import Reading
from importers.limits import check_file
from importers.source import Format, Source
from models import ImportRun, Vault
from policy import Permission
from services import import_plans, import_runs, imports, vaults
from services.access import demand
from services.import_plans import Verdict
from services.import_runs import Batch
from services.imports import Draft, State, Summary
from services.unit_of_work import UnitOfWork

bp = Blueprint("imports", __name__, url_prefix="/o/<slug>")

READS = "RATE_IMPORT"
SHOWN = 100
"""Rows of a preview on one page."""
SECONDS = 2.0
"""How long one request goes on storing; then the page says how far it is."""
BY_ITSELF = ("", "Find out by itself")


@bp.get("/vaults/<uuid:vault_id>/import")
@requires(Permission.VAULT_IMPORT, Vault)
def new(vault: Vault) -> ResponseReturnValue:
    return _choose_page(vault, _import_form())


@bp.post("/vaults/<uuid:vault_id>/import")
@requires(Permission.VAULT_IMPORT, Vault, writes=False, limit=READS, max_body=FILE_BODY)
def read(vault: Vault) -> ResponseReturnValue:
    """Read the file with nothing held that others wait for, and keep what it holds as a preview."""
    form = _import_form()
    if not form.validate():
        return _choose_page(vault, form), HTTPStatus.UNPROCESSABLE_ENTITY
    try:
        draft = _draft(vault, form)
    except Invalid as refusal:
        form.blame(refusal)
        return _choose_page(vault, form), HTTPStatus.UNPROCESSABLE_ENTITY
    with writing() as uow:
        demand(uow, Permission.VAULT_IMPORT, vault.id)
        run = imports.keep(uow, vault, draft)
    return redirect(_address(run))


@bp.get("/imports/<uuid:run_id>")
@requires(Permission.VAULT_IMPORT, ImportRun)
def show(run: ImportRun) -> ResponseReturnValue:
    return _run_page(run)


@bp.post("/imports/<uuid:run_id>/columns")
@requires(Permission.VAULT_IMPORT, ImportRun, writes=False, limit=READS)
def columns(run: ImportRun) -> ResponseReturnValue:
    """Read the file once more, its columns as they were chosen."""
    imports.demand_state(run, State.PREVIEW)
    form = ColumnsForm()
    headings = [column.heading for column in imports.summary_of(current_uow(), run).mapping]
    if not form.validate() or len(form.columns) != len(headings):
        return _run_page(run, form), HTTPStatus.UNPROCESSABLE_ENTITY
    draft = _draft_again(run, dict(zip(headings, form.columns.data, strict=True)))
    with writing() as uow:
        imports.replan(uow, _found(uow, run), draft)
    flash("The preview shows the columns as you chose them.", "success")
    return redirect(_address(run))


@bp.post("/imports/<uuid:run_id>/apply")
@requires(Permission.VAULT_IMPORT, ImportRun, writes=False)
def apply(run: ImportRun) -> ResponseReturnValue:
    """Store for a moment, a part in each transaction. Rating passwords takes longest and holds nothing."""
    until = monotonic() + SECONDS
    try:
        while (batch := _next_batch(run)) is not None:
            with writing() as uow:
                mine = _found(uow, run)
                import_runs.store(uow, mine, vaults.find(uow, mine.vault_id), batch)
            if monotonic() > until:
                break
    except Conflict as conflict:
        flash(str(conflict), "bad")
    return redirect(_address(run))


@bp.post("/imports/<uuid:run_id>/stop")
@requires(Permission.VAULT_IMPORT, ImportRun)
def stop(run: ImportRun) -> ResponseReturnValue:
    import_runs.stop(current_uow(), run)
    flash("Stopped. What was stored until now stays; you can undo it.", "success")
    return redirect(_address(run))


@bp.post("/imports/<uuid:run_id>/undo")
@requires(Permission.VAULT_IMPORT, ImportRun)
def undo(run: ImportRun) -> ResponseReturnValue:
    import_runs.undo_some(current_uow(), run, vaults.find(current_uow(), run.vault_id))
    return redirect(_address(run))


@bp.post("/imports/<uuid:run_id>/discard")
@requires(Permission.VAULT_IMPORT, ImportRun)
def discard(run: ImportRun) -> ResponseReturnValue:
    imports.discard(current_uow(), run)
    flash("Discarded. Nothing of the file is kept.", "success")
    return redirect(url_for("imports.new", slug=current_place().slug, vault_id=run.vault_id))


def _import_form() -> ImportForm:
    form = ImportForm()
    form.format.choices = choices([BY_ITSELF, *((one.key, one.label) for one in formats.FORMATS)])
    return form


def _draft(vault: Vault, form: ImportForm) -> Draft:
    folder = imports.check_folder(form.folder.data or "")
    data = _bytes_of(form.file.data)
    source = Source(
        data,
        file_name=form.file.data.filename or "" if data else "",
        passphrase=form.passphrase.data or "",
        key_file=_bytes_of(form.key_file.data),
    )
    current_uow().release()
    with runtime().turns.aside():
        check_file(data)
        format_ = formats.find(form.format.data) if form.format.data else formats.recognise(data)
        reading = formats.read(source, format_)
    return _planned(vault.id, format_, source, reading, folder)


def _draft_again(run: ImportRun, mapping: Mapping[str, str]) -> Draft:
    summary = imports.summary_of(current_uow(), run)
    source = Source(imports.file_of(current_uow(), run), summary.file_name, mapping=mapping)
    format_ = formats.find(run.format)
    current_uow().release()
    with runtime().turns.aside():
        reading = formats.read(source, format_)
    return _planned(run.vault_id, format_, source, reading, summary.folder)


def _planned(vault_id: UUID, format_: Format, source: Source, reading: Reading, folder: str) -> Draft:
    with runtime().turns.aside():
        planned = import_plans.plan(current_uow(), vault_id, reading.entries, folder)
    can_choose = any(column.choice for column in reading.mapping)
    kept = source.data if can_choose else b""
    return Draft(format_.key, source.file_name, reading, planned, folder, kept)


def _bytes_of(upload: FileStorage | None) -> bytes:
    return upload.read() if upload else b""


def _next_batch(run: ImportRun) -> Batch | None:
    with runtime().turns.aside():
        return import_runs.next_batch(current_uow(), run)


def _found(uow: UnitOfWork, run: ImportRun) -> ImportRun:
    """Find the import again in another transaction, and ask again whether the person may."""
    demand(uow, Permission.VAULT_IMPORT, run.vault_id)
    return imports.find(uow, run.id)


def _choose_page(vault: Vault, form: ImportForm) -> str:
    return render_template(
        "imports/new.html",
        vault=vault,
        form=form,
        endings=",".join(sorted({ending for one in formats.FORMATS for ending in one.endings})),
        formats=formats.FORMATS,
        finished=imports.finished(current_uow(), vault),
    )


def _run_page(run: ImportRun, form: ColumnsForm | None = None) -> str:
    uow = current_uow()
    summary = imports.summary_of(uow, run)
    wanted = next((one for one in Verdict if one.value == request.args.get("only")), None)
    number = max(1, request.args.get("page", 1, type=int) or 1)
    is_preview = run.state == State.PREVIEW
    found = imports.rows(uow, run, wanted, skip=(number - 1) * SHOWN, most=SHOWN + 1) if is_preview else []
    return render_template(
        "imports/show.html",
        run=run,
        summary=summary,
        format=formats.find(run.format),
        vault=vaults.find(uow, run.vault_id),
        here=_address(run),
        rows=found[:SHOWN],
        wanted=wanted,
        page=number,
        more=len(found) > SHOWN,
        form=form or _columns_form(summary),
    )


def _columns_form(summary: Summary) -> ColumnsForm | None:
    if not any(column.choice for column in summary.mapping):
        return None
    return ColumnsForm(formdata=None, columns=[column.choice for column in summary.mapping])


def _address(run: ImportRun) -> str:
    return url_for("imports.show", slug=current_place().slug, run_id=run.id)
