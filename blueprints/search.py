"""Finding credentials in everything that one may see."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from blueprints import item_lists as lists
from blueprints.guard import requires
from blueprints.requests import current_uow
from policy import Permission
from services import items

bp = Blueprint("search", __name__, url_prefix="/o/<slug>")


@bp.get("/search")
@requires(Permission.ORGANIZATION_READ)
def show() -> ResponseReturnValue:
    uow = current_uow()
    wanted = lists.Wanted.read()
    places = lists.Places.seen_by(uow)
    favorites = items.favorites(uow)
    index = uow.runtime.indexes.of(uow)
    today = uow.now.date()
    page = wanted.page(index, places, favorites, today)
    return render_template(
        "search/show.html",
        wanted=wanted,
        page=page,
        rows=lists.item_rows(page.entries, places, favorites, today),
        places=places.choices,
        tags=index.tags(places.ids),
    )
