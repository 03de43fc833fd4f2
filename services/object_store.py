"""Where files lie that are too large for the database: by name, whole or not at all.

:class:`ObjectStore` is what everybody else knows. Here is the one in a folder; `s3_store.py` has the
one at an S3-compatible address. What is put there was encrypted by who puts it.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Protocol

from errors import ObjectMissing, StoreFailed

_PART = r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}"
_NAME = re.compile(rf"{_PART}(/{_PART}){{0,7}}")
_PREFIX = re.compile(rf"(({_PART}/){{0,7}}({_PART})?)?")
_UNFINISHED = ".part-"


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object: its name, its length in bytes, and when it was put."""

    name: str
    length: int
    changed: datetime


class ObjectStore(Protocol):
    """Objects by name: up to eight parts of letters, digits, ``.``, ``_`` and ``-``, divided by ``/``.

    All methods raise ``StoreFailed`` where the store cannot do it, and ``ValueError`` for another name.
    """

    def put(self, name: str, pieces: Iterable[bytes]) -> None:
        """Store an object, in place of an older one. It is whole, durable and seen at once, or not at all."""

    def get(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Open an object for reading, forwards only.

        Raises:
            ObjectMissing: there is none of that name.
        """

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        """Yield the objects whose names begin with *prefix*, by name."""

    def delete(self, name: str) -> None:
        """Remove an object; nothing happens where there is none."""

    def tidy(self, before: datetime) -> int:
        """Remove what was begun before that time and never finished; return how many there were."""


def checked_name(name: str) -> str:
    """Return *name* if an object may have it.

    Raises:
        ValueError: it may not.
    """
    if _NAME.fullmatch(name) is None:
        raise ValueError("an object cannot have that name")
    return name


def checked_prefix(prefix: str) -> str:
    """Return *prefix* if names may begin with it.

    Raises:
        ValueError: none does.
    """
    if _PREFIX.fullmatch(prefix) is None:
        raise ValueError("no object's name begins like that")
    return prefix


class FolderStore:
    """Objects as files in a folder, which is made when first needed and is its owner's alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, name: str, pieces: Iterable[bytes]) -> None:
        """Write beside the name first: a process that dies leaves a file that nobody takes for an object."""
        path = self.folder / checked_name(name)
        with _failing("written"):
            self._make(path.parent)
            part = path.with_name(f"{_UNFINISHED}{secrets.token_hex(8)}")
            try:
                _write(part, pieces)
                part.replace(path)
            except BaseException:
                part.unlink(missing_ok=True)
                raise
            _sync_folder(path.parent)

    @contextmanager
    def get(self, name: str) -> Iterator[BinaryIO]:
        """Open the file; a link in its place is not followed."""
        path = self.folder / checked_name(name)
        with _failing("read"):
            try:
                number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            except (FileNotFoundError, NotADirectoryError):
                raise ObjectMissing from None
        with os.fdopen(number, "rb") as file:
            yield file

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        """Walk the folder that the prefix names."""
        folder = self.folder / checked_prefix(prefix).rpartition("/")[0]
        with _failing("listed"):
            found = sorted(self._walk(folder), key=lambda each: each.name)
        return (each for each in found if each.name.startswith(prefix))

    def delete(self, name: str) -> None:
        """Remove the file, durably; its folder stays."""
        path = self.folder / checked_name(name)
        with _failing("removed"), suppress(FileNotFoundError, NotADirectoryError):
            path.unlink()
            _sync_folder(path.parent)

    def tidy(self, before: datetime) -> int:
        """Remove files that were begun and never renamed."""
        removed = 0
        with _failing("removed"):
            for path in self.folder.rglob(f"{_UNFINISHED}*"):
                with suppress(FileNotFoundError):
                    if path.lstat().st_mtime < before.timestamp():
                        path.unlink()
                        removed += 1
        return removed

    def _make(self, folder: Path) -> None:
        if not folder.is_dir():
            if folder != self.folder:
                self._make(folder.parent)
                folder.mkdir(mode=0o700, exist_ok=True)
            else:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _sync_folder(folder.parent)

    def _walk(self, folder: Path) -> Iterator[StoredObject]:
        for base, _, files in os.walk(folder):
            for file in files:
                path = Path(base, file)
                name = path.relative_to(self.folder).as_posix()
                if _NAME.fullmatch(name) is None or path.is_symlink():
                    continue
                with suppress(FileNotFoundError):
                    facts = path.stat()
                    yield StoredObject(name, facts.st_size, datetime.fromtimestamp(facts.st_mtime, UTC))


def _write(path: Path, pieces: Iterable[bytes]) -> None:
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(number, "wb") as file:
        file.writelines(pieces)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Make a change of names durable, where the file system knows of that: a mounted bucket may not."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with suppress(OSError):
            os.fsync(number)
    finally:
        os.close(number)


@contextmanager
def _failing(what: str) -> Iterator[None]:
    """Say in one sentence what the file system refused, without the path."""
    try:
        yield
    except OSError as error:
        raise StoreFailed(f"A stored file cannot be {what} ({error.strerror or 'unknown reason'}).") from None
