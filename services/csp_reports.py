"""What browsers report about broken content policy: counted once for each cause, a few hundred at most.

Anybody can send such reports, so nothing in them is believed and little is kept: which directive, the origin
of what was blocked, and which of our pages it was, without any id.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from sqlalchemy import bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from errors import Invalid
from models import CspReport
from services.unit_of_work import UnitOfWork

KINDS = {"application/csp-report": "old", "application/reports+json": "new", "application/json": "new"}
"""Content types of the two ways in which browsers report: ``report-uri`` and the Reporting API."""
ROWS = 200
AT_ONCE = 20
_DIRECTIVE = re.compile(r"[a-z-]{1,60}")
_KEYWORD = re.compile(r"[a-z-]{1,40}")
_BLOCKED_MAX = 200


@dataclass(frozen=True, slots=True)
class Violation:
    """One report, as far as it is kept.

    Args:
        blocked: an origin, or a word such as ``inline``.
        document: the address of the page; :func:`store` takes its pattern, such as ``/o/<slug>/items``.
    """

    directive: str
    blocked: str
    document: str


def read(content: Any, kind: str) -> list[Violation]:
    """Return the violations in a report's JSON; what is not one is left out.

    Args:
        kind: ``old`` or ``new``, see :data:`KINDS`.

    Raises:
        Invalid: it is no report at all.
    """
    if kind == "old":
        entries = [content.get("csp-report")] if isinstance(content, dict) else []
        names = ("effective-directive", "violated-directive", "blocked-uri", "document-uri")
    else:
        listed = content if isinstance(content, list) else [content]
        entries = [entry.get("body") for entry in listed if isinstance(entry, dict)]
        names = ("effectiveDirective", "effectiveDirective", "blockedURL", "documentURL")
    reports = [entry for entry in entries if isinstance(entry, dict)]
    if not reports:
        raise Invalid("This is no report of a content policy.")
    return [found for report in reports[:AT_ONCE] if (found := _violation(report, *names)) is not None]


def _violation(
    report: dict[str, Any], effective: str, violated: str, blocked: str, document: str
) -> Violation | None:
    directive = str(report.get(effective) or report.get(violated) or "").split(" ")[0]
    if not _DIRECTIVE.fullmatch(directive):
        return None
    return Violation(directive, _origin(str(report.get(blocked, ""))), str(report.get(document, "")))


def _origin(text: str) -> str:
    """Cut an address down to where it leads: the rest may hold what nobody meant to send."""
    if _KEYWORD.fullmatch(text):
        return text
    try:
        parts = urlsplit(text)
    except ValueError:
        return "unknown"
    if not _KEYWORD.fullmatch(parts.scheme):
        return "unknown"
    host = parts.netloc.rpartition("@")[2] if parts.scheme in {"http", "https", "ws", "wss"} else ""
    plain = "".join(character for character in host if character.isascii() and character.isprintable())
    return f"{parts.scheme}:{'//' + plain if plain else ''}"[:_BLOCKED_MAX]


def store(uow: UnitOfWork, violations: Iterable[Violation]) -> None:
    """Count the violations; the oldest causes give way beyond ``ROWS``."""
    count = _COUNT[uow.connection.dialect.name]
    for violation in violations:
        values = {
            "id": uuid4(),
            "directive": violation.directive,
            "blocked": violation.blocked,
            "document": violation.document[:_BLOCKED_MAX],
            "at": uow.now,
        }
        uow.connection.execute(count, values)
    uow.connection.execute(_TRIM)


def newest(uow: UnitOfWork, limit: int = 20) -> Sequence[CspReport]:
    """Return the causes that were reported last."""
    return uow.session.scalars(select(CspReport).order_by(CspReport.last_at.desc()).limit(limit)).all()


def _count_statement(
    insert_into: type[sqlite.Insert | postgresql.Insert],
) -> sqlite.Insert | postgresql.Insert:
    statement = insert_into(CspReport).values(
        id=bindparam("id"),
        directive=bindparam("directive"),
        blocked=bindparam("blocked"),
        document=bindparam("document"),
        count=1,
        first_at=bindparam("at", type_=CspReport.first_at.type),
        last_at=bindparam("at", type_=CspReport.first_at.type),
    )
    return statement.on_conflict_do_update(
        index_elements=[CspReport.directive, CspReport.blocked, CspReport.document],
        set_={"count": CspReport.count + 1, "last_at": statement.excluded.last_at},
    )


_COUNT = {"sqlite": _count_statement(sqlite.Insert), "postgresql": _count_statement(postgresql.Insert)}
_TRIM = delete(CspReport).where(
    CspReport.id.in_(select(CspReport.id).order_by(CspReport.last_at.desc(), CspReport.id).offset(ROWS))
)
