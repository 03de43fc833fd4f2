"""Which process does a piece of work, and until when it is believed to be at it."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import bindparam, delete, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import ReturningInsert

from models import Lease
from services.unit_of_work import UnitOfWork


def take(uow: UnitOfWork, name: str, holder: str, lasts: timedelta) -> bool:
    """Take a lease, or keep it; False: somebody else holds it."""
    taken = uow.connection.execute(
        _TAKE[uow.connection.dialect.name],
        {"name": name, "holder": holder, "until": uow.now + lasts, "now": uow.now},
    )
    return taken.first() is not None


def is_taken(uow: UnitOfWork, name: str) -> bool:
    """Whether somebody holds it."""
    return uow.session.scalar(select(Lease.name).where(Lease.name == name, Lease.until > uow.now)) is not None


def give_back(uow: UnitOfWork, name: str) -> None:
    """End a lease, whoever holds it."""
    uow.connection.execute(delete(Lease).where(Lease.name == name))


def _take_statement(
    insert_into: type[sqlite.Insert | postgresql.Insert],
) -> ReturningInsert[tuple[str]]:
    statement = insert_into(Lease).values(
        name=bindparam("name"), holder=bindparam("holder"), until=bindparam("until")
    )
    return statement.on_conflict_do_update(
        index_elements=[Lease.name],
        set_={"holder": statement.excluded.holder, "until": statement.excluded.until},
        where=or_(Lease.holder == statement.excluded.holder, Lease.until <= bindparam("now")),
    ).returning(Lease.name)


_TAKE = {"sqlite": _take_statement(sqlite.Insert), "postgresql": _take_statement(postgresql.Insert)}
