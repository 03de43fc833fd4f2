"""Vaults: listed, shown, made, changed, deleted."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from blueprints import item_lists as lists
from blueprints.guard import requires
from blueprints.item_pages import allowed
from blueprints.requests import current_place, current_uow
from errors import Conflict, Invalid
from forms.vaults import ChangeVaultForm, VaultForm
from models import Vault
from policy import Permission
from services import access_requests, items, mounts, vaults

bp = Blueprint("vaults", __name__, url_prefix="/o/<slug>/vaults")


@bp.get("")
@requires(Permission.ORGANIZATION_READ)
def index() -> ResponseReturnValue:
    lines = vaults.visible(current_uow())
    return render_template(
        "vaults/index.html",
        lines=lines,
        accessible={line.vault.id for line in lines if allowed(Permission.VAULT_ACCESS, line.vault)},
        shared=items.shared(current_uow()),
        listed=access_requests.listed(current_uow()) if allowed(Permission.VAULT_ASK) else [],
        asked=access_requests.open_access(current_uow()),
        may_create=allowed(Permission.VAULT_CREATE),
        may_export=allowed(Permission.ITEMS_EXPORT),
    )


@bp.route("/new", methods=("GET", "POST"))
@requires(Permission.VAULT_CREATE)
def new() -> ResponseReturnValue:
    form = VaultForm()
    status = HTTPStatus.OK
    if form.is_submitted():
        try:
            vault = vaults.create(current_uow(), form.name.data or "", form.description.data or "")
        except (Invalid, Conflict) as error:
            status = _refuse(form, error)
        else:
            flash("Your vault is ready. Add its first credential, or give others access.", "success")
            return redirect(_address(vault))
    return render_template("vaults/new.html", form=form), status


@bp.get("/<uuid:vault_id>")
@requires(Permission.VAULT_READ, Vault)
def show(vault: Vault) -> ResponseReturnValue:
    uow = current_uow()
    wanted = lists.Wanted.read()
    places = lists.Places.of(uow, [vault])
    favorites = items.favorites(uow)
    index = uow.runtime.indexes.of(uow)
    today = uow.now.date()
    page = wanted.page(index, places, favorites, today)
    return render_template(
        "vaults/show.html",
        vault=vault,
        wanted=wanted,
        page=page,
        rows=lists.item_rows(page.entries, places, favorites, today),
        subfolders=index.subfolders({vault.id}, vault.id, wanted.folder),
        trail=lists.trail(wanted.folder),
        tags=index.tags({vault.id}),
        may_edit=vault.id in places.editing,
        may_import=allowed(Permission.VAULT_IMPORT, vault),
        may_export=allowed(Permission.ITEMS_EXPORT) and allowed(Permission.ITEM_REVEAL, vault),
        may_manage=allowed(Permission.VAULT_MANAGE, vault),
        may_share=allowed(Permission.VAULT_ACCESS, vault),
        may_see_who=allowed(Permission.ACCESS_READ, vault),
    )


@bp.route("/<uuid:vault_id>/edit", methods=("GET", "POST"))
@requires(Permission.VAULT_MANAGE, Vault)
def edit(vault: Vault) -> ResponseReturnValue:
    form = ChangeVaultForm(obj=vault)
    status = HTTPStatus.OK
    if form.is_submitted():
        try:
            if form.validate():
                _change(vault, form)
                flash("Saved.", "success")
                return redirect(_address(vault))
            status = HTTPStatus.UNPROCESSABLE_ENTITY
        except (Invalid, Conflict) as error:
            status = _refuse(form, error)
    return _edit_page(vault, form), status


def _edit_page(vault: Vault, form: ChangeVaultForm) -> str:
    mount = mounts.path_of(current_uow(), vault.id)
    return render_template("vaults/edit.html", vault=vault, form=form, mount=mount)


def _change(vault: Vault, form: ChangeVaultForm) -> None:
    vaults.change(
        current_uow(),
        vault,
        name=form.name.data or "",
        description=form.description.data or "",
        max_versions=form.max_versions.data,
        listed=form.listed.data,
        protection=form.wanted,
    )


@bp.post("/<uuid:vault_id>/delete")
@requires(Permission.VAULT_MANAGE, Vault)
def delete(vault: Vault) -> ResponseReturnValue:
    try:
        vaults.delete(current_uow(), vault)
    except Conflict as error:
        form = ChangeVaultForm(formdata=None, obj=vault)
        form.blame(Invalid(str(error)))
        return _edit_page(vault, form), HTTPStatus.CONFLICT
    flash("The vault is deleted.", "success")
    return redirect(url_for("vaults.index", slug=current_place().slug))


def _refuse(form: VaultForm, error: Invalid | Conflict) -> HTTPStatus:
    if isinstance(error, Invalid):
        form.blame(error)
        return HTTPStatus.UNPROCESSABLE_ENTITY
    form.blame(Invalid(str(error), "name"))
    return HTTPStatus.CONFLICT


def _address(vault: Vault) -> str:
    return url_for("vaults.show", slug=current_place().slug, vault_id=vault.id)
