"""My passkeys: added by the browser, named, removed."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import urlsplit

from flask import Blueprint, flash, jsonify, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from blueprints.guard import requires
from blueprints.requests import current_person, current_uow, runtime
from errors import Invalid
from extensions import SESSION_KEY
from forms.passkeys import NameForm, NewPasskeyForm
from models import Passkey
from policy import Permission
from services import factors, passkeys, sessions
from services.devices import describe_device

bp = Blueprint("passkeys", __name__, url_prefix="/account/factor/passkeys")

ATTEMPTS = "RATE_SECOND_FACTOR"


@bp.app_template_global("passkeys_elsewhere")
def elsewhere() -> str | None:
    """Return the address at which passkeys work, empty if there is none; None: they work at this one."""
    site = runtime().rules.passkeys
    if site is None:
        return ""
    return None if urlsplit(request.host_url).hostname == site.host else site.origins[0]


@bp.get("/new")
@requires(Permission.ACCOUNT_SECURE, adding=True)
def new() -> ResponseReturnValue:
    return _show_new(NewPasskeyForm(None, name=describe_device(request.headers.get("User-Agent", ""))))


@bp.post("/options")
@requires(Permission.ACCOUNT_SECURE, adding=True, limit=ATTEMPTS)
def ask() -> ResponseReturnValue:
    """Tell the page's script what the browser shall make a passkey from."""
    return jsonify(passkeys.ask_for_another(current_uow(), current_person().email))


@bp.post("/new")
@requires(Permission.ACCOUNT_SECURE, adding=True, limit=ATTEMPTS)
def add() -> ResponseReturnValue:
    uow = current_uow()
    form = NewPasskeyForm()
    if form.validate_on_submit():
        try:
            codes = passkeys.add(uow, form.name.data or "", form.credential.data or "")
        except Invalid as error:
            form.blame(error)
        else:
            return _welcome(codes)
    return _show_new(form), HTTPStatus.UNPROCESSABLE_ENTITY


@bp.get("/<uuid:passkey_id>")
@requires(Permission.ACCOUNT_SECURE, Passkey)
def edit(passkey: Passkey) -> ResponseReturnValue:
    return _show(passkey, NameForm(None, name=passkey.name))


@bp.post("/<uuid:passkey_id>")
@requires(Permission.ACCOUNT_SECURE, Passkey)
def rename(passkey: Passkey) -> ResponseReturnValue:
    form = NameForm()
    if form.validate_on_submit():
        try:
            passkeys.rename(current_uow(), passkey, form.name.data or "")
        except Invalid as error:
            form.blame(error)
        else:
            flash(f"The passkey is called {passkey.name} now.", "success")
            return redirect(url_for("factors.show"))
    return _show(passkey, form), HTTPStatus.UNPROCESSABLE_ENTITY


@bp.post("/<uuid:passkey_id>/remove")
@requires(Permission.ACCOUNT_SECURE, Passkey)
def remove(passkey: Passkey) -> ResponseReturnValue:
    passkeys.remove(current_uow(), passkey)
    flash(f"The passkey {passkey.name} is removed. Delete it on your device, too.", "success")
    return redirect(url_for("factors.show"))


def _welcome(codes: list[str]) -> ResponseReturnValue:
    session[SESSION_KEY] = sessions.renew_id(current_uow())
    if codes:
        return render_template("factors/codes.html", codes=codes, added=True)
    flash("The passkey is added. From now on it can stand in for your other factors.", "success")
    return redirect(url_for("factors.show"))


def _show_new(form: NewPasskeyForm) -> str:
    return render_template("passkeys/new.html", form=form)


def _show(passkey: Passkey, form: NameForm) -> str:
    uow = current_uow()
    is_last = uow.rules.second_factor and factors.state(uow).count == 1
    return render_template("passkeys/edit.html", passkey=passkey, form=form, kept=is_last)
