"""The keys of one installation: those of the table ``data_key``, opened with the master keys.

Data, audit and system keys are 32 random bytes each, kept wrapped. System keys stand under the
zero UUID. Keyed digests never hang on the master key itself, so replacing it orphans none of them.
Opened keys live in one :class:`KeyRoom` on the application; nothing here shows a key in ``repr``,
text or pickles.
"""

from __future__ import annotations

import hmac
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from crypto import chain, notes
from crypto.context import PREFIX, length_prefixed, record_context
from crypto.envelope import (
    KEY_LEN,
    KIND_RECORD,
    DecryptionError,
    key_number_of,
    open_envelope,
    seal,
)
from crypto.master_keys import MasterKeys, expand, fresh_key, generate_master_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = [
    "ORGANIZATION_PURPOSES",
    "SYSTEM",
    "SYSTEM_PURPOSES",
    "KeyRoom",
    "MasterKeys",
    "MissingKey",
    "StoredKey",
    "fresh_key",
    "generate_master_key",
    "missing_master_ids",
]

SYSTEM = UUID(int=0)
"""Stands for the installation itself where a row names an organization."""

DIGEST_PURPOSES = ("token-mac", "session-mac", "audit-mac", "audit-sign", "index-mac", "throttle-mac")
ORGANIZATION_PURPOSES = ("data", "audit")
SYSTEM_PURPOSES = DIGEST_PURPOSES + ORGANIZATION_PURPOSES

ACTIVE = "active"
DECRYPT_ONLY = "decrypt-only"
DESTROYED = "destroyed"

NAME_DIGEST_LEN = 16

_TOKEN = PREFIX + b"token\0"
_SESSION = PREFIX + b"session\0"
_INDEX = PREFIX + b"index\0"
_NAME = PREFIX + b"name\0"
_THROTTLE = PREFIX + b"throttle\0"


class MissingKey(Exception):
    """No active key exists for what was asked; the message names its purpose, never a key."""


@dataclass(frozen=True, slots=True)
class StoredKey:
    """One row of ``data_key``, as the database has it."""

    organization: UUID
    purpose: str
    version: int
    state: str
    master_key_id: str
    wrapped: bytes = field(repr=False)


def missing_master_ids(rows: Iterable[StoredKey], masters: MasterKeys) -> tuple[str, ...]:
    """Return the ids of master keys that rows need and *masters* lacks, sorted."""
    needed = {row.master_key_id for row in rows if row.state != DESTROYED}
    return tuple(sorted(needed.difference(masters.ids)))


class KeyRoom:
    """The opened keys of one installation, as of one generation of ``data_key``.

    The system's digest keys are opened at once; data and audit keys when first needed. Two
    threads may then open the same key at once, which costs microseconds and harms nothing.
    """

    __slots__ = (
        "_active",
        "_digest_keys",
        "_masters",
        "_opened",
        "_rows",
        "_signer",
        "generation",
        "instance",
    )

    def __init__(
        self,
        instance: UUID,
        masters: MasterKeys,
        rows: Iterable[StoredKey],
        generation: int,
        *,
        before: KeyRoom | None = None,
    ) -> None:
        """Take the rows of ``data_key`` and the generation they were read at.

        Args:
            before: the room of another generation of the same installation. A version of a key never changes,
                only how it is wrapped: what is open there is not opened again, so that a process still works
                whose operator has turned the master key before telling it the new one.

        Raises:
            DecryptionError: a digest key of the system does not open.
        """
        self.instance = instance
        self.generation = generation
        self._masters = masters
        self._rows: dict[tuple[UUID, str, int], StoredKey] = {}
        self._active: dict[tuple[UUID, str], int] = {}
        self._opened: dict[tuple[UUID, str, int], bytes] = {}
        for row in rows:
            self._rows[row.organization, row.purpose, row.version] = row
            if row.state == ACTIVE:
                place = (row.organization, row.purpose)
                self._active[place] = max(row.version, self._active.get(place, 0))
        if before is not None:
            self._take_over(before)
        self._digest_keys = {
            purpose: self._key(SYSTEM, purpose, self._active[SYSTEM, purpose])
            for purpose in DIGEST_PURPOSES
            if (SYSTEM, purpose) in self._active
        }
        seed = self._digest_keys.get("audit-sign")
        self._signer = None if seed is None else Ed25519PrivateKey.from_private_bytes(seed)

    def encrypt(
        self,
        organization: UUID,
        table: str,
        record: UUID,
        field: str,
        revision: int,
        plaintext: bytes,
        *,
        purpose: str = "data",
    ) -> bytes:
        """Encrypt a value for its place under the organization's active key.

        Raises:
            MissingKey: the organization has no active key, for example after a shred.
        """
        version = self._active.get((organization, _value_purpose(purpose)))
        if version is None:
            raise MissingKey(f"no active {purpose} key")
        return seal(
            self._key(organization, purpose, version),
            plaintext,
            kind=KIND_RECORD,
            key_number=version,
            context=record_context(self.instance, organization, table, record, field, revision),
        )

    def decrypt(
        self,
        organization: UUID,
        table: str,
        record: UUID,
        field: str,
        revision: int,
        envelope: bytes,
        *,
        purpose: str = "data",
    ) -> bytes:
        """Return the value that stands at this place.

        Raises:
            DecryptionError: altered, moved, or its key is unknown or destroyed.
        """
        version = key_number_of(envelope, kind=KIND_RECORD)
        return open_envelope(
            self._key(organization, _value_purpose(purpose), version),
            envelope,
            kind=KIND_RECORD,
            key_number=version,
            context=record_context(self.instance, organization, table, record, field, revision),
        )

    def active_version(self, organization: UUID, purpose: str) -> int | None:
        """Return the version of a key that encrypts now; None: there is none, for example after a shred."""
        return self._active.get((organization, purpose))

    def key_version_of(self, envelope: bytes) -> int:
        """Return the data key version that *envelope* names."""
        return key_number_of(envelope, kind=KIND_RECORD)

    def token_digest(self, kind: str, lookup_id: str, secret: bytes) -> bytes:
        """Return what is stored of an access token."""
        return self._mac("token-mac", b"%s%s\0%s\0%s" % (_TOKEN, kind.encode(), lookup_id.encode(), secret))

    def session_digest(self, session_id: bytes) -> bytes:
        """Return what is stored of a session's id."""
        return self._mac("session-mac", _SESSION + session_id)

    def name_digest(self, organization: UUID, vault: UUID, name: str) -> bytes:
        """Return the 16 bytes by which an item is found by its name; case counts."""
        index_key = expand(self._digest_key("index-mac"), _INDEX + organization.bytes, KEY_LEN)
        message = _NAME + vault.bytes + unicodedata.normalize("NFC", name).encode()
        return hmac.digest(index_key, message, "sha256")[:NAME_DIGEST_LEN]

    def throttle_digest(self, *parts: str) -> bytes:
        """Return the key of a counter or a lockout, which thus names nobody."""
        joined = b"".join(length_prefixed(part.encode()) for part in parts)
        return self._mac("throttle-mac", _THROTTLE + joined)

    def audit_mac(self, event_hash: bytes) -> bytes:
        """Return the keyed proof that this installation wrote the event with this hash."""
        return self._mac("audit-mac", event_hash)

    def sign_checkpoint(self, name: str, heads: Iterable[tuple[UUID, int, bytes]], unix: int) -> str:
        """Return a signed note over the heads (chain, number of events, newest hash)."""
        return chain.sign_checkpoint(self._signing_key(), name, heads, unix)

    def sign_note(self, name: str, lines: Sequence[str]) -> str:
        """Return a signed note that says *lines* in this installation's name."""
        return notes.sign_note(self._signing_key(), name, lines)

    def audit_public_key(self) -> bytes:
        """Return the 32 bytes with which anyone can check a checkpoint or a note."""
        return self._signing_key().public_key().public_bytes_raw()

    def __repr__(self) -> str:
        return f"<KeyRoom instance={self.instance} generation={self.generation}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("keys are never copied or pickled")

    def opens(self, organization: UUID) -> bool:
        """Whether the keys that *organization* works with now can be opened."""
        try:
            for purpose in ORGANIZATION_PURPOSES:
                self._key(organization, purpose, self._active.get((organization, purpose), 0))
        except DecryptionError:
            return False
        return True

    def _take_over(self, before: KeyRoom) -> None:
        for place, key in before._opened.copy().items():
            row = self._rows.get(place)
            if row is not None and row.state in {ACTIVE, DECRYPT_ONLY}:
                self._opened[place] = key

    def _key(self, organization: UUID, purpose: str, version: int) -> bytes:
        place = (organization, purpose, version)
        key = self._opened.get(place)
        if key is None:
            row = self._rows.get(place)
            if row is None or row.state not in {ACTIVE, DECRYPT_ONLY}:
                raise DecryptionError
            key = self._masters.unwrap(
                row.master_key_id, self.instance, organization, purpose, version, row.wrapped
            )
            self._opened[place] = key
        return key

    def _digest_key(self, purpose: str) -> bytes:
        try:
            return self._digest_keys[purpose]
        except KeyError:
            raise MissingKey(f"no active {purpose} key") from None

    def _mac(self, purpose: str, message: bytes) -> bytes:
        return hmac.digest(self._digest_key(purpose), message, "sha256")

    def _signing_key(self) -> Ed25519PrivateKey:
        if self._signer is None:
            raise MissingKey("no active audit-sign key")
        return self._signer


def _value_purpose(purpose: str) -> str:
    if purpose not in ORGANIZATION_PURPOSES:
        raise ValueError("values are encrypted under data or audit keys only")
    return purpose
