"""Profiles: the named sets of scopes, vaults and names that programs make tokens with."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from blueprints.guard import requires
from blueprints.item_pages import allowed
from blueprints.requests import current_place, current_uow
from errors import Conflict, Invalid
from forms.token_profiles import ProfileForm
from models import Profile
from policy import Permission, Scope
from services import profiles, vaults

bp = Blueprint("token_profiles", __name__, url_prefix="/o/<slug>/profiles")


@bp.get("")
@requires(Permission.TOKENS_READ)
def index() -> ResponseReturnValue:
    uow = current_uow()
    return render_template(
        "token_profiles/index.html",
        lines=[(each, profiles.extent_of(uow, each)) for each in profiles.every(uow)],
        vaults=vaults.names(uow),
        manages=allowed(Permission.PROFILES_MANAGE),
    )


@bp.route("/new", methods=("GET", "POST"))
@requires(Permission.PROFILES_MANAGE)
def new() -> ResponseReturnValue:
    form = _form()
    return _save(form, None) if form.is_submitted() else _page(form, None)


@bp.route("/<uuid:profile_id>", methods=("GET", "POST"))
@requires(Permission.PROFILES_MANAGE, Profile)
def edit(profile: Profile) -> ResponseReturnValue:
    """Change what a profile allows; the tokens that were made with it change at once."""
    if (form := _form()).is_submitted():
        return _save(form, profile)
    extent = profiles.extent_of(current_uow(), profile)
    form.name.data, form.scopes.data = profile.name, sorted(extent.scopes)
    form.fill(extent.limits)
    return _page(form, profile)


@bp.post("/<uuid:profile_id>/delete")
@requires(Permission.PROFILES_MANAGE, Profile)
def delete(profile: Profile) -> ResponseReturnValue:
    profiles.delete(current_uow(), profile)
    flash("The profile is deleted, and the tokens that were made with it are revoked.", "success")
    return redirect(_list())


def _save(form: ProfileForm, profile: Profile | None) -> ResponseReturnValue:
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    if form.validate():
        try:
            profiles.save(
                current_uow(),
                profile,
                name=profile.name if profile else (form.name.data or "").strip(),
                scopes=[Scope(scope) for scope in form.scopes.data or ()],
                vaults=form.vaults.data or (),
                names=(form.names.data or "").splitlines(),
            )
        except Invalid as error:
            form.blame(error)
        except Conflict as error:
            form.blame(Invalid(str(error), "name"))
            status = HTTPStatus.CONFLICT
        else:
            flash("Saved.", "success")
            return redirect(_list())
    return _page(form, profile), status


def _page(form: ProfileForm, profile: Profile | None) -> str:
    return render_template("token_profiles/edit.html", form=form, profile=profile)


def _form() -> ProfileForm:
    form = ProfileForm()
    form.offer((str(vault_id), name) for vault_id, name in vaults.names(current_uow()).items())
    return form


def _list() -> str:
    return url_for("token_profiles.index", slug=current_place().slug)
