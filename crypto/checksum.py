"""Checksums of files: they find an accident, and pin a file that something trusted names."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator


class Checksum:
    """SHA-256 and length of what has passed by."""

    def __init__(self) -> None:
        self.length = 0
        self._hash = hashlib.sha256()

    @property
    def hex(self) -> str:
        """The digest so far, 64 hex digits."""
        return self._hash.hexdigest()

    def update(self, piece: bytes) -> None:
        """Take in what comes next."""
        self._hash.update(piece)
        self.length += len(piece)

    def over(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Yield *pieces* as they are, and take each in."""
        for piece in pieces:
            self.update(piece)
            yield piece


def checksum(data: bytes) -> str:
    """Return the SHA-256 of *data*, 64 hex digits."""
    return hashlib.sha256(data).hexdigest()
