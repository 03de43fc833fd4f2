"""What narrows a program's token besides its owner's rights: scopes, vaults, names of credentials."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

EVERYTHING_BEHIND = "*"
"""Ends a pattern that stands for every name with this beginning."""


class Scope(StrEnum):
    """What an API token may be used for; it narrows the owner's rights and never widens them."""

    ITEMS_LIST = "items:list"
    ITEMS_USE = "items:use"
    ITEMS_REVEAL = "items:reveal"
    ITEMS_WRITE = "items:write"
    ITEMS_DESTROY = "items:destroy"
    VAULTS_MANAGE = "vaults:manage"
    PEOPLE_READ = "people:read"
    AUDIT_READ = "audit:read"
    TOKENS_ISSUE = "tokens:issue"
    TOKEN_SELF = "token:self"  # noqa: S105 - a scope
    """Looking after itself, which every scope includes: of a token that may do nothing else."""


@dataclass(frozen=True, slots=True)
class Narrowing:
    """The places that a token reaches.

    Args:
        vaults: those alone; None: all of its owner's.
        names: patterns, of which the name of a credential must match one; empty: any name does. A pattern
            is a whole name, or the beginning of one and a ``*``.
    """

    vaults: frozenset[UUID] | None = None
    names: tuple[str, ...] = ()

    def reaches_vault(self, vault_id: UUID) -> bool:
        """Whether anything in a vault is reached."""
        return self.vaults is None or vault_id in self.vaults

    def reaches(self, vault_id: UUID, name: str | None) -> bool:
        """Whether a credential is reached; one whose name nobody knows only where any name is."""
        if not self.reaches_vault(vault_id):
            return False
        return not self.names or (name is not None and any(_matches(one, name) for one in self.names))

    def covers(self, other: Narrowing) -> bool:
        """Whether *other* reaches nothing that this does not."""
        return self._covers_vaults(other.vaults) and self._covers_names(other.names)

    def _covers_vaults(self, vaults: frozenset[UUID] | None) -> bool:
        return self.vaults is None or (vaults is not None and vaults <= self.vaults)

    def _covers_names(self, names: Iterable[str]) -> bool:
        wanted = tuple(names)
        if not self.names:
            return True
        return bool(wanted) and all(any(_covers(mine, one) for mine in self.names) for one in wanted)


def _matches(pattern: str, name: str) -> bool:
    if pattern.endswith(EVERYTHING_BEHIND):
        return name.startswith(pattern[:-1])
    return name == pattern


def _covers(wide: str, narrow: str) -> bool:
    """Whether every name that *narrow* matches is matched by *wide* as well."""
    if narrow.endswith(EVERYTHING_BEHIND):
        return wide.endswith(EVERYTHING_BEHIND) and narrow.startswith(wide[:-1])
    return _matches(wide, narrow)
