"""The content of files on items, in the store of files: looked at, encrypted, put; fetched and checked.

Nothing here knows the database, so nothing of it is held meanwhile. What lies in the store, in memory for
long, or in a temporary file is encrypted.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import IO, BinaryIO, Self, cast
from uuid import UUID, uuid4

from crypto.attachment import fresh_key, open_content, seal_content, sealed_length
from errors import Conflict, Invalid, ObjectMissing
from services import clock, file_types
from services.file_types import FileType
from services.object_store import ObjectStore
from services.rules import AttachmentRules

_PIECE = 256 * 1024
_IN_MEMORY = 1024 * 1024
"""Bytes of encrypted content that stay in memory; more of it goes to a nameless file."""
_MISSING = "The content of this file is not where files are kept. A backup may have it: tell the operator."


@dataclass(frozen=True, slots=True)
class Draft:
    """A file whose content is stored, and whose row is not there yet.

    Args:
        name: as it was cleaned.
        size: bytes of the content.
        begun: when the content began to be stored.
    """

    id: UUID
    name: str
    type: FileType
    size: int
    begun: datetime
    key: bytes = dataclasses.field(repr=False)


class Content:
    """Clear content in pieces, once, all of which was checked before; closing it gives back what it holds."""

    def __init__(self, held: IO[bytes], pieces: Iterator[bytes], length: int) -> None:
        self._held = held
        self._pieces = pieces
        self.length = length

    def __iter__(self) -> Self:
        """Return itself."""
        return self

    def __next__(self) -> bytes:
        """Return the next piece, of at most 64 KiB."""
        return next(self._pieces)

    def close(self) -> None:
        """Read no more of it."""
        self._held.close()

    def __del__(self) -> None:
        """Give back what is held by an answer that was made and never sent."""
        self.close()


def object_name(instance: UUID, organization_id: UUID, file_id: UUID) -> str:
    """Return what a file's content is called in the store of files."""
    return f"{instance}/{organization_id}/{file_id}"


def store(
    files: ObjectStore,
    rules: AttachmentRules,
    instance: UUID,
    organization_id: UUID,
    name: str,
    source: BinaryIO,
) -> Draft:
    """Look at a file from all sides, encrypt it under a key of its own, and put it.

    Raises:
        Invalid: too large, empty, of a type that is not taken, or infected.
        StoreFailed: the store could not do it.
    """
    begun = clock.now()
    size = _size_of(source, rules.max_bytes)
    type_ = file_types.recognise(name, source, size)
    if rules.scanner is not None:
        rules.scanner.look_at(source)
    draft = Draft(uuid4(), name, type_, size, begun, fresh_key())
    source.seek(0)
    pieces = seal_content(
        draft.key, source, size, instance=instance, organization=organization_id, file=draft.id
    )
    files.put(object_name(instance, organization_id, draft.id), pieces)
    return draft


def fetch(
    files: ObjectStore, key: bytes, length: int, *, instance: UUID, organization: UUID, file: UUID
) -> Content:
    """Open a file's content, having read all of it once: it opens to its end, or not at all.

    Args:
        length: bytes of the content.

    Raises:
        DecryptionError: altered, cut, another file's, or under another key.
        Conflict: there is none.
        StoreFailed: the store could not do it.
    """
    held = cast("IO[bytes]", tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY))  # noqa: SIM115 - handed on
    try:
        with files.get(object_name(instance, organization, file)) as stored:
            _copy(stored, held, sealed_length(length) + 1)

        def opened() -> Iterator[bytes]:
            held.seek(0)
            return open_content(
                key, cast("BinaryIO", held), length, instance=instance, organization=organization, file=file
            )

        for _ in opened():
            pass
        return Content(held, opened(), length)
    except BaseException as error:
        held.close()
        if isinstance(error, ObjectMissing):
            raise Conflict(_MISSING) from None
        raise


def _copy(source: BinaryIO, target: IO[bytes], most: int) -> None:
    """Copy up to *most* bytes: a store that gives more has altered it."""
    while most > 0 and (piece := source.read(min(_PIECE, most))):
        target.write(piece)
        most -= len(piece)


def _size_of(source: BinaryIO, most: int) -> int:
    size = source.seek(0, 2)
    if size == 0:
        raise Invalid("Choose a file that is not empty.", "file")
    if size > most:
        raise Invalid(f"The file is too large: at most {most / 2**20:g} MiB.", "file")
    return size
