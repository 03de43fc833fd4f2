"""The first page inside an organization."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from blueprints.guard import requires
from policy import Permission

bp = Blueprint("overview", __name__)


@bp.get("/o/<slug>/")
@requires(Permission.ORGANIZATION_READ)
def show() -> ResponseReturnValue:
    return render_template("overview/show.html")
