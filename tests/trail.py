"""Reading the audit log in tests."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from sqlalchemy import select

from models import AuditEvent
from services.events import SYSTEM_CHAIN
from services.runtime import Runtime


class Trail:
    """The events that came after this was made."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._before = {(event["chain"], event["seq"]) for event in self._read()}

    def events(self, action: str | None = None) -> list[dict[str, Any]]:
        """Return what happened since, oldest first: the payload, with chain, seq and at."""
        return [
            event
            for event in self._read()
            if (event["chain"], event["seq"]) not in self._before and action in (None, event["action"])
        ]

    def actions(self) -> list[str]:
        """Return the actions that were recorded since, oldest first."""
        return [event["action"] for event in self.events()]

    def one(self, action: str) -> dict[str, Any]:
        """Return the one event with this action."""
        found = self.events(action)
        assert len(found) == 1, f"{len(found)} events {action}; there are {self.actions()}"
        return found[0]

    def _read(self) -> list[dict[str, Any]]:
        with self._runtime.engine.connect() as connection:
            keys = self._runtime.keys_for(connection)
            rows = connection.execute(
                select(AuditEvent).order_by(AuditEvent.at, AuditEvent.chain_id, AuditEvent.seq)
            ).all()
        return [
            {
                **json.loads(
                    keys.decrypt(
                        row.chain_id, "audit_event", row.id, "payload", row.seq, row.payload, purpose="audit"
                    )
                ),
                "chain": row.chain_id,
                "seq": row.seq,
                "at": row.at,
            }
            for row in rows
        ]


def is_system(chain: UUID) -> bool:
    """Whether an event stands in the system's own chain."""
    return chain == SYSTEM_CHAIN
