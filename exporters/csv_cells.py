"""Cells that a spreadsheet opens without running anything in them."""

from __future__ import annotations

_DANGEROUS = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
"""What makes a spreadsheet take a cell for a formula, full-width forms included (OWASP, "CSV Injection")."""


def safe(value: object) -> str:
    """Return *value* as text that no spreadsheet takes for a formula; None becomes the empty text."""
    text = "" if value is None else str(value)
    return f"'{text}" if text[:1] in _DANGEROUS else text
