"""Files on credentials for programs: listed, downloaded, added, removed."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from flask import Response, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import UnsupportedMediaType

from blueprints import file_answers
from blueprints.api import SPEED, Operation, asked, bp, describes
from blueprints.api_items import written
from blueprints.declared import FILE_BODY
from blueprints.guard import requires
from blueprints.program_access import go_on_writing
from blueprints.requests import current_uow
from errors import Invalid, NotFound
from forms import api_items as shapes
from forms.shapes import text
from policy import Permission
from services import attachment_changes, attachments, items
from services.access import demand
from services.attachments import StoredFile
from services.items import StoredItem

UPLOADS = "RATE_UPLOAD"


@bp.get("/items/<uuid:item_id>/files")
@requires(Permission.ITEM_READ, StoredItem, limit=SPEED, program=True)
@describes(Operation("List the files of a credential", answer=shapes.FILES, also=(404,)))
def list_files(item: StoredItem) -> ResponseReturnValue:
    return jsonify(files=[_line(file) for file in attachments.of(current_uow(), item)])


@bp.post("/items/<uuid:item_id>/files")
@requires(Permission.ITEM_EDIT, StoredItem, writes=False, limit=UPLOADS, program=True, max_body=FILE_BODY)
@describes(
    Operation(
        "Add a file to a credential",
        "The body is the file as it is. The credential gets a new version.",
        query={"name": text(longest=300, shortest=1, about="What the file is called; it must be there.")},
        takes=file_answers.MEDIA,
        answer=shapes.FILE_ADDED,
        status=201,
        also=(404, 409),
    )
)
def add_file(item: StoredItem) -> ResponseReturnValue:
    """Store the content with nothing held that others wait for, and then its row."""
    name = asked().get("name")
    if name is None:
        raise Invalid("Send the file's name in the address, as name.", "name")
    if request.mimetype != file_answers.MEDIA:
        raise UnsupportedMediaType
    uow = current_uow()
    source = BytesIO(request.get_data(cache=False))
    with attachment_changes.prepared(uow, item, name, source) as draft:
        go_on_writing(uow)
        found = items.find(uow, item.id)
        demand(uow, Permission.ITEM_EDIT, found.vault_id, found.id, found.known_name)
        version = attachment_changes.add(uow, found, draft)
    answer = jsonify(id=draft.id, name=draft.name, type=draft.type.media, size=draft.size, version=version)
    answer.status_code = 201
    answer.headers["Location"] = f"{bp.url_prefix}/files/{draft.id}"
    return answer


@bp.get("/files/<uuid:file_id>")
@requires(Permission.ITEM_REVEAL, StoredFile, writes=False, limit=SPEED, program=True)
@describes(
    Operation(
        "Download a file",
        "It counts as a reveal. It leaves only after its event is on disk.",
        media=file_answers.MEDIA,
        also=(404, 409),
    )
)
def download_file(file: StoredFile) -> Response:
    if file.item.trashed_at is not None:
        raise NotFound
    return file_answers.send(file, attachments.download(current_uow(), file))


@bp.delete("/files/<uuid:file_id>")
@requires(Permission.ITEM_EDIT, StoredFile, limit=SPEED, program=True)
@describes(
    Operation(
        "Remove a file from a credential",
        "The credential gets a new version; earlier ones keep the file.",
        answer=shapes.WRITTEN,
        also=(404, 409),
    )
)
def remove_file(file: StoredFile) -> ResponseReturnValue:
    uow = current_uow()
    attachment_changes.remove(uow, file)
    return written(items.find(uow, file.item_id))


def _line(file: StoredFile) -> dict[str, Any]:
    return {
        "id": file.id,
        "name": file.file_name,
        "type": file.type.media if file.type else None,
        "size": file.size,
        "added_at": file.added_at.isoformat(),
        "readable": file.known_file is not None,
    }
