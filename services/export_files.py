"""The files on the credentials of an export, for the formats that hold files."""

from __future__ import annotations

from dataclasses import replace

from errors import Conflict, Invalid, Undecryptable
from exporters.record import File
from models import Action
from services import attachments
from services.attachments import StoredFile
from services.events import Extra
from services.export_contents import Gathered, Why
from services.item_versions import FILES
from services.unit_of_work import UnitOfWork

BYTES_MAX = 25 * 1024 * 1024
"""Of all files together: an export is made in memory, and a file is written there in more than one way."""


def add(uow: UnitOfWork, gathered: Gathered) -> None:
    """Open the files of everything that was gathered; what does not open is left out and counted.

    The unit lets go of its transaction: files may lie on another machine.

    Raises:
        Invalid: they are more than one export takes.
    """
    found = [
        (place, file) for place, item in enumerate(gathered.stored) for file in attachments.of(uow, item)
    ]
    if sum(file.size for _, file in found) > BYTES_MAX:
        raise Invalid(
            f"The files come to more than {BYTES_MAX // 1024**2} MiB. "
            "Export the vaults one by one, or leave the files out.",
            "files",
        )
    uow.release()
    for place, file in found:
        content = _content(uow, file)
        if content is None:
            gathered.left_out[Why.FILE] += 1
            continue
        one = gathered.credentials[place]
        gathered.credentials[place] = replace(one, files=(*one.files, content))
        gathered.files.append(file)


def record(uow: UnitOfWork, gathered: Gathered, export_id: str) -> None:
    """Record each file as downloaded."""
    for file in gathered.files:
        extra: Extra = {
            "field": FILES,
            "version": file.item.version,
            "file": str(file.id),
            "size": file.size,
            "export": export_id,
        }
        attachments.record(uow, Action.FILE_DOWNLOADED, file.item, extra)


def _content(uow: UnitOfWork, file: StoredFile) -> File | None:
    try:
        content = attachments.clear_content(uow, file)
    except (Conflict, Undecryptable):
        return None
    try:
        return File(file.file_name, file.type.media if file.type else "", b"".join(content))
    finally:
        content.close()
