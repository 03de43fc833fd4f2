"""The small API for programs: list what a token may know of, reveal what it may open.

A program shows its API token in the Authorization header and nowhere else; a cookie is never looked at here,
so no CSRF token is asked for. Failures are problem details (RFC 9457) that repeat nothing of what was sent.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import UnsupportedMediaType

from blueprints.errors import show
from blueprints.guard import requires
from blueprints.requests import API_PREFIX, current_uow
from errors import Invalid, NotFound
from extensions import uncounted
from policy import Permission
from services import items, strict_json, vaults
from services.index_entries import Entry
from services.items import StoredItem

bp = Blueprint("api", __name__, url_prefix=f"{API_PREFIX}v1")

PAGE = 100
FIELDS_MAX = 60
_IN_ADDRESS = frozenset({"access_token", "api_key", "apikey", "authorization", "key", "token"})

# The guard counts by token, and by address those that have none.
uncounted(bp)


@bp.before_request
def _one_token_in_one_place() -> ResponseReturnValue | None:
    """Refuse a token in the address, which ends up in logs, and two of them (RFC 6750 sections 2 and 5.3)."""
    if any(name.lower() in _IN_ADDRESS or value.startswith("chl_") for name, value in request.args.items()):
        return show(400, "Send the token in the Authorization header, never in the address.")
    if "," in request.headers.get("Authorization", ""):
        return show(400, "Send one Authorization header.")
    return None


@bp.get("/items")
@requires(Permission.ORGANIZATION_READ, limit="600/minute", program=True)
def list_items() -> ResponseReturnValue:
    """List the credentials that the token's owner has any right on; nothing secret is in it."""
    uow = current_uow()
    names = {line.vault.id: line.vault.name for line in vaults.visible(uow) if line.right is not None}
    page = uow.runtime.indexes.of(uow).page(
        names.keys(),
        query=request.args.get("q", ""),
        vault_id=_vault(request.args.get("vault"), names),
        after=request.args.get("cursor"),
        limit=PAGE,
    )
    found = [_line(entry, names[entry.vault_id]) for entry in page.entries]
    return jsonify(items=found, next=page.next_cursor, total=page.total)


@bp.post("/items/<uuid:item_id>/reveal")
@requires(Permission.ITEM_REVEAL, StoredItem, writes=False, limit="600/minute", program=True)
def reveal(item: StoredItem) -> ResponseReturnValue:
    """Return the values of a credential, or of the fields that the body names; one event for all of them."""
    if item.trashed_at is not None:
        raise NotFound
    shown = items.reveal_all(current_uow(), item, only=_asked_for())
    return jsonify(id=item.id, version=item.version, fields=shown)


def _vault(asked: str | None, names: dict[UUID, str]) -> UUID | None:
    """Find a vault by its id or its name."""
    if not asked:
        return None
    for vault_id, name in names.items():
        if asked in {str(vault_id), name}:
            return vault_id
    raise NotFound


def _line(entry: Entry, vault: str) -> dict[str, Any]:
    return {
        "id": entry.id,
        "name": entry.name,
        "vault": {"id": entry.vault_id, "name": vault},
        "type": entry.type,
        "user_name": entry.user_name,
        "urls": entry.urls,
        "tags": entry.tags,
        "expires_on": entry.expires_on.isoformat() if entry.expires_on else None,
        "readable": not entry.broken,
    }


def _asked_for() -> list[str] | None:
    body = request.get_data()
    if not body:
        return None
    if request.mimetype != "application/json":
        raise UnsupportedMediaType
    content = strict_json.parse(body)
    if not isinstance(content, dict) or content.keys() - {"fields"}:
        raise Invalid('Send {"fields": ["password"]}, or no body for all fields.')
    fields = content.get("fields")
    if fields is None:
        return None
    if not isinstance(fields, list) or not 0 < len(fields) <= FIELDS_MAX:
        raise Invalid(f"Name 1 to {FIELDS_MAX} fields, or none for all of them.")
    if not all(isinstance(name, str) for name in fields):
        raise Invalid("The name of a field is a text.")
    return fields
