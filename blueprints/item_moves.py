"""Moving credentials to another vault, and copying them."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, flash, redirect, render_template
from flask.typing import ResponseReturnValue

from blueprints import item_pages as pages
from blueprints.guard import requires
from blueprints.requests import current_uow
from errors import Conflict, Invalid
from forms.fields import choices
from forms.items import DuplicateForm, MoveForm
from models import Vault
from policy import Permission
from services import attachments, item_changes, items, vaults
from services.content_rules import NAME_MAX
from services.items import StoredItem

bp = Blueprint("moves", __name__, url_prefix="/o/<slug>/items/<uuid:item_id>")

COPY = " (copy)"


@bp.route("/move", methods=("GET", "POST"))
@requires(Permission.ITEM_PLACE, StoredItem)
def move(item: StoredItem) -> ResponseReturnValue:
    uow = current_uow()
    form = MoveForm()
    targets = _targets(item)
    form.vault_id.choices = choices((str(vault.id), vault.name) for vault in targets)
    status = HTTPStatus.OK
    if form.validate_on_submit():
        try:
            item_changes.move(uow, item, next(vault for vault in targets if vault.id == form.vault_id.data))
        except Conflict as error:
            form.blame(Invalid(str(error), "vault_id"))
            status = HTTPStatus.CONFLICT
        else:
            flash("Moved. Its address stays the same.", "success")
            return redirect(pages.address(item))
    elif form.is_submitted():
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    vault = vaults.find(uow, item.vault_id)
    return render_template("items/move.html", item=item, vault=vault, form=form, targets=targets), status


def _targets(item: StoredItem) -> list[Vault]:
    """Return the other vaults that the actor may add to."""
    return [
        line.vault
        for line in vaults.visible(current_uow())
        if line.vault.id != item.vault_id and pages.allowed(Permission.ITEM_EDIT, line.vault)
    ]


@bp.route("/duplicate", methods=("GET", "POST"))
@requires(Permission.ITEM_PLACE, StoredItem)
def duplicate(item: StoredItem) -> ResponseReturnValue:
    uow = current_uow()
    form = DuplicateForm(name=item.name[: NAME_MAX - len(COPY)] + COPY)
    status = HTTPStatus.OK
    if form.is_submitted():
        try:
            copy_id = item_changes.duplicate(uow, item, (form.name.data or "").strip())
        except (Invalid, Conflict) as error:
            form.blame(Invalid(str(error), "name"))
            status = HTTPStatus.UNPROCESSABLE_ENTITY if isinstance(error, Invalid) else HTTPStatus.CONFLICT
        else:
            flash("This is the copy.", "success")
            return redirect(pages.address(items.find(uow, copy_id)))
    vault = vaults.find(uow, item.vault_id)
    return render_template(
        "items/duplicate.html", item=item, vault=vault, form=form, files=attachments.of(uow, item)
    ), status
