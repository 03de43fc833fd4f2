"""The audit log: read, reviewed, taken out, and what speaks for it."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from blueprints import audit_pages as pages
from blueprints.audit_pages import Wanted
from blueprints.guard import requires
from blueprints.requests import current_person, current_place, current_uow, runtime
from blueprints.verdicts import may
from errors import Invalid
from forms.audit import ExportForm, FilterForm, ReviewForm
from policy import Permission, Verdict
from services import audit_export, audit_figures, audit_proof, audit_reading, audit_reviews
from services.audit_export import Format
from services.audit_reading import Page
from services.audit_words import detail
from services.events import SYSTEM_CHAIN

bp = Blueprint("audit", __name__, url_prefix="/o/<slug>/audit")

EXPORTS = "RATE_AUDIT_EXPORT"
SECRETS = "secrets"
LONG_PAGE = 100


Saved = tuple[str, str, bool, None]
"""A question that is asked often: label, address, whether it is asked now; nothing is counted."""


@bp.get("")
@requires(Permission.AUDIT_READ)
def index() -> ResponseReturnValue:
    uow = current_uow()
    form = FilterForm(request.args)
    complete = form.validate()
    wanted = Wanted.read(form)
    page = _page(wanted) if complete else Page((), None, None)
    people = pages.people(uow)
    reviewed = None if wanted.is_system else audit_reviews.mine(uow)
    answer = render_template(
        "audit/index.html",
        form=form,
        wanted=wanted,
        page=page,
        rows=pages.rows_of(uow, page.lines, system=wanted.is_system),
        older=wanted.address(before=str(page.before), **_view()) if page.before else None,
        newest=wanted.address(**_view()) if request.args.get("before") else None,
        today=audit_figures.today(uow, wanted.chain_id),
        day=uow.now.date(),
        reviewed=reviewed,
        newest_shown=page.lines[0].seq if page.lines else 0,
        end=audit_reading.size_of(uow, wanted.chain_id),
        people=people,
        actions=pages.ACTION_CHOICES,
        types=pages.TYPE_CHOICES,
        saved=_saved(wanted, dict(people)),
        secrets=_wants_secrets(),
        operates=may(uow, Permission.AUDIT_SYSTEM) is Verdict.ALLOW,
        exports=may(uow, Permission.AUDIT_EXPORT) in {Verdict.ALLOW, Verdict.CONFIRM},
    )
    return answer, HTTPStatus.OK if complete else HTTPStatus.UNPROCESSABLE_ENTITY


@bp.get("/<int:seq>")
@requires(Permission.AUDIT_READ)
def show(seq: int) -> ResponseReturnValue:
    uow = current_uow()
    chain_id = _chain()
    line = audit_reading.find(uow, chain_id, seq)
    return render_template(
        "audit/show.html",
        line=line,
        detail=detail(line.action, line.details.extra) if line.details else "",
        href=pages.Links(uow, [line]).to(line),
        types=pages.TYPES,
        system=chain_id == SYSTEM_CHAIN,
        end=audit_reading.size_of(uow, chain_id),
    )


@bp.post("/review")
@requires(Permission.AUDIT_READ)
def review() -> ResponseReturnValue:
    form = ReviewForm()
    if not form.validate_on_submit() or form.seq.data is None:
        raise Invalid("Say up to which event you have read.", "seq")
    audit_reviews.mark(current_uow(), form.seq.data)
    flash("Noted. You will be reminded in 30 days.", "success")
    return redirect(url_for("audit.index", slug=current_place().slug))


@bp.get("/proof")
@requires(Permission.AUDIT_READ)
def proof() -> ResponseReturnValue:
    chain_id = _chain()
    return render_template(
        "audit/proof.html",
        proof=audit_proof.proof(current_uow(), chain_id),
        looked_at=audit_proof.LOOKED_AT,
        system=chain_id == SYSTEM_CHAIN,
    )


@bp.get("/export")
@requires(Permission.AUDIT_EXPORT)
def export() -> ResponseReturnValue:
    form = FilterForm(request.args)
    form.validate()
    wanted = Wanted.read(form)
    days = {"since": wanted.filter.first_day, "until": wanted.filter.last_day}
    asked = ExportForm(None, data={**wanted.given, **days, "format": Format.CSV.value})
    return render_template("audit/export.html", form=asked, wanted=wanted)


@bp.post("/export")
@requires(Permission.AUDIT_EXPORT, writes=False, limit=EXPORTS)
def submit_export() -> ResponseReturnValue:
    """Send the export while it is read, after its own event is durable."""
    form = ExportForm()
    wanted = Wanted.read(form)
    if not form.validate():
        return render_template("audit/export.html", form=form, wanted=wanted), HTTPStatus.UNPROCESSABLE_ENTITY
    uow = current_uow()
    format_ = Format(form.format.data)
    plan = audit_export.plan(uow, wanted.chain_id, wanted.filter, format_, names=form.names.data)
    place = "system" if wanted.is_system else current_place().slug
    name = f"audit-{place}-{uow.now:%Y-%m-%d}.{plan.format.value}"
    response = Response(audit_export.write(runtime(), plan), content_type=plan.format.media_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _page(wanted: Wanted) -> Page:
    uow = current_uow()
    if _wants_secrets():
        return audit_reading.secret_changes(uow, wanted.chain_id)
    return audit_reading.page(
        uow,
        wanted.chain_id,
        wanted.filter,
        before=request.args.get("before", type=int),
        limit=LONG_PAGE if _is_long() else audit_reading.PAGE,
    )


def _wants_secrets() -> bool:
    return request.args.get("saved") == SECRETS


def _is_long() -> bool:
    return request.args.get("show") == str(LONG_PAGE)


def _view() -> dict[str, str]:
    """Return what the address says besides the filter."""
    return {"show": str(LONG_PAGE)} if _is_long() else {}


def _saved(wanted: Wanted, people: Mapping[UUID, str]) -> list[Saved]:
    me = current_person()
    somebody = wanted.filter.actor_id or me.user_id
    name = people.get(somebody, "this person") if somebody != me.user_id else "mine"
    signins = {"action": "sign-ins", "result": "failed"}
    person = {"actor": str(somebody)}
    asked = {key: value for key, value in wanted.given.items() if key != "chain"}
    plain = not _wants_secrets() and not _is_long()
    return [
        ("Everything", wanted.elsewhere(), plain and not asked, None),
        ("Failed sign-ins", wanted.elsewhere(**signins), plain and asked == signins, None),
        ("Last 10 changes of secrets", wanted.elsewhere(saved=SECRETS), _wants_secrets(), None),
        (
            f"Last {LONG_PAGE} of {name}",
            wanted.elsewhere(show=str(LONG_PAGE), **person),
            _is_long() and asked == person,
            None,
        ),
    ]


def _chain() -> UUID:
    """Return the log that the address names."""
    if request.args.get("chain") != pages.SYSTEM:
        return current_uow().organization_id
    pages.demand_operator(current_uow())
    return SYSTEM_CHAIN
