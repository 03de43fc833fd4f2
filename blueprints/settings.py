"""What this installation runs with, and on. Nothing is changed here, and no secret is shown."""

from __future__ import annotations

from flask import Blueprint, current_app, render_template
from flask.typing import ResponseReturnValue

from blueprints.guard import requires
from blueprints.requests import current_uow
from policy import Permission
from services import csp_reports, settings

bp = Blueprint("settings", __name__, url_prefix="/o/<slug>/settings")


@bp.get("")
@requires(Permission.SETTINGS_READ)
def show() -> ResponseReturnValue:
    uow = current_uow()
    return render_template(
        "settings/show.html",
        effective=current_app.config["SETTINGS"].effective(),
        condition=settings.condition(uow),
        csp_reports=csp_reports.newest(uow),
    )
