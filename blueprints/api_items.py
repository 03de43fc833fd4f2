"""Credentials for programs: listed, looked at, revealed, made, changed, put away and brought back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, jsonify, request
from flask.typing import ResponseReturnValue

from blueprints.api import CHANGED, CURSOR, LIMIT, PAGE, SPEED, Operation, asked, bp, describes, key, sent
from blueprints.guard import requires
from blueprints.requests import current_uow
from blueprints.verdicts import may
from errors import (
    Denied,
    Invalid,
    NotFound,
    PreconditionFailed,
    PreconditionRequired,
    Undecryptable,
    VersionDeleted,
)
from forms import api_items as shapes
from forms.shapes import choice, text
from models import Action, Vault
from policy import Permission, Verdict
from services import audit, crossings, item_changes, item_program, items, once, programs, vaults
from services.events import Target
from services.index_entries import Entry
from services.item_types import ItemType
from services.items import StoredItem

_FILTERS = {
    "q": text(longest=200, about="Searches name, user name, address and tag; all words must match."),
    "vault": text(longest=120, about="A vault's name or id."),
    "type": shapes.TYPES,
    "tag": text(longest=60),
    "folder": text(longest=200, about="Folders in it are included."),
    "state": choice("live", "trash", about="Left out: live."),
}


@bp.get("/items")
@requires(Permission.ORGANIZATION_READ, limit=SPEED, program=True)
@describes(
    Operation(
        "List or search credentials",
        "Those that its owner has any right on and the token reaches; nothing secret is in it.",
        query={**_FILTERS, **CURSOR, **LIMIT},
        answer=shapes.LINES,
        also=(404,),
    )
)
def list_items() -> ResponseReturnValue:
    uow, wanted = current_uow(), asked()
    names = _vault_names()
    index = uow.runtime.indexes.of(uow)
    # A page of people's begins anew; a program would take the same credentials twice.
    if "cursor" in wanted and not index.has_place(wanted["cursor"], uow.actor.rights.keys()):
        raise Invalid(CHANGED, "cursor")
    page = index.page(
        uow.actor.rights.keys(),
        query=wanted.get("q", ""),
        vault_id=_vault(wanted.get("vault"), names),
        type=ItemType(wanted["type"]) if "type" in wanted else None,
        tag=wanted.get("tag"),
        folder=wanted.get("folder"),
        state=wanted.get("state", "live"),
        only=programs.only(uow),
        after=wanted.get("cursor"),
        limit=wanted.get("limit", PAGE),
    )
    found = [_line(entry, names.get(entry.vault_id)) for entry in page.entries]
    return jsonify(items=found, next=page.next_cursor, total=page.total)


@bp.get("/items/<uuid:item_id>")
@requires(Permission.ITEM_READ, StoredItem, limit=SPEED, program=True)
@describes(
    Operation(
        "Look at a credential, without its values",
        answer=shapes.ITEM,
        etag=True,
        also=(404, 409),
    )
)
def show_item(item: StoredItem) -> ResponseReturnValue:
    return _told(item)


@bp.post("/items/<uuid:item_id>/reveal")
@requires(Permission.ITEM_REVEAL, StoredItem, writes=False, limit=SPEED, program=True)
@describes(
    Operation(
        "Reveal values",
        "One event says which fields. It leaves only after that is on disk.",
        body=shapes.REVEAL,
        bodyless=True,
        answer=shapes.REVEALED,
        also=(404, 409),
    )
)
def reveal(item: StoredItem) -> ResponseReturnValue:
    wanted = sent()
    if item.trashed_at is not None:
        raise NotFound
    version = wanted.get("version") or item.version
    shown = items.reveal_all(current_uow(), item, version=version, only=wanted.get("fields"))
    return jsonify(id=item.id, version=version, fields=shown)


@bp.post("/items/reveal")
@requires(Permission.ITEMS_REVEAL, writes=False, limit=SPEED, program=True)
@describes(
    Operation(
        "Reveal values of up to 100 credentials",
        "Each is an event of its own, also each refusal; all are on disk before the answer leaves.",
        body=shapes.REVEAL_MANY,
        answer=shapes.REVEALED_MANY,
    )
)
def reveal_many() -> ResponseReturnValue:
    return jsonify(items=[_reveal_one(UUID(one["id"]), one.get("fields")) for one in sent()["items"]])


def _reveal_one(item_id: UUID, fields: list[str] | None) -> dict[str, Any]:
    """Reveal one of many; what goes wrong with it is told, and stops none of the others."""
    uow = current_uow()
    try:
        item = items.find(uow, item_id)
        if item.trashed_at is not None or may(uow, Permission.ITEM_REVEAL, item) is Verdict.HIDE:
            raise NotFound  # noqa: TRY301 - caught with those that the services raise
        if may(uow, Permission.ITEM_REVEAL, item) is not Verdict.ALLOW:
            raise Denied  # noqa: TRY301 - likewise
        shown = items.reveal_all(uow, item, only=fields)
    except (NotFound, Denied) as refused:
        target = Target("item", item_id, request.endpoint or "")
        extra = {"permission": Permission.ITEM_REVEAL.value}
        audit.record(uow, Action.ACCESS_DENIED, target, success=False, extra=extra)
        crossings.notice(uow, target, StoredItem, None)
        return {"id": item_id, "status": 403 if isinstance(refused, Denied) else 404}
    except (Undecryptable, VersionDeleted):
        return {"id": item_id, "status": 409}
    return {"id": item_id, "status": 200, "version": item.version, "fields": shown}


@bp.post("/vaults/<uuid:vault_id>/items")
@requires(Permission.ITEM_EDIT, Vault, limit=SPEED, program=True)
@describes(
    Operation(
        "Make a credential",
        body=shapes.NEW_ITEM,
        answer=shapes.WRITTEN,
        status=201,
        etag=True,
        once=True,
        also=(404, 409),
    )
)
def create_item(vault: Vault) -> ResponseReturnValue:
    uow = current_uow()
    contents = item_program.new_contents(sent())
    made = once.made(uow, key(), request.get_data(), lambda: item_changes.create(uow, vault, contents))
    answer = written(items.find(uow, made))
    answer.status_code = 201
    answer.headers["Location"] = f"{bp.url_prefix}/items/{made}"
    return answer


@bp.patch("/items/<uuid:item_id>")
@requires(Permission.ITEM_EDIT, StoredItem, limit=SPEED, program=True)
@describes(
    Operation(
        "Change a credential",
        "Its next version. Send the version that you have seen in If-Match.",
        body=shapes.CHANGED_ITEM,
        answer=shapes.WRITTEN,
        etag=True,
        conditional=True,
        also=(404, 409, 412, 428),
    )
)
def change_item(item: StoredItem) -> ResponseReturnValue:
    uow, wanted = current_uow(), sent()
    _demand_match(item)
    if item.overview is None:
        raise Undecryptable(item.key_version)
    change = item_program.change_of(item.overview, wanted)
    item_changes.edit(uow, item, change.contents, expected_version=item.version, clear=change.clear)
    return written(items.find(uow, item.id))


@bp.get("/items/<uuid:item_id>/history")
@requires(Permission.ITEM_READ, StoredItem, limit=SPEED, program=True)
@describes(Operation("List the versions that are kept, newest first", answer=shapes.HISTORY, also=(404,)))
def list_versions(item: StoredItem) -> ResponseReturnValue:
    lines = items.history(current_uow(), item)
    return jsonify(
        versions=[
            {
                "number": line.number,
                "at": line.at.isoformat(),
                "by": line.by_name or None,
                "reason": line.reason,
                "changed": line.changed,
                "readable": not line.broken,
            }
            for line in lines
        ]
    )


@bp.post("/items/<uuid:item_id>/history/<int:number>/restore")
@requires(Permission.ITEM_EDIT, StoredItem, limit=SPEED, program=True)
@describes(
    Operation(
        "Make an earlier version the newest",
        "As its next version; those between stay. Send the version that you have seen in If-Match.",
        answer=shapes.WRITTEN,
        etag=True,
        conditional=True,
        also=(404, 409, 412, 428),
    )
)
def restore_version(item: StoredItem, number: int) -> ResponseReturnValue:
    uow = current_uow()
    _demand_match(item)
    item_changes.restore_version(uow, item, number)
    return written(items.find(uow, item.id))


def _demand_match(item: StoredItem) -> None:
    """Refuse a change that does not say which version it was made on, or names another than the newest."""
    if not request.headers.get("If-Match"):
        raise PreconditionRequired('Send the version that you have seen, as If-Match: "1".')
    if not request.if_match.contains(str(item.version)):
        raise PreconditionFailed("The credential has another version by now. Look at it and try again.")


def _vault_names() -> dict[UUID, str]:
    return {
        line.vault.id: line.vault.name for line in vaults.visible(current_uow()) if line.right is not None
    }


def _vault(wanted: str | None, names: dict[UUID, str]) -> UUID | None:
    """Find a vault by its id or its name."""
    if not wanted:
        return None
    for vault_id, name in names.items():
        if wanted in {str(vault_id), name}:
            return vault_id
    raise NotFound


def _line(entry: Entry, vault: str | None) -> dict[str, Any]:
    return {
        "id": entry.id,
        "name": entry.name,
        "vault": {"id": entry.vault_id, "name": vault} if vault is not None else None,
        "type": entry.type,
        "user_name": entry.user_name,
        "urls": entry.urls,
        "tags": entry.tags,
        "expires_on": entry.expires_on.isoformat() if entry.expires_on else None,
        "readable": not entry.broken,
    }


def written(item: StoredItem) -> Response:
    """Tell which version there is now, and nothing else: a token may only write."""
    answer = jsonify(id=item.id, version=item.version)
    answer.set_etag(str(item.version))
    return answer


def _told(item: StoredItem) -> Response:
    """Tell all of a credential but its values.

    Always all of it, whatever version the caller has: what its vault is called, and whether it lies in the
    trash, changes without a version.
    """
    overview = item.overview
    vault = _vault_names().get(item.vault_id)
    answer = jsonify(
        id=item.id,
        name=item.name,
        vault={"id": item.vault_id, "name": vault} if vault is not None else None,
        type=overview.type if overview else None,
        user_name=overview.user_name if overview else "",
        urls=overview.urls if overview else (),
        tags=overview.tags if overview else (),
        expires_on=overview.expires_on.isoformat() if overview and overview.expires_on else None,
        readable=overview is not None,
        version=item.version,
        created_at=item.created_at.isoformat(),
        changed_at=item.changed_at.isoformat(),
        trashed_at=item.trashed_at.isoformat() if item.trashed_at else None,
        strength=overview.strength if overview else None,
        fields=[
            {"name": shape.name, "kind": shape.kind, "filled": shape.filled, "custom": shape.custom}
            for shape in (overview.shapes if overview else ())
        ],
    )
    answer.set_etag(str(item.version))
    return answer
