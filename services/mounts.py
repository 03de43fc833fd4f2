"""Mounts: where programs find vaults in the Vault-compatible API, and what holds for all keys in one."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from errors import Conflict, Invalid, NotFound
from models import Action
from policy import Permission, right_on
from services import audit, vaults
from services import mount_queries as queries
from services.access import demand
from services.events import Target
from services.mount_paths import PATH, RESERVED, free
from services.prepared import fetch, fetch_one, run
from services.unit_of_work import UnitOfWork

KEPT = 10
"""Versions that a vault made by a program keeps of each key, unless it says otherwise."""


@dataclass(frozen=True, slots=True)
class MountedVault:
    """A vault as programs find it.

    Args:
        max_versions: of each key; None: all.
        delete_after: seconds after which a version counts as deleted; 0: never; negative: never at all.
    """

    vault_id: UUID
    organization_id: UUID
    path: str
    cas_required: bool
    delete_after: int
    name: str
    description: str
    max_versions: int | None


def find(uow: UnitOfWork, path: str) -> MountedVault:
    """Return the vault of the actor's organization that is found at *path*.

    Raises:
        NotFound: there is none.
    """
    here = {"organization_id": uow.organization_id, "path": path.strip("/")}
    row = fetch_one(uow.connection, queries.BY_PATH, here)
    if row is None:
        raise NotFound
    return _mounted(row)


def find_seen(uow: UnitOfWork, path: str) -> MountedVault:
    """Return the vault that is found at *path*, if the actor has a right on it.

    Raises:
        NotFound: there is none, or the actor may not know of it.
    """
    found = find(uow, path)
    if right_on(uow.actor, found.vault_id) is None:
        raise NotFound
    return found


def path_of(uow: UnitOfWork, vault_id: UUID) -> str | None:
    """Return where programs find a vault; None: nowhere."""
    here = {"organization_id": uow.organization_id, "vault_id": vault_id}
    row = fetch_one(uow.connection, queries.BY_VAULT, here)
    return None if row is None else row.path


def visible(uow: UnitOfWork) -> list[MountedVault]:
    """Return those that the actor has a right on, by path."""
    rows = fetch(uow.connection, queries.ALL, {"organization_id": uow.organization_id})
    return [_mounted(row) for row in rows if right_on(uow.actor, row.vault_id) is not None]


def mount(uow: UnitOfWork, path: str, description: str = "") -> None:
    """Make a vault that programs find at *path*; the actor is its first manager.

    Raises:
        Invalid: the path cannot be used, or something is found there.
        Conflict: there are as many vaults as there may be.
    """
    path = path.strip("/")
    if not PATH.fullmatch(path) or path in RESERVED:
        message = "A mount's path is one segment of letters, digits, dots, dashes and underscores."
        raise Invalid(message, "path")
    here = {"organization_id": uow.organization_id, "path": path}
    if fetch_one(uow.connection, queries.BY_PATH, here) is not None:
        message = f"path is already in use at {path}/"
        raise Invalid(message, "path")
    name = free(path, set(vaults.names(uow).values()), " ({})")
    vaults.create(uow, name, description, path=path, max_versions=KEPT)


def describe(uow: UnitOfWork, mounted: MountedVault, description: str | None) -> None:
    """Say what a vault is for; None leaves that as it is.

    Raises:
        NotFound: the actor may not know of it.
        Denied: the actor does not manage it.
        Invalid: the description is too long.
    """
    demand(uow, Permission.VAULT_MANAGE, mounted.vault_id)
    vaults.describe(uow, vaults.find(uow, mounted.vault_id), description=description)


def unmount(uow: UnitOfWork, mounted: MountedVault) -> None:
    """Take a vault's place away. An empty vault goes with it; any other stays for people as it is.

    Raises:
        NotFound: the actor may not know of it.
        Denied: the actor does not manage it.
    """
    demand(uow, Permission.VAULT_MANAGE, mounted.vault_id)
    run(
        uow.connection,
        queries.DELETE,
        {"organization_id": uow.organization_id, "vault_id": mounted.vault_id},
    )
    _record(uow, mounted, ["mount"])
    try:
        vaults.delete(uow, vaults.find(uow, mounted.vault_id))
    except Conflict:
        return


def configure(
    uow: UnitOfWork,
    mounted: MountedVault,
    *,
    max_versions: int | None,
    cas_required: bool,
    delete_after: int,
) -> None:
    """Change what holds for all keys of a vault. Fewer *max_versions* than before count as keys are written.

    Raises:
        Invalid: that many versions cannot be kept.
    """
    changed = []
    if max_versions != mounted.max_versions:
        if max_versions is not None and not 1 <= max_versions <= vaults.VERSIONS_MAX:
            message = f"max_versions is 0, which keeps all, or 1 to {vaults.VERSIONS_MAX}"
            raise Invalid(message, "max_versions")
        vaults.find(uow, mounted.vault_id).max_versions = max_versions
        changed.append("max_versions")
    if (cas_required, delete_after) != (mounted.cas_required, mounted.delete_after):
        run(
            uow.connection,
            queries.CONFIGURE,
            {
                "own_organization_id": uow.organization_id,
                "own_vault_id": mounted.vault_id,
                "new_cas_required": cas_required,
                "new_delete_after": delete_after,
            },
        )
        changed.append("cas_required" if cas_required != mounted.cas_required else "delete_version_after")
    if changed:
        _record(uow, mounted, changed)


def _mounted(row: object) -> MountedVault:
    return MountedVault(**{name: getattr(row, name) for name in MountedVault.__slots__})


def _record(uow: UnitOfWork, mounted: MountedVault, fields: list[str]) -> None:
    target = Target("vault", mounted.vault_id, mounted.name)
    audit.record(uow, Action.VAULT_CHANGED, target, extra={"fields": fields})
