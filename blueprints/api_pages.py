"""What programs can ask for, as a page for people: made from the document that programs get."""

from __future__ import annotations

from flask import Blueprint, jsonify, render_template
from flask.typing import ResponseReturnValue

from blueprints import api_document
from blueprints.guard import requires
from policy import Permission

bp = Blueprint("api_pages", __name__, url_prefix="/o/<slug>/api")


@bp.get("")
@requires(Permission.TOKENS_OWN)
def index() -> ResponseReturnValue:
    return render_template("tokens/api.html", document=api_document.document())


@bp.get("/openapi.json")
@requires(Permission.TOKENS_OWN)
def document() -> ResponseReturnValue:
    return jsonify(api_document.document())
