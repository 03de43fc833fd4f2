"""Who can see a thing, and why; what somebody can see."""

from __future__ import annotations

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue

from blueprints.guard import requires
from blueprints.item_pages import allowed
from blueprints.requests import current_place, current_uow
from models import AccessToken, Membership, User, Vault
from policy import Permission, Scope
from services import colleagues, reach, token_limits, vaults
from services.items import StoredItem
from services.reach import Reach, Viewer

bp = Blueprint("reach", __name__, url_prefix="/o/<slug>")


@bp.get("/vaults/<uuid:vault_id>/who")
@requires(Permission.ACCESS_READ, Vault)
def vault(vault: Vault) -> ResponseReturnValue:
    return _who(vault, None, reach.viewers(current_uow(), vault))


@bp.get("/items/<uuid:item_id>/who")
@requires(Permission.ACCESS_READ, StoredItem)
def item(item: StoredItem) -> ResponseReturnValue:
    vault = vaults.find(current_uow(), item.vault_id)
    return _who(vault, item, reach.viewers(current_uow(), vault, item))


@bp.get("/people/<uuid:member_id>/reach")
@requires(Permission.REACH_READ, Membership)
def person(member: Membership) -> ResponseReturnValue:
    user = current_uow().session.get_one(User, member.user_id)
    found = reach.reach_of(current_uow(), user.id, ended=True)
    back = url_for("people.show", slug=current_place().slug, member_id=member.id)
    return _what(user.name, found, disabled=member.disabled_at is not None, back=("People", back))


@bp.get("/tokens/<uuid:token_id>/reach")
@requires(Permission.REACH_READ, AccessToken)
def token(token: AccessToken) -> ResponseReturnValue:
    """Show what a token can see: what its owner can, as far as its scopes let it."""
    found = reach.reach_of(current_uow(), token.user_id)
    back = url_for("tokens.index", slug=current_place().slug)
    scopes = tuple(Scope(scope) for scope in token.scopes.split()) if token.kind == "api" else None
    limits = token_limits.look_at(current_uow(), token)
    found = [] if limits is None else token_limits.narrowed(found, limits)
    dead = token.revoked_at is not None or token.expires_at <= current_uow().now
    return _what(
        token.name or "Sign-in token",
        found,
        disabled=dead,
        back=("Tokens", back),
        scopes=scopes,
        names_only=limits.names if limits else (),
    )


def _who(vault: Vault, item: StoredItem | None, viewers: list[Viewer]) -> str:
    uow = current_uow()
    givers = {reason.given_by for viewer in viewers for reason in viewer.reasons}
    return render_template(
        "reach/who.html",
        vault=vault,
        item=item,
        viewers=viewers,
        names=colleagues.names(uow, givers),
        seen=uow.actor.rights,
        may_follow=allowed(Permission.PEOPLE_READ),
    )


def _what(
    name: str,
    found: list[Reach],
    *,
    disabled: bool,
    back: tuple[str, str],
    scopes: tuple[Scope, ...] | None = None,
    names_only: tuple[str, ...] = (),
) -> str:
    uow = current_uow()
    givers = {reason.given_by for one in found for reason in one.reasons}
    return render_template(
        "reach/what.html",
        name=name,
        found=found,
        disabled=disabled,
        back=back,
        scopes=scopes,
        names_only=names_only,
        names=colleagues.names(uow, givers),
        vaults=vaults.names(uow),
        seen=uow.actor.rights,
    )
