"""My account: my name, the colors of pages, what I did last."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from blueprints.guard import requires
from blueprints.page import current_theme
from blueprints.requests import current_person, current_uow
from errors import Invalid
from forms.profile import ProfileForm, ThemeForm
from policy import Permission
from services import profile

bp = Blueprint("profile", __name__, url_prefix="/account")

YEAR = 365 * 24 * 60 * 60
"""Seconds for which a browser keeps the choice of colors; static/app.js says the same."""


@bp.get("/profile")
@requires(Permission.ACCOUNT_USE)
def show() -> ResponseReturnValue:
    return _page(ProfileForm(name=current_person().name), _theme_form())


@bp.post("/profile")
@requires(Permission.ACCOUNT_USE, limit="RATE_PROFILE")
def change() -> ResponseReturnValue:
    form = ProfileForm()
    if form.validate_on_submit():
        try:
            if profile.rename(current_uow(), form.name.data or ""):
                flash("Saved.", "success")
        except Invalid as error:
            form.blame(error)
        else:
            return redirect(url_for("account.show"))
    return _page(form, _theme_form()), HTTPStatus.UNPROCESSABLE_ENTITY


@bp.post("/theme")
@requires(Permission.ACCOUNT_USE, writes=False)
def choose_theme() -> ResponseReturnValue:
    """Keep the choice where the button in the head keeps it: in this browser, for the server to read."""
    form = ThemeForm()
    if not form.validate_on_submit():
        return _page(ProfileForm(None, name=current_person().name), form), HTTPStatus.UNPROCESSABLE_ENTITY
    response = redirect(url_for("profile.show"))
    response.set_cookie(
        "theme", form.scheme.data, max_age=YEAR, path="/", secure=request.is_secure, samesite="Lax"
    )
    return response


@bp.get("/activity")
@requires(Permission.ACCOUNT_USE)
def activity() -> ResponseReturnValue:
    return render_template("profile/activity.html", deeds=profile.recent(current_uow()))


def _theme_form() -> ThemeForm:
    return ThemeForm(None, scheme=current_theme())


def _page(form: ProfileForm, themes: ThemeForm) -> str:
    return render_template("profile/show.html", form=form, themes=themes)
