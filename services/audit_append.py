"""Appending events to their chains, inside the caller's write transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection

from crypto.chain import event_hash, genesis
from crypto.keyring import KeyRoom
from models import Action, microseconds
from services import audit_queries as queries
from services import clock, prepared
from services.events import Event

REVEALS = frozenset({Action.ITEM_REVEALED, Action.ITEM_COPIED, Action.FILE_DOWNLOADED})


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain."""

    size: int
    hash: bytes
    at: datetime


def append(connection: Connection, keys: KeyRoom, events: Sequence[Event]) -> None:
    """Append *events* in their order; each chain is locked from here to the end of the transaction."""
    chains: dict[UUID, list[Event]] = defaultdict(list)
    for event in events:
        chains[event.chain_id].append(event)
    for chain_id in sorted(chains):
        _append_to(connection, keys, chain_id, chains[chain_id])


def _append_to(connection: Connection, keys: KeyRoom, chain_id: UUID, events: Sequence[Event]) -> None:
    head = _head(connection, keys, chain_id)
    at = max(clock.now(), head.at)
    rows = _link(keys, head, at, events)
    prepared.run_many(connection, queries.INSERT_EVENTS, rows)
    prepared.run(
        connection,
        queries.ADVANCE,
        {
            "organization_id": chain_id,
            "new_size": rows[-1]["seq"],
            "new_head": rows[-1]["hash"],
            "new_at": at,
        },
    )
    prepared.run(connection, queries.COUNT_DAY, _day(rows, at))


def _head(connection: Connection, keys: KeyRoom, chain_id: UUID) -> Head:
    row = prepared.fetch_one(connection, queries.HEAD, {"organization_id": chain_id})
    if row is None:
        # Another process may begin the chain just now: one does, and both go on from there.
        prepared.run(
            connection,
            queries.BEGIN_CHAIN,
            {"chain_id": chain_id, "head": genesis(keys.instance, chain_id), "last_at": clock.now()},
        )
        row = prepared.fetch_one(connection, queries.HEAD, {"organization_id": chain_id})
    return Head(row.size, row.head, row.last_at)


def _link(keys: KeyRoom, head: Head, at: datetime, events: Sequence[Event]) -> list[dict[str, Any]]:
    rows = []
    previous = head.hash
    for seq, event in enumerate(events, start=head.size + 1):
        event_id = uuid4()
        payload = keys.encrypt(
            event.chain_id, "audit_event", event_id, "payload", seq, event.payload, purpose="audit"
        )
        previous = event_hash(event.chain_id, seq, microseconds(at), previous, payload)
        rows.append(
            {
                "chain_id": event.chain_id,
                "seq": seq,
                "id": event_id,
                "at": at,
                "action": event.action.value,
                "actor_id": event.actor_id,
                "target_type": event.target_type,
                "target_id": event.target_id,
                "success": event.success,
                "payload": payload,
                "hash": previous,
                "mac": keys.audit_mac(previous),
            }
        )
    return rows


def _day(rows: Sequence[dict[str, Any]], at: datetime) -> dict[str, Any]:
    return {
        "chain_id": rows[0]["chain_id"],
        "day": at.date(),
        "first_seq": rows[0]["seq"],
        "events": len(rows),
        "reveals": sum(row["action"] in REVEALS for row in rows),
        "failures": sum(not row["success"] for row in rows),
    }
