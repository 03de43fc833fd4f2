"""The trash for programs: credentials put away, brought back, destroyed."""

from __future__ import annotations

from flask import Response
from flask.typing import ResponseReturnValue

from blueprints.api import SPEED, Operation, bp, describes
from blueprints.api_items import written
from blueprints.guard import requires
from blueprints.requests import current_uow
from forms import api_items as shapes
from policy import Permission
from services import item_changes
from services.items import StoredItem


@bp.delete("/items/<uuid:item_id>")
@requires(Permission.ITEM_PLACE, StoredItem, limit=SPEED, program=True)
@describes(Operation("Move a credential to the trash", status=204, also=(404, 409)))
def trash_item(item: StoredItem) -> ResponseReturnValue:
    item_changes.trash(current_uow(), item)
    return Response(status=204)


@bp.post("/items/<uuid:item_id>/restore")
@requires(Permission.ITEM_PLACE, StoredItem, limit=SPEED, program=True)
@describes(
    Operation("Bring a credential back from the trash", answer=shapes.WRITTEN, etag=True, also=(404, 409))
)
def restore_item(item: StoredItem) -> ResponseReturnValue:
    item_changes.restore(current_uow(), item)
    return written(item)


@bp.delete("/trash/<uuid:item_id>")
@requires(Permission.ITEM_PURGE, StoredItem, limit=SPEED, program=True)
@describes(
    Operation(
        "Destroy a credential that lies in the trash",
        "With all its versions; nobody can bring it back.",
        status=204,
        also=(404, 409),
    )
)
def destroy_item(item: StoredItem) -> ResponseReturnValue:
    item_changes.purge(current_uow(), item)
    return Response(status=204)
