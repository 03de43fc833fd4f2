"""What people ask for, and who decides about it."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus

from flask import Blueprint, flash, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from blueprints import item_pages
from blueprints.access_pages import end_of
from blueprints.guard import requires
from blueprints.requests import current_place, current_uow
from errors import Conflict, Invalid
from forms.base import Form
from forms.requests import ApprovalForm, AskForm, GrantRequestForm
from models import Vault
from policy import Permission
from services import access_requests, colleagues, vaults
from services.access_requests import Asked
from services.items import StoredItem

bp = Blueprint("asks", __name__, url_prefix="/o/<slug>")

ASKS = "RATE_ASK"
USUAL = timedelta(days=7)
"""How long a right is given for unless somebody says otherwise."""


@bp.get("/requests")
@requires(Permission.REQUEST_SEE)
def index() -> ResponseReturnValue:
    return _page()


@bp.route("/vaults/<uuid:vault_id>/ask", methods=("GET", "POST"))
@requires(Permission.VAULT_ASK, Vault, limit=ASKS)
def ask(vault: Vault) -> ResponseReturnValue:
    """Ask for a right on a vault that is listed."""
    uow = current_uow()
    access_requests.demand_askable(uow, vault)
    form = AskForm()
    status = HTTPStatus.OK
    if form.is_submitted():
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        if form.validate():
            try:
                access_requests.ask_for_access(uow, vault, form.right.data, form.reason.data or "")
            except (Invalid, Conflict) as error:
                status = _refuse(form, error)
            else:
                flash("You have asked. Whoever manages the vault sees it.", "success")
                return redirect(_address())
    return render_template("requests/ask.html", vault=vault, form=form), status


@bp.post("/items/<uuid:item_id>/approval")
@requires(Permission.ITEM_REVEAL, StoredItem, limit=ASKS)
def ask_approval(item: StoredItem) -> ResponseReturnValue:
    """Ask that a second person approves a reveal."""
    form = ApprovalForm()
    try:
        access_requests.ask_for_approval(current_uow(), item, form.reason.data or "")
    except (Invalid, Conflict) as error:
        status = _refuse(form, error)
        return make_response(item_pages.show_item(item, approval=form), status)
    flash("You have asked. Whoever manages the credential sees it.", "success")
    return redirect(item_pages.address(item))


@bp.post("/requests/<uuid:request_id>/grant")
@requires(Permission.REQUEST_DECIDE, Asked)
def grant(request: Asked) -> ResponseReturnValue:
    form = GrantRequestForm()
    if not form.validate():
        return _page(request, form), HTTPStatus.UNPROCESSABLE_ENTITY
    try:
        access_requests.grant_access(current_uow(), request, form.right.data, end_of(form.ends_at.data))
    except (Invalid, Conflict) as error:
        status = _refuse(form, error)
        return _page(request, form), status
    flash(f"{request.user_name} has access from now on.", "success")
    return redirect(_address())


@bp.post("/requests/<uuid:request_id>/approve")
@requires(Permission.REQUEST_DECIDE, Asked)
def approve(request: Asked) -> ResponseReturnValue:
    ends_at = access_requests.approve(current_uow(), request)
    flash(f"{request.user_name} may reveal it until {ends_at:%Y-%m-%d %H:%M} UTC.", "success")
    return redirect(_address())


@bp.post("/requests/<uuid:request_id>/decline")
@requires(Permission.REQUEST_DECIDE, Asked)
def decline(request: Asked) -> ResponseReturnValue:
    access_requests.decline(current_uow(), request)
    flash("Declined.", "success")
    return redirect(_address())


@bp.post("/requests/<uuid:request_id>/withdraw")
@requires(Permission.REQUEST_WITHDRAW, Asked)
def withdraw(request: Asked) -> ResponseReturnValue:
    access_requests.withdraw(current_uow(), request)
    flash("Taken back.", "success")
    return redirect(_address())


def _page(about: Asked | None = None, form: GrantRequestForm | None = None) -> str:
    """Show what waits, with a form for each; *form* is the one about *about* that was refused."""
    uow = current_uow()
    waiting = access_requests.waiting(uow)
    mine = access_requests.mine(uow)
    decided = access_requests.decided(uow)
    day = (uow.now + USUAL).date()
    forms = {
        one.id: form
        if about is not None and form is not None and one.id == about.id
        else GrantRequestForm(formdata=None, right=one.right, ends_at=day)
        for one in waiting
        if one.item_id is None
    }
    for request_id, each in forms.items():
        each.tell_apart(request_id.hex)
    shown = (*waiting, *mine, *decided)
    return render_template(
        "requests/index.html",
        waiting=waiting,
        mine=mine,
        decided=decided,
        forms=forms,
        targets={one.id: access_requests.target_of(uow, one) for one in shown},
        vaults=vaults.names(uow),
        names=colleagues.names(uow, {one.decided_by for one in shown if one.decided_by}),
        seen=uow.actor.rights,
        now=uow.now,
    )


def _refuse(form: Form, error: Invalid | Conflict) -> HTTPStatus:
    form.blame(error if isinstance(error, Invalid) else Invalid(str(error)))
    return HTTPStatus.UNPROCESSABLE_ENTITY if isinstance(error, Invalid) else HTTPStatus.CONFLICT


def _address() -> str:
    return url_for("asks.index", slug=current_place().slug)
