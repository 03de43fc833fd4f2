"""Vaults and who may use them. A vault always keeps a manager."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, and_, func, select

from errors import Conflict, Invalid, NotFound
from models import Action, Grant, Item, Membership, User, Vault
from policy import CEILINGS, Right, Role
from services import audit
from services import item_queries as queries
from services.events import Extra, Target
from services.item_versions import bump
from services.unit_of_work import UnitOfWork

NAME_MAX = 120
DESCRIPTION_MAX = 500
VERSIONS_MAX = 1000
_SEES_ALL = frozenset({Role.OWNER, Role.ADMIN})


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


@dataclass(frozen=True, slots=True)
class GrantLine:
    """A person's grant on a vault.

    Args:
        active: whether it gives the right now: not ended, the person not disabled.
    """

    user_id: UUID
    name: str
    email: str
    role: Role
    disabled: bool
    right: Right
    ends_at: datetime | None
    active: bool
    granted_by: UUID
    created_at: datetime


def find(uow: UnitOfWork, vault_id: UUID) -> Vault:
    """Return a vault of the actor's organization.

    Raises:
        NotFound: there is none.
    """
    vault = uow.session.scalars(
        select(Vault).where(Vault.id == vault_id, Vault.organization_id == uow.organization_id)
    ).one_or_none()
    if vault is None:
        raise NotFound
    return vault


def visible(uow: UnitOfWork) -> list[VaultLine]:
    """Return the vaults that the actor may know of, by name; owners and admins know of all."""
    actor = uow.actor
    statement = select(Vault).where(Vault.organization_id == uow.organization_id)
    vaults = sorted(uow.session.scalars(statement), key=lambda vault: (vault.name.casefold(), vault.id))
    if actor.role not in _SEES_ALL:
        vaults = [vault for vault in vaults if vault.id in actor.rights]
    counts = uow.runtime.indexes.of(uow).counts([vault.id for vault in vaults])
    return [VaultLine(vault, effective_right(uow, vault.id), counts.by_vault[vault.id]) for vault in vaults]


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
    _give(uow, vault, uow.actor.id, Right.MANAGE, None)
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


def grants(uow: UnitOfWork, vault: Vault) -> list[GrantLine]:
    """Return who was given what on a vault, ended grants included, by name."""
    rows = uow.session.execute(
        select(Grant, User, Membership)
        .join(User, User.id == Grant.user_id)
        .join(
            Membership,
            and_(Membership.user_id == Grant.user_id, Membership.organization_id == Grant.organization_id),
        )
        .where(Grant.vault_id == vault.id)
    )
    lines = [
        GrantLine(
            user_id=user.id,
            name=user.name,
            email=user.email,
            role=Role(membership.role),
            disabled=membership.disabled_at is not None,
            right=Right(grant.right),
            ends_at=grant.ends_at,
            active=membership.disabled_at is None and (grant.ends_at is None or grant.ends_at > uow.now),
            granted_by=grant.granted_by,
            created_at=grant.created_at,
        )
        for grant, user, membership in rows
    ]
    return sorted(lines, key=lambda line: (line.name.casefold(), line.email))


def grant(
    uow: UnitOfWork, vault: Vault, user_id: UUID, right: Right, ends_at: datetime | None = None
) -> None:
    """Give a person a right on a vault, or another one than they have.

    Raises:
        Invalid: the person is not an active member, their role allows no such right, or *ends_at* is past.
        Conflict: nobody would manage the vault.
    """
    _lock(uow, vault)
    _check_person(uow, user_id, right)
    if ends_at is not None and ends_at <= uow.now:
        raise Invalid("Choose a time in the future, or none.", "ends_at")
    given = _grant_of(uow, vault, user_id)
    if given is None:
        _give(uow, vault, user_id, right, ends_at)
        return
    if (given.right, given.ends_at) == (right, ends_at):
        return
    if right < Right.MANAGE or ends_at is not None:
        _refuse_last_manager(uow, vault, user_id)
    was = Right(given.right)
    given.right, given.ends_at = right, ends_at
    given.granted_by, given.created_at = uow.actor.id, uow.now
    uow.session.flush()
    extra = _grant_extra(user_id, right, ends_at)
    _record(uow, Action.GRANT_CHANGED, vault, {**extra, "was": was.label})


def take(uow: UnitOfWork, vault: Vault, user_id: UUID) -> None:
    """Take a person's right on a vault away.

    Raises:
        NotFound: they have none.
        Conflict: nobody would manage the vault.
    """
    _lock(uow, vault)
    given = _grant_of(uow, vault, user_id)
    if given is None:
        raise NotFound
    _refuse_last_manager(uow, vault, user_id)
    uow.session.delete(given)
    uow.session.flush()
    _record(uow, Action.GRANT_TAKEN, vault, {"user": str(user_id), "was": Right(given.right).label})


def _give(uow: UnitOfWork, vault: Vault, user_id: UUID, right: Right, ends_at: datetime | None) -> None:
    uow.session.add(
        Grant(
            id=uuid4(),
            organization_id=uow.organization_id,
            vault_id=vault.id,
            user_id=user_id,
            right=right,
            ends_at=ends_at,
            granted_by=uow.actor.id,
            created_at=uow.now,
        )
    )
    uow.session.flush()
    _record(uow, Action.GRANT_GIVEN, vault, _grant_extra(user_id, right, ends_at))


def _grant_extra(user_id: UUID, right: Right, ends_at: datetime | None) -> Extra:
    return {
        "user": str(user_id),
        "right": right.label,
        "ends_at": ends_at.isoformat() if ends_at else None,
    }


def _grant_of(uow: UnitOfWork, vault: Vault, user_id: UUID) -> Grant | None:
    return uow.session.scalars(
        select(Grant).where(Grant.vault_id == vault.id, Grant.user_id == user_id)
    ).one_or_none()


def _check_person(uow: UnitOfWork, user_id: UUID, right: Right) -> None:
    membership = uow.session.scalars(
        select(Membership).where(
            Membership.organization_id == uow.organization_id,
            Membership.user_id == user_id,
            Membership.disabled_at.is_(None),
        )
    ).one_or_none()
    if membership is None:
        raise Invalid("Choose somebody who belongs to the organization.", "user_id")
    ceiling = CEILINGS.get(Role(membership.role), Right.MANAGE)
    if right > ceiling:
        raise Invalid(f"An {membership.role} can be given {ceiling.label} at most.", "right")


def _refuse_last_manager(uow: UnitOfWork, vault: Vault, user_id: UUID) -> None:
    """Refuse to go on if the person is the only one who manages the vault for good."""
    managers = set(
        uow.session.scalars(
            select(Grant.user_id)
            .join(
                Membership,
                and_(
                    Membership.user_id == Grant.user_id,
                    Membership.organization_id == Grant.organization_id,
                ),
            )
            .where(Grant.vault_id == vault.id, *_manages_for_good())
        )
    )
    if managers == {user_id}:
        raise Conflict("The vault needs a manager. Give somebody else manage without an end first.")


def _manages_for_good() -> tuple[ColumnElement[bool], ...]:
    capped = [role.value for role in Role if CEILINGS.get(role, Right.MANAGE) < Right.MANAGE]
    return (
        Grant.right == Right.MANAGE,
        Grant.ends_at.is_(None),
        Membership.disabled_at.is_(None),
        Membership.role.not_in(capped),
    )


def _lock(uow: UnitOfWork, vault: Vault) -> None:
    """Let nobody else change grants of the vault at the same time, where the database lets many write."""
    uow.session.execute(select(Vault.id).where(Vault.id == vault.id).with_for_update())


def _check_name(uow: UnitOfWork, name: str, own: Vault | None = None) -> str:
    name = unicodedata.normalize("NFC", name).strip()
    if not name:
        raise Invalid("Enter a name.", "name")
    if len(name) > NAME_MAX:
        raise Invalid(f"Use at most {NAME_MAX} characters for the name.", "name")
    if not name.isprintable():
        raise Invalid("The name must be one line without control characters.", "name")
    taken = uow.session.scalars(
        select(Vault.id).where(Vault.organization_id == uow.organization_id, Vault.name == name)
    ).one_or_none()
    if taken is not None and (own is None or taken != own.id):
        raise Conflict(f"There is a vault called {name} already. Choose another name.")
    return name


def _check_description(description: str) -> str:
    description = description.strip()
    if len(description) > DESCRIPTION_MAX:
        raise Invalid(f"Use at most {DESCRIPTION_MAX} characters for the description.", "description")
    return description


def _record(uow: UnitOfWork, action: Action, vault: Vault, extra: Extra) -> None:
    audit.record(uow, action, Target("vault", vault.id, vault.name), extra=extra)
