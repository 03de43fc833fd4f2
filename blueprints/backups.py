"""The operator's page about backups: what there is, and whether it was proven that it can be restored."""

from __future__ import annotations

from flask import Blueprint, current_app, render_template
from flask.typing import ResponseReturnValue

from blueprints.guard import requires
from blueprints.requests import current_uow
from policy import Permission
from services import backup_overview

bp = Blueprint("backups", __name__, url_prefix="/instance/backups")


@bp.get("")
@requires(Permission.INSTANCE_READ)
def index() -> ResponseReturnValue:
    return render_template(
        "backups/index.html",
        condition=backup_overview.condition(current_uow()),
        saves=current_app.config["SETTINGS"].backup_to is not None,
    )
