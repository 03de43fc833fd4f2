"""The two encrypted texts of an item's version: sealing them, opening them, saying when one does not open."""

from __future__ import annotations

from uuid import UUID

from crypto.envelope import DecryptionError
from crypto.keyring import KeyRoom
from models import Action
from services import audit
from services.contents import (
    Contents,
    Field,
    Overview,
    decode_details,
    decode_overview,
    encode_details,
    encode_overview,
    shapes_of,
)
from services.events import Target
from services.unit_of_work import UnitOfWork

TABLE = "item"
OVERVIEW = "overview"
DETAILS = "details"


def overview_of(
    contents: Contents, vault_id: UUID, *, strength: int | None, changed: tuple[str, ...]
) -> Overview:
    """Take from the contents what may be shown without a reveal."""
    return Overview(
        vault_id=vault_id,
        name=contents.name,
        type=contents.type,
        user_name=contents.user_name,
        urls=contents.urls,
        tags=contents.tags,
        expires_on=contents.expires_on,
        strength=strength,
        shapes=shapes_of(contents),
        changed=changed,
    )


def contents_of(overview: Overview, fields: tuple[Field, ...]) -> Contents:
    """Put an overview and its values together again."""
    return Contents(
        name=overview.name,
        type=overview.type,
        user_name=overview.user_name,
        urls=overview.urls,
        tags=overview.tags,
        expires_on=overview.expires_on,
        fields=fields,
    )


def seal(
    keys: KeyRoom,
    organization_id: UUID,
    item_id: UUID,
    number: int,
    overview: Overview,
    fields: tuple[Field, ...],
) -> tuple[bytes, bytes]:
    """Encrypt the overview and the details of version *number*."""
    return (
        keys.encrypt(organization_id, TABLE, item_id, OVERVIEW, number, encode_overview(overview)),
        keys.encrypt(organization_id, TABLE, item_id, DETAILS, number, encode_details(fields)),
    )


def open_overview(
    keys: KeyRoom, organization_id: UUID, item_id: UUID, number: int, envelope: bytes
) -> Overview | None:
    """Decrypt an overview; None: it cannot be decrypted."""
    try:
        return decode_overview(keys.decrypt(organization_id, TABLE, item_id, OVERVIEW, number, envelope))
    except DecryptionError:
        return None


def open_details(
    keys: KeyRoom, organization_id: UUID, item_id: UUID, number: int, envelope: bytes
) -> tuple[Field, ...] | None:
    """Decrypt the values; None: they cannot be decrypted."""
    try:
        return decode_details(keys.decrypt(organization_id, TABLE, item_id, DETAILS, number, envelope))
    except DecryptionError:
        return None


def key_of(keys: KeyRoom, envelope: bytes) -> int:
    """Return the version of the data key that *envelope* names; 0: not even that can be read."""
    try:
        return keys.key_version_of(envelope)
    except DecryptionError:
        return 0


def record_failure(uow: UnitOfWork, item_id: UUID, number: int, part: str, key: int) -> None:
    """Record that a text could not be decrypted."""
    audit.record(
        uow,
        Action.DECRYPTION_FAILED,
        Target("item", item_id),
        success=False,
        extra={"version": number, "part": part, "key": key},
    )
