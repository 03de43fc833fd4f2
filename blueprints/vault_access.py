"""Who may use a vault."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from http import HTTPStatus
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from blueprints.guard import requires
from blueprints.item_pages import allowed
from blueprints.requests import current_place, current_uow
from errors import Conflict, Invalid, NotFound
from forms.fields import choices
from forms.vaults import GrantForm
from models import Vault
from policy import Permission, Right
from services import colleagues, vaults

bp = Blueprint("access", __name__, url_prefix="/o/<slug>/vaults/<uuid:vault_id>/access")


@bp.get("")
@requires(Permission.VAULT_ACCESS, Vault)
def show(vault: Vault) -> ResponseReturnValue:
    person = request.args.get("person", type=UUID)
    line = next((line for line in vaults.grants(current_uow(), vault) if line.user_id == person), None)
    if line is None:
        return _page(vault, _form(user_id=person))
    return _page(vault, _form(user_id=person, right=line.right, ends_at=_last_day(line.ends_at)))


@bp.post("")
@requires(Permission.VAULT_ACCESS, Vault)
def give(vault: Vault) -> ResponseReturnValue:
    """Give a person a right, or another one than they have."""
    uow = current_uow()
    form = _form()
    if not form.validate():
        return _page(vault, form), HTTPStatus.UNPROCESSABLE_ENTITY
    try:
        vaults.grant(uow, vault, form.user_id.data, form.right.data, _end(form.ends_at.data))
    except Invalid as error:
        form.blame(error)
        return _page(vault, form), HTTPStatus.UNPROCESSABLE_ENTITY
    except Conflict as error:
        form.blame(Invalid(str(error)))
        return _page(vault, form), HTTPStatus.CONFLICT
    flash("Saved. It counts from now on.", "success")
    return redirect(_after(vault, form.user_id.data))


@bp.post("/take")
@requires(Permission.VAULT_ACCESS, Vault)
def take(vault: Vault) -> ResponseReturnValue:
    person = request.form.get("user_id", type=UUID)
    if person is None:
        raise NotFound
    try:
        vaults.take(current_uow(), vault, person)
    except Conflict as error:
        form = _form()
        form.blame(Invalid(str(error)))
        return _page(vault, form), HTTPStatus.CONFLICT
    flash("Taken away.", "success")
    return redirect(_after(vault, person))


def _after(vault: Vault, person: UUID) -> str:
    """Lead on; who has changed their own right may not be able to see this vault any more."""
    slug = current_place().slug
    if person == current_uow().actor.id:
        return url_for("vaults.index", slug=slug)
    return url_for("access.show", slug=slug, vault_id=vault.id)


def _form(**given: object) -> GrantForm:
    form = GrantForm(**given)
    form.user_id.choices = choices(
        (str(person.user_id), f"{person.name} ({person.email}, {person.role.value})")
        for person in colleagues.active(current_uow())
    )
    return form


def _page(vault: Vault, form: GrantForm) -> str:
    uow = current_uow()
    lines = vaults.grants(uow, vault)
    return render_template(
        "vaults/access.html",
        vault=vault,
        form=form,
        lines=lines,
        names=colleagues.names(uow, {line.granted_by for line in lines}),
        managed=any(line.active and line.right is Right.MANAGE for line in lines),
        myself=uow.actor.id,
        may_read=allowed(Permission.VAULT_READ, vault),
        manage=Right.MANAGE,
    )


def _end(day: date | None) -> datetime | None:
    """Return the moment at which *day* is over, in UTC."""
    return datetime.combine(day + timedelta(days=1), time(), UTC) if day else None


def _last_day(moment: datetime | None) -> date | None:
    return (moment - timedelta(microseconds=1)).date() if moment else None
