"""A folder for what is there only while it is worked on, such as a database before it is sealed."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PREFIX = ".chatelaine-work-"
_LOCK = "lock"
_FRESH_SECONDS = 60
"""A folder younger than this may not have its lock yet."""


@contextmanager
def workplace(beside: Path | None) -> Iterator[Path]:
    """Make a private folder, and remove it with all it holds; those of processes that were killed go, too.

    Args:
        beside: a file on whose disk there is room, and on which a finished file can be renamed; None: where
            temporary files usually are.
    """
    place = beside.parent if beside is not None else Path(tempfile.gettempdir())
    _sweep(place)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
    held = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def _sweep(place: Path) -> None:
    for folder in place.glob(f"{_PREFIX}*"):
        try:
            if time.time() - folder.stat().st_mtime > _FRESH_SECONDS and not _is_held(folder):
                shutil.rmtree(folder)
        except OSError:
            # Another process sweeps as well, or it is not ours.
            continue


def _is_held(folder: Path) -> bool:
    if not (folder / _LOCK).exists():
        return False
    handle = os.open(folder / _LOCK, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False
