"""Groups of people: made, filled, renamed, deleted."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from blueprints.guard import requires
from blueprints.item_pages import allowed
from blueprints.requests import current_place, current_uow
from errors import Conflict, Invalid, NotFound
from forms.fields import choices
from forms.groups import GroupForm, JoinForm
from models import Group
from policy import Permission
from services import colleagues, groups

bp = Blueprint("groups", __name__, url_prefix="/o/<slug>/groups")


@bp.get("")
@requires(Permission.PEOPLE_READ)
def index() -> ResponseReturnValue:
    return render_template(
        "groups/index.html",
        groups=groups.everything(current_uow()),
        manages=allowed(Permission.GROUPS_MANAGE),
    )


@bp.route("/new", methods=("GET", "POST"))
@requires(Permission.GROUPS_MANAGE)
def new() -> ResponseReturnValue:
    form = GroupForm()
    status = HTTPStatus.OK
    if form.is_submitted():
        try:
            group = groups.create(current_uow(), form.name.data or "")
        except (Invalid, Conflict) as error:
            status = _refuse(form, error)
        else:
            flash("The group is ready. Add people to it.", "success")
            return redirect(_address(group))
    return render_template("groups/new.html", form=form), status


@bp.get("/<uuid:group_id>")
@requires(Permission.PEOPLE_READ, Group)
def show(group: Group) -> ResponseReturnValue:
    return _page(group)


@bp.post("/<uuid:group_id>/rename")
@requires(Permission.GROUPS_MANAGE, Group)
def rename(group: Group) -> ResponseReturnValue:
    form = GroupForm()
    try:
        groups.rename(current_uow(), group, form.name.data or "")
    except (Invalid, Conflict) as error:
        status = _refuse(form, error)
        return _page(group, form), status
    flash("Renamed.", "success")
    return redirect(_address(group))


@bp.post("/<uuid:group_id>/delete")
@requires(Permission.GROUPS_MANAGE, Group)
def delete(group: Group) -> ResponseReturnValue:
    groups.delete(current_uow(), group)
    flash("The group is deleted. What its people saw only through it, they see no more.", "success")
    return redirect(url_for("groups.index", slug=current_place().slug))


@bp.post("/<uuid:group_id>/add")
@requires(Permission.GROUPS_MANAGE, Group)
def add(group: Group) -> ResponseReturnValue:
    form = _join_form(group)
    if not form.validate():
        return _page(group, join=form), HTTPStatus.UNPROCESSABLE_ENTITY
    groups.add(current_uow(), group, [form.user_id.data])
    flash("Added. They have the group's rights from now on.", "success")
    return redirect(_address(group))


@bp.post("/<uuid:group_id>/remove")
@requires(Permission.GROUPS_MANAGE, Group)
def remove(group: Group) -> ResponseReturnValue:
    person = request.form.get("user_id", type=UUID)
    if person is None:
        raise NotFound
    groups.remove(current_uow(), group, person)
    flash("Removed. What they have seen, they may still know.", "success")
    return redirect(_address(group))


def _page(group: Group, form: GroupForm | None = None, join: JoinForm | None = None) -> str:
    uow = current_uow()
    return render_template(
        "groups/show.html",
        group=group,
        members=groups.members(uow, group),
        holdings=groups.holdings(uow, group),
        manages=allowed(Permission.GROUPS_MANAGE),
        form=form or GroupForm(formdata=None, name=group.name),
        join=join or _join_form(group, fresh=True),
        seen=uow.actor.rights,
    )


def _join_form(group: Group, *, fresh: bool = False) -> JoinForm:
    uow = current_uow()
    inside = {line.user_id for line in groups.members(uow, group)}
    form = JoinForm(formdata=None) if fresh else JoinForm()
    form.user_id.choices = choices(
        (str(person.user_id), f"{person.name} ({person.email}, {person.role.value})")
        for person in colleagues.active(uow)
        if person.user_id not in inside
    )
    return form


def _refuse(form: GroupForm, error: Invalid | Conflict) -> HTTPStatus:
    form.blame(error if isinstance(error, Invalid) else Invalid(str(error), "name"))
    return HTTPStatus.UNPROCESSABLE_ENTITY if isinstance(error, Invalid) else HTTPStatus.CONFLICT


def _address(group: Group) -> str:
    return url_for("groups.show", slug=current_place().slug, group_id=group.id)
