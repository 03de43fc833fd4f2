"""The audit log for programs: asked, and taken out as a stream of lines."""

from __future__ import annotations

import re
from datetime import date
from typing import Any
from uuid import UUID

from flask import Response, jsonify
from flask.typing import ResponseReturnValue

from blueprints.api import CURSOR, LIMIT, PAGE, SPEED, Operation, asked, bp, describes
from blueprints.guard import requires
from blueprints.requests import current_uow, runtime
from errors import Invalid
from forms import api_others as shapes
from forms.shapes import whole
from models import Action
from policy import Permission
from services import audit_export, audit_reading
from services.audit_export import Format
from services.audit_reading import Filter, Line

STREAMS = "RATE_API_AUDIT"
_SEQ = re.compile(r"[0-9]{1,15}")


@bp.get("/audit")
@requires(Permission.AUDIT_READ, limit=SPEED, program=True)
@describes(
    Operation(
        "Ask the audit log, newest first",
        "A page may be empty and name a next one: what matches is further back.",
        query={**shapes.AUDIT_QUERY, **CURSOR, **LIMIT},
        answer=shapes.EVENTS,
    )
)
def list_events() -> ResponseReturnValue:
    uow, wanted = current_uow(), asked()
    page = audit_reading.page(
        uow,
        uow.organization_id,
        _filter(wanted),
        before=_number(wanted.get("cursor")),
        limit=wanted.get("limit", PAGE),
    )
    return jsonify(
        events=[_told(line) for line in page.lines], next=str(page.before) if page.before else None
    )


@bp.get("/audit/stream")
@requires(Permission.AUDIT_READ, limit=STREAMS, program=True)
@describes(
    Operation(
        "Take the audit log out as JSON Lines, oldest first",
        "As the export on the page does, fit for ./chatelaine audit verify. That it was taken is an event.",
        query={**shapes.AUDIT_QUERY, "after": whole(about="Begin behind the event of this number.")},
        media="application/jsonl",
    )
)
def stream_events() -> ResponseReturnValue:
    uow, wanted = current_uow(), asked()
    plan = audit_export.plan(
        uow, uow.organization_id, _filter(wanted), Format.JSON_LINES, names=True, after=wanted.get("after", 0)
    )
    return Response(audit_export.write(runtime(), plan), content_type=plan.format.media_type)


def _filter(wanted: dict[str, Any]) -> Filter:
    return Filter(
        actor_id=UUID(wanted["actor"]) if "actor" in wanted else None,
        actions=frozenset({Action(wanted["action"])}) if "action" in wanted else frozenset(),
        target_id=UUID(wanted["target"]) if "target" in wanted else None,
        success=wanted["result"] == "ok" if "result" in wanted else None,
        first_day=date.fromisoformat(wanted["since"]) if "since" in wanted else None,
        last_day=date.fromisoformat(wanted["until"]) if "until" in wanted else None,
    )


def _number(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    if not _SEQ.fullmatch(cursor):
        raise Invalid("The cursor is to be the `next` of an answer.", "cursor")
    return int(cursor)


def _told(line: Line) -> dict[str, Any]:
    details = line.details
    return {
        "seq": line.seq,
        "at": line.at.isoformat(),
        "action": line.action,
        "who": line.who,
        "actor_id": line.actor_id,
        "actor_kind": details.actor_kind if details else None,
        "token_id": details.token_id if details else None,
        "target_type": line.target_type,
        "target_id": line.target_id,
        "target": line.target,
        "success": line.success,
        "address": details.address if details else "",
        "agent": details.agent if details else "",
        "method": details.method if details else "",
        "path": details.path if details else "",
        "request": details.request if details else "",
        "extra": details.extra if details else {},
    }
