"""Walking one chain: every event's hash, MAC, payload and columns, and where the chain ends."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from crypto.chain import event_hash, genesis
from crypto.envelope import DecryptionError
from crypto.keyring import KeyRoom
from models import microseconds
from services.audit_append import REVEALS
from services.audit_faults import Faults
from services.audit_verify_items import ItemStates

Signed = Mapping[int, Collection[tuple[int, bytes]]]
"""What checkpoints have signed of a chain: by its size then, the checkpoint's number and the head."""


@dataclass(frozen=True, slots=True)
class Day:
    """What a day of a chain holds."""

    first_seq: int
    events: int = 0
    reveals: int = 0
    failures: int = 0


class ChainWalk:
    """Takes the events of a chain in their order and notes what is wrong with them.

    Args:
        place: what faults call the chain.
        destroyed: versions of the audit key that were destroyed on purpose: what they encrypted cannot be
            read any more, and is no fault.
    """

    def __init__(
        self,
        keys: KeyRoom,
        chain_id: UUID,
        place: str,
        faults: Faults,
        *,
        signed: Signed,
        destroyed: Collection[int] = (),
    ) -> None:
        self.size = 0
        self.events = 0
        self.items = ItemStates()
        self._keys = keys
        self._chain_id = chain_id
        self._place = place
        self._faults = faults
        self._signed = signed
        self._destroyed = destroyed
        self._previous: bytes | None = genesis(keys.instance, chain_id)
        self._last_hash = self._previous
        self._last_at: datetime | None = None
        self._days: dict[date, Day] = {}

    def see(self, row: Row[Any]) -> None:
        """Check the next event."""
        if row.seq < 1:
            self._fault(row.seq, "there is an event with this number, and chains begin with 1")
            return
        self._check_number(row.seq)
        self._check_time(row)
        self._previous = self._last_hash = self._check_hash(row)
        for number, head in self._signed.get(row.seq, ()):
            if head != row.hash:
                self._fault(row.seq, f"its hash is not the one that checkpoint {number} has signed")
        self._count(row)
        self.size = row.seq
        self.events += 1
        self._last_at = row.at

    def end(self, head: Row[Any] | None, days: Iterable[Row[Any]]) -> None:
        """Check where the chain ends: its row, the checkpoints that signed more, the figures of its days."""
        self._check_end(head)
        beyond = [size for size in self._signed if size > self.size]
        if beyond:
            longest = max(beyond)
            number = min(number for number, _ in self._signed[longest])
            self._fault(
                self.size + 1,
                f"missing with all that followed: the chain ends at {self.size}, "
                f"and checkpoint {number} has signed {longest} events",
            )
        self._check_days(days)

    def _fault(self, seq: int | None, text: str) -> None:
        self._faults.add(self._place, seq, text)

    def _check_number(self, seq: int) -> None:
        if seq == self.size + 1:
            return
        others = f", with all up to {seq - 1}" if seq > self.size + 2 else ""
        self._fault(self.size + 1, f"missing{others}")
        self._previous = None

    def _check_time(self, row: Row[Any]) -> None:
        if self._last_at is not None and row.at < self._last_at:
            self._fault(row.seq, "its time is before that of the event before it")

    def _check_hash(self, row: Row[Any]) -> bytes:
        """Check an event by itself; return the hash that the next one must follow."""
        details = self._open(row)
        readable = details is not None or self._was_destroyed(row.payload)
        sealed = self._keys.audit_mac(row.hash) == row.mac
        fitting = self._hash_of(row)
        follows: bytes = row.hash
        if fitting is not None and fitting != row.hash:
            if self._keys.audit_mac(fitting) == row.mac:
                self._fault(row.seq, "its hash was changed")
                follows = fitting
            else:
                self._fault(row.seq, _why_unlinked(sealed=sealed, readable=readable))
        elif not sealed:
            self._fault(row.seq, "its MAC is wrong: it was changed, or the hash was made without the key")
        elif not readable:
            self._fault(row.seq, "its payload does not open in its place: its id was changed")
        if details is None:
            self.items.lose(row)
        else:
            self._check_columns(row, details)
            self.items.see(row, details)
        return follows

    def _hash_of(self, row: Row[Any]) -> bytes | None:
        """Return what the event's hash must be; None after a gap, where nobody can know."""
        if self._previous is None:
            return None
        return event_hash(self._chain_id, row.seq, microseconds(row.at), self._previous, row.payload)

    def _open(self, row: Row[Any]) -> dict[str, Any] | None:
        try:
            payload = self._keys.decrypt(
                self._chain_id, "audit_event", row.id, "payload", row.seq, row.payload, purpose="audit"
            )
        except DecryptionError:
            return None
        told: dict[str, Any] = json.loads(payload)
        return told

    def _was_destroyed(self, payload: bytes) -> bool:
        try:
            return self._keys.key_version_of(payload) in self._destroyed
        except DecryptionError:
            return False

    def _check_columns(self, row: Row[Any], details: Mapping[str, Any]) -> None:
        columns = {
            "action": row.action,
            "actor_id": str(row.actor_id),
            "target_type": row.target_type,
            "target_id": str(row.target_id) if row.target_id else None,
            "success": row.success,
        }
        for name, value in columns.items():
            if details[name] != value:
                self._fault(row.seq, f"its {name} says {value!r}, and its payload {details[name]!r}")

    def _count(self, row: Row[Any]) -> None:
        day = self._days.get(row.at.date()) or Day(row.seq)
        self._days[row.at.date()] = Day(
            day.first_seq,
            day.events + 1,
            day.reveals + (row.action in REVEALS),
            day.failures + (not row.success),
        )

    def _check_end(self, head: Row[Any] | None) -> None:
        if head is None:
            self._fault(None, f"nothing says where the chain ends; its last event is {self.size}")
        elif head.size != self.size:
            self._fault(head.size, f"the chain is said to end here, and its last event is {self.size}")
        elif head.head != self._last_hash or (self._last_at is not None and head.last_at != self._last_at):
            self._fault(head.size, "the end of the chain is not as its last event says")

    def _check_days(self, days: Iterable[Row[Any]]) -> None:
        kept = {row.day: Day(row.first_seq, row.events, row.reveals, row.failures) for row in days}
        for day in sorted({*kept, *self._days}):
            if kept.get(day) != self._days.get(day):
                found = self._days.get(day)
                text = f"the figures of {day} are not those of its events"
                self._fault(found.first_seq if found else None, text)


def _why_unlinked(*, sealed: bool, readable: bool) -> str:
    if not sealed:
        return "its hash does not follow from its content, and its MAC is wrong"
    if not readable:
        return "its payload was changed"
    return "its time was changed, or the event before it"
