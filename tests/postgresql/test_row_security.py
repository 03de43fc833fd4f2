"""The second wall, tried with raw SQL: whoever names no organization, or a wrong one, finds nothing."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest
from psycopg import errors, sql
from sqlalchemy import BigInteger, Boolean, Date, Integer, LargeBinary, String, Text, Uuid, text
from sqlalchemy.exc import DBAPIError

from models import Base
from policy import NOBODY
from services import postgresql, row_security
from services.database import NoLock, reading, writing
from services.events import Origin
from services.row_security import APPEND_ONLY, UNPROTECTED, open_tables, rights_on, tenant_tables
from services.unit_of_work import UnitOfWork
from tests import servers
from tests import world as worlds
from tests.world import LAKESIDE, NORTHWIND

ROOT = Path(__file__).parents[2]
TABLES = tenant_tables()
ELSEWHERE = UUID("e15e0000-0000-4000-8000-000000000001")
"""An organization with one row in each table."""
WRONG = [
    pytest.param(None, id="missing"),
    pytest.param("", id="empty"),
    pytest.param("e15e0000-0000-4000-8000-000000000002", id="another id"),
    pytest.param("northwind", id="a slug"),
    pytest.param("%", id="a pattern"),
    pytest.param("every", id="half a word"),
]
LOOKED_UP = {"access_token", "app_role", "auth_mount", "membership", "secret_id", "wrapped"}
SAMPLES = (
    (Uuid, "gen_random_uuid()"),
    (Boolean, "false"),
    (Integer, "1"),
    (BigInteger, "1"),
    (Text, "'x'"),
    (String, "'x'"),
    (LargeBinary, "'\\x00'"),
    (Date, "'2026-11-25'"),
)


EMPTY = {
    "access_grant": {"item_id", "group_id"},
    "access_request": {"item_id"},
    "responsibility": {"item_id"},
}
"""Columns of which a table wants only one of two."""


def sample(column, organization_column, organization):
    """Return some value for a column, as SQL."""
    if column.name in EMPTY.get(column.table.name, ()):
        return "NULL"
    if column.name == organization_column:
        return f"'{organization}'"
    kind = getattr(column.type, "impl", column.type)
    return next(value for type_, value in SAMPLES if isinstance(kind, type_))


def insert(table, organization=ELSEWHERE):
    """Return a statement that adds a row to any table."""
    columns = Base.metadata.tables[table].columns
    values = ", ".join(sample(column, TABLES[table], organization) for column in columns)
    names = ", ".join(f'"{column.name}"' for column in columns)
    return f"INSERT INTO {table} ({names}) VALUES ({values})"


@pytest.fixture
def elsewhere(superuser):
    """Put one row of another organization into every table, whatever it refers to."""
    superuser.execute("SET session_replication_role = replica")
    for table in TABLES:
        superuser.execute(insert(table))


def say(connection, organization, person=None):
    """Say for the present transaction whose rows are meant; None: say nothing."""
    for name, value in (("organization", organization), ("person", person)):
        if value is not None:
            connection.execute("SELECT set_config(%s, %s, true)", (f"chatelaine.{name}", str(value)))


def count(connection, table, column=None, value=None):
    where = sql.SQL("") if column is None else sql.SQL(" WHERE {} = {}").format(
        sql.Identifier(column), sql.Literal(value)
    )  # fmt: skip
    return connection.execute(
        sql.SQL("SELECT count(*) FROM {}{}").format(sql.Identifier(table), where)
    ).fetchone()[0]


# The wall is complete


def test_every_table_that_names_an_organization_is_protected(runtime):
    """A migration that makes one calls services.row_security.protect, or UNPROTECTED says why not."""
    with runtime.engine.connect() as connection:
        assert open_tables(connection) == []


def test_what_is_left_open_is_named_with_its_reason():
    assert set(UNPROTECTED) <= set(Base.metadata.tables)
    assert all(len(reason) > 30 for reason in UNPROTECTED.values())
    named = {
        name
        for name, table in Base.metadata.tables.items()
        if {"organization_id", "chain_id"} & set(table.columns.keys())
    }
    assert named == {*TABLES, *UNPROTECTED}


@pytest.mark.parametrize(
    "breach",
    [
        "DROP POLICY organization ON vault",
        "ALTER TABLE vault NO FORCE ROW LEVEL SECURITY",
        "ALTER TABLE vault DISABLE ROW LEVEL SECURITY",
    ],
)
def test_a_table_without_its_policy_is_found(superuser, runtime, breach):
    superuser.execute(breach)
    with runtime.engine.connect() as connection:
        assert open_tables(connection) == ["vault"]


# Nobody in particular sees nothing


@pytest.mark.parametrize("organization", WRONG)
@pytest.mark.parametrize("table", TABLES)
@pytest.mark.usefixtures("elsewhere")
def test_a_wrong_setting_sees_no_row(application, superuser, table, organization):
    assert count(superuser, table) > 0
    with application.transaction():
        say(application, organization)
        hidden = count(application, table)
        system = count(application, table, "chain_id", UUID(int=0)) if TABLES[table] == "chain_id" else 0
    # The chain of the system is no organization's; whoever is known at all may be shown it.
    assert hidden - system == 0


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.usefixtures("elsewhere")
def test_the_right_setting_sees_its_own_rows_alone(application, superuser, table):
    with application.transaction():
        say(application, ELSEWHERE)
        assert count(application, table, TABLES[table], ELSEWHERE) == 1
        others = count(application, table) - 1
        system = count(application, table, "chain_id", UUID(int=0)) if TABLES[table] == "chain_id" else 0
    assert others == system


@pytest.mark.parametrize("organization", [*WRONG, pytest.param("nobody yet", id="nobody yet")])
@pytest.mark.parametrize("table", TABLES)
def test_a_wrong_setting_adds_no_row(application, superuser, table, organization):
    before = count(superuser, table)
    with pytest.raises(errors.InsufficientPrivilege, match="row-level security"), application.transaction():
        say(application, organization)
        application.execute(insert(table))
    assert count(superuser, table) == before


@pytest.mark.parametrize("organization", [*WRONG, pytest.param("nobody yet", id="nobody yet")])
@pytest.mark.parametrize("table", sorted(TABLES.keys() - APPEND_ONLY))
@pytest.mark.usefixtures("elsewhere")
def test_a_wrong_setting_changes_and_removes_no_row(application, superuser, table, organization):
    before = count(superuser, table)
    with application.transaction():
        say(application, organization)
        column = TABLES[table]
        assert application.execute(f"UPDATE {table} SET {column} = {column}").rowcount == 0
        assert application.execute(f"DELETE FROM {table}").rowcount == 0
    assert count(superuser, table) == before


@pytest.mark.parametrize("table", sorted(TABLES.keys() - APPEND_ONLY))
@pytest.mark.usefixtures("elsewhere")
def test_a_row_cannot_be_carried_to_another_organization(application, world, table):
    with pytest.raises(errors.InsufficientPrivilege, match="row-level security"), application.transaction():
        say(application, ELSEWHERE)
        there = world.organizations[NORTHWIND]
        application.execute(
            f"UPDATE {table} SET {TABLES[table]} = %s WHERE {TABLES[table]} = %s", (there, ELSEWHERE)
        )


def test_what_was_said_ends_with_the_transaction(application, world):
    with application.transaction():
        say(application, world.organizations[NORTHWIND])
        assert count(application, "vault") == 2
    assert count(application, "vault") == 0


# Who is not known yet


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.usefixtures("elsewhere")
def test_only_tokens_and_memberships_can_be_looked_up_by_who_is_not_known_yet(application, table):
    with application.transaction():
        say(application, "nobody yet")
        assert (count(application, table) > 0) is (table in LOOKED_UP)


def test_people_see_where_else_they_belong_and_nobody_elses_place(application, superuser, world):
    superuser.execute(
        "INSERT INTO membership SELECT gen_random_uuid(), user_id, 'member', NULL, 1, %s FROM membership"
        " WHERE user_id = %s",
        (world.organizations[LAKESIDE], world.people["mia"]),
    )
    with application.transaction():
        say(application, world.organizations[NORTHWIND], world.people["mia"])
        there = application.execute(
            "SELECT user_id FROM membership WHERE organization_id = %s", (world.organizations[LAKESIDE],)
        ).fetchall()
        assert there == [(world.people["mia"],)]


# The program says it


def organizations_of(uow, table="vault"):
    return set(uow.connection.scalars(text(f"SELECT DISTINCT organization_id FROM {table}")))


@pytest.mark.parametrize("writing", [True, False])
def test_a_statement_without_a_filter_stays_within_the_actors_organization(runtime, world, writing):
    """One connection serves them all in turn; nothing of the one before is left on it."""
    for name, slug in (("alice", NORTHWIND), ("mallory", LAKESIDE), ("alice", NORTHWIND)):
        with runtime.work(writing=writing, actor=world.actor(name)) as uow:
            assert organizations_of(uow) == {world.organizations[slug]}


@pytest.mark.parametrize("writing", [True, False])
def test_a_unit_of_nobody_sees_no_row(runtime, writing):
    with runtime.work(writing=writing) as uow:
        uow.act_as(NOBODY)
        assert organizations_of(uow) == set()


@pytest.mark.parametrize("writing", [True, False])
def test_a_unit_begins_as_nobodys(runtime, writing):
    uow = UnitOfWork(runtime, origin=Origin("192.0.2.1"), writing=writing)
    try:
        assert organizations_of(uow) == set()
        assert len(organizations_of(uow, "access_token")) == 2
    finally:
        uow.release()


def test_the_systems_own_work_sees_all(runtime, world):
    with runtime.work(writing=True) as uow:
        assert organizations_of(uow) == set(world.organizations.values())


def test_whoever_changes_places_within_a_unit_sees_the_new_place_alone(runtime, world):
    with runtime.work(writing=True, actor=world.actor("alice")) as uow:
        assert uow.session.connection() is uow.connection
        uow.act_as(world.actor("mallory"))
        assert organizations_of(uow) == {world.organizations[LAKESIDE]}


def test_what_was_said_inside_of_a_savepoint_is_said_again_after_it(runtime, world):
    with runtime.work(writing=True, actor=world.actor("alice")) as uow:
        nested = uow.session.begin_nested()
        # Only a statement makes the session set the savepoint.
        uow.session.execute(text("SELECT 1"))
        uow.act_as(world.actor("mallory"))
        nested.rollback()
        uow.act_as(world.actor("mallory"))
        assert organizations_of(uow) == {world.organizations[LAKESIDE]}


def test_a_unit_that_reads_cannot_write_whatever_it_is_made_to_say(runtime, world):
    with (
        pytest.raises(DBAPIError, match="read-only"),
        runtime.work(writing=False, actor=world.actor("alice")) as uow,
    ):
        uow.connection.execute(text("UPDATE vault SET name = 'x'"))


def test_a_connection_that_says_nothing_is_nobodys(runtime, monkeypatch):
    """The tests themselves see everything on such a one; the program has it as it is written down."""
    written = (ROOT / "services" / "postgresql.py").read_text(encoding="utf-8")
    assert "\nUNNAMED = NOBODY_YET\n" in written
    monkeypatch.setattr(postgresql, "UNNAMED", postgresql.NOBODY_YET)
    vaults = text("SELECT count(*) FROM vault")
    with runtime.engine.connect() as bare:
        assert bare.scalar(vaults) == 0
    with reading(runtime.engine) as system:
        assert system.scalar(vaults) == 3
    with writing(runtime.engine, NoLock()) as system:
        assert system.scalar(vaults) == 3


# The role can do no more


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE vault DISABLE ROW LEVEL SECURITY",
        "DROP POLICY organization ON vault",
        "CREATE POLICY mine ON vault USING (true)",
        "TRUNCATE vault CASCADE",
        "DROP TABLE vault",
        "CREATE TABLE mine (id integer)",
        f"SET ROLE {servers.OWNER}",
        "SET session_replication_role = replica",
        "UPDATE audit_event SET payload = ''",
        "DELETE FROM audit_event",
        "DELETE FROM audit_checkpoint",
        "UPDATE alembic_version SET version_num = 'x'",
    ],
)
def test_the_programs_role_cannot(application, statement):
    with pytest.raises(errors.InsufficientPrivilege):
        application.execute(statement)


def test_the_programs_role_has_exactly_the_rights_that_are_written_down(superuser):
    rows = superuser.execute(
        "SELECT table_name, string_agg(privilege_type, ', ' ORDER BY privilege_type)"
        " FROM information_schema.role_table_grants WHERE grantee = %s GROUP BY table_name",
        (servers.APPLICATION,),
    ).fetchall()
    found = dict(rows)
    assert set(found) == {*Base.metadata.tables, "alembic_version", "rate_counter"}
    for table, rights in found.items():
        assert set(rights.split(", ")) == set(rights_on(table).split(", ")), table


def test_the_owner_too_is_held_by_the_policies(connect):
    with connect(servers.OWNER) as owner:
        assert count(owner, "vault") == 0


def test_the_facts_about_the_role_are_found(database):
    def facts(role):
        engine = worlds.open_engine(database, role)
        with engine.connect() as connection:
            found = row_security.role_facts(connection)
        engine.dispose()
        return found.unbound, found.owner

    assert facts(servers.APPLICATION) == (False, False)
    assert facts(servers.OWNER) == (False, True)
    assert facts("postgres")[0] is True


def test_an_injected_statement_could_say_another_organization(application, world):
    """What this wall does not hold against (docs/adr/0014): who runs any SQL also says whose rows."""
    with application.transaction():
        say(application, world.organizations[NORTHWIND])
        say(application, world.organizations[LAKESIDE])
        assert count(application, "vault") == 1
