"""Vaults: found, made, changed, deleted."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy import bindparam, func, select

from errors import Conflict, Invalid, NameTaken, NotFound
from models import Action, Item, Vault
from policy import Permission, Right, Role, right_on
from services import attachment_rows, audit, limits
from services import item_queries as queries
from services.access import demand
from services.content_rules import check_approval, check_line, check_storable
from services.events import Extra, Target
from services.grants import GrantLine, Holder, give, grant, grants, take
from services.item_versions import bump
from services.items import Protection
from services.mount_paths import add as add_mount
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


def find_by_name(uow: UnitOfWork, name: str) -> Vault:
    """Return the vault of the actor's organization that is called *name*, in any case; for commands.

    Raises:
        Conflict: there is none.
    """
    for vault in uow.session.scalars(select(Vault)):
        if vault.name.casefold() == name.casefold():
            return vault
    raise Conflict(f"There is no vault {name}. See its name on the page of the vaults.")


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
    return right_on(uow.actor, vault_id)


def create(
    uow: UnitOfWork,
    name: str,
    description: str = "",
    *,
    path: str | None = None,
    max_versions: int | None = None,
) -> Vault:
    """Make a vault; its maker is its first manager.

    Args:
        path: where programs find it; None: one is made of its name.
        max_versions: of each item; None: all.

    Raises:
        Invalid: names the form field.
        Conflict: the name is taken in the organization, or there are as many vaults as there may be.
    """
    bump(uow)
    limits.demand_vault(uow)
    vault = Vault(
        id=uuid4(),
        organization_id=uow.organization_id,
        name=_check_name(uow, name),
        description=_check_description(description),
        max_versions=max_versions,
        listed=False,
        confirm=False,
        approval_minutes=None,
        created_at=uow.now,
        created_by=uow.actor.id,
    )
    uow.session.add(vault)
    uow.session.flush()
    add_mount(uow, vault, path)
    _record(uow, Action.VAULT_CREATED, vault, {})
    give(uow, vault, Holder(uow.actor.id), Right.MANAGE)
    return vault


def change(
    uow: UnitOfWork,
    vault: Vault,
    *,
    name: str,
    description: str,
    max_versions: int | None,
    listed: bool = False,
    protection: Protection = Protection(),  # noqa: B008 - it is frozen
) -> None:
    """Change what a vault is called, how much it keeps, who hears of it and what a reveal asks for.

    Args:
        max_versions: of each item; None: all. A lower number than before destroys older versions at once.
        listed: whether everybody in the organization sees that it is there, and may ask for access.

    Raises:
        Invalid: names the form field.
        Conflict: the name is taken in the organization.
        StepUpRequired: the protection changes, and the actor's last confirmation is too old for that.
    """
    bump(uow)
    if max_versions is not None and not 1 <= max_versions <= VERSIONS_MAX:
        raise Invalid(f"Keep 1 to {VERSIONS_MAX} versions, or all.", "max_versions")
    check_approval(protection.approval_minutes)
    if protection != Protection(vault.confirm, vault.approval_minutes):
        demand(uow, Permission.PROTECTION_CHANGE, vault.id)
    wanted = {
        "name": _check_name(uow, name, vault),
        "description": _check_description(description),
        "max_versions": max_versions,
        "listed": listed,
        "confirm": protection.confirm,
        "approval_minutes": protection.approval_minutes,
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
        attachment_rows.drop_unheld(uow)
    _record(uow, Action.VAULT_CHANGED, vault, {"fields": changed})


def describe(
    uow: UnitOfWork, vault: Vault, *, name: str | None = None, description: str | None = None
) -> None:
    """Change what a vault is called and what it is for, and nothing else; None leaves a thing as it is.

    Raises:
        Invalid: names the form field.
        Conflict: the name is taken in the organization.
    """
    change(
        uow,
        vault,
        name=vault.name if name is None else name,
        description=vault.description if description is None else description,
        max_versions=vault.max_versions,
        listed=vault.listed,
        protection=Protection(vault.confirm, vault.approval_minutes),
    )


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
        raise NameTaken(f"There is a vault called {name} already. Choose another name.")
    return name


def _check_description(description: str) -> str:
    description = description.strip()
    check_storable(description, "The description", "description")
    if len(description) > DESCRIPTION_MAX:
        raise Invalid(f"Use at most {DESCRIPTION_MAX} characters for the description.", "description")
    return description


def _record(uow: UnitOfWork, action: Action, vault: Vault, extra: Extra) -> None:
    audit.record(uow, action, Target("vault", vault.id, vault.name), extra=extra)
