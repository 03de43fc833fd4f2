"""When and from where a session or a token was last used."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, Connection, bindparam, select, update

from models import AccessToken, UserSession
from services.committer import Mark

COARSE = timedelta(seconds=60)
"""A later use is noted only when the last note is older than this."""


def _free(model: type[UserSession | AccessToken]) -> ColumnElement[bool]:
    """A row that somebody is changing is left alone: nobody waits for a mark, nor a mark for anybody."""
    return model.id.in_(
        select(model.id)
        .where(model.id == bindparam("used_id"))
        .with_for_update(skip_locked=True, key_share=True)
    )


_SESSION = (
    update(UserSession)
    .where(_free(UserSession))
    .values(seen_at=bindparam("used_at"), address=bindparam("used_from"))
)
_TOKEN = (
    update(AccessToken)
    .where(_free(AccessToken))
    .values(last_used_at=bindparam("used_at"), last_used_address=bindparam("used_from"))
)
_STATEMENTS = {"session": _SESSION, "token": _TOKEN}


def write_marks(connection: Connection, marks: Sequence[Mark]) -> None:
    """Write the newest mark of each session and token."""
    newest = {(mark.what, mark.id): mark for mark in marks}
    for mark in newest.values():
        connection.execute(
            _STATEMENTS[mark.what],
            {"used_id": mark.id, "used_at": mark.at, "used_from": mark.address},
        )
