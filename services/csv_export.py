"""Tables as CSV that a spreadsheet opens without running anything in them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from exporters.csv_cells import safe


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Write a table as CSV (RFC 4180: commas, doubled quotes, CRLF), each cell made safe."""
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\r\n")
    writer.writerow([safe(cell) for cell in head])
    for row in rows:
        writer.writerow([safe(cell) for cell in row])
    return target.getvalue()
