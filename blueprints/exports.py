"""Exporting: what somebody may reveal, in one file, made in memory and sent once its events are durable."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from uuid import UUID

from flask import Blueprint, Response, flash, render_template, request
from flask.typing import ResponseReturnValue

from blueprints.guard import requires, throttle
from blueprints.requests import current_place, current_uow, runtime
from errors import Invalid
from forms.exports import EVERYTHING, ExportForm
from forms.fields import choices
from policy import Permission
from services import export_files, export_rules, export_versions, exports
from services.exports import Line

bp = Blueprint("exports", __name__, url_prefix="/o/<slug>/export")

EXPORTS = "RATE_EXPORT"
"""Files that are made; a form that has to be corrected does not count."""


@bp.get("")
@requires(Permission.ITEMS_EXPORT)
def new() -> ResponseReturnValue:
    lines = exports.survey(current_uow())
    return _page(_form(lines, chosen=request.args.get("vault", "")), lines)


@bp.post("")
@requires(Permission.ITEMS_EXPORT, writes=False)
def make() -> ResponseReturnValue:
    lines = exports.survey(current_uow())
    form = _form(lines)
    if not form.validate():
        return _page(form, lines), HTTPStatus.UNPROCESSABLE_ENTITY
    try:
        return _file(form)
    except Invalid as refusal:
        form.blame(refusal)
        return _page(form, lines), HTTPStatus.UNPROCESSABLE_ENTITY


def _file(form: ExportForm) -> Response:
    """Return the file; the guard stores its events before it leaves."""
    uow = current_uow()
    format_ = export_rules.find_format(uow, form.format.data)
    passphrase = export_rules.check_passphrase(format_, form.passphrase.data or "", form.again.data or "")
    export_rules.check_more(format_, files=form.files.data, versions=form.versions.data)
    reason = export_rules.check_reason(form.reason.data or "")
    throttle(uow, EXPORTS, "exports.make")
    with runtime().turns.aside():
        gathered = exports.gather(uow, UUID(form.vault.data) if form.vault.data else None)
        if form.versions.data:
            export_versions.add(uow, gathered)
        if form.files.data:
            export_files.add(uow, gathered)
        content = format_.write(exports.bundle(uow, gathered), passphrase, runtime().hasher)
    export_id = exports.record(uow, gathered, format_, reason)
    export_versions.record(uow, gathered, export_id)
    export_files.record(uow, gathered, export_id)
    flash(exports.told(gathered), "success")
    response = Response(content, content_type=format_.media_type)
    name = f"{current_place().slug}-{uow.now:%Y-%m-%d}{format_.ending}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _form(lines: Sequence[Line], chosen: str = "") -> ExportForm:
    form = ExportForm(data={"vault": chosen})
    form.vault.choices = choices(
        [EVERYTHING, *((str(line.vault_id), line.name) for line in lines if line.vault_id)]
    )
    form.format.choices = choices((one.key, one.label) for one in export_rules.formats(current_uow()))
    return form


def _page(form: ExportForm, lines: Sequence[Line]) -> str:
    uow = current_uow()
    return render_template(
        "exports/new.html",
        form=form,
        lines=lines,
        formats=export_rules.formats(uow),
        clear=export_rules.allows_clear(uow),
    )
