"""What every writer is given: plain credentials, already chosen; nothing here asks who may have them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from uuid import UUID

OTP = "otp"
REFERENCE = "reference"
SHOWN = frozenset({"text", "link", "date", REFERENCE})
"""Kinds that other programs need not hide."""


@dataclass(frozen=True, slots=True)
class Value:
    """A field and what it holds.

    Args:
        kind: as items have it: ``text``, ``hidden``, ``link``, ``date``, ``multiline``, ``json``, ``otp``, or
            ``reference``, whose value is the name of a variable.
        custom: whether a person added it; the others are those of the item's type.
    """

    name: str
    kind: str
    value: str = field(repr=False)
    custom: bool = False


@dataclass(frozen=True, slots=True)
class File:
    """A file on a credential.

    Args:
        media_type: empty: nobody knows.
    """

    name: str
    media_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, repr=False)
class Credential:
    """One item, as its newest version has it.

    Args:
        vault: empty: whoever exports sees this item alone, and not its vault.
        name: whole, with its folders.
        type: the value of the item's type, such as ``api-key``.
        history: earlier versions, the newest first.
    """

    id: UUID
    vault: str
    name: str
    type: str
    user_name: str
    urls: tuple[str, ...]
    tags: tuple[str, ...]
    expires_on: date | None
    values: tuple[Value, ...]
    created_at: datetime
    changed_at: datetime
    files: tuple[File, ...] = ()
    history: tuple[Credential, ...] = ()

    @property
    def leaf(self) -> str:
        """The name without its folders."""
        return self.name.rpartition("/")[2]

    def of_type(self, name: str) -> str:
        """Return what a field of the item's type holds; empty: it has none."""
        return next((one.value for one in self.values if one.name == name and not one.custom), "")

    def others(self, *known: str) -> Iterator[Value]:
        """Yield the fields that no name in *known* means."""
        return (one for one in self.values if one.custom or one.name not in known)


@dataclass(frozen=True, repr=False)
class Bundle:
    """Everything that one file will hold.

    Args:
        left_out: how many credentials are not in it, by why; seeds of authenticators that are not, too.
    """

    organization: str
    made_at: datetime
    made_by: str
    credentials: tuple[Credential, ...]
    left_out: Mapping[str, int]

    @cached_property
    def many_vaults(self) -> bool:
        """Whether the credentials come from more than one vault, so that its name says where each was."""
        return len({one.vault for one in self.credentials}) > 1

    def folder_of(self, one: Credential) -> str:
        """Return the folders of a credential, within its vault where there is more than one."""
        folder = one.name.rpartition("/")[0]
        vault = (one.vault or "Shared with you").replace("/", "-") if self.many_vaults else ""
        return "/".join(filter(None, (vault, folder)))
