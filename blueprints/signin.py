"""Coming in and going out."""

from __future__ import annotations

from http import HTTPStatus

from flask import (
    Blueprint,
    Response,
    flash,
    g,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue

from blueprints.guard import public, requires
from blueprints.requests import current_person, current_uow, local_path, runtime
from extensions import SESSION_KEY, address, limiter, rate_of
from forms.signin import CodeForm, SignInForm
from policy import Permission
from services import actors, factors, passkey_signin, sessions, signin
from services.factors import Proof

bp = Blueprint("signin", __name__)

REFUSED = (
    "This token does not open anything here. Check that you copied all of it. "
    "After several failures you have to wait for up to an hour."
)
"""The one sentence for every token that fails, whatever the reason."""
WRONG_CODE = (
    "This code is not good, or was used before. Wait for the next one. "
    "After twenty wrong ones only a recovery code or an admin helps."
)


@bp.get("/")
@requires(Permission.ACCOUNT_USE)
def home() -> ResponseReturnValue:
    """Lead to the person's organization."""
    organizations = actors.organizations_of(current_uow(), current_person().user_id)
    first = next((place for place in organizations if not place.closed), None)
    if first is None:
        return redirect(url_for("account.show"))
    return redirect(url_for("overview.show", slug=first.slug))


@bp.get("/sign-in")
@public()
def show() -> ResponseReturnValue:
    if "person" in g:
        return redirect(url_for("signin.home"))
    # A cookie whose session is gone: ended elsewhere, by an admin, or by time.
    ended = session.pop(SESSION_KEY, None) is not None
    back = local_path(request.args.get("next"))
    return sign_in_page(SignInForm(), back, ended=ended)


@bp.post("/sign-in")
@limiter.limit(rate_of("RATE_SIGN_IN"), key_func=address)
@public()
def submit() -> ResponseReturnValue:
    form = SignInForm()
    back = local_path(request.form.get("next"))
    if form.validate_on_submit():
        signed_in = signin.sign_in(current_uow(), (form.token.data or "").strip())
        if signed_in is not None:
            # A new session from nothing: neither an id nor a CSRF seed from before the sign-in lives on.
            session.clear()
            session[SESSION_KEY] = signed_in.session.cookie
            return redirect(back or url_for("overview.show", slug=signed_in.slug))
        form.token.errors = [REFUSED]
    return sign_in_page(form, back), HTTPStatus.UNPROCESSABLE_ENTITY


def sign_in_page(form: SignInForm, back: str | None, *, ended: bool = False, trouble: str = "") -> str:
    """Return the page on which people come in.

    Args:
        back: where it leads then.
        ended: whether a session has just ended.
        trouble: what is wrong with the passkey that was used.
    """
    return render_template(
        "signin/sign_in.html",
        form=form,
        next=back,
        ended=ended,
        passkeys=bool(trouble) or passkey_signin.is_offered(current_uow()),
        trouble=trouble,
        providers=list(runtime().providers),
    )


@bp.get("/sign-in/code")
@requires(Permission.ACCOUNT_USE, replacing=True, half=True, adding=True)
def code() -> ResponseReturnValue:
    back = local_path(request.args.get("next"))
    if not current_person().is_half:
        return redirect(back or url_for("signin.home"))
    return code_page(CodeForm(), back)


@bp.post("/sign-in/code")
@requires(Permission.ACCOUNT_USE, replacing=True, half=True, adding=True, limit="RATE_SECOND_FACTOR")
def submit_code() -> ResponseReturnValue:
    form = CodeForm()
    back = local_path(request.form.get("next"))
    if form.validate_on_submit():
        uow = current_uow()
        proof = factors.check(uow, form.code.data or "")
        if proof is not None:
            session[SESSION_KEY] = sessions.renew_id(uow)
            tell_of_recovery(proof)
            return redirect(back or url_for("signin.home"))
        form.code.errors = [WRONG_CODE]
    return code_page(form, back), HTTPStatus.UNPROCESSABLE_ENTITY


def code_page(form: CodeForm, back: str | None, *, trouble: str = "") -> str:
    """Return the page that asks for the second factor; see :func:`sign_in_page`."""
    state = factors.state(current_uow())
    return render_template("signin/code.html", form=form, next=back, state=state, trouble=trouble)


def tell_of_recovery(proof: Proof) -> None:
    """Say on the next page that a recovery code was used, and how many are left."""
    if proof.codes_left is not None:
        left = "None is left" if not proof.codes_left else f"{proof.codes_left} are left"
        flash(f"A recovery code was used. {left}; make new ones in My account, Second factor.", "warning")


@bp.post("/sign-out")
@requires(Permission.ACCOUNT_USE, replacing=True, half=True, adding=True)
def leave() -> Response:
    person = current_person()
    sessions.end(current_uow(), person.session_id)
    session.clear()
    flash("You are signed out.", "success")
    response = make_response(redirect(url_for("signin.show")))
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response
