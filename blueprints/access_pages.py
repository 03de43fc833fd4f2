"""The page on which rights are given and taken, on a vault and on a single credential alike."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from http import HTTPStatus
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from blueprints.item_pages import allowed
from blueprints.requests import current_place, current_uow
from errors import Conflict, Invalid, NotFound
from forms.fields import choices
from forms.vaults import GrantForm, ProtectionForm
from models import Vault
from policy import Permission, Right
from services import colleagues, grants, groups, vaults
from services.grants import Place
from services.items import StoredItem


def show(place: Place, status: HTTPStatus = HTTPStatus.OK) -> ResponseReturnValue:
    """Show who has what, and a form that is filled in with what the address names."""
    holder = request.args.get("holder", type=UUID)
    line = next((line for line in grants.grants(current_uow(), place) if line.holder_id == holder), None)
    if line is None:
        return page(place, _form(holder_id=holder)), status
    given = _form(holder_id=holder, right=line.right, ends_at=last_day(line.ends_at), reason=line.reason)
    return page(place, given), status


def give(place: Place) -> ResponseReturnValue:
    """Give somebody a right, or another one than they have."""
    form = _form()
    if not form.validate():
        return page(place, form), HTTPStatus.UNPROCESSABLE_ENTITY
    ends_at = end_of(form.ends_at.data)
    try:
        grants.grant(
            current_uow(), place, form.holder_id.data, form.right.data, ends_at, form.reason.data or ""
        )
    except Invalid as error:
        form.blame(error)
        return page(place, form), HTTPStatus.UNPROCESSABLE_ENTITY
    except Conflict as error:
        form.blame(Invalid(str(error)))
        return page(place, form), HTTPStatus.CONFLICT
    flash("Saved. It counts from now on.", "success")
    return redirect(_after(place, form.holder_id.data))


def take(place: Place) -> ResponseReturnValue:
    """Take somebody's right away."""
    holder = request.form.get("holder_id", type=UUID)
    if holder is None:
        raise NotFound
    try:
        grants.take(current_uow(), place, holder)
    except Conflict as error:
        form = _form()
        form.blame(Invalid(str(error)))
        return page(place, form), HTTPStatus.CONFLICT
    flash("Taken away.", "success")
    return redirect(_after(place, holder))


def page(place: Place, form: GrantForm, protection: ProtectionForm | None = None) -> str:
    """Render the page with its form as it stands."""
    uow = current_uow()
    lines = grants.grants(uow, place)
    item = place if isinstance(place, StoredItem) else None
    vault = place if isinstance(place, Vault) else vaults.find(uow, place.vault_id)
    if item is not None and protection is None:
        protection = ProtectionForm(formdata=None, obj=item.own_protection)
    return render_template(
        "vaults/access.html",
        place=place,
        vault=vault,
        item=item,
        here=address(place),
        form=form,
        protection=protection,
        lines=lines,
        names=colleagues.names(uow, {line.granted_by for line in lines}),
        managed=item is not None
        or any(line.active and line.right is Right.MANAGE and not line.is_group for line in lines),
        myself=uow.actor.id,
        may_read=allowed(Permission.ITEM_READ if item else Permission.VAULT_READ, place),
        may_protect=item is not None and allowed(Permission.PROTECTION_CHANGE, item),
        manage=Right.MANAGE,
    )


def address(place: Place) -> str:
    """Return the address of the page about a vault or a credential."""
    slug = current_place().slug
    if isinstance(place, Vault):
        return url_for("access.show", slug=slug, vault_id=place.id)
    return url_for("item_access.show", slug=slug, item_id=place.id)


def end_of(day: date | None) -> datetime | None:
    """Return the moment at which *day* is over, in UTC."""
    return datetime.combine(day + timedelta(days=1), time(), UTC) if day else None


def last_day(moment: datetime | None) -> date | None:
    """Return the last day before *moment*."""
    return (moment - timedelta(microseconds=1)).date() if moment else None


def _after(place: Place, holder: UUID) -> str:
    """Lead on; who has changed their own right may not be able to see this any more."""
    uow = current_uow()
    if holder == uow.actor.id or any(group.id == holder for group in groups.of_person(uow, uow.actor.id)):
        return url_for("vaults.index", slug=current_place().slug)
    return address(place)


def _form(**given: object) -> GrantForm:
    uow = current_uow()
    form = GrantForm(**given)
    form.holder_id.choices = choices(
        [
            *((str(group.id), f"Group {group.name} ({group.members})") for group in groups.everything(uow)),
            *(
                (str(person.user_id), f"{person.name} ({person.email}, {person.role.value})")
                for person in colleagues.active(uow)
            ),
        ]
    )
    return form
