"""Where temporary files lie in memory: a third of a run would be waiting for the disk at each commit."""

from __future__ import annotations

import os
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108 - folders of our own are made in it
ROOM = 6 * 1024**3
"""Bytes that all temporary files of a run may take, with some to spare."""


def roomy() -> str | None:
    """Return the folder, where there is one with room, from which programs may be run as well."""
    if not MEMORY.is_dir():
        return None
    it = os.statvfs(MEMORY)
    fit = it.f_bavail * it.f_frsize > ROOM and not it.f_flag & os.ST_NOEXEC
    return str(MEMORY) if fit else None
