"""The versions of a credential."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template
from flask.typing import ResponseReturnValue

from blueprints import item_pages as pages
from blueprints.guard import requires
from blueprints.requests import current_uow
from policy import Permission
from services import item_changes, items, kv_versions
from services.items import StoredItem

bp = Blueprint("history", __name__, url_prefix="/o/<slug>/items/<uuid:item_id>")


@bp.get("/history")
@requires(Permission.ITEM_READ, StoredItem)
def index(item: StoredItem) -> ResponseReturnValue:
    uow = current_uow()
    return render_template(
        "items/history.html",
        item=item,
        vault=pages.vault_of(item),
        lines=items.history(uow, item),
        may_edit=pages.allowed(Permission.ITEM_EDIT, item) and not item.trashed_at,
    )


@bp.get("/versions/<int:number>")
@requires(Permission.ITEM_READ, StoredItem)
def show(item: StoredItem, number: int) -> ResponseReturnValue:
    return pages.show_version(item, number)


@bp.post("/versions/<int:number>/restore")
@requires(Permission.ITEM_EDIT, StoredItem)
def restore(item: StoredItem, number: int) -> ResponseReturnValue:
    """Make an earlier version the newest; those between stay in the history."""
    item_changes.restore_version(current_uow(), item, number)
    flash(f"Version {number} is back, as a new version.", "success")
    return redirect(pages.address(item))


@bp.post("/versions/<int:number>/undelete")
@requires(Permission.ITEM_EDIT, StoredItem)
def undelete(item: StoredItem, number: int) -> ResponseReturnValue:
    """Bring back a version that a program has deleted, as it was."""
    kv_versions.bring_back(current_uow(), item, number)
    flash(f"Version {number} is back.", "success")
    return redirect(pages.address(item))
