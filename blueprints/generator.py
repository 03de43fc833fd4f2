"""The generator of passwords and word phrases."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, jsonify, render_template
from flask.typing import ResponseReturnValue

from blueprints.guard import requires
from blueprints.requests import wants_json
from errors import Invalid
from forms.generator import GeneratorForm
from policy import Permission
from services import generator

bp = Blueprint("generator", __name__, url_prefix="/o/<slug>")

GENERATED = "RATE_GENERATOR"
"""The panel makes a new one at every change of its settings."""


@bp.get("/generator")
@requires(Permission.ORGANIZATION_READ)
def show() -> ResponseReturnValue:
    form = GeneratorForm()
    value, bits = _generate(form)
    return render_template("generator/show.html", form=form, value=value, bits=bits)


@bp.post("/generator")
@requires(Permission.ORGANIZATION_READ, writes=False, limit=GENERATED)
def generate() -> ResponseReturnValue:
    """Answer with a fresh value, which is kept nowhere."""
    form = GeneratorForm()
    try:
        value, bits = _generate(form)
    except Invalid as error:
        if wants_json():
            raise
        form.blame(error)
        page = render_template("generator/show.html", form=form, value=None, bits=None)
        return page, HTTPStatus.UNPROCESSABLE_ENTITY
    if wants_json():
        return jsonify(value=value, bits=round(bits, 1))
    return render_template("generator/show.html", form=form, value=value, bits=bits)


def _generate(form: GeneratorForm) -> tuple[str, float]:
    if form.is_submitted() and not form.validate():
        raise Invalid(next(sentences[0] for sentences in form.errors.values()))
    if form.kind.data == "phrase":
        words = form.words.data or 0
        value = generator.phrase(
            words, form.separator.data, capitalize=form.capitalize.data, number=form.number.data
        )
        return value, generator.phrase_bits(words, number=form.number.data)
    length = form.length.data or 0
    classes = {name: form[name].data for name in ("lower", "upper", "digits", "symbols", "avoid_lookalikes")}
    return generator.password(length, **classes), generator.password_bits(length, **classes)
