"""What the verification of the audit log can find, and where it was found."""

from __future__ import annotations

from dataclasses import dataclass, field

KEPT = 1000
"""Faults that are told one by one; a chain that was rebuilt has as many as it has events."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is not as it must be.

    Args:
        place: the chain (an organization's slug, or "system"), "checkpoints" or "second sink".
        number: the event's seq, or the checkpoint's number; None: it has none.
    """

    place: str
    number: int | None
    text: str

    def __str__(self) -> str:
        place = self.place if self.number is None else f"{self.place} {self.number}"
        return f"{place}: {self.text}"


@dataclass(slots=True)
class Faults:
    """The faults so far: the first ``KEPT`` of them, and how many there are altogether."""

    told: list[Fault] = field(default_factory=list)
    count: int = 0

    def add(self, place: str, number: int | None, text: str) -> None:
        """Note a fault."""
        self.count += 1
        if len(self.told) < KEPT:
            self.told.append(Fault(place, number, text))
