"""Who is locked out after failed sign-ins, and lifting it."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from blueprints.guard import requires
from blueprints.requests import current_place, current_uow
from models import Lockout
from policy import Permission
from services import lockouts

bp = Blueprint("lockouts", __name__, url_prefix="/o/<slug>/lockouts")


@bp.get("")
@requires(Permission.LOCKOUTS_MANAGE)
def index() -> ResponseReturnValue:
    uow = current_uow()
    return render_template(
        "lockouts/index.html", lines=lockouts.living(uow), operator=uow.actor.operator, rules=uow.rules
    )


@bp.post("/<uuid:lockout_id>/lift")
@requires(Permission.LOCKOUTS_MANAGE, Lockout)
def lift(lockout: Lockout) -> ResponseReturnValue:
    lockouts.lift(current_uow(), lockout)
    flash("Lifted. The next attempt counts as the first.", "success")
    return redirect(url_for("lockouts.index", slug=current_place().slug))
