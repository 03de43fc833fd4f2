"""Making a thing once, however often a program asks for it with the same key (Idempotency-Key)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

from sqlalchemy import delete, select

from errors import Conflict, Invalid
from models import Repeat
from services.unit_of_work import UnitOfWork

KEPT = timedelta(hours=24)
KEY_MAX = 200


def made(uow: UnitOfWork, key: str | None, body: bytes, make: Callable[[], UUID]) -> UUID:
    """Return the id of what *make* makes, or of what it made when the key was first sent.

    Args:
        key: the program's own; None: it gave none, so everything is made anew.

    Raises:
        Invalid: the key is empty, too long or not of printable ASCII.
        Conflict: the key was sent before with another body.
    """
    if key is None:
        return make()
    if not 0 < len(key) <= KEY_MAX or not (key.isascii() and key.isprintable()):
        raise Invalid(f"An Idempotency-Key has 1 to {KEY_MAX} printable ASCII characters.")
    token_id = uow.actor.token_id
    digest = uow.keys.throttle_digest("once", str(token_id), uow.origin.path, key)
    body_digest = uow.keys.throttle_digest("once-body", body.hex())
    found = uow.session.scalar(
        select(Repeat).where(
            Repeat.token_id == token_id, Repeat.digest == digest, Repeat.created_at > uow.now - KEPT
        )
    )
    if found is not None:
        if found.body_digest != body_digest:
            raise Conflict("This Idempotency-Key was sent before with another body.")
        return found.made_id
    made_id = make()
    uow.session.execute(delete(Repeat).where(Repeat.token_id == token_id, Repeat.digest == digest))
    uow.session.add(
        Repeat(
            id=uuid4(),
            organization_id=uow.organization_id,
            token_id=token_id,
            digest=digest,
            body_digest=body_digest,
            made_id=made_id,
            created_at=uow.now,
        )
    )
    uow.session.flush()
    return made_id


def remove_ended(uow: UnitOfWork) -> int:
    """Forget the keys of more than a day ago; return how many."""
    result = uow.session.execute(delete(Repeat).where(Repeat.created_at <= uow.now - KEPT))
    return int(result.rowcount)  # type: ignore[attr-defined]  # of what changes rows
