"""Files on credentials: added, downloaded, removed; they are listed on the credential's page."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, flash, redirect, url_for
from flask.typing import ResponseReturnValue

from blueprints import file_answers
from blueprints import item_pages as pages
from blueprints.declared import FILE_BODY
from blueprints.guard import requires
from blueprints.items import REVEALS
from blueprints.requests import current_place, current_uow
from blueprints.writing import writing
from errors import Conflict, Invalid
from forms.attachments import FileForm
from policy import Permission
from services import attachment_changes, attachments, items
from services.access import demand
from services.attachments import StoredFile
from services.items import StoredItem

bp = Blueprint("attachments", __name__, url_prefix="/o/<slug>")

UPLOADS = "RATE_UPLOAD"


@bp.post("/items/<uuid:item_id>/files")
@requires(Permission.ITEM_EDIT, StoredItem, writes=False, limit=UPLOADS, max_body=FILE_BODY)
def add(item: StoredItem) -> ResponseReturnValue:
    """Store the content with nothing held that others wait for, and then its row."""
    form = FileForm()
    if not form.validate():
        return pages.show_item(item, upload=form), HTTPStatus.UNPROCESSABLE_ENTITY
    try:
        name = _add(item, form)
    except Invalid as refusal:
        form.blame(refusal)
        return pages.show_item(item, upload=form), HTTPStatus.UNPROCESSABLE_ENTITY
    except Conflict as refusal:
        form.blame(Invalid(str(refusal), "file"))
        return pages.show_item(item, upload=form), HTTPStatus.CONFLICT
    flash(f"{name} is added.", "success")
    return redirect(_address(item))


@bp.post("/files/<uuid:file_id>/download")
@requires(Permission.ITEM_REVEAL, StoredFile, writes=False, limit=REVEALS, counted_as="items.reveal")
def download(file: StoredFile) -> ResponseReturnValue:
    return file_answers.send(file, attachments.download(current_uow(), file))


@bp.post("/files/<uuid:file_id>/remove")
@requires(Permission.ITEM_EDIT, StoredFile)
def remove(file: StoredFile) -> ResponseReturnValue:
    attachment_changes.remove(current_uow(), file)
    flash(f"{file.file_name} is removed. Earlier versions still have it.", "success")
    return redirect(_address(file.item))


def _add(item: StoredItem, form: FileForm) -> str:
    upload = form.file.data
    if not upload:
        raise Invalid("Choose a file.", "file")
    uow = current_uow()
    with (
        attachment_changes.prepared(uow, item, upload.filename or "", upload.stream) as draft,
        writing() as writer,
    ):
        found = items.find(writer, item.id)
        demand(writer, Permission.ITEM_EDIT, found.vault_id, found.id, found.known_name)
        attachment_changes.add(writer, found, draft)
    return draft.name


def _address(item: StoredItem) -> str:
    return url_for("items.show", slug=current_place().slug, item_id=item.id)
