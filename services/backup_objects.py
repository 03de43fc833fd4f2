"""Attached files in backups: copied once as they lie, encrypted already, and listed by each backup.

A file is put before the row that names it and removed after it, and may be encrypted anew under its old name.
So copies are made before the database is copied and after it, and are called by what begins them: a salt that
no other encryption has.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from typing import BinaryIO
from uuid import UUID

from crypto.checksum import checksum
from errors import BackupDamaged, ObjectMissing
from services.object_store import ObjectStore, StoredObject

FOLDER = "files"
LIST_MAX = 64 * 1024 * 1024
"""Bytes of a list; a file takes about 250."""
_PIECE = 256 * 1024
_SALT = slice(8, 24)


@dataclass(frozen=True, slots=True)
class SavedObject:
    """An attached file as a backup has it.

    Args:
        name: in the store of attached files.
        length: bytes, as they lie encrypted.
        copy: what it is called among the backups.
    """

    name: str
    length: int
    copy: str


class ObjectCopies:
    """Copies the files of one installation to where backups lie; remembers what it has seen."""

    def __init__(self, source: ObjectStore, store: ObjectStore, instance: UUID) -> None:
        self._source = source
        self._store = store
        self._instance = instance
        self._there = {each.name for each in store.list(f"{FOLDER}/{instance}/")}
        self._saved: dict[StoredObject, SavedObject] = {}

    def update(self) -> None:
        """Copy what is new."""
        for each in self._source.list(f"{self._instance}/"):
            if each not in self._saved:
                try:
                    self._saved[each] = self._copy(each)
                except ObjectMissing:
                    # Removed since it was listed.
                    continue

    def saved_again(self) -> list[SavedObject]:
        """Copy what has come since, and return all: of a file that was encrypted anew, the newer."""
        self.update()
        newest = {one.name: one for _, one in sorted(self._saved.items(), key=lambda item: item[0].changed)}
        return sorted(newest.values(), key=lambda one: one.name)

    def _copy(self, each: StoredObject) -> SavedObject:
        with self._source.get(each.name) as source:
            first = source.read(_PIECE)
            copy = f"{FOLDER}/{each.name}-{first[_SALT].hex()}"
            if copy not in self._there:
                self._store.put(copy, _pieces(first, source))
                self._there.add(copy)
        return SavedObject(each.name, each.length, copy)


def put_back(saved: Iterable[SavedObject], store: ObjectStore, target: ObjectStore) -> int:
    """Put files back where they are missing or others are; return how many.

    Raises:
        BackupDamaged: a copy is gone.
    """
    there = {each.name: each.length for each in target.list()}
    count = 0
    for one in saved:
        if there.get(one.name) == one.length and _salt(target, one.name) == one.copy.rpartition("-")[2]:
            continue
        try:
            with store.get(one.copy) as source:
                target.put(one.name, _pieces(b"", source))
        except ObjectMissing:
            raise BackupDamaged(f"the attached file {one.copy} is missing") from None
        count += 1
    return count


def missing(saved: Iterable[SavedObject], store: ObjectStore) -> list[str]:
    """Name the copies that are gone, or have another length."""
    there = {each.name: each.length for each in store.list(f"{FOLDER}/")}
    return [one.copy for one in saved if there.get(one.copy) != one.length]


def sweep(store: ObjectStore, instance: UUID, needed: Iterable[SavedObject], before: datetime) -> None:
    """Remove the copies that no backup lists, unless they are newer than *before*: one may be on its way."""
    kept = {one.copy for one in needed}
    for each in list(store.list(f"{FOLDER}/{instance}/")):
        if each.name not in kept and each.changed < before:
            store.delete(each.name)


def encode(saved: Iterable[SavedObject]) -> bytes:
    """Write a list as JSON."""
    return json.dumps([asdict(one) for one in saved]).encode()


def decode(data: bytes, digest: str) -> list[SavedObject]:
    """Read what :func:`encode` wrote.

    Raises:
        BackupDamaged: it is another list than the manifest names by its *digest*.
    """
    if checksum(data) != digest:
        raise BackupDamaged("its list of attached files was changed")
    return [SavedObject(**one) for one in json.loads(data)]


def _pieces(first: bytes, source: BinaryIO) -> Iterator[bytes]:
    yield first
    yield from iter(partial(source.read, _PIECE), b"")


def _salt(store: ObjectStore, name: str) -> str:
    with store.get(name) as source:
        return source.read(_SALT.stop)[_SALT].hex()
