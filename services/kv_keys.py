"""Keys of the Vault-compatible API: a mounted vault and a name in it, whether or not something lies there."""

from __future__ import annotations

import unicodedata
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from errors import Invalid, NotFound
from policy import Permission, reaches
from services import access, item_queries, items, mounts
from services.items import StoredItem
from services.mounts import MountedVault
from services.prepared import fetch_one
from services.unit_of_work import UnitOfWork

NO_ITEM = UUID(int=0)
UNREADABLE = "\N{REPLACEMENT CHARACTER}"
"""Stands in paths for bytes that are no UTF-8; two names could become one by it."""


@dataclass(frozen=True, slots=True)
class Key:
    """A name in a mounted vault.

    Args:
        item: None: nothing lies there, or only in the trash.
    """

    mounted: MountedVault
    name: str
    item: StoredItem | None

    @property
    def vault_id(self) -> UUID:
        """The vault, for whoever judges."""
        return self.mounted.vault_id

    @property
    def organization_id(self) -> UUID:
        """Whose it is, for whoever judges."""
        return self.mounted.organization_id

    @property
    def item_id(self) -> UUID:
        """The credential; the zero UUID where there is none, so that a free name is judged as a name."""
        return self.item.id if self.item else NO_ITEM

    @property
    def known_name(self) -> str:
        """What a token's names are held against."""
        return self.name

    @property
    def current(self) -> int:
        """The number of the newest version; 0: nothing has been written."""
        return self.item.version if self.item else 0


@dataclass(frozen=True, slots=True)
class Folder:
    """The beginning of names in a mounted vault; empty: all of them. Judged as the vault."""

    mounted: MountedVault
    name: str

    @property
    def vault_id(self) -> UUID:
        """The vault, for whoever judges."""
        return self.mounted.vault_id

    @property
    def organization_id(self) -> UUID:
        """Whose it is, for whoever judges."""
        return self.mounted.organization_id


@dataclass(frozen=True, slots=True)
class Address:
    """The parts of a key's address: the mount and the name, which may be empty or end in a slash."""

    mount: str
    name: str


def find(uow: UnitOfWork, address: Address) -> Key:
    """Return what an address leads to, in the actor's organization.

    Raises:
        NotFound: there is no such mount.
    """
    return key_in(uow, find_folder(uow, address))


def find_quietly(uow: UnitOfWork, path: str) -> Key | None:
    """Return the key of a path such as ``mount/data/name``; None: it is none, or there is no such mount."""
    mount, _, rest = path.strip("/").partition("/")
    verb, _, name = rest.partition("/")
    try:
        return find(uow, Address(mount, name)) if verb else None
    except NotFound:
        return None


def find_folder(uow: UnitOfWork, address: Address) -> Folder:
    """Return the folder of that address, whether or not anything lies in it.

    Raises:
        NotFound: there is no such mount.
        Invalid: the name is no text.
    """
    mounted = mounts.find(uow, address.mount)
    if UNREADABLE in address.name:
        raise Invalid("The path is not written in UTF-8.")
    return Folder(mounted, unicodedata.normalize("NFC", address.name.strip("/")))


def key_in(uow: UnitOfWork, folder: Folder) -> Key:
    """Return what lies under the name of a folder itself."""
    mounted, name = folder.mounted, folder.name
    asked = {
        "organization_id": uow.organization_id,
        "vault_id": mounted.vault_id,
        "name_digest": uow.keys.name_digest(uow.organization_id, mounted.vault_id, name),
    }
    row = fetch_one(uow.connection, item_queries.TAKEN, asked) if name else None
    return Key(mounted, name, items.find(uow, row.id) if row else None)


def demand(uow: UnitOfWork, permission: Permission, key: Key) -> None:
    """Ask the policy about the key for a second permission, besides the one that the route has named.

    Raises:
        NotFound: the actor may not know of it.
        Denied: the actor lacks the right.
    """
    access.demand(uow, permission, key.vault_id, key.item_id, key.name)


def children(uow: UnitOfWork, folder: Folder) -> list[str]:
    """Return what lies right inside a folder that the actor's token reaches; a folder ends in a slash."""
    names = uow.runtime.indexes.of(uow).names(folder.vault_id)
    if uow.actor.narrowing is not None:
        names = [name for name in names if reaches(uow.actor, folder.vault_id, name)]
    prefix = f"{folder.name}/" if folder.name else ""
    return sorted(set(_inside(names, prefix)))


def _inside(names: Sequence[str], prefix: str) -> list[str]:
    found = []
    for name in names[bisect_left(names, prefix) :]:
        if not name.startswith(prefix):
            break
        head, slash, _ = name[len(prefix) :].partition("/")
        found.append(head + slash)
    return found
