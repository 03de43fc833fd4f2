"""The statements by which organizations are counted and limited; each names the one that it is about."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from sqlalchemy import BindParameter, ColumnElement, ScalarSelect, bindparam, func, select

from models import Invitation, Item, Membership, Organization, Vault

_HERE: BindParameter[UUID] = bindparam("organization_id")


class Limits(Protocol):
    """A row of ``LIMITS``; None: as many as they like."""

    people_max: int | None
    vaults_max: int | None
    items_max: int | None


LIMITS = select(Organization.people_max, Organization.vaults_max, Organization.items_max).where(
    Organization.id == _HERE
)

COUNT_PEOPLE = select(func.count().label("count")).where(
    Membership.organization_id == _HERE, Membership.disabled_at.is_(None)
)
COUNT_VAULTS = select(func.count().label("count")).where(Vault.organization_id == _HERE)
COUNT_ITEMS = select(func.count().label("count")).where(Item.organization_id == _HERE)
"""Those in the trash as well."""

COUNT_LINKS = select(func.count().label("count")).where(
    Invitation.organization_id == _HERE,
    Invitation.used_at.is_(None),
    Invitation.revoked_at.is_(None),
    Invitation.expires_at > bindparam("now", type_=Invitation.expires_at.type),
    Invitation.email != bindparam("email"),
)
"""Links that are open, but for those of one e-mail address."""


def _count(table: type[Membership | Vault | Item], *conditions: ColumnElement[bool]) -> ScalarSelect[int]:
    counted = select(func.count()).where(table.organization_id == Organization.id, *conditions)
    return counted.correlate(Organization).scalar_subquery()


LINES = select(
    Organization.id,
    Organization.slug,
    Organization.name,
    Organization.created_at,
    Organization.suspended_at,
    Organization.deletion_at,
    Organization.people_max,
    Organization.vaults_max,
    Organization.items_max,
    _count(Membership, Membership.disabled_at.is_(None)).label("people"),
    _count(Membership).label("members"),
    _count(Vault).label("vaults"),
    _count(Item).label("items"),
)
"""Every organization with its figures, for the operator."""

LINE = LINES.where(Organization.id == _HERE)
