"""What a backup says of itself: when and of what it was made, which keys it needs, how much it holds.

A backup is three files. ``NAME.data`` is the database without its wrapped keys, ``NAME.keys`` has those, both
sealed. ``NAME.manifest`` is this, in plain JSON, written last: without it there is no backup. It tells no
names, and ``NAME.keys`` holds its digest, so that nobody changes it unnoticed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from errors import BackupDamaged

FORMAT = 1
MANIFEST, KEYS, DATA, FILES = "manifest", "keys", "data", "files"
CHECKED = "checked"
"""What the newest check found: not part of the backup itself."""
SUFFIXES = (MANIFEST, KEYS, DATA, FILES, CHECKED)
"""In the order in which a backup is taken apart."""
SQLITE, POSTGRESQL = "sqlite", "postgresql"
MANIFEST_MAX = 4 * 1024 * 1024
"""Bytes; an organization takes about 170."""
_NAME = re.compile(r"(backup|snapshot)-[0-9]{8}T[0-9]{12}Z-[0-9a-f]{8}-[0-9a-f]{4}", re.ASCII)
_STAMP = "%Y%m%dT%H%M%S%fZ"
_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"


class Kind(StrEnum):
    """Who made a backup."""

    BACKUP = "backup"
    """Somebody, by the command."""
    SNAPSHOT = "snapshot"
    """The server, by itself, after changes."""


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain of the audit log ended: its size, and the newest hash in hex."""

    chain: str
    size: int
    head: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What stands in ``NAME.manifest``.

    Args:
        program: the version of Chatelaine.
        schema: the revision of the tables.
        database: ``sqlite`` or ``postgresql``.
        master_keys: ids of the master keys without which it cannot be read.
        sealed_by: ``key`` or ``passphrase``.
        closing: nothing was changed after it: it was made as the one server ended.
        counts: rows of each table.
        heads: the chains of the audit log, by id.
        size: bytes of ``NAME.data``.
        sha256: its digest, in hex.
        files: how many attached files there are; ``NAME.files`` lists them.
        files_sha256: the digest of that list.
    """

    name: str
    kind: Kind
    made_at: datetime
    program: str
    schema: str
    database: str
    instance: UUID
    master_keys: tuple[str, ...]
    sealed_by: str
    closing: bool
    counts: Mapping[str, int]
    heads: tuple[Head, ...]
    size: int
    sha256: str
    files: int = 0
    files_sha256: str = ""

    @property
    def events(self) -> int:
        """How many events the audit log had in all."""
        return sum(head.size for head in self.heads)

    def encode(self) -> bytes:
        """Write it as JSON."""
        stored = asdict(self) | {
            "format": FORMAT,
            "made_at": self.made_at.strftime(_TIME),
            "instance": str(self.instance),
        }
        return json.dumps(stored, indent=1, sort_keys=True).encode() + b"\n"

    @classmethod
    def decode(cls, data: bytes) -> Manifest:
        """Read what :meth:`encode` wrote.

        Raises:
            BackupDamaged: it is something else, or of a newer version of the program.
        """
        try:
            stored: dict[str, Any] = json.loads(data)
            if stored.pop("format") != FORMAT:
                raise BackupDamaged("it was made by a version of Chatelaine that this one does not know")
            stored["kind"] = Kind(stored["kind"])
            stored["made_at"] = datetime.strptime(stored["made_at"], _TIME).replace(tzinfo=UTC)
            stored["instance"] = UUID(stored["instance"])
            stored["master_keys"] = tuple(map(str, stored["master_keys"]))
            stored["heads"] = tuple(Head(**head) for head in stored["heads"])
            manifest = cls(**stored)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise BackupDamaged("its manifest cannot be read") from None
        if kind_of(manifest.name) is not manifest.kind:
            raise BackupDamaged("its manifest names another backup")
        return manifest


def new_name(kind: Kind, at: datetime, instance: UUID, distinction: str) -> str:
    """Return what a backup is called: names of one kind sort by their time.

    Args:
        distinction: four random hex digits, for two that are made at once.
    """
    return f"{kind.value}-{at.astimezone(UTC).strftime(_STAMP)}-{instance.hex[:8]}-{distinction}"


def is_of(name: str, instance: UUID) -> bool:
    """Tell whether a backup of this name is of that installation."""
    return name.split("-")[2] == instance.hex[:8]


def kind_of(name: str) -> Kind | None:
    """Return of which kind a backup of this name is; None: it is no name of a backup."""
    try:
        made_at_of(name)
    except (ValueError, IndexError):
        return None
    return Kind(name.partition("-")[0]) if _NAME.fullmatch(name) else None


def made_at_of(name: str) -> datetime:
    """Return when a backup of this name was made."""
    return datetime.strptime(name.split("-")[1], _STAMP).replace(tzinfo=UTC)


def split_file(file: str) -> tuple[str, str] | None:
    """Return backup and suffix that a file's name is put together from; None: it belongs to no backup."""
    name, _, suffix = file.rpartition(".")
    return (name, suffix) if suffix in SUFFIXES and kind_of(name) else None
