"""Checking in a live database that nothing of one organization hangs on another; nothing is written.

What is compared follows from the tables that there are: whichever refers to whichever, both must belong to
the same organization. Of what is encrypted every overview is opened, under the key of the organization that
its row names, and thrown away; values are not opened. Nothing here reports more than tables and numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Connection, Select, Table, exists, func, or_, select

from crypto.keyring import ACTIVE, DESTROYED, ORGANIZATION_PURPOSES, SYSTEM
from models import (
    AccessToken,
    AuditChain,
    Base,
    DataKey,
    ItemVersion,
    Lockout,
    Membership,
    Organization,
    Tenant,
    User,
)
from services.item_blobs import open_overview
from services.keys import stored_keys
from services.unit_of_work import UnitOfWork

_ORGANIZATIONS = select(Organization.id)
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look has found.

    Args:
        rule: what must be so.
        rows: how many were looked at.
        faults: of how many it is not so.
    """

    rule: str
    table: str
    rows: int
    faults: int


def check(uow: UnitOfWork) -> list[Finding]:
    """Look at every row that belongs to an organization; return what was found, the faultless as well."""
    connection = uow.connection
    found = [_count(connection, *look) for look in looks()]
    return [*found, _keys(connection), *_chains(connection), _overviews(uow)]


def looks() -> Iterator[tuple[str, Table, Select[Any]]]:
    """Return each rule with its table and the statement that counts the rows against it."""
    tenants = _tenants()
    for name in sorted(tenants):
        table = tenants[name]
        yield (
            "is of an organization that there is",
            table,
            _wrong(table, _is_nowhere(table.c.organization_id)),
        )
        for column, key in _references(table):
            if key.table.name in tenants:
                yield f"{column.name} is of the same organization", table, _across(table, column, key)
            elif key.table is _table(User) and table is not _table(Membership):
                yield f"{column.name} belongs to the organization", table, _strangers(table, column)
    for table in Base.metadata.sorted_tables:
        for column, key in _references(table):
            if (
                table.name not in tenants
                and key.table.name in tenants
                and {"user_id"} <= _names(table, key.table)
            ):
                yield f"{column.name} is the same person's", table, _others(table, column, key)
    token = _table(AccessToken)
    yield "replaced_by is of the same organization", token, _across(token, token.c.replaced_by, token.c.id)
    lockout = _table(Lockout)
    yield (
        "is of an organization that there is",
        lockout,
        _wrong(lockout, _is_nowhere(lockout.c.organization_id)),
    )


def _tenants() -> Mapping[str, Table]:
    tables = [_table(mapper.class_) for mapper in Base.registry.mappers if issubclass(mapper.class_, Tenant)]
    return MappingProxyType({table.name: table for table in tables})


def _table(model: type[Any]) -> Table:
    return Base.metadata.tables[model.__tablename__]


def _references(table: Table) -> list[tuple[Column[Any], Column[Any]]]:
    found = [(key.parent, key.column) for key in table.foreign_keys]
    return sorted(found, key=lambda pair: str(pair[0].name))


def _names(*tables: Table) -> set[str]:
    return set.intersection(*({column.name for column in table.columns} for table in tables))


def _is_nowhere(column: Column[Any]) -> Any:
    return column.is_not(None) & column.not_in(_ORGANIZATIONS)


def _wrong(table: Table, condition: Any) -> Select[Any]:
    return select(func.count()).select_from(table).where(condition)


def _across(table: Table, column: Column[Any], key: Column[Any]) -> Select[Any]:
    """Count rows that refer to a row of another organization, or to none."""
    other = key.table.alias()
    same = exists().where(other.c[key.name] == column, other.c.organization_id == table.c.organization_id)
    return _wrong(table, column.is_not(None) & ~same)


def _strangers(table: Table, column: Column[Any]) -> Select[Any]:
    """Count rows of people who do not belong, and never did, to the row's organization."""
    member = _table(Membership)
    known = exists().where(member.c.user_id == column, member.c.organization_id == table.c.organization_id)
    return _wrong(table, column.is_not(None) & ~known)


def _others(table: Table, column: Column[Any], key: Column[Any]) -> Select[Any]:
    """Count rows of one person that hang on another person's."""
    same = exists().where(key == column, key.table.c.user_id == table.c.user_id)
    return _wrong(table, ~same)


def _count(connection: Connection, rule: str, table: Table, statement: Select[Any]) -> Finding:
    rows = connection.execute(select(func.count()).select_from(table)).scalar_one()
    return Finding(rule, table.name, rows, connection.execute(statement).scalar_one())


def _keys(connection: Connection) -> Finding:
    """Every organization has its own keys, and every key that opens something an organization."""
    held = stored_keys(connection)
    living = {(key.organization, key.purpose) for key in held if key.state == ACTIVE}
    organizations = set(connection.execute(_ORGANIZATIONS).scalars())
    missing = {(each, purpose) for each in organizations for purpose in ORGANIZATION_PURPOSES} - living
    stray = [
        key for key in held if key.state != DESTROYED and key.organization not in organizations | {SYSTEM}
    ]
    shared = (
        len(held) - len({key.wrapped for key in held if key.wrapped}) - sum(not key.wrapped for key in held)
    )
    rule = "each organization has keys of its own"
    return Finding(rule, _table(DataKey).name, len(held), len(missing) + len(stray) + shared)


def _chains(connection: Connection) -> Iterator[Finding]:
    """Each chain is an organization's, the system's, or of one that was deleted on purpose."""
    destroyed = select(DataKey.organization_id).where(DataKey.state == DESTROYED)
    chain = _table(AuditChain)
    known = or_(
        chain.c.chain_id.in_(_ORGANIZATIONS),
        chain.c.chain_id == SYSTEM,
        chain.c.chain_id.in_(destroyed),
    )
    yield _count(connection, "is the log of an organization", chain, _wrong(chain, ~known))


def _overviews(uow: UnitOfWork) -> Finding:
    """Open every overview under the key of the organization that its row names."""
    rows = faults = 0
    after: tuple[UUID, int] = (UUID(int=0), -1)
    version = _table(ItemVersion)
    while True:
        batch = uow.connection.execute(
            select(version.c.item_id, version.c.number, version.c.organization_id, version.c.overview)
            .where(
                or_(
                    version.c.item_id > after[0],
                    (version.c.item_id == after[0]) & (version.c.number > after[1]),
                )
            )
            .order_by(version.c.item_id, version.c.number)
            .limit(_BATCH)
        ).all()
        if not batch:
            break
        for row in batch:
            shown = open_overview(uow.keys, row.organization_id, row.item_id, row.number, row.overview)
            faults += shown is None
        rows += len(batch)
        after = (batch[-1].item_id, batch[-1].number)
    return Finding("opens under its organization's key", version.name, rows, faults)
