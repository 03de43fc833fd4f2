"""The operator's pages: the organizations of this installation, without a look inside."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, current_app, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from blueprints.guard import requires
from blueprints.requests import current_person, current_uow
from errors import Invalid
from forms.base import Form
from forms.organizations import DeletionForm, FirstOwnerForm, LimitsForm, NewOrganizationForm, RenameForm
from models import Organization
from policy import Permission
from services import actors, backup_overview, crossings, organizations
from services.invitations import Invited

bp = Blueprint("instance", __name__, url_prefix="/instance")

MAKES = "RATE_ORGANIZATION"
"""How many organizations, or links for owners, one operator may make."""


@bp.get("")
@requires(Permission.INSTANCE_READ)
def index() -> ResponseReturnValue:
    uow = current_uow()
    return render_template(
        "instance/index.html",
        lines=organizations.everything(uow),
        crossings=crossings.recent(uow),
        backups=backup_overview.condition(uow),
        home=next(iter(actors.organizations_of(uow, current_person().user_id)), None),
    )


@bp.get("/organizations/new")
@requires(Permission.INSTANCE_MANAGE)
def new() -> ResponseReturnValue:
    return render_template("instance/new.html", form=NewOrganizationForm())


@bp.post("/organizations/new")
@requires(Permission.INSTANCE_MANAGE, limit=MAKES)
def create() -> ResponseReturnValue:
    form = NewOrganizationForm()
    if form.validate_on_submit():
        try:
            made = organizations.create(
                current_uow(), form.name.data or "", form.email.data or "", form.owner.data or ""
            )
        except Invalid as error:
            form.blame(error)
        else:
            return _show_link(made.name, made.invited)
    return render_template("instance/new.html", form=form), HTTPStatus.UNPROCESSABLE_ENTITY


@bp.get("/organizations/<uuid:organization_id>")
@requires(Permission.INSTANCE_READ, Organization)
def show(organization: Organization) -> ResponseReturnValue:
    return _show(organization)


@bp.post("/organizations/<uuid:organization_id>/rename")
@requires(Permission.INSTANCE_MANAGE, Organization)
def rename(organization: Organization) -> ResponseReturnValue:
    form = RenameForm()
    try:
        changed = organizations.rename(current_uow(), organization, form.name.data or "")
    except Invalid as error:
        return _refuse(organization, form, error, "renaming")
    return _to(organization, f"It is called {organization.name} now." if changed else "")


@bp.post("/organizations/<uuid:organization_id>/limits")
@requires(Permission.INSTANCE_MANAGE, Organization)
def limit(organization: Organization) -> ResponseReturnValue:
    form = LimitsForm()
    if not form.validate_on_submit():
        return _show(organization, limits=form), HTTPStatus.UNPROCESSABLE_ENTITY
    try:
        changed = organizations.limit(
            current_uow(), organization, form.people_max.data, form.vaults_max.data, form.items_max.data
        )
    except Invalid as error:
        return _refuse(organization, form, error, "limits")
    return _to(organization, "The limits are changed." if changed else "")


@bp.post("/organizations/<uuid:organization_id>/suspend")
@requires(Permission.INSTANCE_MANAGE, Organization)
def suspend(organization: Organization) -> ResponseReturnValue:
    organizations.suspend(current_uow(), organization)
    return _to(organization, f"{organization.name} is suspended. Nobody works in it until you resume it.")


@bp.post("/organizations/<uuid:organization_id>/resume")
@requires(Permission.INSTANCE_MANAGE, Organization)
def resume(organization: Organization) -> ResponseReturnValue:
    organizations.resume(current_uow(), organization)
    return _to(organization, f"{organization.name} goes on.")


@bp.post("/organizations/<uuid:organization_id>/owner")
@requires(Permission.INSTANCE_MANAGE, Organization, limit=MAKES)
def invite_owner(organization: Organization) -> ResponseReturnValue:
    form = FirstOwnerForm()
    try:
        invited = organizations.invite_owner(
            current_uow(), organization, form.email.data or "", form.owner.data or ""
        )
    except Invalid as error:
        return _refuse(organization, form, error, "owner")
    return _show_link(organization.name, invited)


@bp.post("/organizations/<uuid:organization_id>/delete")
@requires(Permission.INSTANCE_MANAGE, Organization)
def delete(organization: Organization) -> ResponseReturnValue:
    form = DeletionForm()
    try:
        organizations.set_deletion(current_uow(), organization, form.name.data or "")
    except Invalid as error:
        return _refuse(organization, form, error, "deletion")
    return _to(organization, f"{organization.name} is closed. You can change your mind for 30 days.")


@bp.post("/organizations/<uuid:organization_id>/keep")
@requires(Permission.INSTANCE_MANAGE, Organization)
def keep(organization: Organization) -> ResponseReturnValue:
    organizations.undo_deletion(current_uow(), organization)
    return _to(organization, f"{organization.name} is kept.")


def _show(organization: Organization, **forms: Form) -> str:
    """Show an organization; of its forms those that are given, the others as things are."""
    shown: dict[str, Form] = {
        "renaming": RenameForm(formdata=None, obj=organization),
        "limits": LimitsForm(formdata=None, obj=organization),
        "owner": FirstOwnerForm(formdata=None),
        "deletion": DeletionForm(formdata=None),
        **forms,
    }
    return render_template(
        "instance/show.html", line=organizations.line_of(current_uow(), organization), **shown
    )


def _refuse(organization: Organization, form: Form, error: Invalid, name: str) -> ResponseReturnValue:
    form.blame(error)
    return _show(organization, **{name: form}), HTTPStatus.UNPROCESSABLE_ENTITY


def _show_link(name: str, invited: Invited) -> ResponseReturnValue:
    """Show the link in this very answer: it exists nowhere else."""
    address = current_app.config["SETTINGS"].public_url + invited.path
    return render_template("instance/link.html", name=name, invited=invited, address=address)


def _to(organization: Organization, words: str) -> ResponseReturnValue:
    if words:
        flash(words, "success")
    return redirect(url_for("instance.show", organization_id=organization.id))
