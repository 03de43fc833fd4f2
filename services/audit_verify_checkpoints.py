"""Checking the signed checkpoints: those in the database, and those that a second place has kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from crypto.chain import ChainError, Checkpoint, heads_digest, verify_checkpoint
from crypto.keyring import KeyRoom
from services.audit_faults import Faults

PLACE = "checkpoint"
SINK = "second sink, note"

_NOTE = re.compile(r"chatelaine/[^\n]*\n[^\n]*\n[^\n]*\n[^\n]*\n\n(?:— [^\n]*\n)+")
_PRINTED = re.compile(r"checkpoint (chatelaine/\S.*)$", re.MULTILINE)

Heads = dict[UUID, tuple[int, bytes]]


@dataclass(frozen=True, slots=True)
class Before:
    """What the checkpoint before said, which the next may only add to."""

    note: Checkpoint
    heads: Heads


class CheckpointWalk:
    """Takes the checkpoints in their order and notes what is wrong with them.

    After it ``signed`` holds, for each chain, which heads were signed at which size.
    """

    def __init__(self, keys: KeyRoom, faults: Faults) -> None:
        self.count = 0
        self.signed: dict[UUID, dict[int, dict[bytes, int]]] = {}
        self.notes: set[str] = set()
        self._name = f"chatelaine/{keys.instance}"
        self._public_key = keys.audit_public_key()
        self._faults = faults
        self._before: Before | None = None

    def see(self, row: Row[Any]) -> None:
        """Check the next checkpoint."""
        self.count += 1
        self.notes.add(row.note)
        try:
            note = verify_checkpoint(row.note, self._public_key)
            heads = _read_heads(row.heads)
        except ChainError as error:
            self._faults.add(PLACE, row.id, str(error))
            return
        except ValueError:
            self._faults.add(PLACE, row.id, "its list of chains cannot be read")
            return
        self._check(row, note, heads)
        for chain_id, (size, head) in heads.items():
            self.signed.setdefault(chain_id, {}).setdefault(size, {}).setdefault(head, row.id)
        self._before = Before(note, heads)

    def _check(self, row: Row[Any], note: Checkpoint, heads: Heads) -> None:
        if note.name != self._name:
            self._faults.add(PLACE, row.id, f"it is that of another installation, {note.name}")
        listed = [(chain_id, size, head) for chain_id, (size, head) in heads.items()]
        if heads_digest(listed) != note.root or sum(size for _, size, _ in listed) != note.total:
            self._faults.add(PLACE, row.id, "its list of chains is not the one that was signed")
        if (row.total, int(row.at.timestamp())) != (note.total, note.unix):
            self._faults.add(PLACE, row.id, "its time or its total is not the one that was signed")
        if self._before is not None:
            self._check_growth(row.id, note, heads, self._before)

    def _check_growth(self, number: int, note: Checkpoint, heads: Heads, before: Before) -> None:
        if note.unix < before.note.unix:
            self._faults.add(PLACE, number, "it was signed before the one that precedes it")
        for chain_id, (size, _) in before.heads.items():
            now = heads.get(chain_id)
            if now is None or now[0] < size:
                left = now[0] if now else 0
                text = f"the chain {chain_id} had {size} events in the one before, and has {left}"
                self._faults.add(PLACE, number, text)

    def check_against(self, text: str, total: int) -> int:
        """Check the notes that a second place has kept; return how many there are.

        Args:
            text: a file of notes, or log lines that hold them.
            total: how many events there are now in all chains.
        """
        before: Checkpoint | None = None
        number = 0
        for number, signed in enumerate(_notes_in(text), start=1):
            try:
                note = verify_checkpoint(signed, self._public_key)
            except ChainError as error:
                self._faults.add(SINK, number, str(error))
                continue
            if before is not None and (note.total < before.total or note.unix < before.unix):
                self._faults.add(SINK, number, "it says less than the one before it")
            if signed not in self.notes:
                self._faults.add(SINK, number, _missing(note, total))
            before = note
        return number


def _missing(note: Checkpoint, total: int) -> str:
    text = f"the database has lost this checkpoint over {note.total} events"
    return f"{text}; {note.total - total} of those events are missing" if total < note.total else text


def _read_heads(text: str) -> Heads:
    heads: Heads = {}
    for line in text.splitlines():
        chain, size, head = line.split(" ")
        heads[UUID(hex=chain)] = (int(size), bytes.fromhex(head))
    return heads


def _notes_in(text: str) -> Iterator[str]:
    yield from _NOTE.findall(text)
    for line in _PRINTED.findall(text):
        yield line.rstrip().replace("\\n", "\n")
