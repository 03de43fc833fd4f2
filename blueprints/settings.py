"""What this installation runs with, without any secret, and what the organization decides for itself."""

from __future__ import annotations

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from blueprints.guard import requires
from blueprints.requests import current_place, current_uow
from blueprints.verdicts import may
from errors import Invalid
from policy import Permission, Verdict
from services import csp_reports, export_rules, passkey_signin, settings

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
        clear_exports=export_rules.allows_clear(uow),
        exports=may(uow, Permission.ITEMS_EXPORT) in {Verdict.ALLOW, Verdict.CONFIRM},
        manages=may(uow, Permission.SETTINGS_MANAGE) in {Verdict.ALLOW, Verdict.CONFIRM},
    )


@bp.post("/passkey-sign-in")
@requires(Permission.SETTINGS_MANAGE)
def allow_passkeys() -> ResponseReturnValue:
    """Decide whether people here may sign in with a passkey alone."""
    allowed = _choice("Choose whether a passkey alone is enough.")
    passkey_signin.allow(current_uow(), allowed=allowed)
    words = "is enough" if allowed else "is no longer enough"
    flash(f"A passkey alone {words} to sign in.", "success")
    return redirect(url_for("settings.show", slug=current_place().slug))


@bp.post("/clear-exports")
@requires(Permission.SETTINGS_MANAGE)
def allow_clear_exports() -> ResponseReturnValue:
    """Decide whether people here may export in formats that are not encrypted."""
    allowed = _choice("Choose whether exports may be unencrypted.")
    export_rules.allow_clear(current_uow(), allowed=allowed)
    flash("Exports may be unencrypted." if allowed else "Exports are encrypted from now on.", "success")
    return redirect(url_for("settings.show", slug=current_place().slug))


def _choice(sentence: str) -> bool:
    """Read a button that allows something or no longer does.

    Raises:
        Invalid: it says neither.
    """
    chosen = request.form.get("allowed", "")
    if chosen not in {"yes", "no"}:
        raise Invalid(sentence)
    return chosen == "yes"
