"""What the policy says of the present actor and of what a route has loaded for them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from models import AccessToken, Membership, Vault
from policy import CONFIRMED, GRANTS, Permission, Verdict, judge
from services.access_requests import Asked
from services.attachments import StoredFile
from services.items import StoredItem
from services.kv_keys import Key
from services.unit_of_work import UnitOfWork


def may(uow: UnitOfWork, permission: Permission, loaded: Any = None) -> Verdict:
    """Judge the present actor on a vault, an item, a token, or the organization as a whole."""
    stored = loaded.item if isinstance(loaded, Key | StoredFile) else loaded
    if isinstance(stored, StoredItem) and stored.protection.confirm:
        permission = CONFIRMED.get(permission, permission)
    return judge(
        uow.actor,
        permission,
        organization_id=_organization_of(uow, loaded),
        vault_id=loaded.id if isinstance(loaded, Vault) else getattr(loaded, "vault_id", None),
        item_id=loaded.id if isinstance(loaded, StoredItem) else getattr(loaded, "item_id", None),
        item_name=loaded.known_name if isinstance(loaded, StoredItem | StoredFile | Key) else None,
        owner_id=_owner_of(permission, loaded),
        now=uow.now,
        fresh_for=uow.rules.fresh_for,
    )


def _owner_of(permission: Permission, loaded: Any) -> UUID | None:
    """Return whom a thing belongs to; a membership is its person's only for what is theirs to do."""
    theirs = isinstance(loaded, Membership) and GRANTS[permission].own
    return loaded.user_id if theirs or isinstance(loaded, AccessToken | Asked) else None


def _organization_of(uow: UnitOfWork, loaded: Any) -> UUID | None:
    """Return whose a thing is: a second wall, as the loaders have looked in the actor's organization only."""
    return getattr(loaded, "organization_id", None) or uow.actor.organization_id
