"""The statements about where programs find vaults; each is bound to one organization."""

from __future__ import annotations

from sqlalchemy import and_, bindparam, delete, insert, select, update

from models import Mount, Vault

_OWN = Mount.organization_id == bindparam("organization_id")
_ALL = (
    select(
        Mount.vault_id,
        Mount.organization_id,
        Mount.path,
        Mount.cas_required,
        Mount.delete_after,
        Vault.name,
        Vault.description,
        Vault.max_versions,
        Vault.confirm,
        Vault.approval_minutes,
    )
    .join(Vault, and_(Vault.id == Mount.vault_id, Vault.organization_id == bindparam("organization_id")))
    .where(_OWN)
)

ALL = _ALL.order_by(Mount.path)
BY_PATH = _ALL.where(Mount.path == bindparam("path"))
BY_VAULT = _ALL.where(Mount.vault_id == bindparam("vault_id"))
PATHS = select(Mount.path).where(_OWN)

INSERT = insert(Mount)
DELETE = delete(Mount).where(_OWN, Mount.vault_id == bindparam("vault_id"))
CONFIGURE = (
    update(Mount)
    .where(
        Mount.organization_id == bindparam("own_organization_id"), Mount.vault_id == bindparam("own_vault_id")
    )
    .values(cas_required=bindparam("new_cas_required"), delete_after=bindparam("new_delete_after"))
)
