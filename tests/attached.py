"""Putting a file on a credential without any page."""

from __future__ import annotations

from io import BytesIO
from uuid import UUID

from policy import Actor
from services import attachment_changes, attachments, items
from services.runtime import Runtime

PEM = b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


def attach(
    runtime: Runtime, actor: Actor, item_id: UUID, name: str = "server.pem", content: bytes = PEM
) -> UUID:
    """Add a file as *actor*, who is asked nothing; return its id."""
    with runtime.work(writing=False, actor=actor) as reader:
        item = items.find(reader, item_id)
        with (
            attachment_changes.prepared(reader, item, name, BytesIO(content)) as draft,
            runtime.work(writing=True, actor=actor) as uow,
        ):
            attachment_changes.add(uow, items.find(uow, item_id), draft)
    return draft.id


def read_back(runtime: Runtime, actor: Actor, file_id: UUID) -> bytes:
    """Return the content of a file as whoever downloads it gets it."""
    with runtime.work(writing=False, actor=actor) as uow:
        content = attachments.download(uow, attachments.find(uow, file_id))
    with_content = b"".join(content)
    content.close()
    return with_content
