"""The trash: credentials on their way out, and back."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from blueprints import item_lists as lists
from blueprints import item_pages as pages
from blueprints.guard import requires
from blueprints.requests import current_place, current_uow
from policy import Permission
from services import item_changes, items, vaults
from services.items import StoredItem

bp = Blueprint("trash", __name__, url_prefix="/o/<slug>")


@bp.get("/trash")
@requires(Permission.ORGANIZATION_READ)
def index() -> ResponseReturnValue:
    uow = current_uow()
    places = lists.Places.seen_by(uow)
    page = uow.runtime.indexes.of(uow).page(places.ids, state="trash", after=request.args.get("after"))
    return render_template(
        "items/trash.html",
        page=page,
        rows=lists.trash_rows(page.entries, places, uow.rules.trash_kept),
        kept=uow.rules.trash_kept.days,
    )


@bp.post("/items/<uuid:item_id>/trash")
@requires(Permission.ITEM_PLACE, StoredItem)
def trash(item: StoredItem) -> ResponseReturnValue:
    item_changes.trash(current_uow(), item)
    flash("Moved to the trash. You can restore it from there.", "success")
    return redirect(url_for("vaults.show", slug=current_place().slug, vault_id=item.vault_id))


@bp.post("/items/<uuid:item_id>/restore")
@requires(Permission.ITEM_PLACE, StoredItem)
def restore(item: StoredItem) -> ResponseReturnValue:
    item_changes.restore(current_uow(), item)
    flash("Restored.", "success")
    return redirect(pages.address(item))


@bp.get("/items/<uuid:item_id>/purge")
@requires(Permission.ITEM_PURGE, StoredItem)
def ask(item: StoredItem) -> ResponseReturnValue:
    """Name what will be lost; the permission is asked for here already, so that nobody confirms twice."""
    uow = current_uow()
    return render_template(
        "items/purge.html",
        item=item,
        vault=vaults.find(uow, item.vault_id),
        versions=len(items.history(uow, item)),
    )


@bp.post("/items/<uuid:item_id>/purge")
@requires(Permission.ITEM_PURGE, StoredItem)
def purge(item: StoredItem) -> ResponseReturnValue:
    item_changes.purge(current_uow(), item)
    flash("Destroyed. Nobody can bring it back.", "success")
    return redirect(url_for("trash.index", slug=current_place().slug))
