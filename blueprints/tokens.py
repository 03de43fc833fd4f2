"""Access tokens: all of the organization for those who look after them, their own for everybody."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import urlencode
from uuid import UUID

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from blueprints.guard import requires
from blueprints.requests import current_person, current_place, current_uow
from blueprints.verdicts import may
from errors import Invalid
from forms.tokens import IssueTokenForm, OverlapForm
from models import AccessToken
from policy import Permission, Scope, Verdict
from services import api_tokens, people, service_accounts, token_limits, token_list, tokens, vaults
from services.token_list import Order, State, Wanted
from services.tokens import Minted

bp = Blueprint("tokens", __name__, url_prefix="/o/<slug>/tokens")

ISSUES = "RATE_TOKEN"
MADE = "tokens.made"
"""All ways to a new token are counted together."""
EXPORTS = "RATE_TOKEN_LIST"
KINDS = ("signin", "sso", "api")
_ASCENDING = frozenset({Order.NAME, Order.EXPIRES})
"""Orders whose beginning is looked for first."""
Choice = TypeVar("Choice", bound=StrEnum)


@bp.get("")
@requires(Permission.TOKENS_OWN)
def index() -> ResponseReturnValue:
    uow = current_uow()
    wanted = _wanted()
    page = token_list.page(uow, wanted)
    reads = _holds(Permission.TOKENS_READ)
    return render_template(
        "tokens/index.html",
        page=page,
        wanted=wanted,
        filtered=bool(wanted.kind or wanted.state or wanted.text or (reads and wanted.owner_id)),
        base=url_for("tokens.index", slug=current_place().slug),
        reads=reads,
        issues=_holds(Permission.TOKENS_ISSUE),
        manages=_holds(Permission.TOKENS_MANAGE),
        exports=_holds(Permission.TOKENS_EXPORT),
        services=_holds(Permission.SERVICES_MANAGE),
        reads_log=_holds(Permission.AUDIT_READ),
        me=uow.actor.id,
        my_token=current_person().token_id,
        people=people.everybody(uow) if reads else (),
        states=list(State),
        sorts={order.value: _sort_query(wanted, order) for order in Order},
        query=_query(wanted),
        newer=_query(wanted, before=page.before) if page.before else None,
        older=_query(wanted, after=page.after) if page.after else None,
    )


@bp.post("/export")
@requires(Permission.TOKENS_EXPORT, writes=False, limit=EXPORTS)
def export() -> Response:
    uow = current_uow()
    response = make_response(token_list.export(uow, _wanted()))
    name = f"tokens-{current_place().slug}-{uow.now:%Y-%m-%d}.csv"
    response.headers["Content-Type"] = "text/csv; charset=utf-8"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@bp.get("/new")
@requires(Permission.TOKENS_ISSUE)
def new() -> ResponseReturnValue:
    form = _issue_form(owner_id=request.args.get("owner", ""))
    return render_template("tokens/new.html", form=form)


@bp.post("/new")
@requires(Permission.TOKENS_ISSUE, limit=ISSUES, counted_as=MADE)
def issue() -> ResponseReturnValue:
    """Show the new token in this very answer: it exists nowhere else."""
    form = _issue_form()
    if form.validate_on_submit():
        try:
            minted = _issue(form)
        except Invalid as error:
            form.blame(error)
        else:
            return render_template("tokens/created.html", minted=minted, replaces=None)
    return render_template("tokens/new.html", form=form), HTTPStatus.UNPROCESSABLE_ENTITY


@bp.get("/<uuid:token_id>")
@requires(Permission.REACH_READ, AccessToken)
def show(token: AccessToken) -> ResponseReturnValue:
    uow = current_uow()
    limits = token_limits.look_at(uow, token)
    family = token_list.family(uow, token)
    return render_template(
        "tokens/show.html",
        line=family.line,
        parent=family.parent,
        children=family.children,
        limits=limits,
        token=token,
        vaults=vaults.names(uow),
        mine=token.user_id == uow.actor.id,
        manages=_holds(Permission.TOKENS_MANAGE),
        reads_log=_holds(Permission.AUDIT_READ),
    )


@bp.get("/<uuid:token_id>/replace")
@requires(Permission.TOKENS_ISSUE, AccessToken)
def replace(token: AccessToken) -> ResponseReturnValue:
    api_tokens.check_replaceable(current_uow(), token)
    return render_template("tokens/replace.html", form=OverlapForm(), token=token)


@bp.post("/<uuid:token_id>/replace")
@requires(Permission.TOKENS_ISSUE, AccessToken, limit=ISSUES, counted_as=MADE)
def submit_replacement(token: AccessToken) -> ResponseReturnValue:
    """Show the new token in this very answer: it exists nowhere else."""
    api_tokens.check_replaceable(current_uow(), token)
    form = OverlapForm()
    if not form.validate_on_submit():
        page = render_template("tokens/replace.html", form=form, token=token)
        return page, HTTPStatus.UNPROCESSABLE_ENTITY
    overlap = timedelta(hours=form.overlap_hours.data or 0)
    minted = api_tokens.replace_own(current_uow(), token, overlap=overlap)
    return render_template("tokens/created.html", minted=minted, replaces=token, overlap=overlap)


@bp.post("/<uuid:token_id>/revoke")
@requires(Permission.TOKENS_MANAGE, AccessToken)
def revoke(token: AccessToken) -> ResponseReturnValue:
    tokens.revoke(current_uow(), token)
    words = f"The token {token.lookup_id} is revoked. It stays in the list as evidence."
    if token.kind == "api" and _holds(Permission.AUDIT_READ):
        flash(f"{words} This is what it opened.", "success")
        return redirect(url_for("leavers.token", slug=current_place().slug, token_id=token.id))
    flash(words, "success")
    return redirect(url_for("tokens.index", slug=current_place().slug))


def _issue_form(owner_id: str = "") -> IssueTokenForm:
    uow = current_uow()
    services = service_accounts.active(uow) if _holds(Permission.SERVICES_MANAGE) else ()
    form = IssueTokenForm(owner_id=owner_id)
    form.offer(
        [(str(line.vault.id), line.vault.name) for line in vaults.visible(uow) if line.right or services],
        [(str(line.user_id), f"{line.name} ({line.address})") for line in services],
    )
    return form


def _issue(form: IssueTokenForm) -> Minted:
    scopes = [Scope(scope) for scope in form.scopes.data or ()]
    lasts = timedelta(days=form.days.data or 0)
    uow, name, limits = current_uow(), form.name.data or "", form.read_limits()
    if form.owner_id.data:
        return api_tokens.issue_for_service(uow, form.owner_id.data, name, scopes, lasts, limits)
    return api_tokens.issue(uow, name, scopes, lasts, limits=limits)


def _holds(permission: Permission) -> bool:
    return may(current_uow(), permission) in {Verdict.ALLOW, Verdict.CONFIRM}


def _wanted() -> Wanted:
    """Read what the address asks of the list; what it names wrongly is as good as not named."""
    asked = request.args
    owner_id = _id(asked.get("owner"))
    return Wanted(
        kind=kind if (kind := asked.get("kind")) in KINDS else None,
        state=_choice(State, asked.get("state")),
        owner_id=owner_id if _holds(Permission.TOKENS_READ) else current_uow().actor.id,
        text=asked.get("q", "").strip()[: tokens.NAME_MAX],
        order=_choice(Order, asked.get("sort")) or Order.CREATED,
        descending=asked.get("direction", "desc") != "asc",
        after=_id(asked.get("after")),
        before=_id(asked.get("before")),
    )


def _query(wanted: Wanted, *, before: UUID | None = None, after: UUID | None = None) -> str:
    """Write what is wanted as the query of an address, at its beginning or beside a token."""
    asked = {
        "kind": wanted.kind,
        "state": wanted.state,
        "owner": wanted.owner_id if _holds(Permission.TOKENS_READ) else None,
        "q": wanted.text,
        "sort": wanted.order if wanted.order is not Order.CREATED else None,
        "direction": None if wanted.descending else "asc",
        "before": before,
        "after": after,
    }
    return urlencode({name: str(value) for name, value in asked.items() if value})


def _sort_query(wanted: Wanted, order: Order) -> str:
    """The same list in another order; asked for again, the other way round."""
    descending = not wanted.descending if order is wanted.order else order not in _ASCENDING
    return _query(Wanted(wanted.kind, wanted.state, wanted.owner_id, wanted.text, order, descending))


def _choice(kind: type[Choice], value: str | None) -> Choice | None:
    return kind(value) if value in set(kind) else None


def _id(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None
