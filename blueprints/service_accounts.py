"""Service accounts, made; everything else about them stands on the pages about people."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from blueprints.guard import requires
from blueprints.requests import current_place, current_uow
from errors import Conflict, Invalid
from forms.service_accounts import ServiceForm
from policy import Permission, Role
from services import service_accounts

bp = Blueprint("service_accounts", __name__, url_prefix="/o/<slug>/people")


@bp.get("/new-service")
@requires(Permission.SERVICES_MANAGE)
def new() -> ResponseReturnValue:
    return render_template("people/service.html", form=ServiceForm())


@bp.post("/new-service")
@requires(Permission.SERVICES_MANAGE)
def create() -> ResponseReturnValue:
    form = ServiceForm()
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    if form.validate_on_submit():
        try:
            member = service_accounts.create(current_uow(), form.name.data or "", Role(form.role.data))
        except Invalid as error:
            form.blame(error)
        except Conflict as error:
            form.name.errors = [str(error)]
            status = HTTPStatus.CONFLICT
        else:
            flash("The service account is ready. Give it rights on vaults, and a token.", "success")
            return redirect(url_for("people.show", slug=current_place().slug, member_id=member.id))
    return render_template("people/service.html", form=form), status
