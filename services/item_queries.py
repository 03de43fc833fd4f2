"""The statements about items: made once, run thousands of times.

Each is bound to one organization. In an UPDATE its id is called ``own_organization_id``, because there
SQLAlchemy takes every name of a column for a value to be set.
"""

from __future__ import annotations

from sqlalchemy import and_, bindparam, delete, exists, false, insert, literal_column, null, select, update
from sqlalchemy.orm import aliased

from models import Favorite, Instance, Item, ItemGone, ItemRules, ItemVersion, Organization, User, Vault

_OWN_ITEM = Item.organization_id == bindparam("organization_id")
_OWN_VERSION = ItemVersion.organization_id == bindparam("organization_id")
_NEWEST = and_(ItemVersion.item_id == Item.id, ItemVersion.number == Item.version, _OWN_VERSION)

READ = (
    select(
        Item.vault_id,
        Item.version,
        Item.change,
        Item.created_at,
        Item.created_by,
        Item.trashed_at,
        Item.trashed_by,
        ItemVersion.created_at.label("changed_at"),
        ItemVersion.created_by.label("changed_by"),
        ItemVersion.reason,
        ItemVersion.overview,
        ItemVersion.details,
        ItemVersion.deleted_at,
        ItemVersion.destroyed,
        (Item.confirm | Vault.confirm).label("confirm"),
        Item.confirm.label("own_confirm"),
        Item.approval_minutes,
        Vault.approval_minutes.label("vault_approval_minutes"),
        select(Instance.key_generation).scalar_subquery().label("key_generation"),
    )
    .join(ItemVersion, _NEWEST)
    .join(Vault, and_(Vault.id == Item.vault_id, Vault.organization_id == bindparam("organization_id")))
    .where(Item.id == bindparam("item_id"), _OWN_ITEM)
)
"""One item with its newest version, and the generation of the keys that open it."""

READ_VERSION = (
    select(ItemVersion.overview, ItemVersion.details, ItemVersion.deleted_at, ItemVersion.destroyed)
    .join(Item, Item.id == ItemVersion.item_id)
    .where(
        ItemVersion.item_id == bindparam("item_id"),
        ItemVersion.number == bindparam("number"),
        ItemVersion.number <= Item.version,
        _OWN_VERSION,
        _OWN_ITEM,
    )
)
"""A version up to the newest: one beyond it was put there past the program."""

VERSIONS = (
    select(
        ItemVersion.number,
        ItemVersion.overview,
        ItemVersion.reason,
        ItemVersion.created_at,
        ItemVersion.created_by,
        ItemVersion.deleted_at,
        ItemVersion.destroyed,
        User.name.label("created_by_name"),
    )
    .join(Item, Item.id == ItemVersion.item_id)
    .outerjoin(User, User.id == ItemVersion.created_by)
    .where(
        ItemVersion.item_id == bindparam("item_id"),
        ItemVersion.number <= Item.version,
        _OWN_VERSION,
        _OWN_ITEM,
    )
    .order_by(ItemVersion.number.desc())
)

CHANGE = select(Organization.change).where(Organization.id == bindparam("organization_id"))
CHANGED_SINCE = (
    select(
        Item.id,
        Item.vault_id,
        Item.version,
        Item.created_at,
        Item.trashed_at,
        ItemVersion.overview,
        ItemVersion.created_at.label("changed_at"),
        ItemVersion.created_by.label("changed_by"),
    )
    .join(ItemVersion, _NEWEST)
    .where(_OWN_ITEM, Item.change > bindparam("since"))
)
GONE_SINCE = select(ItemGone.id).where(
    ItemGone.organization_id == bindparam("organization_id"), ItemGone.change > bindparam("since")
)

BUMP_CHANGE = (
    update(Organization)
    .where(Organization.id == bindparam("organization_id"))
    .values(change=Organization.change + literal_column("1"))
    .returning(Organization.change)
)
"""Also makes writers of one organization wait for each other, where the database lets many write."""

INSERT_ITEM = insert(Item)
INSERT_VERSION = insert(ItemVersion).values(
    {
        **{
            name: bindparam(name)
            for name in (
                *("item_id", "number", "organization_id", "overview", "details", "reason"),
                *("created_at", "created_by"),
            )
        },
        "deleted_at": null(),
        "destroyed": false(),
    }
)
INSERT_GONE = insert(ItemGone)

_OWN_UPDATE = Item.organization_id == bindparam("own_organization_id")

ADVANCE = (
    update(Item)
    .where(
        Item.id == bindparam("item_id"),
        _OWN_UPDATE,
        Item.version == bindparam("expected"),
        Item.trashed_at.is_(None),
    )
    .values(
        version=bindparam("new_version"),
        vault_id=bindparam("new_vault"),
        name_digest=bindparam("new_digest"),
        change=bindparam("new_change"),
    )
)
"""Compare-and-set: changes nothing when the version is not the expected one any more."""

TRASH = (
    update(Item)
    .where(Item.id == bindparam("item_id"), _OWN_UPDATE, Item.trashed_at.is_(None))
    .values(
        trashed_at=bindparam("new_trashed_at"),
        trashed_by=bindparam("new_trashed_by"),
        change=bindparam("new_change"),
    )
)
RESTORE = (
    update(Item)
    .where(Item.id == bindparam("item_id"), _OWN_UPDATE, Item.trashed_at.is_not(None))
    .values(trashed_at=None, trashed_by=None, change=bindparam("new_change"))
)
DELETE = delete(Item).where(Item.id == bindparam("item_id"), _OWN_ITEM, Item.trashed_at.is_not(None))

TAKEN = select(Item.id).where(
    _OWN_ITEM,
    Item.vault_id == bindparam("vault_id"),
    Item.name_digest == bindparam("name_digest"),
    Item.trashed_at.is_(None),
)
_other = aliased(Item)
TWIN = (
    select(_other.id)
    .join(Item, and_(Item.vault_id == _other.vault_id, Item.name_digest == _other.name_digest))
    .where(
        Item.id == bindparam("item_id"),
        _OWN_ITEM,
        _other.id != Item.id,
        _other.organization_id == bindparam("organization_id"),
        _other.trashed_at.is_(None),
    )
)
"""The live item that has the name of one in the trash."""
VAULT = select(Vault.name, Vault.max_versions).where(
    Vault.id == bindparam("vault_id"), Vault.organization_id == bindparam("organization_id")
)
PRUNE = delete(ItemVersion).where(
    ItemVersion.item_id == bindparam("item_id"), ItemVersion.number <= bindparam("last"), _OWN_VERSION
)
PRUNE_VAULT = delete(ItemVersion).where(
    _OWN_VERSION,
    exists().where(
        Item.id == ItemVersion.item_id,
        Item.vault_id == bindparam("vault_id"),
        ItemVersion.number <= Item.version - bindparam("keep"),
        _OWN_ITEM,
    ),
    ~exists().where(
        ItemRules.item_id == ItemVersion.item_id,
        ItemRules.organization_id == bindparam("organization_id"),
        ItemRules.max_versions > bindparam("keep"),
    ),
)
"""But for keys of which a program keeps more."""
KEPT_BY_KEY = select(ItemRules.max_versions).where(
    ItemRules.item_id == bindparam("item_id"), ItemRules.organization_id == bindparam("organization_id")
)

PROTECT = (
    update(Item)
    .where(Item.id == bindparam("item_id"), _OWN_UPDATE)
    .values(confirm=bindparam("new_confirm"), approval_minutes=bindparam("new_minutes"))
)

FAVORITES = select(Favorite.item_id).where(
    Favorite.organization_id == bindparam("organization_id"), Favorite.user_id == bindparam("user_id")
)
INSERT_FAVORITE = insert(Favorite)
DELETE_FAVORITE = delete(Favorite).where(
    Favorite.organization_id == bindparam("organization_id"),
    Favorite.user_id == bindparam("user_id"),
    Favorite.item_id == bindparam("item_id"),
)

EXPIRED = select(Item.id).where(_OWN_ITEM, Item.trashed_at < bindparam("before")).order_by(Item.trashed_at)
EXPIRED_PLACES = select(Item.organization_id).where(Item.trashed_at < bindparam("before")).distinct()
"""Of all organizations: where the purge has work to do."""
