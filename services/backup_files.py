"""Backups in the place where they lie: a folder or a bucket, three files each, sealed under one secret."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from crypto.checksum import Checksum
from crypto.envelope import DecryptionError
from crypto.passphrase import PassphraseHasher
from crypto.sealed_file import open_bytes, open_file, seal_bytes, seal_file, sealed_length
from errors import BackupDamaged, ObjectMissing
from services import backup_manifest as manifests
from services import backup_objects, clock
from services.backup_manifest import CHECKED, DATA, FILES, KEYS, MANIFEST, SUFFIXES, Kind, Manifest
from services.backup_objects import SavedObject
from services.object_store import ObjectStore

Progress = Callable[[int, int], None]
PIECE = 256 * 1024
STRAY_AFTER = timedelta(hours=1)
"""After which files without a manifest are what a killed process left, and not what one just writes."""


def nothing(_done: int, _all: int) -> None:
    """Tell nobody how far it has come."""


@dataclass(frozen=True, slots=True)
class BackupFiles:
    """The backups in one place.

    Args:
        secret: a key of 32 bytes, or a passphrase as text.
    """

    store: ObjectStore
    secret: str | bytes = field(repr=False)
    hasher: PassphraseHasher = field(repr=False)

    @property
    def sealed_by(self) -> str:
        """What the manifest calls the secret."""
        return "passphrase" if isinstance(self.secret, str) else "key"

    def names(self) -> list[str]:
        """Return the names of all backups here, the newest first."""
        return _whole(self._files())

    def manifest(self, name: str) -> tuple[Manifest, bytes]:
        """Return what a backup says of itself, and the very bytes.

        Raises:
            BackupDamaged: it cannot be read. It is not known yet whether it was changed.
        """
        data = self._read(f"{name}.{MANIFEST}", manifests.MANIFEST_MAX)
        manifest = Manifest.decode(data)
        if manifest.name != name:
            raise BackupDamaged("its manifest is of another backup")
        return manifest, data

    def put_data(self, name: str, source: Path, progress: Progress) -> Checksum:
        """Seal a file and store it; return length and checksum of what was stored."""
        size = source.stat().st_size
        passed = Checksum()
        with source.open("rb") as file:
            pieces = seal_file(file, size, self.secret, purpose=_purpose(name, DATA), hasher=self.hasher)
            told = _told(passed.over(pieces), sealed_length(size), progress)
            self.store.put(f"{name}.{DATA}", told)
        return passed

    def put_keys(self, name: str, content: bytes) -> None:
        """Seal the keys and store them."""
        sealed = seal_bytes(content, self.secret, purpose=_purpose(name, KEYS), hasher=self.hasher)
        self.store.put(f"{name}.{KEYS}", [sealed])

    def put_list(self, name: str, content: bytes) -> None:
        """Store the list of attached files, which names nothing that anybody typed."""
        self.store.put(f"{name}.{FILES}", [content])

    def objects(self, manifest: Manifest) -> list[SavedObject]:
        """Return which attached files belong to a backup.

        Raises:
            BackupDamaged: the list is missing or was changed.
        """
        if not manifest.files:
            return []
        data = self._read(f"{manifest.name}.{FILES}", backup_objects.LIST_MAX)
        return backup_objects.decode(data, manifest.files_sha256)

    def put_manifest(self, name: str, content: bytes) -> None:
        """Store the manifest: from here on there is a backup."""
        self.store.put(f"{name}.{MANIFEST}", [content])

    def put_note(self, name: str, note: str) -> None:
        """Store what a check has found."""
        self.store.put(f"{name}.{CHECKED}", [note.encode()])

    def keys(self, name: str, most: int) -> bytes:
        """Return what lies in the file of keys, at most *most* bytes.

        Raises:
            BackupDamaged: it does not open under this secret.
        """
        sealed = self._read(f"{name}.{KEYS}", most)
        try:
            return open_bytes(sealed, self.secret, purpose=_purpose(name, KEYS), hasher=self.hasher)
        except DecryptionError:
            raise BackupDamaged(f"its keys do not open with this {self.sealed_by}, or were altered") from None

    def fetch_data(self, manifest: Manifest, target: Path, progress: Progress) -> None:
        """Open the data into the new file *target*.

        Raises:
            BackupDamaged: it is not what the manifest says, or does not open.
        """
        passed = Checksum()
        sealed = target.with_name(f"{target.name}.sealed")
        with self._get(f"{manifest.name}.{DATA}") as source, sealed.open("xb") as file:
            pieces = iter(partial(source.read, PIECE), b"")
            file.writelines(_told(passed.over(pieces), manifest.size, progress))
        if (passed.length, passed.hex) != (manifest.size, manifest.sha256):
            raise BackupDamaged("its data is not what its manifest says: it was cut short or altered")
        try:
            with sealed.open("rb") as source, target.open("xb") as file:
                file.writelines(
                    open_file(
                        source,
                        manifest.size,
                        self.secret,
                        purpose=_purpose(manifest.name, DATA),
                        hasher=self.hasher,
                    )
                )
        except DecryptionError:
            raise BackupDamaged("its data does not open") from None
        sealed.unlink()

    def remove(self, name: str) -> None:
        """Remove a backup, the manifest first: what is half gone is none."""
        for suffix in SUFFIXES:
            self.store.delete(f"{name}.{suffix}")

    def prune(self, kind: Kind, instance: UUID, keep: int) -> list[str]:
        """Remove all but the newest *keep* of a kind, and what killed processes left; name those removed.

        Backups of other installations in the same place are none of ours.
        """
        files = self._files()
        whole = _whole(files)
        own = [name for name in whole if manifests.kind_of(name) is kind and manifests.is_of(name, instance)]
        for name in own[keep:]:
            self.remove(name)
        if own:
            before = manifests.made_at_of(own[0]) - STRAY_AFTER
            for file in _strays(files, set(whole), before):
                self.store.delete(file)
        if own[keep:] and any(True for _ in self.store.list(f"{backup_objects.FOLDER}/{instance}/")):
            self._sweep_objects([name for name in whole if name not in own[keep:]], instance)
        return own[keep:]

    def _sweep_objects(self, names: Iterable[str], instance: UUID) -> None:
        """Remove the copies of attached files that no backup of this installation lists any more."""
        needed: list[SavedObject] = []
        for name in names:
            if manifests.is_of(name, instance):
                try:
                    needed += self.objects(self.manifest(name)[0])
                except BackupDamaged:
                    # What it lists is not known, so nothing goes.
                    return
        backup_objects.sweep(self.store, instance, needed, clock.now() - STRAY_AFTER)

    def _read(self, file: str, most: int) -> bytes:
        with self._get(file) as source:
            data = source.read(most + 1)
        if len(data) > most:
            raise BackupDamaged(f"its file {file.rpartition('.')[2]} is far too large")
        return data

    @contextmanager
    def _get(self, file: str) -> Iterator[BinaryIO]:
        with ExitStack() as stack:
            try:
                source = stack.enter_context(self.store.get(file))
            except ObjectMissing:
                raise BackupDamaged(f"its file {file} is missing") from None
            yield source

    def _files(self) -> list[str]:
        return [each.name for kind in Kind for each in self.store.list(f"{kind.value}-")]


def _whole(files: Iterable[str]) -> list[str]:
    found = (manifests.split_file(file) for file in files)
    names = [name for name, suffix in filter(None, found) if suffix == MANIFEST]
    return sorted(names, key=manifests.made_at_of, reverse=True)


def _strays(files: Iterable[str], whole: Container[str], before: datetime) -> Iterator[str]:
    for file in files:
        split = manifests.split_file(file)
        if split and split[0] not in whole and manifests.made_at_of(split[0]) < before:
            yield file


def _purpose(name: str, suffix: str) -> str:
    return f"backup {name} {suffix}"


def _told(pieces: Iterator[bytes], everything: int, progress: Progress) -> Iterator[bytes]:
    done = 0
    for piece in pieces:
        done += len(piece)
        progress(done, everything)
        yield piece
