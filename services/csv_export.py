"""Tables as CSV that a spreadsheet opens without running anything in them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

_DANGEROUS = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""What makes a spreadsheet take a cell for a formula, full-width forms included (OWASP, "CSV Injection")."""


def safe(value: object) -> str:
    """Return *value* as text that no spreadsheet takes for a formula; None becomes the empty text."""
    text = "" if value is None else str(value)
    return f"'{text}" if text[:1] in _DANGEROUS else text


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Write a table as CSV (RFC 4180: commas, doubled quotes, CRLF), each cell made safe."""
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\r\n")
    writer.writerow([safe(cell) for cell in head])
    for row in rows:
        writer.writerow([safe(cell) for cell in row])
    return target.getvalue()
