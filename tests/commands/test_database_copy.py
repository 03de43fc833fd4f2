"""`./chatelaine database copy` and `compare`, from file to file; tests/postgresql has the other ways."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from click.testing import CliRunner

from cli import cli
from errors import Conflict, CopyFailed, StartRefused
from services import copy_targets, schema, table_digests
from services.copy_targets import Place
from services.database import NoLock
from tests import commander
from tests import world as worlds


@pytest.fixture
def there(tmp_path):
    return tmp_path / "there.db"


@pytest.fixture
def copy(run, there):
    """Copy the world there, or compare."""

    def copy(verb="copy", **options):
        return run("database", verb, "--to", f"sqlite:///{there}", **options)

    return copy


def test_all_rows_arrive_and_are_the_same(copy, database, there):
    worlds.open_world(database).close()
    said, _ = copy()
    assert "the same at both ends" in said
    assert f"Set DATABASE_URL to {there}" in said
    assert f"ATTACHMENTS_TO={worlds.files_of(database)}" in said
    assert "The same at both ends" in copy("compare")[0]


def test_it_reads_one_moment_while_others_write(run, database, there, monkeypatch):
    whole = table_digests.count

    def meanwhile(connection):
        counted = whole(connection)
        worlds.past_the_program(database, "UPDATE user_account SET name = 'Somebody else'")
        return counted

    monkeypatch.setattr(table_digests, "count", meanwhile)
    run("database", "copy", "--to", f"sqlite:///{there}")
    with closing(sqlite3.connect(there)) as connection:
        found = connection.execute("SELECT count(*) FROM user_account WHERE name = 'Somebody else'")
        assert found.fetchone() == (0,)


def test_a_copy_that_is_not_the_same_never_counts(copy, there, monkeypatch):
    batches = table_digests.batches

    def spoiled(connection, table):
        is_target = connection.engine.url.database.endswith("copy.db")
        for rows in batches(connection, table):
            yield rows[1:] if is_target and table.name == "vault" else rows

    monkeypatch.setattr(table_digests, "batches", spoiled)
    with pytest.raises(CopyFailed, match="vault: 3 rows here, 2 there"):
        copy()
    engine = worlds.engine_on(f"sqlite:///{there}")
    with pytest.raises(StartRefused, match="begun and not finished"):
        schema.prepare_schema(engine, NoLock())
    engine.dispose()


def test_what_is_there_stays(copy, database, there):
    there.write_bytes(b"something else")
    with pytest.raises(Conflict, match="is there already"):
        copy()
    assert there.read_bytes() == b"something else"
    there.unlink()
    beside = there.with_name("there.db-wal")
    beside.touch()
    with pytest.raises(Conflict, match="Beside"):
        copy()
    beside.unlink()
    copy()
    with pytest.raises(Conflict, match="is not empty"):
        copy()
    worlds.past_the_program(database, "UPDATE alembic_version SET version_num = '0001'")
    with pytest.raises(Conflict, match="is of another version"):
        copy("compare")


def test_a_row_that_another_one_lacks_is_no_copy(database, there):
    worlds.past_the_program(database, "DELETE FROM user_account WHERE name = 'Noah'")
    with (
        pytest.raises(CopyFailed, match="refers to one that is not there"),
        copy_targets.snapshot(Place(f"sqlite:///{database}")) as read,
        copy_targets.filling(Place(f"sqlite:///{there}")) as written,
    ):
        for table in table_digests.tables():
            for rows in table_digests.batches(read, table):
                written.execute(table.insert(), [dict(row._mapping) for row in rows])


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("sqlite:///:memory:", "--to must name a file"),
        ("mysql://root@localhost/x", "--to must be sqlite:///FILE or postgresql"),
        ("postgresql+psycopg://chatelaine@db.example.org/chatelaine", "sslmode=verify-full"),
    ],
)
def test_an_address_is_held_to_the_same_rules_as_the_settings(database, monkeypatch, url, sentence):
    commander.at(database, monkeypatch)
    result = CliRunner().invoke(cli, ("database", "copy", "--to", url))
    assert result.exit_code == 2
    assert sentence in " ".join(result.stderr.split())


@pytest.mark.parametrize("url", ["u:{}@localhost/x", "u@localhost/x?password={}", "u@/x?sslpassword={}"])
def test_no_password_is_ever_said(url):
    assert "geheim" not in Place("postgresql+psycopg://" + url.format("geheim")).name
