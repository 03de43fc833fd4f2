"""Vaults for programs: listed, looked at, made, changed."""

from __future__ import annotations

from typing import Any

from flask import jsonify, request
from flask.typing import ResponseReturnValue

from blueprints.api import CURSOR, LIMIT, SPEED, Operation, bp, describes, key, part_of, sent
from blueprints.guard import requires
from blueprints.requests import current_uow
from forms import api_items as shapes
from models import Vault
from policy import Permission, Right
from services import once, programs, vaults


@bp.get("/vaults")
@requires(Permission.ORGANIZATION_READ, limit=SPEED, program=True)
@describes(
    Operation(
        "List vaults",
        "Those that its owner has a right on.",
        query={**CURSOR, **LIMIT},
        answer=shapes.VAULTS,
    )
)
def list_vaults() -> ResponseReturnValue:
    lines = [line.vault for line in vaults.visible(current_uow()) if line.right is not None]
    page, following = part_of(lines, lambda vault: vault.id)
    return jsonify(vaults=[_told(vault) for vault in page], next=following)


@bp.get("/vaults/<uuid:vault_id>")
@requires(Permission.VAULT_READ, Vault, limit=SPEED, program=True)
@describes(Operation("Look at a vault", answer=shapes.VAULT, also=(404,)))
def show_vault(vault: Vault) -> ResponseReturnValue:
    return jsonify(_told(vault))


@bp.post("/vaults")
@requires(Permission.VAULT_CREATE, limit=SPEED, program=True)
@describes(
    Operation(
        "Make a vault",
        "Its maker is its first manager.",
        body=shapes.NEW_VAULT,
        answer=shapes.VAULT,
        status=201,
        once=True,
        also=(404, 409),
    )
)
def create_vault() -> ResponseReturnValue:
    uow, wanted = current_uow(), sent()
    made = once.made(
        uow,
        key(),
        request.get_data(),
        lambda: vaults.create(uow, wanted["name"], wanted.get("description", "")).id,
    )
    told = _told(vaults.find(uow, made))
    # What has just been given is not among the rights that the request began with.
    answer = jsonify(told | {"right": told["right"] or Right.MANAGE.label})
    answer.headers["Location"] = f"{bp.url_prefix}/vaults/{made}"
    answer.status_code = 201
    return answer


@bp.patch("/vaults/<uuid:vault_id>")
@requires(Permission.VAULT_MANAGE, Vault, limit=SPEED, program=True)
@describes(
    Operation(
        "Change a vault's name or description",
        body=shapes.CHANGED_VAULT,
        answer=shapes.VAULT,
        also=(404, 409),
    )
)
def change_vault(vault: Vault) -> ResponseReturnValue:
    told = sent()
    vaults.describe(current_uow(), vault, name=told.get("name"), description=told.get("description"))
    return jsonify(_told(vault))


def _told(vault: Vault) -> dict[str, Any]:
    uow = current_uow()
    right = vaults.effective_right(uow, vault.id)
    inside = uow.runtime.indexes.of(uow).page([vault.id], only=programs.only(uow), limit=1)
    return {
        "id": vault.id,
        "name": vault.name,
        "description": vault.description,
        "right": right.label if right else None,
        "items": inside.total,
    }
