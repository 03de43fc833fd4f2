"""The first page inside an organization."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from blueprints import audit_pages
from blueprints.guard import requires
from blueprints.item_pages import expiry
from blueprints.requests import current_person, current_place, current_uow
from blueprints.verdicts import may
from errors import Invalid
from forms.overview import KeyProofForm
from policy import Permission, Role, Verdict
from services import access_requests, audit_figures, audit_reading, crossings, key_status, overview
from services.audit_reading import Filter
from services.audit_words import FAILED_SIGNINS
from services.key_status import Task
from services.postgresql import seeing_all

bp = Blueprint("overview", __name__, url_prefix="/o/<slug>")

RECENT = 10
DAYS = 30
SHOWN = 5
"""Credentials that are named where many ask for the same attention."""


@bp.get("/")
@requires(Permission.ORGANIZATION_READ)
def show() -> ResponseReturnValue:
    return _show(KeyProofForm())


@bp.post("/key-proof")
@requires(Permission.KEYS_PROVE, limit="RATE_KEY_PROOF")
def prove_key() -> ResponseReturnValue:
    form = KeyProofForm()
    if form.validate_on_submit():
        try:
            overview.prove_key(current_uow(), form.key_id.data or "")
        except Invalid as error:
            form.blame(error)
        else:
            flash("Good: your copy is that of the key in use.", "success")
            return redirect(url_for("overview.show", slug=current_place().slug))
    return _show(form, HTTPStatus.UNPROCESSABLE_ENTITY)


def _show(form: KeyProofForm, status: HTTPStatus = HTTPStatus.OK) -> ResponseReturnValue:
    uow = current_uow()
    here = uow.organization_id
    watches = _holds(Permission.AUDIT_READ)
    own = Filter() if watches else Filter(actor_id=uow.actor.id)
    recent = audit_reading.page(uow, here, own, limit=RECENT).lines
    people = overview.people(uow)
    today = uow.now.date()
    credentials = overview.credentials(uow)
    page = render_template(
        "overview/show.html",
        credentials=credentials,
        expiring=[(entry, expiry(entry.expires_on, today)) for entry in credentials.expiring[:SHOWN]],
        shown=SHOWN,
        vaults=overview.vault_count(uow),
        waiting=len(access_requests.waiting(uow)),
        may_create_vault=_holds(Permission.VAULT_CREATE),
        people=people if _holds(Permission.PEOPLE_READ) else None,
        lonely=people.owners == 1 and uow.actor.role in {Role.OWNER, Role.ADMIN},
        tokens_ending=overview.tokens_ending(uow, everybody=_holds(Permission.TOKENS_READ)),
        my_token_ends=overview.ends_soon(uow, current_person().token_expires_at),
        failed_signins=audit_figures.count(uow, here, FAILED_SIGNINS, since=today) if watches else 0,
        day=today,
        crossings=crossings.recent(uow) if _holds(Permission.INSTANCE_READ) else 0,
        reveals=_chart() if watches else None,
        recent=audit_pages.rows_of(uow, recent),
        watches=watches,
        keys=_pressing_keys() if uow.actor.operator else [],
        first_hour=overview.first_hour(uow, people.owners),
        may_invite=_holds(Permission.PEOPLE_MANAGE),
        form=form,
    )
    return page, status


def _pressing_keys() -> list[Task]:
    uow = current_uow()
    with seeing_all(uow.connection):
        return key_status.pressing(uow.connection, uow.runtime.masters, uow.now)


def _chart() -> list[tuple[str, int]]:
    uow = current_uow()
    days = audit_figures.reveals_by_day(uow, uow.organization_id, days=DAYS)
    return [(f"{day:%b} {day.day}", count) for day, count in days]


def _holds(permission: Permission) -> bool:
    return may(current_uow(), permission) in {Verdict.ALLOW, Verdict.CONFIRM}
