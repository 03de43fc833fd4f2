"""Taking the audit log out: a table for people, or lines with all that its verification needs."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from uuid import UUID

from crypto.chain import genesis
from models import Action, microseconds
from services import audit
from services import audit_read_queries as queries
from services.audit_reading import Filter, Line, bounds, open_row
from services.audit_verify_queries import CHECKPOINTS
from services.audit_words import detail
from services.csv_export import table
from services.database import reading
from services.events import ExtraValue, Target
from services.unit_of_work import UnitOfWork

if TYPE_CHECKING:
    from services.runtime import Runtime

BATCH = 500
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
COLUMNS = (
    "Time (UTC)",
    "Number",
    "Who",
    "Did",
    "Detail",
    "Target",
    "Result",
    "Address",
    "Browser or program",
    "Method",
    "Path",
    "Action",
    "Person id",
    "Token id",
    "Target type",
    "Target id",
    "Organization id",
    "Extra",
    "Hash",
)


class Format(StrEnum):
    """How an export is written."""

    CSV = "csv"
    JSON_LINES = "jsonl"

    @property
    def media_type(self) -> str:
        """The content type of the answer."""
        return "text/csv; charset=utf-8" if self is Format.CSV else "application/jsonl; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Plan:
    """What an export will hold: fixed before it is recorded, so that it does not hold its own event.

    Args:
        names: whether credentials and their fields are named; without it only ids and numbers tell of them.
        low: the first number.
        high: the number after the last.
    """

    chain_id: UUID
    wanted: Filter
    format: Format
    names: bool
    low: int
    high: int


def plan(
    uow: UnitOfWork, chain_id: UUID, wanted: Filter, format_: Format, *, names: bool, after: int = 0
) -> Plan:
    """Decide what an export holds, and record it. Nothing may be read before the unit is finished.

    Args:
        after: the number of an event, behind which it begins.
    """
    low, high = bounds(uow, chain_id, wanted)
    low = min(max(low, after + 1), high)
    extra: dict[str, Any] = {"format": format_.value, "names": names, "from": low, "to": high - 1}
    for name, value in wanted.conditions().items():
        extra[name] = value if isinstance(value, bool | list) else str(value)
    audit.record(uow, Action.AUDIT_EXPORTED, Target("chain", chain_id), extra=extra)
    return Plan(chain_id, wanted, format_, names, low, high)


def write(runtime: Runtime, todo: Plan) -> Iterator[str]:
    """Yield the export in pieces, oldest event first, on connections of its own."""
    begin, each = _WRITERS[todo.format]
    yield begin(runtime, todo)
    low = todo.low
    conditions = todo.wanted.conditions()
    statement = queries.EXPORTS[frozenset(conditions)]
    while True:
        reach = {"organization_id": todo.chain_id, "low": low, "high": todo.high, "limit": BATCH}
        with reading(runtime.engine) as connection:
            keys = runtime.keys_for(connection)
            rows = connection.execute(statement, reach | conditions).all()
        if not rows:
            return
        lines = [open_row(keys, todo.chain_id, row) for row in rows]
        yield each(lines if todo.names else [_unnamed(line) for line in lines], todo.chain_id)
        low = rows[-1].seq + 1


def write_checkpoints(runtime: Runtime) -> Iterator[str]:
    """Yield every signed checkpoint with the heads that it is over, oldest first."""
    after = 0
    while True:
        with reading(runtime.engine) as connection:
            rows = connection.execute(CHECKPOINTS, {"after": after, "limit": BATCH}).all()
        if not rows:
            return
        for row in rows:
            heads = [line.split(" ") for line in row.heads.splitlines()]
            yield _json({"checkpoint": row.note, "heads": heads})
        after = rows[-1].id


def _begin_csv(_runtime: Runtime, _todo: Plan) -> str:
    return table(COLUMNS, ())


def _unnamed(line: Line) -> Line:
    """Return an event about a credential with nothing in it that people have written; others name none."""
    if line.details is None or line.target_type != "item":
        return line
    extra = {name: value for name, value in line.details.extra.items() if _is_no_text(value)}
    return replace(line, details=replace(line.details, target="", extra=extra))


def _is_no_text(value: ExtraValue) -> bool:
    if isinstance(value, str):
        return _ID.fullmatch(value) is not None
    return not isinstance(value, list)


def _write_csv(lines: Sequence[Line], _chain_id: UUID) -> str:
    first, *others = map(_cells, lines)
    return table(first, others)


def _cells(line: Line) -> tuple[str, ...]:
    told = line.details
    cells = (
        line.at.isoformat(),
        line.seq,
        line.who,
        line.did,
        detail(line.action, told.extra) if told else None,
        line.target,
        "ok" if line.success else "failed",
        told.address if told else None,
        told.agent if told else None,
        told.method if told else None,
        told.path if told else None,
        line.action,
        line.actor_id,
        told.token_id if told else None,
        line.target_type,
        line.target_id,
        told.organization if told else None,
        json.dumps(dict(told.extra), ensure_ascii=False) if told else None,
        line.hash.hex(),
    )
    return tuple("" if cell is None else str(cell) for cell in cells)


def _begin_json(runtime: Runtime, todo: Plan) -> str:
    """Say of what the lines are a part, and what the first one must follow."""
    with reading(runtime.engine) as connection:
        instance = runtime.keys_for(connection).instance
        before = {"organization_id": todo.chain_id, "seq": todo.low - 1}
        previous = connection.execute(queries.HASH, before).scalar_one_or_none()
    if todo.low == 1:
        previous = genesis(instance, todo.chain_id)
    head = {
        "export": "chatelaine audit log",
        "instance": str(instance),
        "chain": str(todo.chain_id),
        "from": todo.low,
        "to": todo.high - 1,
        "complete": not todo.wanted.conditions(),
        "previous": previous.hex() if previous else None,
    }
    return _json(head)


def _write_json(lines: Sequence[Line], chain_id: UUID) -> str:
    return "".join(_json(_fields(line, chain_id)) for line in lines)


def _fields(line: Line, chain_id: UUID) -> dict[str, Any]:
    return {
        "chain": str(chain_id),
        "seq": line.seq,
        "id": str(line.id),
        "at": microseconds(line.at),
        "action": line.action,
        "actor_id": str(line.actor_id),
        "target_type": line.target_type,
        "target_id": str(line.target_id) if line.target_id else None,
        "success": line.success,
        "payload": base64.b64encode(line.payload).decode(),
        "details": asdict(line.details) if line.details else None,
        "hash": line.hash.hex(),
        "mac": line.mac.hex(),
    }


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"


_Begin = Callable[["Runtime", Plan], str]
_Each = Callable[[Sequence[Line], UUID], str]
_WRITERS: Mapping[Format, tuple[_Begin, _Each]] = {
    Format.CSV: (_begin_csv, _write_csv),
    Format.JSON_LINES: (_begin_json, _write_json),
}
