"""Notes that people write beside what they do: a line that may name things, so it lies encrypted."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from crypto.envelope import DecryptionError
from errors import Invalid
from models import Action
from services import audit
from services.content_rules import check_line
from services.events import Extra, Target
from services.item_blobs import key_of
from services.unit_of_work import UnitOfWork

UNREADABLE = "This note cannot be decrypted."


@dataclass(frozen=True, slots=True)
class NoteField:
    """Where a kind of note is kept.

    Args:
        table: whose rows have it.
        column: it opens in this one only, and only in its own row.
        longest: characters.
    """

    table: str
    column: str
    longest: int = 300

    def check(self, text: str) -> str:
        """Return a note without blanks around it.

        Raises:
            Invalid: too long, or more than a line; names the form field, which is called as the column is.
        """
        text = text.strip()
        if len(text) > self.longest:
            raise Invalid(f"Use at most {self.longest} characters for the {self.column}.", self.column)
        check_line(text, f"The {self.column}", self.column)
        return text

    def seal(self, uow: UnitOfWork, record: UUID, text: str) -> bytes | None:
        """Encrypt a note for its row; None: there is nothing to keep."""
        if not text:
            return None
        return uow.keys.encrypt(uow.organization_id, self.table, record, self.column, 1, text.encode())

    def open(self, uow: UnitOfWork, record: UUID, sealed: bytes | None, about: Target) -> str:
        """Return what a row's note says; one that cannot be decrypted is recorded, as a fault of *about*."""
        if sealed is None:
            return ""
        try:
            opened = uow.keys.decrypt(uow.organization_id, self.table, record, self.column, 1, sealed)
        except DecryptionError:
            extra: Extra = {"part": self.column, "key": key_of(uow.keys, sealed)}
            audit.record(uow, Action.DECRYPTION_FAILED, about, success=False, extra=extra)
            return UNREADABLE
        return opened.decode()


GRANT_REASON = NoteField("access_grant", "reason")
REQUEST_REASON = NoteField("access_request", "reason")
TICK_NOTE = NoteField("leaver_tick", "note", longest=200)
