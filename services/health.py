"""Whether this process can work, and whether what it writes will still be there tomorrow."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from crypto.envelope import DecryptionError
from errors import StartRefused
from services import keys, schema
from services.database import reading
from services.runtime import Runtime

DISK_BYTES = 50 * 1024 * 1024
"""With less free space the process calls itself not ready: a full disk cannot even record."""

_OVERLAYS = frozenset({"overlay", "aufs", "fuse-overlayfs"})
_VANISHING = frozenset({"tmpfs", "ramfs"})
_NAMELESS_VOLUME = re.compile(r"/volumes/[0-9a-f]{64}/_data$")
MOUNTS = Path("/proc/self/mountinfo")


@dataclass(frozen=True, slots=True)
class _Mount:
    """Where something is mounted, what of its file system, and of which kind that is."""

    point: Path
    source: str
    kind: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Args:
        words: what is wrong, fit for a stranger: no names, paths or versions; empty when all is well.
    """

    name: str
    words: str = ""

    @property
    def well(self) -> bool:
        """Whether nothing is wrong."""
        return not self.words


def readiness(runtime: Runtime) -> list[Finding]:
    """Look at everything without which a request could not be answered."""
    looks: tuple[tuple[str, Callable[[Runtime], str]], ...] = (
        ("database", _database),
        ("keys", _keys),
        ("disk", _disk),
        ("audit", _audit),
    )
    return [Finding(name, look(runtime)) for name, look in looks]


def _database(runtime: Runtime) -> str:
    try:
        present = schema.revision_of(runtime.engine)
    except SQLAlchemyError:
        return "the database does not answer"
    return "" if present == _newest_revision() else "the database has another schema than this program wants"


@cache
def _newest_revision() -> str | None:
    """The program's own files do not change while it runs."""
    return schema.newest_revision()


def _keys(runtime: Runtime) -> str:
    try:
        with reading(runtime.engine) as connection:
            keys.check_keys(connection, runtime.masters, without=runtime.missing_keys)
            runtime.keys_for(connection)
    except (SQLAlchemyError, StartRefused, DecryptionError):
        return "the keys cannot be opened"
    return ""


def _disk(runtime: Runtime) -> str:
    path = database_path(runtime.engine)
    if path is None:
        return ""
    try:
        free = shutil.disk_usage(path.parent).free
    except OSError:
        return "the disk cannot be read"
    return "" if free >= DISK_BYTES else "the disk is nearly full"


def _audit(runtime: Runtime) -> str:
    return "" if runtime.committer.alive else "the audit log is not being written"


def database_path(engine: Engine) -> Path | None:
    """Return the file of a SQLite database; None for a database on a server."""
    name = engine.url.database if engine.dialect.name == "sqlite" else None
    return Path(name) if name else None


_SIZE = text("SELECT pg_database_size(current_database())")


def database_size(engine: Engine) -> int:
    """Return the bytes that the database takes up, its write-ahead log included."""
    path = database_path(engine)
    if path is None:
        with reading(engine) as connection:
            return int(connection.execute(_SIZE).scalar_one())
    files = (path, path.with_name(path.name + "-wal"))
    return sum(file.stat().st_size for file in files if file.exists())


def fleeting(path: Path, mounts: str, *, contained: bool) -> str:
    """Say why what is written at *path* will not outlive the container; empty: it will, it seems.

    Args:
        path: absolute.
        mounts: the content of ``/proc/self/mountinfo``.
        contained: whether the program knows that it runs in a container.
    """
    mount = _mount_of(path, mounts)
    if mount.kind in _VANISHING:
        return f"{mount.point} lies in memory and is gone with the next restart"
    if mount.point == Path("/") and (contained or mount.kind in _OVERLAYS):
        return "it lies in the container's own layer, which is thrown away with the container"
    if _NAMELESS_VOLUME.search(mount.source):
        return f"the volume at {mount.point} has no name, so the next container gets another"
    return ""


def _mount_of(path: Path, mounts: str) -> _Mount:
    """Find the mount that *path* lies under (proc(5), mountinfo)."""
    found = _Mount(Path("/"), "", "")
    for line in mounts.splitlines():
        head, dash, tail = line.partition(" - ")
        fields = head.split(" ")
        if not dash or len(fields) < 5:  # noqa: PLR2004 - the mount point is the fifth field
            continue
        point = Path(fields[4].encode().decode("unicode_escape"))
        # A later line covers an earlier one at the same place.
        if path.is_relative_to(point) and len(point.parts) >= len(found.point.parts):
            found = _Mount(point, fields[3], tail.split(" ")[0])
    return found


def fleeting_data(path: Path | None, *, contained: bool) -> str:
    """Return the sentence that the start should say loudly; empty: the data is on a disk that stays.

    Args:
        path: of the database's file; None for a database on a server.
    """
    try:
        mounts = MOUNTS.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    why = fleeting(path.absolute(), mounts, contained=contained) if path is not None else ""
    if not why:
        return ""
    return (
        f"WHEN THE CONTAINER IS REPLACED, EVERYTHING IN THE DATABASE IS GONE: {why}. Mount a volume with a "
        f"name at {path.parent if path else ''}, set BACKUP_TO, or DATABASE_URL to a PostgreSQL server. "
        "A Hugging Face Space loses its disk at every restart: see deploy/huggingface/README.md."
    )
