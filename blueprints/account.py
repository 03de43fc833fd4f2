"""My account: sessions, my token, confirming who I am."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from uuid import UUID

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from blueprints import sso
from blueprints.guard import requires
from blueprints.requests import current_person, current_uow, local_path, runtime
from blueprints.signin import REFUSED, WRONG_CODE, tell_of_recovery
from blueprints.tokens import ISSUES, MADE
from forms.signin import CodeForm, SignInForm
from forms.tokens import OverlapForm
from policy import Permission
from services import actors, factors, sessions, signin, tokens
from services.devices import describe_device

bp = Blueprint("account", __name__, url_prefix="/account")

TOLD = timedelta(days=7)
"""How long a new passkey is pointed out, so that nobody adds one unnoticed."""
bp.add_app_template_filter(describe_device, "device")


@bp.get("")
@requires(Permission.ACCOUNT_USE)
def show() -> ResponseReturnValue:
    uow, person = current_uow(), current_person()
    organizations = actors.organizations_of(uow, person.user_id)
    if len(organizations) == 1 and not organizations[0].closed:
        # Whoever has one place only keeps its navigation and search.
        g.place = actors.enter(uow, person, organizations[0].slug)
    factor = factors.state(uow)
    return render_template(
        "account/show.html",
        token=tokens.find(uow, person.token_id),
        expiring=tokens.expiring(uow),
        organizations=organizations,
        sessions=sessions.mine(uow),
        current=uow.actor.session_id,
        factor=factor,
        fresh=[each for each in factor.passkeys if uow.now - each.created_at < TOLD],
        linked=sso.linked(person),
        providers=list(runtime().providers),
    )


@bp.post("/sessions/<uuid:session_id>/end")
@requires(Permission.ACCOUNT_USE)
def end_session(session_id: UUID) -> ResponseReturnValue:
    sessions.end(current_uow(), session_id)
    flash("The session has ended.", "success")
    return redirect(url_for("account.show"))


@bp.post("/sessions/end-others")
@requires(Permission.ACCOUNT_USE)
def end_other_sessions() -> ResponseReturnValue:
    ended = sessions.end_others(current_uow())
    flash("One other session has ended." if ended == 1 else f"{ended} other sessions have ended.", "success")
    return redirect(url_for("account.show"))


@bp.get("/confirm")
@requires(Permission.ACCOUNT_USE, replacing=True, adding=True)
def confirm() -> ResponseReturnValue:
    back = local_path(request.args.get("next"))
    return confirm_page(confirmation(), back)


@bp.post("/confirm")
@requires(Permission.ACCOUNT_USE, replacing=True, adding=True, limit="RATE_SECOND_FACTOR")
def submit_confirmation() -> ResponseReturnValue:
    form = confirmation()
    back = local_path(request.form.get("next"))
    if form.validate_on_submit():
        if _is_confirmed(form):
            flash("Thank you. Go on with what you wanted to do.", "success")
            return redirect(back or url_for("signin.home"))
        _blame(form)
    return confirm_page(form, back), HTTPStatus.UNPROCESSABLE_ENTITY


def confirm_page(form: CodeForm | SignInForm, back: str | None, *, trouble: str = "") -> str:
    """Return the page that asks again who somebody is.

    Args:
        back: where it leads then.
        trouble: what is wrong with the passkey that was used.
    """
    return render_template(
        "account/confirm.html",
        form=form,
        next=back,
        state=factors.state(current_uow()),
        trouble=trouble,
        providers=[] if current_person().has_factor else sso.confirmers(),
    )


def confirmation() -> CodeForm | SignInForm:
    """Ask for what proves most: the second factor of whoever has one."""
    return CodeForm() if current_person().has_factor else SignInForm()


def _is_confirmed(form: CodeForm | SignInForm) -> bool:
    if isinstance(form, SignInForm):
        return signin.confirm(current_uow(), (form.token.data or "").strip())
    proof = factors.check(current_uow(), form.code.data or "")
    if proof is not None:
        tell_of_recovery(proof)
    return proof is not None


def _blame(form: CodeForm | SignInForm) -> None:
    if isinstance(form, SignInForm):
        form.token.errors = [REFUSED]
    else:
        form.code.errors = [WRONG_CODE]


@bp.get("/token")
@requires(Permission.ACCOUNT_SECURE, replacing=True)
def replace_token() -> ResponseReturnValue:
    tokens.check_presented(current_uow(), current_person().token_id)
    return _show_replacement(OverlapForm())


@bp.post("/token")
@requires(Permission.ACCOUNT_SECURE, replacing=True, limit=ISSUES, counted_as=MADE)
def create_token() -> ResponseReturnValue:
    """Show the new token in this very answer: it exists nowhere else."""
    form = OverlapForm()
    if not form.validate_on_submit():
        return _show_replacement(form), HTTPStatus.UNPROCESSABLE_ENTITY
    overlap = timedelta(hours=form.overlap_hours.data or 0)
    minted = tokens.replace_own_signin(current_uow(), current_person().token_id, overlap=overlap)
    return render_template("account/token_created.html", minted=minted, overlap=overlap)


def _show_replacement(form: OverlapForm) -> str:
    return render_template("account/replace_token.html", form=form, must=current_person().must_replace)
