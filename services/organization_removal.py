"""Destroying an organization: its rows, its keys, and the people who belong nowhere else.

Which rows go follows from the foreign keys of the tables that there are. The audit log stays as a chain that
nobody can read any more, its keys being destroyed with the others: signed checkpoints have named its length,
and a log from which a part could vanish would prove nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import Column, Connection, Table, delete, select

from models import AccessToken, Action, Base, Lockout, Membership, Organization, Tenant, User
from services import audit, organizations, shredding
from services.events import Extra, Target
from services.unit_of_work import UnitOfWork

_ORGANIZATION, _USER = Organization.__tablename__, User.__tablename__


def purge_due(uow: UnitOfWork) -> int:
    """Destroy every organization whose time has come; return how many."""
    due = uow.session.scalars(select(Organization).where(Organization.deletion_at <= uow.now)).all()
    for organization in due:
        _remove(uow, organization)
    return len(due)


def remove_now(uow: UnitOfWork, organization: Organization, typed: str) -> None:
    """Destroy an organization at once, without any time to change one's mind.

    Args:
        typed: its name, typed by whoever wants that.

    Raises:
        Invalid: it is not the name.
        Conflict: it is the only organization.
    """
    organizations.check_destroyable(uow, organization, typed)
    _remove(uow, organization)


def _remove(uow: UnitOfWork, organization: Organization) -> None:
    organization_id, slug, name = organization.id, organization.slug, organization.name
    # From here on rows go that the session may hold.
    uow.session.flush()
    uow.session.expunge_all()
    connection = uow.connection
    here = select(Membership.user_id).where(Membership.organization_id == organization_id)
    people = list(connection.execute(here).scalars())
    rows = _remove_rows(connection, organization_id)
    connection.execute(delete(Organization).where(Organization.id == organization_id))
    gone = _remove_people(connection, people)
    shredding.shred(uow, organization_id, name)
    uow.runtime.indexes.forget(organization_id)
    target = Target("organization", organization_id, name)
    extra: Extra = {"slug": slug, "rows": rows, "people": gone}
    audit.record(uow, Action.ORGANIZATION_DELETED, target, extra=extra)


def _remove_rows(connection: Connection, organization_id: UUID) -> int:
    """Remove what belongs to the organization, and what hangs on that."""
    own = {mapper.local_table for mapper in Base.registry.mappers if issubclass(mapper.class_, Tenant)}
    removed = 0
    for table in reversed(Base.metadata.sorted_tables):
        if table in own or table is Lockout.__table__:
            conditions = [table.c.organization_id == organization_id]
        else:
            conditions = [
                column.in_(select(key).where(key.table.c.organization_id == organization_id))
                for column, key in _references(table)
                if key.table in own
            ]
        for condition in conditions:
            removed += connection.execute(delete(table).where(condition)).rowcount
    return removed


def _remove_people(connection: Connection, people: Iterable[UUID]) -> int:
    """Remove the accounts of those who belong nowhere any more; whoever runs the installation stays."""
    held = select(Membership.user_id).union(select(AccessToken.user_id))
    homeless = list(
        connection.execute(
            select(User.id).where(User.id.in_(people), User.operator.is_(False), User.id.not_in(held))
        ).scalars()
    )
    for table in reversed(Base.metadata.sorted_tables):
        for column, key in _references(table):
            if key.table.name == _USER:
                connection.execute(delete(table).where(column.in_(homeless)))
    connection.execute(delete(User).where(User.id.in_(homeless)))
    return len(homeless)


def _references(table: Table) -> list[tuple[Column[UUID], Column[UUID]]]:
    """Return each column that refers to another table, with what it refers to."""
    return [(key.parent, key.column) for key in table.foreign_keys if key.column.table.name != _ORGANIZATION]
