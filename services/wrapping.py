"""Wrapped answers: an answer is put aside, and a token opens it once.

So a secret can be handed on by people and programs that never see it, and whoever finds it opened already
knows that somebody else was there.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from crypto.envelope import DecryptionError
from crypto.tokens import ParsedToken, new_token, parse_token, same
from errors import Invalid, Undecryptable
from models import Action
from policy import NOBODY
from services import audit
from services import wrapping_queries as queries
from services.events import Extra, Target
from services.prepared import fetch_one, run
from services.unit_of_work import UnitOfWork

KIND = "wrap"
LONGEST = timedelta(days=32)
KEPT = timedelta(days=30)
"""After its end, so that a late attempt is still known for what it is."""
_TABLE, _COLUMN = "wrapped", "sealed"
_NO_TOKEN = "wrapping token is not valid or does not exist"  # noqa: S105 - words that clients know


@dataclass(frozen=True, slots=True)
class Wrap:
    """What is told of a wrapped answer; the token's text is shown once and stored nowhere."""

    id: UUID
    text: str = field(repr=False)
    created_at: datetime
    seconds: int
    path: str
    inner: str | None


def wrap(uow: UnitOfWork, content: bytes, seconds: int, *, path: str, inner: str | None = None) -> Wrap:
    """Put an answer aside for whoever presents the new token first.

    Args:
        seconds: for how long.
        path: what was asked for, without names of credentials.
        inner: the accessor of what is inside, where that has one.

    Raises:
        Invalid: that is no time, or a longer one than is allowed.
    """
    if not 0 < seconds <= LONGEST.total_seconds():
        raise Invalid(f"A wrapping lasts from a second to {LONGEST.days} days.")
    here = {"organization_id": uow.organization_id}
    run(uow.connection, queries.FORGET, here | {"before": uow.now - KEPT})
    text, parsed = new_token(KIND)
    wrapped_id = uuid4()
    run(
        uow.connection,
        queries.INSERT,
        here
        | {
            "id": wrapped_id,
            "lookup_id": parsed.lookup_id,
            "digest": uow.keys.token_digest(KIND, parsed.lookup_id, parsed.secret),
            "path": path,
            "inner": inner,
            "sealed": uow.keys.encrypt(uow.organization_id, _TABLE, wrapped_id, _COLUMN, 1, content),
            "created_at": uow.now,
            "created_by": uow.actor.id,
            "expires_at": uow.now + timedelta(seconds=seconds),
            "opened_at": None,
        },
    )
    audit.record(uow, Action.WRAP_CREATED, _target(wrapped_id, path), extra={"seconds": seconds})
    return Wrap(wrapped_id, text, uow.now, seconds, path, inner)


def unwrap(uow: UnitOfWork, text: str) -> bytes:
    """Return what was put aside, and end the token that opens it. Nobody need be signed in for that.

    Raises:
        Invalid: it opens nothing, or nothing any more; if it was opened before, that is recorded as an alert.
        Undecryptable: recorded.
    """
    row = _known(uow, text)
    own = {"own_id": row.id, "own_organization_id": row.organization_id, "now": uow.now}
    asked = {"id": row.id, "organization_id": row.organization_id}
    sealed = fetch_one(uow.connection, queries.SEALED, asked).sealed
    if run(uow.connection, queries.OPEN, own) != 1:
        if row.opened_at is not None:
            audit.record(uow, Action.WRAP_MISUSED, _target(row.id, row.path), success=False)
        raise Invalid(_NO_TOKEN)
    audit.record(uow, Action.WRAP_OPENED, _target(row.id, row.path))
    try:
        return uow.keys.decrypt(row.organization_id, _TABLE, row.id, _COLUMN, 1, sealed)
    except DecryptionError:
        extra: Extra = {"part": "wrapped answer", "version": 1, "key": 0}
        audit.record(uow, Action.DECRYPTION_FAILED, _target(row.id, row.path), success=False, extra=extra)
        raise Undecryptable(0) from None


def look_up(uow: UnitOfWork, text: str) -> Wrap:
    """Tell what is known of a wrapped answer without opening it.

    Raises:
        Invalid: the token opens nothing, or nothing any more.
    """
    row = _known(uow, text)
    if row.opened_at is not None or row.expires_at <= uow.now:
        raise Invalid(_NO_TOKEN)
    seconds = round((row.expires_at - row.created_at).total_seconds())
    return Wrap(row.id, text, row.created_at, seconds, row.path, row.inner)


def rewrap(uow: UnitOfWork, text: str) -> Wrap:
    """Put what a token opens under a new one, for as long as before.

    Raises:
        Invalid: the token opens nothing, or nothing any more.
    """
    known = look_up(uow, text)
    return wrap(uow, unwrap(uow, text), known.seconds, path=known.path, inner=known.inner)


def _known(uow: UnitOfWork, text: str) -> Any:
    """Find the row of a token, and go on in its organization."""
    parsed = parse_token(text)
    row = _find(uow, parsed) if parsed is not None and parsed.kind == KIND else None
    if row is None or row.closed:
        raise Invalid(_NO_TOKEN)
    if uow.actor.organization_id != row.organization_id:
        uow.act_as(dataclasses.replace(NOBODY, organization_id=row.organization_id))
    return row


def _find(uow: UnitOfWork, parsed: ParsedToken) -> Any:
    row = fetch_one(uow.connection, queries.FIND, {"lookup_id": parsed.lookup_id})
    if row is None:
        return None
    uow.use_keys(row.key_generation)
    digest = uow.keys.token_digest(KIND, parsed.lookup_id, parsed.secret)
    return row if same(digest, row.digest) else None


def _target(wrapped_id: UUID, path: str) -> Target:
    return Target("wrap", wrapped_id, path)
