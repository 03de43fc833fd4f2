"""Who looks after a vault or a credential: shown, changed, handed over."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from blueprints.guard import requires
from blueprints.item_pages import address, allowed
from blueprints.requests import current_place, current_uow
from errors import Conflict, Invalid
from forms.fields import choices
from forms.responsible import HandOverForm, KeeperForm
from models import Membership, Vault
from policy import Permission
from services import colleagues, responsibility, vaults
from services.items import StoredItem
from services.responsibility import HandedOver, Held, Keeper

bp = Blueprint("responsible", __name__, url_prefix="/o/<slug>")


@bp.get("/items/<uuid:item_id>/responsible")
@requires(Permission.ITEM_PLACE, StoredItem)
def item(item: StoredItem) -> ResponseReturnValue:
    keeper = responsibility.of_item(current_uow(), item)
    return _item_page(item, keeper, _keeper_form(item.vault_id, item.id, keeper=keeper))


@bp.post("/items/<uuid:item_id>/responsible")
@requires(Permission.ITEM_PLACE, StoredItem)
def change_item(item: StoredItem) -> ResponseReturnValue:
    uow = current_uow()
    form = _keeper_form(item.vault_id, item.id)
    if not form.validate_on_submit():
        page = _item_page(item, responsibility.of_item(uow, item), form)
        return page, HTTPStatus.UNPROCESSABLE_ENTITY
    if responsibility.give_item(uow, item, form.user_id.data):
        flash("Saved.", "success")
    return redirect(address(item))


@bp.get("/vaults/<uuid:vault_id>/responsible")
@requires(Permission.VAULT_READ, Vault)
def vault(vault: Vault) -> ResponseReturnValue:
    keeper = responsibility.of_vault(current_uow(), vault)
    return _vault_page(vault, keeper, _keeper_form(vault.id, keeper=keeper))


@bp.post("/vaults/<uuid:vault_id>/responsible")
@requires(Permission.VAULT_MANAGE, Vault)
def change_vault(vault: Vault) -> ResponseReturnValue:
    uow = current_uow()
    form = _keeper_form(vault.id)
    if not form.validate_on_submit():
        page = _vault_page(vault, responsibility.of_vault(uow, vault), form)
        return page, HTTPStatus.UNPROCESSABLE_ENTITY
    if responsibility.give_vault(uow, vault, form.user_id.data):
        flash("Saved.", "success")
    return redirect(url_for("responsible.vault", slug=current_place().slug, vault_id=vault.id))


@bp.post("/people/<uuid:member_id>/hand-over")
@requires(Permission.RESPONSIBLE_HAND_OVER, Membership)
def hand_over(member: Membership) -> ResponseReturnValue:
    uow = current_uow()
    held = responsibility.held_by(uow, member.user_id)
    form = hand_over_form(member, held)
    if not held:
        raise Conflict("They are responsible for nothing any more.")
    if not form.validate_on_submit():
        raise Invalid("Choose what goes to whom from the lists.")
    only = [form.vault_id.data] if form.vault_id.data else None
    _tell(responsibility.hand_over(uow, member.user_id, form.user_id.data, only))
    return redirect(
        url_for("leavers.person", slug=current_place().slug, member_id=member.id, _anchor="responsible")
    )


def hand_over_form(member: Membership, held: list[Held]) -> HandOverForm:
    """Offer what somebody looks after, and everybody else."""
    form = HandOverForm()
    everybody = [one for one in colleagues.active(current_uow()) if one.user_id != member.user_id]
    everything = ("", "Everything that they are responsible for")
    form.vault_id.choices = choices([everything, *((str(one.vault_id), one.name) for one in held)])
    form.user_id.choices = choices((str(one.user_id), f"{one.name} ({one.email})") for one in everybody)
    return form


def _tell(done: HandedOver) -> None:
    stayed = ""
    if done.left:
        stayed = f" {_things(done.left)} in vaults that they cannot see stayed. Give them access first."
    if done.given:
        flash(f"{_things(done.given)} handed over.{stayed}", "warning" if stayed else "success")
    else:
        flash(f"Nothing was handed over.{stayed}", "warning")


def _things(number: int) -> str:
    return "One thing" if number == 1 else f"{number} things"


def _keeper_form(vault_id: UUID, item_id: UUID | None = None, *, keeper: Keeper | None = None) -> KeeperForm:
    form = KeeperForm(user_id=keeper.user_id) if keeper else KeeperForm()
    people = responsibility.candidates(current_uow(), vault_id, item_id)
    named = ((str(one.user_id), f"{one.name} ({one.email})") for one in people)
    form.user_id.choices = choices([("", "Nobody"), *named])
    return form


def _item_page(item: StoredItem, keeper: Keeper, form: KeeperForm) -> str:
    return render_template(
        "responsible/item.html",
        item=item,
        vault=vaults.find(current_uow(), item.vault_id),
        keeper=keeper,
        form=form,
    )


def _vault_page(vault: Vault, keeper: Keeper, form: KeeperForm) -> str:
    return render_template(
        "responsible/vault.html",
        vault=vault,
        keeper=keeper,
        form=form,
        may_manage=allowed(Permission.VAULT_MANAGE, vault),
        maker=colleagues.names(current_uow(), [vault.created_by]).get(vault.created_by),
    )
