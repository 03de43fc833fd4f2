"""Opening the place for files that the operator has chosen."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from crypto.request_signature import Signer
from services.object_store import FolderStore, ObjectStore
from services.s3_store import Bucket, S3Store


class Place(Protocol):
    """A folder, or an S3-compatible address: a setting as `config_stores.py` has read it."""

    @property
    def folder(self) -> Path | None: ...  # noqa: D102 - as its name says
    @property
    def endpoint(self) -> str: ...  # noqa: D102 - as its name says
    @property
    def bucket(self) -> str: ...  # noqa: D102 - as its name says
    @property
    def prefix(self) -> str: ...  # noqa: D102 - as its name says


class Account(Protocol):
    """As whom an S3-compatible address is asked: what the settings say of that."""

    @property
    def s3_access_key(self) -> str | None: ...  # noqa: D102 - as its name says
    @property
    def s3_secret_key(self) -> str | None: ...  # noqa: D102 - as its name says
    @property
    def s3_region(self) -> str: ...  # noqa: D102 - as its name says


def open_store(place: Place, account: Account) -> ObjectStore:
    """Return the store at *place*; nothing is asked of it yet."""
    if place.folder is not None:
        return FolderStore(place.folder)
    signer = Signer(account.s3_access_key or "", account.s3_secret_key or "", account.s3_region)
    return S3Store(Bucket(place.endpoint, place.bucket, place.prefix), signer)
