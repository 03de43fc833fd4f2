"""Vaults: found, made, changed, deleted."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy import bindparam, func, select

from errors import Conflict, Invalid, NotFound
from models import Action, Item, Vault
from policy import CEILINGS, Right, Role
from services import audit
from services import item_queries as queries
from services.content_rules import check_line, check_storable
from services.events import Extra, Target
from services.grants import GrantLine, give, grant, grants, take
from services.item_versions import bump
from services.unit_of_work import UnitOfWork

__all__ = [
    "GrantLine",
    "VaultLine",
    "change",
    "create",
    "delete",
    "effective_right",
    "find",
    "grant",
    "grants",
    "take",
    "visible",
]

NAME_MAX = 120
DESCRIPTION_MAX = 500
VERSIONS_MAX = 1000
_SEES_ALL = frozenset({Role.OWNER, Role.ADMIN})
# Made once: SQLAlchemy then knows them again, which halves what they cost. The session adds the organization.
_ALL = select(Vault)
_BY_ID = _ALL.where(Vault.id == bindparam("vault_id"))


@dataclass(frozen=True, slots=True)
class VaultLine:
    """A vault in a list.

    Args:
        right: None: an owner or admin sees that the vault is there, and nothing in it.
        items: live ones.
    """

    vault: Vault
    right: Right | None
    items: int


def find(uow: UnitOfWork, vault_id: UUID) -> Vault:
    """Return a vault of the actor's organization.

    Raises:
        NotFound: there is none.
    """
    vault = uow.session.scalars(_BY_ID, {"vault_id": vault_id}).one_or_none()
    if vault is None:
        raise NotFound
    return vault


def visible(uow: UnitOfWork) -> list[VaultLine]:
    """Return the vaults that the actor may know of, by name; owners and admins know of all."""
    actor = uow.actor
    vaults = sorted(uow.session.scalars(_ALL), key=lambda vault: (vault.name.casefold(), vault.id))
    if actor.role not in _SEES_ALL:
        vaults = [vault for vault in vaults if vault.id in actor.rights]
    counts = uow.runtime.indexes.of(uow).counts([vault.id for vault in vaults])
    return [VaultLine(vault, effective_right(uow, vault.id), counts.by_vault[vault.id]) for vault in vaults]


def names(uow: UnitOfWork) -> dict[UUID, str]:
    """Return what all vaults of the organization are called, for those who read its log."""
    return {vault.id: vault.name for vault in uow.session.scalars(_ALL)}


def effective_right(uow: UnitOfWork, vault_id: UUID) -> Right | None:
    """Return the actor's right on a vault, no higher than their role allows."""
    right = uow.actor.rights.get(vault_id)
    return None if right is None else min(right, CEILINGS.get(uow.actor.role, Right.MANAGE))


def create(uow: UnitOfWork, name: str, description: str = "") -> Vault:
    """Make a vault; its maker is its first manager.

    Raises:
        Invalid: names the form field.
        Conflict: the name is taken in the organization.
    """
    bump(uow)
    vault = Vault(
        id=uuid4(),
        organization_id=uow.organization_id,
        name=_check_name(uow, name),
        description=_check_description(description),
        max_versions=None,
        created_at=uow.now,
        created_by=uow.actor.id,
    )
    uow.session.add(vault)
    uow.session.flush()
    _record(uow, Action.VAULT_CREATED, vault, {})
    give(uow, vault, uow.actor.id, Right.MANAGE, None)
    return vault


def change(uow: UnitOfWork, vault: Vault, *, name: str, description: str, max_versions: int | None) -> None:
    """Change what a vault is called and how many versions of each item it keeps.

    Args:
        max_versions: None: all. A lower number than before destroys older versions at once.

    Raises:
        Invalid: names the form field.
        Conflict: the name is taken in the organization.
    """
    bump(uow)
    if max_versions is not None and not 1 <= max_versions <= VERSIONS_MAX:
        raise Invalid(f"Keep 1 to {VERSIONS_MAX} versions, or all.", "max_versions")
    wanted = {
        "name": _check_name(uow, name, vault),
        "description": _check_description(description),
        "max_versions": max_versions,
    }
    changed = [part for part, value in wanted.items() if getattr(vault, part) != value]
    if not changed:
        return
    for part in changed:
        setattr(vault, part, wanted[part])
    uow.session.flush()
    if "max_versions" in changed and max_versions is not None:
        uow.connection.execute(
            queries.PRUNE_VAULT,
            {"organization_id": uow.organization_id, "vault_id": vault.id, "keep": max_versions},
        )
    _record(uow, Action.VAULT_CHANGED, vault, {"fields": changed})


def delete(uow: UnitOfWork, vault: Vault) -> None:
    """Delete a vault that holds nothing, not even in the trash.

    Raises:
        Conflict: it holds something.
    """
    bump(uow)
    held = uow.session.scalar(select(func.count()).select_from(Item).where(Item.vault_id == vault.id))
    if held:
        raise Conflict(
            f"The vault still holds {held} credential{'s' if held > 1 else ''}, the trash included. "
            "Move or destroy them first."
        )
    uow.session.delete(vault)
    uow.session.flush()
    _record(uow, Action.VAULT_DELETED, vault, {})


def _check_name(uow: UnitOfWork, name: str, own: Vault | None = None) -> str:
    name = unicodedata.normalize("NFC", name).strip()
    if not name:
        raise Invalid("Enter a name.", "name")
    if len(name) > NAME_MAX:
        raise Invalid(f"Use at most {NAME_MAX} characters for the name.", "name")
    check_line(name, "The name", "name")
    taken = uow.session.scalars(select(Vault.id).where(Vault.name == name)).one_or_none()
    if taken is not None and (own is None or taken != own.id):
        raise Conflict(f"There is a vault called {name} already. Choose another name.")
    return name


def _check_description(description: str) -> str:
    description = description.strip()
    check_storable(description, "The description", "description")
    if len(description) > DESCRIPTION_MAX:
        raise Invalid(f"Use at most {DESCRIPTION_MAX} characters for the description.", "description")
    return description


def _record(uow: UnitOfWork, action: Action, vault: Vault, extra: Extra) -> None:
    audit.record(uow, action, Target("vault", vault.id, vault.name), extra=extra)
