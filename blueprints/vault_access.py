"""Who may use a vault."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from blueprints import access_pages as pages
from blueprints.guard import requires
from models import Vault
from policy import Permission

bp = Blueprint("access", __name__, url_prefix="/o/<slug>/vaults/<uuid:vault_id>/access")


@bp.get("")
@requires(Permission.VAULT_ACCESS, Vault)
def show(vault: Vault) -> ResponseReturnValue:
    return pages.show(vault)


@bp.post("")
@requires(Permission.VAULT_ACCESS, Vault)
def give(vault: Vault) -> ResponseReturnValue:
    return pages.give(vault)


@bp.post("/take")
@requires(Permission.VAULT_ACCESS, Vault)
def take(vault: Vault) -> ResponseReturnValue:
    return pages.take(vault)
