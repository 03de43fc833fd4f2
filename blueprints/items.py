"""Credentials: shown, revealed, made, changed."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, flash, jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue

from blueprints import item_drafts as drafts
from blueprints import item_pages as pages
from blueprints.guard import requires
from blueprints.requests import current_uow, wants_json
from errors import Conflict, Invalid, NotFound, VersionConflict
from forms.generator import GeneratorForm
from forms.items import ItemForm
from models import Vault
from policy import Permission
from services import item_changes, items
from services.contents import Overview
from services.items import Revealed, StoredItem

bp = Blueprint("items", __name__, url_prefix="/o/<slug>")

REVEALS = "RATE_REVEAL"
"""How often one person may open values; as often again they may copy."""


@bp.get("/items/<uuid:item_id>")
@requires(Permission.ITEM_READ, StoredItem)
def show(item: StoredItem) -> ResponseReturnValue:
    return pages.show_item(item)


@bp.post("/items/<uuid:item_id>/reveal")
@requires(Permission.ITEM_REVEAL, StoredItem, writes=False, limit=REVEALS)
def reveal(item: StoredItem) -> ResponseReturnValue:
    return _answer(item, copied=False)


@bp.post("/items/<uuid:item_id>/copy")
@requires(Permission.ITEM_REVEAL, StoredItem, writes=False, limit=REVEALS)
def copy(item: StoredItem) -> ResponseReturnValue:
    return _answer(item, copied=True)


@bp.post("/items/<uuid:item_id>/favorite")
@requires(Permission.ITEM_READ, StoredItem)
def favorite(item: StoredItem) -> ResponseReturnValue:
    item_changes.set_favorite(current_uow(), item, request.form.get("on") == "1")
    return redirect(pages.address(item))


@bp.route("/vaults/<uuid:vault_id>/items/new", methods=("GET", "POST"))
@requires(Permission.ITEM_EDIT, Vault)
def new(vault: Vault) -> ResponseReturnValue:
    form = drafts.new_form(request.args.get("type"))
    if not form.is_submitted() or drafts.wants_more(form):
        return _new_page(vault, form)
    if not form.validate():
        return _new_page(vault, form), HTTPStatus.UNPROCESSABLE_ENTITY
    try:
        contents = drafts.contents_of(form, drafts.read_type(form.type.data))
        item_id = item_changes.create(current_uow(), vault, contents)
    except (Invalid, Conflict) as error:
        status = drafts.refuse(form, error)
        return _new_page(vault, form), status
    flash("Saved.", "success")
    return redirect(pages.address(items.find(current_uow(), item_id)))


@bp.route("/items/<uuid:item_id>/edit", methods=("GET", "POST"))
@requires(Permission.ITEM_EDIT, StoredItem)
def edit(item: StoredItem) -> ResponseReturnValue:
    """Change a credential. Nothing stored is ever opened for the form; empty fields keep what they have."""
    overview = items.overview_at(current_uow(), item, item.version)
    form = drafts.edit_form(overview, item.version)
    if not form.is_submitted() or drafts.wants_more(form):
        return _edit_page(item, overview, form)
    if not form.validate():
        return _edit_page(item, overview, form), HTTPStatus.UNPROCESSABLE_ENTITY
    try:
        number = _save(item, overview, form)
    except VersionConflict as conflict:
        # Sent again, the form replaces the version that it has now been compared with, and no later one.
        # What was sent would otherwise be written into the page once more.
        form.version.data, form.version.raw_data = conflict.found, None
        return _edit_page(item, overview, form, conflict), HTTPStatus.CONFLICT
    except (Invalid, Conflict) as error:
        status = drafts.refuse(form, error)
        return _edit_page(item, overview, form), status
    flash("Saved." if number > item.version else "Nothing was different, so nothing was saved.", "success")
    return redirect(pages.address(item))


def _save(item: StoredItem, overview: Overview, form: ItemForm) -> int:
    return item_changes.edit(
        current_uow(),
        item,
        drafts.contents_of(form, overview.type),
        expected_version=form.version.data or 0,
        clear=drafts.cleared(form, overview),
        renames=drafts.renamed(form, overview),
    )


def _new_page(vault: Vault, form: ItemForm) -> str:
    type_ = drafts.read_type(form.shown.data)
    return render_template(
        "items/new.html",
        vault=vault,
        form=form,
        type=type_,
        lines=drafts.lines(form, type_),
        generator_form=GeneratorForm(formdata=None),
    )


def _edit_page(
    item: StoredItem, overview: Overview, form: ItemForm, conflict: VersionConflict | None = None
) -> str:
    return render_template(
        "items/edit.html",
        item=item,
        vault=pages.vault_of(item),
        form=form,
        type=overview.type,
        lines=drafts.lines(form, overview.type, overview),
        stored={shape.name for shape in overview.shapes if shape.filled},
        conflict=conflict,
        generator_form=GeneratorForm(formdata=None),
    )


def _answer(item: StoredItem, *, copied: bool) -> ResponseReturnValue:
    """Open the field that the form names: as JSON for the page's script, else on the page itself."""
    number = request.form.get("version", type=int) or item.version
    revealed = _open(item, request.form.get("field", ""), number, copied=copied)
    if not wants_json():
        if number == item.version:
            return pages.show_item(item, revealed)
        return pages.show_version(item, number, revealed)
    kind = "text" if revealed.seconds is None else "otp"
    answer = {"field": revealed.field.lower(), "value": revealed.value, "kind": kind}
    return jsonify(answer if revealed.seconds is None else {**answer, "seconds": revealed.seconds})


def _open(item: StoredItem, key: str, number: int, *, copied: bool) -> Revealed:
    uow = current_uow()
    shapes = items.overview_at(uow, item, number).shapes
    for shape in shapes:
        if shape.name.lower() == key:
            return items.reveal(uow, item, shape.name, version=number, copied=copied)
    for shape in shapes:
        if pages.has_seed(shape) and pages.seed_of(shape).lower() == key:
            return items.reveal(uow, item, shape.name, version=number, copied=copied, seed=True)
    raise NotFound
