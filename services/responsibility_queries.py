"""The statements about who looks after what. Each is bound to one organization."""

from __future__ import annotations

from sqlalchemy import and_, bindparam, case, func, select

from models import Item, Membership, Responsibility, User, Vault

_HERE = Responsibility.organization_id == bindparam("organization_id")
_OF_ITEM = and_(Responsibility.item_id == Item.id, _HERE)
_OF_VAULT = and_(Responsibility.vault_id == Vault.id, _HERE)
_item_keeper = case((Responsibility.id.is_not(None), Responsibility.user_id), else_=Item.created_by)
"""Without a row it is whoever made it; a row may say nobody."""
_vault_keeper = case((Responsibility.id.is_not(None), Responsibility.user_id), else_=Vault.created_by)
_MEMBER = and_(Membership.user_id == User.id, Membership.organization_id == bindparam("organization_id"))
_OWN_ITEM = Item.organization_id == bindparam("organization_id")
_OWN_VAULT = Vault.organization_id == bindparam("organization_id")
_WHO = (User.id, User.name, Membership.id.label("member_id"), Membership.disabled_at)

OF_ITEM = (
    select(*_WHO)
    .select_from(Item)
    .outerjoin(Responsibility, _OF_ITEM)
    .outerjoin(User, User.id == _item_keeper)
    .outerjoin(Membership, _MEMBER)
    .where(Item.id == bindparam("item_id"), _OWN_ITEM)
)
OF_VAULT = (
    select(*_WHO)
    .select_from(Vault)
    .outerjoin(Responsibility, _OF_VAULT)
    .outerjoin(User, User.id == _vault_keeper)
    .outerjoin(Membership, _MEMBER)
    .where(Vault.id == bindparam("vault_id"), _OWN_VAULT)
)

HELD_ITEMS = (
    select(Item.id, Item.vault_id)
    .outerjoin(Responsibility, _OF_ITEM)
    .where(_OWN_ITEM, _item_keeper == bindparam("user_id"))
    .order_by(Item.created_at, Item.id)
)
"""All that a person looks after, what lies in the trash too: it may be restored."""
HELD_VAULTS = (
    select(Vault.id)
    .outerjoin(Responsibility, _OF_VAULT)
    .where(_OWN_VAULT, _vault_keeper == bindparam("user_id"))
)

_LEFT = select(Membership.user_id).where(
    Membership.organization_id == bindparam("organization_id"), Membership.disabled_at.is_not(None)
)
ITEMS_OF_LEAVERS = (
    select(_item_keeper.label("user_id"), func.count().label("number"))
    .select_from(Item)
    .outerjoin(Responsibility, _OF_ITEM)
    .where(_OWN_ITEM, _item_keeper.in_(_LEFT))
    .group_by(_item_keeper)
)
VAULTS_OF_LEAVERS = (
    select(_vault_keeper.label("user_id"), func.count().label("number"))
    .select_from(Vault)
    .outerjoin(Responsibility, _OF_VAULT)
    .where(_OWN_VAULT, _vault_keeper.in_(_LEFT))
    .group_by(_vault_keeper)
)
