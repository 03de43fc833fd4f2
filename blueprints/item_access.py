"""Who may use a single credential besides those who may use its vault, and what a reveal of it asks for."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, flash, redirect
from flask.typing import ResponseReturnValue

from blueprints import access_pages as pages
from blueprints.guard import requires
from blueprints.requests import current_uow
from forms.vaults import GrantForm, ProtectionForm
from policy import Permission
from services import item_changes
from services.items import StoredItem

bp = Blueprint("item_access", __name__, url_prefix="/o/<slug>/items/<uuid:item_id>/access")


@bp.get("")
@requires(Permission.VAULT_ACCESS, StoredItem)
def show(item: StoredItem) -> ResponseReturnValue:
    return pages.show(item)


@bp.post("")
@requires(Permission.VAULT_ACCESS, StoredItem)
def give(item: StoredItem) -> ResponseReturnValue:
    return pages.give(item)


@bp.post("/take")
@requires(Permission.VAULT_ACCESS, StoredItem)
def take(item: StoredItem) -> ResponseReturnValue:
    return pages.take(item)


@bp.post("/protection")
@requires(Permission.PROTECTION_CHANGE, StoredItem)
def protect(item: StoredItem) -> ResponseReturnValue:
    form = ProtectionForm()
    if not form.validate():
        return pages.page(item, GrantForm(formdata=None), form), HTTPStatus.UNPROCESSABLE_ENTITY
    item_changes.protect(current_uow(), item, form.wanted)
    flash("Saved. It counts from the next reveal on.", "success")
    return redirect(pages.address(item))
