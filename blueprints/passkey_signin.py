"""Using a passkey: as the second factor, to confirm who one is, and as the whole sign-in."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID, uuid4

from flask import Blueprint, flash, jsonify, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from blueprints.account import confirm_page, confirmation
from blueprints.guard import public, requires
from blueprints.requests import current_uow, local_path
from blueprints.signin import code_page, sign_in_page
from extensions import SESSION_KEY, address, limiter, rate_of
from forms.passkeys import PasskeyForm
from forms.signin import CodeForm, SignInForm
from policy import Permission
from services import passkey_signin, passkeys, sessions

bp = Blueprint("passkey_signin", __name__)

ATTEMPTS = "RATE_SECOND_FACTOR"
BROWSER_KEY = "browser"
"""Under which the signed cookie of a browser without a session holds what its challenges are bound to."""
REFUSED = (
    "This passkey does not open anything here. Your organization may not allow it, or your token has ended. "
    "After several failures you have to wait for a while."
)
"""The one sentence for every passkey that fails to sign in, whatever the reason."""
NOT_ACCEPTED = "This passkey was not accepted. Try again, or use a code."


@bp.post("/account/passkey-options")
@requires(Permission.ACCOUNT_USE, replacing=True, half=True, limit=ATTEMPTS)
def ask() -> ResponseReturnValue:
    """Tell the page's script what a passkey of the person shall answer."""
    return jsonify(passkeys.ask(current_uow()))


@bp.post("/sign-in/code/passkey")
@requires(Permission.ACCOUNT_USE, replacing=True, half=True, limit=ATTEMPTS)
def pass_second() -> ResponseReturnValue:
    """Let a passkey be the second factor."""
    uow = current_uow()
    back = local_path(request.form.get("next"))
    trouble = _prove()
    if not trouble:
        session[SESSION_KEY] = sessions.renew_id(uow)
        return redirect(back or url_for("signin.home"))
    return code_page(CodeForm(None), back, trouble=trouble), HTTPStatus.UNPROCESSABLE_ENTITY


@bp.post("/account/confirm/passkey")
@requires(Permission.ACCOUNT_USE, replacing=True, limit=ATTEMPTS)
def confirm() -> ResponseReturnValue:
    """Let a passkey prove again who somebody is."""
    back = local_path(request.form.get("next"))
    trouble = _prove()
    if not trouble:
        flash("Thank you. Go on with what you wanted to do.", "success")
        return redirect(back or url_for("signin.home"))
    return confirm_page(confirmation(), back, trouble=trouble), HTTPStatus.UNPROCESSABLE_ENTITY


@bp.post("/sign-in/passkey-options")
@limiter.limit(rate_of("RATE_SIGN_IN"), key_func=address)
@public()
def ask_anybody() -> ResponseReturnValue:
    """Tell the page's script what a passkey of anybody shall answer."""
    session.setdefault(BROWSER_KEY, uuid4().hex)
    return jsonify(passkey_signin.ask(current_uow(), _browser()))


@bp.post("/sign-in/passkey")
@limiter.limit(rate_of("RATE_SIGN_IN"), key_func=address)
@public()
def sign_in() -> ResponseReturnValue:
    """Let a passkey be the whole sign-in."""
    uow = current_uow()
    form = PasskeyForm()
    back = local_path(request.form.get("next"))
    trouble = ""
    if form.validate_on_submit():
        signed_in = passkey_signin.sign_in(uow, form.credential.data or "", _browser())
        if signed_in is not None:
            # A new session from nothing, as with a token.
            session.clear()
            session[SESSION_KEY] = signed_in.session.cookie
            return redirect(back or url_for("overview.show", slug=signed_in.slug))
        trouble = REFUSED
    page = sign_in_page(SignInForm(None), back, trouble=trouble or str(form.credential.errors[0]))
    return page, HTTPStatus.UNPROCESSABLE_ENTITY


def _prove() -> str:
    """Return what is wrong with the answer that was sent; empty: it proves who the actor is."""
    form = PasskeyForm()
    if not form.validate_on_submit():
        return str(form.credential.errors[0])
    return "" if passkeys.prove(current_uow(), form.credential.data or "") else NOT_ACCEPTED


def _browser() -> UUID:
    """Return what the cookie binds challenges to; nothing was ever asked of a browser that has none."""
    return UUID(session.get(BROWSER_KEY, uuid4().hex))
