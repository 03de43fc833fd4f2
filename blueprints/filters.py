"""What templates call to write times and to name static files."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

JUST_NOW = 5
"""Seconds within which a difference of clocks would show."""
MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR
MONTH = 30 * DAY
YEAR = 365 * DAY
KIB = 1024

STEPS = (
    (MINUTE, 1, "s"),
    (HOUR, MINUTE, "min"),
    (DAY, HOUR, "h"),
    (MONTH, DAY, "d"),
    (YEAR, MONTH, "mo"),
)


def ago(moment: datetime, now: datetime | None = None) -> str:
    """Say how long ago, or in how long, a moment is: "2 h ago", "in 3 d"."""
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    distance = round(abs(seconds))
    if distance < JUST_NOW:
        return "just now"
    words = _distance(distance)
    return f"{words} ago" if seconds > 0 else f"in {words}"


def _distance(seconds: int) -> str:
    for limit, size, unit in STEPS:
        if seconds < limit:
            return f"{seconds // size} {unit}"
    return f"{seconds // YEAR} y"


def exact(moment: datetime) -> str:
    """Write a moment in full: "2026-11-22 14:02:11 UTC"."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def iso(moment: datetime) -> str:
    """Write a moment for the `datetime` attribute of `<time>`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def bytesize(count: int) -> str:
    """Write a number of bytes: "812 bytes", "1.2 KiB", "10 MiB"."""
    if count < KIB:
        return f"{count} byte{'s' if count != 1 else ''}"
    size, unit = (count / KIB, "KiB") if count < KIB * KIB else (count / KIB / KIB, "MiB")
    return f"{size:.1f}".removesuffix(".0") + f" {unit}"


def asset_names(folder: Path, prefix: str) -> Callable[[str], str]:
    """Make the function that gives a static file its address.

    The address carries a checksum of the content, so that browsers may keep the
    file for good and still see the next release at once.
    """
    marks = {path.name: zlib.crc32(path.read_bytes()) for path in folder.iterdir() if path.is_file()}

    def asset(name: str) -> str:
        return f"{prefix}/{name}?v={marks[name]:08x}"

    return asset


def register(app: Flask) -> None:
    """Give templates the filters `ago`, `bytesize`, `exact`, `iso` and the function `asset`."""
    for filter_ in (ago, bytesize, exact, iso):
        app.add_template_filter(filter_, filter_.__name__)
    folder = Path(app.static_folder or "static")
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = YEAR
    app.add_template_global(asset_names(folder, app.static_url_path or "/static"), "asset")
