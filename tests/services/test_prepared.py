"""Statements that run on the driver give what SQLAlchemy gives."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from sqlalchemy import bindparam, column, insert, select, table, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from models import AuditChain, Item, Membership, Organization, User, Vault
from services import actor_queries, clock, item_queries, prepared

STATEMENTS = {
    "an item": (item_queries.READ, ("item_id", "organization_id")),
    "rights": (actor_queries.RIGHTS, ("organization_id", "user_id", "now")),
    "a membership": (actor_queries.FIND_MEMBERSHIP, ("slug", "user_id")),
    "the counter": (item_queries.CHANGE, ("organization_id",)),
    "changed items": (item_queries.CHANGED_SINCE, ("organization_id", "since")),
}


@pytest.fixture
def connection(runtime):
    with runtime.engine.connect() as connection:
        yield connection


@pytest.fixture
def values(world):
    return {
        "item_id": world.items["Stripe dashboard"],
        "organization_id": world.organizations["northwind"],
        "user_id": world.people["mia"],
        "slug": "northwind",
        "since": 0,
        "now": clock.now(),
    }


@pytest.mark.parametrize("what", STATEMENTS)
def test_rows_are_those_of_sqlalchemy_with_their_names(connection, values, what):
    statement, names = STATEMENTS[what]
    asked = {name: values[name] for name in names}
    expected = connection.execute(statement, asked).all()
    found = prepared.fetch(connection, statement, asked)
    assert [tuple(row) for row in found] == [tuple(row) for row in expected]
    assert found
    assert found[0]._fields == tuple(expected[0]._fields)
    assert tuple(prepared.fetch_one(connection, statement, asked)) == tuple(expected[0])


def test_a_row_that_is_not_there_is_none(connection, values):
    statement = item_queries.READ
    assert prepared.fetch_one(connection, statement, values | {"item_id": uuid4()}) is None
    assert prepared.fetch(connection, statement, values | {"item_id": uuid4()}) == []


def test_values_of_every_kind_come_back_as_they_went_in(connection):
    statement = insert(User)
    at = datetime(2026, 11, 22, 3, 4, 5, 678901, UTC)
    row = {"id": uuid4(), "email": "zoë@example.com", "name": "Zoë 🔑", "operator": True, "created_at": at}
    prepared.run_many(connection, statement, [row | {"service": False}])
    found = prepared.fetch_one(
        connection,
        select(User.id, User.email, User.name, User.operator, User.created_at).where(
            User.id == bindparam("id")
        ),
        row,
    )
    assert found._asdict() == row
    assert isinstance(found.id, UUID)
    assert found.operator is True


def test_a_naive_time_is_refused_as_everywhere(connection, values):
    with pytest.raises(ValueError, match="zone"):
        prepared.fetch(connection, actor_queries.RIGHTS, values | {"now": datetime(2026, 1, 1)})  # noqa: DTZ001


def test_an_update_says_how_many_rows_it_touched(connection, world):
    statement = (
        update(Organization).where(Organization.id == bindparam("which")).values(name=bindparam("new"))
    )
    assert prepared.run(connection, statement, {"which": world.organizations["northwind"], "new": "N"}) == 1
    assert prepared.run(connection, statement, {"which": uuid4(), "new": "N"}) == 0


def test_it_begins_a_transaction_which_a_rollback_undoes(runtime, world):
    statement = (
        update(Organization).where(Organization.id == bindparam("which")).values(name=bindparam("new"))
    )
    with runtime.engine.connect() as connection:
        prepared.run(connection, statement, {"which": world.organizations["northwind"], "new": "Lost"})
        assert connection.in_transaction()
        connection.rollback()
    with runtime.engine.connect() as connection:
        names = connection.execute(select(Organization.name)).scalars().all()
    assert "Lost" not in names


def test_faults_are_those_of_sqlalchemy_and_show_no_value(connection, runtime):
    row = {"chain_id": uuid4(), "size": 1, "head": b"telltale", "last_at": clock.now()}
    prepared.run_many(connection, insert(AuditChain), [row])
    with pytest.raises(IntegrityError) as caught:
        prepared.run_many(connection, insert(AuditChain), [row])
    assert "telltale" not in str(caught.value)
    connection.rollback()
    with pytest.raises(DBAPIError, match="nowhere"):
        prepared.fetch(connection, select(column("id")).select_from(table("nowhere")), {})
    connection.rollback()


def test_statements_with_the_same_words_are_not_mixed_up(connection, values):
    one = select(Vault.name).where(Vault.organization_id == bindparam("organization_id")).order_by(Vault.name)
    other = select(Vault.name.label("called")).where(Vault.organization_id == bindparam("organization_id"))
    assert prepared.fetch(connection, one, values)[0]._fields == ("name",)
    assert prepared.fetch(connection, other, values)[0]._fields == ("called",)


def test_all_columns_of_a_table_can_be_asked_for(connection, world):
    columns = [*Item.__table__.columns]
    statement = select(*columns).where(Item.id == bindparam("item_id"))
    asked = {"item_id": world.items["Stripe dashboard"]}
    expected = connection.execute(statement, asked).one()
    assert tuple(prepared.fetch_one(connection, statement, asked)) == tuple(expected)


def test_a_statement_with_a_value_built_in_is_refused(connection, world):
    statement = select(Membership.role).where(Membership.id == world.members["mia"])
    with pytest.raises((KeyError, DBAPIError)):
        prepared.fetch(connection, statement, {})
