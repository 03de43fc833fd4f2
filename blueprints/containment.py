"""When something went wrong: shutting one person out, letting everybody start anew."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus

from flask import Blueprint, current_app, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from blueprints.guard import requires
from blueprints.requests import current_place, current_uow
from errors import Invalid
from forms.containment import ResetEverybodyForm
from models import Membership
from policy import Permission, Role
from services import containment, owners, people
from services.people import PersonLine

bp = Blueprint("containment", __name__, url_prefix="/o/<slug>/people")

LOOK_BACK = timedelta(days=30)
"""From when on exports are offered for review."""


@bp.get("/<uuid:member_id>/shut-out")
@requires(Permission.PEOPLE_MANAGE, Membership)
def ask(member: Membership) -> ResponseReturnValue:
    """Say what ends before it does; who comes here has just confirmed who they are."""
    uow = current_uow()
    if member.disabled_at is not None:
        return redirect(url_for("leavers.person", slug=current_place().slug, member_id=member.id))
    line = people.line_of(uow, member)
    return render_template(
        "containment/shut_out.html",
        line=line,
        reach=containment.reach_of(uow, member),
        decides=may_shut_out(line),
    )


@bp.get("/reset-factors")
@requires(Permission.FACTORS_RESET)
def ask_all() -> ResponseReturnValue:
    return _page(ResetEverybodyForm())


@bp.post("/reset-factors")
@requires(Permission.FACTORS_RESET, limit="RATE_FACTORS_RESET")
def reset_all() -> ResponseReturnValue:
    """Show the links in this very answer: they exist nowhere else."""
    uow = current_uow()
    form = ResetEverybodyForm()
    if form.validate_on_submit():
        try:
            outcome = containment.reset_everybody(uow, form.name.data or "")
        except Invalid as error:
            form.blame(error)
        else:
            public_url = current_app.config["SETTINGS"].public_url
            return render_template(
                "containment/links.html",
                links=[(one, public_url + one.invited.path) for one in outcome.started],
                ends=outcome.started[0].invited.expires_at,
                left=outcome.left,
                since=(uow.now - LOOK_BACK).date(),
            )
    return _page(form), HTTPStatus.UNPROCESSABLE_ENTITY


def may_shut_out(line: PersonLine) -> bool:
    """Whether the actor, who manages people, may disable this one; the use case has the last word."""
    uow = current_uow()
    if line.disabled_at is not None or line.user_id == uow.actor.id:
        return False
    if line.role is Role.OWNER:
        return uow.actor.role is Role.OWNER and owners.has_another(uow, line.user_id)
    return uow.actor.role is Role.OWNER or not line.operator


def _page(form: ResetEverybodyForm) -> str:
    uow = current_uow()
    others = [
        line for line in people.everybody(uow) if line.disabled_at is None and line.user_id != uow.actor.id
    ]
    return render_template(
        "containment/reset_all.html",
        form=form,
        name=containment.name_of(uow),
        others=others,
        since=(uow.now - LOOK_BACK).date(),
    )
