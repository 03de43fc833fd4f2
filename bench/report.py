"""What was measured, held against the targets, as one table or as JSON."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.load import Run


@dataclass(frozen=True, slots=True)
class Target:
    """A limit on one value.

    Args:
        at_least: whether the value may not be below, rather than not above.
    """

    limit: float
    at_least: bool = False

    def met(self, value: float) -> bool:
        """Whether *value* is on the right side."""
        return value >= self.limit if self.at_least else value <= self.limit


@dataclass(frozen=True, slots=True)
class Figure:
    """A value that a target may be set on."""

    name: str
    value: float
    unit: str
    target: Target | None = None

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None: there is none, or nothing was measured."""
        if self.target is None or math.isnan(self.value):
            return None
        return self.target.met(self.value)

    @property
    def verdict(self) -> str:
        """The target, and whether it is met."""
        if self.target is None:
            return ""
        wanted = f"{'≥' if self.target.at_least else '≤'} {format_value(self.target.limit, self.unit)}"
        if self.met is None:
            return f"{wanted}: not measured"
        return f"{wanted}: {'met' if self.met else 'MISSED'}"


@dataclass(slots=True)
class Row:
    """Something that was done many times, next to the baseline.

    Args:
        ratios: rates by the baseline's, one for each round.
    """

    name: str
    run: Run = field(default_factory=Run)
    ratios: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """The rate, as a part of the baseline's."""
        return statistics.median(self.ratios) if self.ratios else math.nan

    @property
    def rate(self) -> float:
        """Answers in a second."""
        return statistics.median(self.rates) if self.rates else math.nan


@dataclass(slots=True)
class Report:
    """Everything that one call has measured."""

    rows: list[Row] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def faults(self) -> dict[str, int]:
        """What went wrong in any row."""
        return {
            f"{row.name}: {fault}": count
            for row in self.rows
            for fault, count in sorted(row.run.faults.items())
        }

    def table(self) -> str:
        """Return the report as text."""
        rates = _align(
            ("what", "a second", "of baseline", "p50", "p99"),
            [
                (
                    row.name,
                    f"{row.rate:,.0f}",
                    f"{row.ratio:.3f}",
                    format_value(row.run.p50 * 1000, "ms"),
                    format_value(row.run.p99 * 1000, "ms"),
                )
                for row in self.rows
            ],
        )
        figures = _align(
            ("what", "measured", "target"),
            [(each.name, format_value(each.value, each.unit), each.verdict) for each in self.figures],
        )
        faults = [f"fault: {name} ({count} times)" for name, count in self.faults.items()]
        return "\n".join((*rates, "", *figures, "", *faults, *self.notes))

    def record(self) -> dict[str, Any]:
        """Return the report for programs."""
        return {
            "rows": [
                {
                    "name": row.name,
                    "rate": round(row.rate, 1),
                    "ratio": round(row.ratio, 4),
                    "p50_ms": round(row.run.p50 * 1000, 3),
                    "p99_ms": round(row.run.p99 * 1000, 3),
                }
                for row in self.rows
            ],
            "figures": [_record(each) for each in self.figures],
            "faults": self.faults,
            "notes": self.notes,
        }


def _record(figure: Figure) -> Mapping[str, Any]:
    value = None if math.isnan(figure.value) else round(figure.value, 4)
    target = figure.target.limit if figure.target else None
    return {
        "name": figure.name, "value": value, "unit": figure.unit, "target": target, "met": figure.met
    }  # fmt: skip


def format_value(value: float, unit: str) -> str:
    """Write a value with as many digits as it deserves."""
    if math.isnan(value):
        return "-"
    digits = 0 if value >= 100 else 1 if value >= 10 else 2  # noqa: PLR2004 - about three digits in all
    if unit in {"requests", ""}:
        digits = 0 if unit else 3
    return f"{value:,.{digits}f} {unit}".strip()


def _align(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    numeric = range(1, len(head)) if len(head) > 3 else (1,)  # noqa: PLR2004 - rates are all numbers
    texts = [
        "  ".join(
            cell.rjust(width) if column in numeric else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    return [texts[0], "-" * len(texts[0]), *texts[1:]]
