"""Taking up an invitation: a link is opened, a token is made, the link is spent."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    g,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue

from blueprints.guard import public, requires
from blueprints.requests import current_uow, runtime
from crypto.tokens import ParsedToken, parse_token
from errors import Conflict, Denied, Invalid, NotFound
from extensions import address, limiter, rate_of
from forms.signin import EnrolForm
from policy import Permission
from services import invitations, joining

bp = Blueprint("enrolment", __name__)

COOKIE_SECONDS = 15 * 60
ATTEMPTS = "RATE_LINK"


def _counted() -> str:
    """Name the counter of an invitation, whoever comes with it; of an address that comes without any."""
    presented = _presented()
    return runtime().counter_name("invitation", presented.lookup_id) if presented else address()


@bp.get("/enrol/<token>")
@public()
def open_link(token: str) -> Response:
    """Trade the secret in the address for a short-lived cookie: addresses end up in histories and logs."""
    response = make_response(redirect(url_for("enrolment.show")))
    response.set_cookie(_cookie_name(), token, max_age=COOKIE_SECONDS, **_cookie_attributes())
    return response


@bp.get("/enrol")
@public()
def show() -> ResponseReturnValue:
    try:
        invitation = invitations.find_open(current_uow(), _presented())
    except NotFound:
        return _show_gone()
    if joining.is_asked(current_uow(), invitation):
        # The guard of that page asks for the token, the second factor and all else that is missing.
        if "person" in g:
            return redirect(url_for("enrolment.ask_to_join"))
        return render_template("enrolment/known.html", invitation=invitation)
    return _show_form(EnrolForm(name=invitation.name))


@bp.get("/enrol/join")
@requires(Permission.ACCOUNT_USE)
def ask_to_join() -> ResponseReturnValue:
    uow = current_uow()
    try:
        invitation = invitations.find_open(uow, _presented())
    except NotFound:
        return _show_gone()
    organization = joining.organization_of(uow, invitation)
    return render_template("enrolment/join.html", invitation=invitation, organization_name=organization.name)


@bp.post("/enrol/join")
@requires(Permission.ACCOUNT_USE, limit=ATTEMPTS)
def join() -> ResponseReturnValue:
    """Belong to one more organization; how the person signs in stays as it is."""
    uow = current_uow()
    try:
        organization = joining.join(uow, invitations.find_open(uow, _presented()))
    except NotFound:
        uow.abandon()
        return _show_gone()
    except (Conflict, Denied) as refusal:
        uow.abandon()
        invitations.record_refusal(uow, _presented(), "not theirs to join by")
        status = HTTPStatus.FORBIDDEN if isinstance(refusal, Denied) else HTTPStatus.CONFLICT
        return render_template("enrolment/refused.html", message=str(refusal)), status
    flash(f"You belong to {organization.name} now.", "success")
    response = make_response(redirect(url_for("overview.show", slug=organization.slug)))
    response.delete_cookie(_cookie_name(), **_cookie_attributes())
    return response


@bp.post("/enrol")
@limiter.limit(rate_of(ATTEMPTS), key_func=_counted)
@public()
def create() -> ResponseReturnValue:
    """Make the token and show it in this very answer: it exists nowhere else."""
    form = EnrolForm()
    uow = current_uow()
    try:
        enrolled = invitations.enrol(uow, _presented(), form.name.data or "")
    except NotFound:
        uow.abandon()
        return _show_gone()
    except Invalid as error:
        uow.abandon()
        form.blame(error)
        return _show_form(form), HTTPStatus.UNPROCESSABLE_ENTITY
    except Conflict as conflict:
        uow.abandon()
        invitations.record_refusal(uow, _presented(), "opens more than this organization")
        return render_template("enrolment/refused.html", message=str(conflict)), HTTPStatus.CONFLICT
    response = make_response(render_template("enrolment/created.html", enrolled=enrolled))
    response.delete_cookie(_cookie_name(), **_cookie_attributes())
    return response


def _show_form(form: EnrolForm) -> str:
    invitation = invitations.find_open(current_uow(), _presented())
    return render_template("enrolment/show.html", form=form, invitation=invitation)


def _show_gone() -> ResponseReturnValue:
    invitations.record_refusal(current_uow(), _presented(), "does not open")
    return render_template("enrolment/gone.html"), HTTPStatus.GONE


def _presented() -> ParsedToken | None:
    return parse_token(request.cookies.get(_cookie_name(), ""))


def _cookie_name() -> str:
    return f"{current_app.config['SESSION_COOKIE_NAME']}-enrol"


def _cookie_attributes() -> dict[str, Any]:
    """The same as those of the session's cookie: it has to arrive in the same places."""
    config = current_app.config
    return {
        "httponly": True,
        "secure": config["SESSION_COOKIE_SECURE"],
        "samesite": config["SESSION_COOKIE_SAMESITE"],
        "partitioned": config["SESSION_COOKIE_PARTITIONED"],
    }
