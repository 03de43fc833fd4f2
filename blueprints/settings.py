"""What this installation runs with, without any secret, and what the organization decides for itself."""

from __future__ import annotations

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from blueprints.guard import may, requires
from blueprints.requests import current_place, current_uow
from errors import Invalid
from policy import Permission, Verdict
from services import csp_reports, passkey_signin, settings

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
        passkey_sign_in=passkey_signin.is_allowed(uow),
        manages=may(uow, Permission.SETTINGS_MANAGE) in {Verdict.ALLOW, Verdict.CONFIRM},
    )


@bp.post("/passkey-sign-in")
@requires(Permission.SETTINGS_MANAGE)
def allow_passkeys() -> ResponseReturnValue:
    """Decide whether people here may sign in with a passkey alone."""
    chosen = request.form.get("allowed", "")
    if chosen not in {"yes", "no"}:
        raise Invalid("Choose whether a passkey alone is enough.")
    passkey_signin.allow(current_uow(), allowed=chosen == "yes")
    words = "is enough" if chosen == "yes" else "is no longer enough"
    flash(f"A passkey alone {words} to sign in.", "success")
    return redirect(url_for("settings.show", slug=current_place().slug))
