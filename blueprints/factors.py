"""My second factor: setting it up, its recovery codes, taking it away."""

from __future__ import annotations

from http import HTTPStatus

import segno
from flask import Blueprint, flash, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue

from blueprints.guard import requires
from blueprints.requests import current_person, current_uow
from extensions import SESSION_KEY
from forms.signin import CodeForm
from policy import Permission
from services import factors, sessions
from services.factors import Offer

bp = Blueprint("factors", __name__, url_prefix="/account/factor")

ATTEMPTS = "RATE_SECOND_FACTOR"
WRONG = "This code is not the one of now. Wait for the next one, and check the clock of your device."
_QUIET_ZONE = 4
"""Light modules around the picture, as ISO/IEC 18004 asks for."""


@bp.get("")
@requires(Permission.ACCOUNT_USE, adding=True)
def show() -> ResponseReturnValue:
    uow = current_uow()
    return render_template("factors/show.html", state=factors.state(uow), required=uow.rules.second_factor)


@bp.post("/new")
@requires(Permission.ACCOUNT_SECURE, adding=True, limit=ATTEMPTS)
def begin() -> ResponseReturnValue:
    """Show the seed in this very answer; it counts for nothing until a code of it has come."""
    return _show_offer(factors.begin(current_uow(), current_person().email), CodeForm(None))


@bp.post("/confirm")
@requires(Permission.ACCOUNT_SECURE, adding=True, limit=ATTEMPTS)
def confirm() -> ResponseReturnValue:
    uow = current_uow()
    form = CodeForm()
    codes = factors.confirm(uow, form.code.data or "") if form.validate_on_submit() else None
    if codes is None:
        form.code.errors = form.code.errors or [WRONG]
        offer = factors.offered(uow, current_person().email)
        return _show_offer(offer, form), HTTPStatus.UNPROCESSABLE_ENTITY
    session[SESSION_KEY] = sessions.renew_id(uow)
    return render_template("factors/codes.html", codes=codes, added=True)


@bp.post("/codes")
@requires(Permission.ACCOUNT_SECURE, limit="RATE_RECOVERY_CODES")
def renew_codes() -> ResponseReturnValue:
    return render_template("factors/codes.html", codes=factors.renew_codes(current_uow()), added=False)


@bp.post("/remove")
@requires(Permission.ACCOUNT_SECURE)
def remove() -> ResponseReturnValue:
    factors.remove_app(current_uow())
    flash("Your second factor is removed. From now on your token alone lets you in.", "success")
    return redirect(url_for("factors.show"))


def _show_offer(offer: Offer, form: CodeForm) -> str:
    picture, size = _picture(offer.uri)
    return render_template("factors/setup.html", offer=offer, picture=picture, size=size, form=form)


def _picture(text: str) -> tuple[str, int]:
    """Return the dark modules of a QR code as the path of a drawing, and its width in modules."""
    made = segno.make(text, error="m", micro=False)
    dark = (
        f"M{x + _QUIET_ZONE} {y + _QUIET_ZONE}h1v1h-1z"
        for y, row in enumerate(made.matrix)
        for x, module in enumerate(row)
        if module
    )
    return "".join(dark), len(made.matrix) + 2 * _QUIET_ZONE
