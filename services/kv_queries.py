"""The statements about keys: versions that programs delete and destroy, and what they decide about a key."""

from __future__ import annotations

from sqlalchemy import bindparam, false, insert, literal_column, select, true, update

from models import ItemRules, ItemVersion

_OWN_VERSION = ItemVersion.organization_id == bindparam("organization_id")

VERSIONS = (
    select(ItemVersion.number, ItemVersion.created_at, ItemVersion.deleted_at, ItemVersion.destroyed)
    .where(
        ItemVersion.item_id == bindparam("item_id"),
        ItemVersion.number > literal_column("0"),
        ItemVersion.number <= bindparam("newest"),
        _OWN_VERSION,
    )
    .order_by(ItemVersion.number)
)
VERSION = select(
    ItemVersion.number,
    ItemVersion.overview,
    ItemVersion.details,
    ItemVersion.created_at,
    ItemVersion.deleted_at,
    ItemVersion.destroyed,
).where(ItemVersion.item_id == bindparam("item_id"), ItemVersion.number == bindparam("number"), _OWN_VERSION)

_UPDATED = update(ItemVersion).where(
    ItemVersion.item_id == bindparam("own_item_id"),
    ItemVersion.number == bindparam("own_number"),
    ItemVersion.organization_id == bindparam("own_organization_id"),
)
SET_DELETED = _UPDATED.where(ItemVersion.destroyed == false()).values(deleted_at=bindparam("new_deleted_at"))
DESTROY = _UPDATED.values(
    destroyed=true(), overview=bindparam("new_overview"), details=bindparam("new_details")
)

RULES = select(
    ItemRules.max_versions,
    ItemRules.cas_required,
    ItemRules.delete_after,
    ItemRules.custom,
    ItemRules.revision,
    ItemRules.changed_at,
).where(ItemRules.item_id == bindparam("item_id"), ItemRules.organization_id == bindparam("organization_id"))
INSERT_RULES = insert(ItemRules)
_OWN_RULES = update(ItemRules).where(
    ItemRules.item_id == bindparam("own_item_id"),
    ItemRules.organization_id == bindparam("own_organization_id"),
)
CHANGE_RULES = _OWN_RULES.values(
    max_versions=bindparam("new_max_versions"),
    cas_required=bindparam("new_cas_required"),
    delete_after=bindparam("new_delete_after"),
    custom=bindparam("new_custom"),
    revision=bindparam("new_revision"),
    changed_at=bindparam("new_changed_at"),
)
