"""Holding the items against the log: each must be as the newest event about it says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from models import Action
from services.audit_faults import Faults

LIVE = "live"
TRASHED = "in the trash"
PURGED = "destroyed"

_BECOMES: Mapping[str, str] = {
    Action.ITEM_CREATED: LIVE,
    Action.ITEM_CHANGED: LIVE,
    Action.ITEM_MOVED: LIVE,
    Action.FILE_ADDED: LIVE,
    Action.FILE_REMOVED: LIVE,
    Action.ITEM_RESTORED: LIVE,
    Action.ITEM_TRASHED: TRASHED,
    Action.ITEM_PURGED: PURGED,
}
_VAULT: Mapping[str, str] = {Action.ITEM_CREATED: "vault", Action.ITEM_MOVED: "to"}
"""Which extra fact names the vault that the item is in afterwards."""


@dataclass(frozen=True, slots=True)
class State:
    """What the log says of an item.

    Args:
        seq: of the newest event about it.
        version: None, and vault: the events do not say, or cannot be read.
    """

    seq: int
    state: str
    version: int | None
    vault: str | None


class ItemStates:
    """What the events so far say of each item."""

    def __init__(self) -> None:
        self._states: dict[UUID, State | None] = {}

    def see(self, row: Row[Any], details: Mapping[str, Any]) -> None:
        """Take in an event, if it is about a change of an item."""
        state = _BECOMES.get(row.action)
        if state is None or not row.success or row.target_id is None:
            return
        extra = details["extra"]
        before = self._states.get(row.target_id)
        vault = before.vault if before else None
        if row.action in _VAULT:
            vault = extra.get(_VAULT[row.action])
        self._states[row.target_id] = State(row.seq, state, extra.get("version"), vault)

    def lose(self, row: Row[Any]) -> None:
        """Take in an event that cannot be read: nothing is known of the item until the next."""
        if row.action in _BECOMES and row.target_id is not None:
            self._states[row.target_id] = None

    def compare(self, place: str, rows: Iterable[Row[Any]], faults: Faults) -> int:
        """Hold the items of the organization against the log; return how many there are."""
        found = set()
        for row in rows:
            found.add(row.id)
            if row.id not in self._states:
                faults.add(place, None, f"credential {row.id} is there, and no event has made it")
                continue
            known = self._states[row.id]
            if known is not None:
                for text in _differences(row, known):
                    faults.add(place, known.seq, f"credential {row.id} {text}")
        for item_id, known in self._states.items():
            if item_id not in found and known is not None and known.state != PURGED:
                faults.add(place, known.seq, f"credential {item_id} is gone, and no event says why")
        return len(found)


def _differences(row: Row[Any], known: State) -> list[str]:
    state = TRASHED if row.trashed_at else LIVE
    found = []
    if known.state != state:
        found.append(f"is {state}, and its newest event says {known.state}")
    if known.version is not None and row.version != known.version:
        found.append(f"has version {row.version}, and its newest event says {known.version}")
    if row.newest != row.version:
        found.append(f"has version {row.version}, and the newest that is kept is {row.newest or 'none'}")
    if known.vault is not None and UUID(known.vault) != row.vault_id:
        found.append("is in another vault than its newest event says")
    return found
