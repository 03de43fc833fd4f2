"""The database's schema: made, migrated, and refused when it is not ours to touch."""

import sqlite3

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine

from errors import StartRefused
from models import Base
from services import schema
from services.database import NoLock, prepare_engine

NEWEST = "0018"
pytestmark = pytest.mark.sqlite


@pytest.fixture
def engine_at(tmp_path):
    engines = []

    def make(name="new.db"):
        engine = create_engine(f"sqlite:///{tmp_path / name}")
        prepare_engine(engine)
        engines.append(engine)
        return engine

    yield make
    for engine in engines:
        engine.dispose()


def prepare(engine):
    return schema.prepare_schema(engine, NoLock())


def test_the_migrations_make_exactly_the_tables_of_the_models(engine_at):
    engine = engine_at()
    prepare(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_a_prepared_database_is_left_alone(engine_at, tmp_path):
    engine = engine_at()
    assert prepare(engine) is None
    assert prepare(engine) is None
    assert list(tmp_path.glob("*.before-*")) == []


def test_a_database_is_copied_before_it_is_migrated(engine_at, tmp_path, monkeypatch):
    engine = engine_at()
    prepare(engine)
    monkeypatch.setattr(schema, "_scripts", FutureScripts)
    monkeypatch.setattr(schema.command, "upgrade", lambda *_: None)
    copy = prepare(engine)
    assert copy is not None
    assert copy.stat().st_mode & 0o777 == 0o600
    with sqlite3.connect(copy) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (NEWEST,)
    connection.close()


def test_the_newest_revision_can_be_taken_back_and_brought_again_with_people_in_it(engine_at, database):
    engine = engine_at(database)
    for step, revision in ((schema.command.downgrade, "-1"), (schema.command.upgrade, "head")):
        with engine.begin() as connection:
            step(schema._config_on(connection), revision)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
        assert connection.exec_driver_sql("SELECT count(*) FROM membership").scalar() == 9
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []


class FutureScripts:
    """The scripts of a later version of the program, which knows the present revision."""

    def get_current_head(self):
        return "9999"

    def walk_revisions(self):
        return [type("Script", (), {"revision": revision}) for revision in ("9999", NEWEST)]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "exists but is empty"),
        (b"not a database at all, only some words" * 40, "cannot be read"),
    ],
)
def test_a_damaged_file_is_refused_and_left_as_it_is(engine_at, tmp_path, content, words):
    path = tmp_path / "new.db"
    path.write_bytes(content)
    with pytest.raises(StartRefused, match=words):
        prepare(engine_at())
    assert path.read_bytes() == content


def test_the_tables_of_another_program_are_refused(engine_at, tmp_path):
    with sqlite3.connect(tmp_path / "new.db") as connection:
        connection.execute("CREATE TABLE recipes (id INTEGER)")
    connection.close()
    with pytest.raises(StartRefused, match="did not make"):
        prepare(engine_at())


def test_a_database_of_a_newer_version_is_refused(engine_at):
    engine = engine_at()
    prepare(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StartRefused, match="newer version"):
        prepare(engine)


def test_every_connection_has_the_settings_that_keep_data_safe(engine_at):
    engine = engine_at()
    with engine.connect() as connection:

        def pragma(name):
            return connection.exec_driver_sql(f"PRAGMA {name}").scalar()

        assert pragma("journal_mode") == "wal"
        assert pragma("synchronous") == 2
        assert pragma("foreign_keys") == 1
        assert pragma("trusted_schema") == 0
        assert pragma("secure_delete") == 1
        assert pragma("busy_timeout") == 10000
