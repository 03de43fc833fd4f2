"""Taking up an invitation: a link is opened, a token is made, the link is spent."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from blueprints.guard import public
from blueprints.requests import current_uow
from crypto.tokens import ParsedToken, parse_token
from errors import Invalid, NotFound
from extensions import address, limiter
from forms.signin import EnrolForm
from services import invitations

bp = Blueprint("enrolment", __name__)

COOKIE_SECONDS = 15 * 60
GONE = 410


@bp.get("/enrol/<token>")
@public()
def open_link(token: str) -> Response:
    """Trade the secret in the address for a short-lived cookie: addresses end up in histories and logs."""
    response = make_response(redirect(url_for("enrolment.show")))
    response.set_cookie(
        _cookie_name(),
        token,
        max_age=COOKIE_SECONDS,
        httponly=True,
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        samesite="Lax",
    )
    return response


@bp.get("/enrol")
@public()
def show() -> ResponseReturnValue:
    try:
        invitation = invitations.find_open(current_uow(), _presented())
    except NotFound:
        return render_template("enrolment/gone.html"), GONE
    return render_template("enrolment/show.html", form=EnrolForm(name=invitation.name), invitation=invitation)


@bp.post("/enrol")
@limiter.limit("20/hour", key_func=address)
@public()
def create() -> ResponseReturnValue:
    """Make the token and show it in this very answer: it exists nowhere else, so there is no page to lead to."""
    form = EnrolForm()
    try:
        enrolled = invitations.enrol(current_uow(), _presented(), form.name.data or "")
    except NotFound:
        current_uow().abandon()
        return render_template("enrolment/gone.html"), GONE
    except Invalid as error:
        current_uow().abandon()
        form.blame(error)
        return render_template("enrolment/show.html", form=form, invitation=None), 422
    response = make_response(render_template("enrolment/created.html", enrolled=enrolled))
    response.delete_cookie(_cookie_name(), secure=current_app.config["SESSION_COOKIE_SECURE"], httponly=True)
    return response


def _presented() -> ParsedToken | None:
    return parse_token(request.cookies.get(_cookie_name(), ""))


def _cookie_name() -> str:
    return f"{current_app.config['SESSION_COOKIE_NAME']}-enrol"
