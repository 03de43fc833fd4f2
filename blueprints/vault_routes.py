"""Addresses of the Vault-compatible API that lead nowhere: other engines and methods, slips of the hand."""

from __future__ import annotations

from http import HTTPStatus

from flask.typing import ResponseReturnValue

from blueprints import vault_answers as answers
from blueprints.guard import requires
from blueprints.requests import current_uow
from errors import NotFound
from policy import Permission
from services import mounts

bp = answers.blueprint("vault_routes")

_VERSIONED = (
    "Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API endpoints "
    "to use. If using the Vault CLI, use 'vault kv get' for this operation."
)


@bp.route("/<path:rest>", methods=answers.ALL)
@requires(Permission.TOKEN_SELF, program=True, writes=False)
def nowhere(rest: str) -> ResponseReturnValue:
    """Say that there is nothing; on a vault of one's own, how its keys are asked for."""
    mount = rest.partition("/")[0]
    if mount not in {mounted.path for mounted in mounts.visible(current_uow())}:
        raise NotFound
    return answers.envelope(warnings=[_VERSIONED], status=HTTPStatus.NOT_FOUND)
