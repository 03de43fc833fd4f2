"""An installation moves from PostgreSQL to a SQLite file and back, whole or not at all."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from app import open_runtime
from cli import cli
from errors import ChatelaineError, Conflict, StartRefused
from services import audit_verify, database_copy, row_security, schema
from services.database import NoLock
from tests import servers
from tests import world as worlds
from tests.trail import Trail
from tests.world import FLASK_KEY, MASTER_KEY, PASSWORD

pytestmark = pytest.mark.postgresql

KILLED_IN_THE_MIDDLE = """
import os, signal, sys
from crypto.master_keys import MasterKeys
from services import database_copy
from services.copy_targets import Place

def progress(done, everything):
    if done > everything // 4:
        os.kill(os.getpid(), signal.SIGKILL)

source, target, owner, key = sys.argv[1:]
database_copy.copy(Place(source), Place(target, owner or None), MasterKeys.parse(key), progress)
"""


@pytest.fixture
def run(monkeypatch):
    """Run a command on the database at some address."""

    def run(url, *arguments, status=0):
        environ = {"APP_ENV": "local", "FLASK_SECRET_KEY": FLASK_KEY, "ENCRYPTION_KEYS": MASTER_KEY}
        for name, value in {**environ, "DATABASE_URL": url}.items():
            monkeypatch.setenv(name, value)
        result = CliRunner().invoke(cli, ("database", *arguments))
        if isinstance(result.exception, ChatelaineError):
            raise result.exception
        assert result.exit_code == status, result.output
        return result.stdout + result.stderr

    return run


@pytest.fixture
def elsewhere(tmp_path):
    """An empty database on the server: as the program, and as its owner."""
    path = tmp_path / "elsewhere"
    return worlds.url_of(path), worlds.url_of(path, servers.OWNER)


def test_it_moves_to_a_file_and_back(run, database, elsewhere, tmp_path, world):
    here, file = worlds.url_of(database), tmp_path / "moved.db"
    worlds.open_world(database).close()
    said = run(here, "copy", "--to", f"sqlite:///{file}")
    assert "the same at both ends" in said
    assert "ATTACHMENTS_TO=instance/attachments" in said
    assert file.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("SELECT count(*) FROM item").fetchone() == (4,)
    assert "The same at both ends" in run(here, "compare", "--to", f"sqlite:///{file}")

    url, owner = elsewhere
    assert "the same at both ends" in run(f"sqlite:///{file}", "copy", "--to", url, "--owner", owner)
    assert "The same at both ends" in run(here, "compare", "--to", url)
    runtime = worlds.open_runtime(url)
    try:
        assert audit_verify.verify(runtime).faults == ()
        runtime.checkpoints.make()
        with runtime.work(writing=False, actor=world.actor("mia")) as uow:
            assert row_security.open_tables(uow.connection) == []
            assert not row_security.role_facts(uow.connection).owner
            counted = uow.connection.exec_driver_sql("SELECT count(*) FROM vault").scalar_one()
            assert counted == 2, "of her organization"
        assert PASSWORD not in str(Trail(runtime)._read())
    finally:
        runtime.close()


def test_numbers_go_on_where_they_were(run, database, elsewhere, tmp_path):
    runtime = worlds.open_world(database)
    runtime.checkpoints.make()
    runtime.close()
    file, (url, owner) = f"sqlite:///{tmp_path / 'moved.db'}", elsewhere
    run(worlds.url_of(database), "copy", "--to", file)
    run(file, "copy", "--to", url, "--owner", owner)
    ids = "SELECT max(id) FROM audit_checkpoint"
    before = worlds.past_the_program(tmp_path / "elsewhere", ids)[0][0]
    assert before, "there is one"
    following = "SELECT nextval(pg_get_serial_sequence('audit_checkpoint', 'id'))"
    assert worlds.past_the_program(tmp_path / "elsewhere", following) == [(before + 1,)]


def test_one_row_that_differs_is_found(run, database, elsewhere, tmp_path):
    here, file = worlds.url_of(database), tmp_path / "moved.db"
    run(here, "copy", "--to", f"sqlite:///{file}")
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE vault SET created_at = 1 WHERE id = (SELECT min(id) FROM vault)")
        connection.execute("DELETE FROM audit_event WHERE seq = (SELECT max(seq) FROM audit_event)")
    said = run(here, "compare", "--to", f"sqlite:///{file}", status=1)
    assert "vault: as many rows, not the same." in said
    assert "audit_event: " in said
    assert "faults here" in said


def test_killed_in_the_middle_it_says_so_and_is_done_again(run, database, elsewhere, tmp_path):
    here, file, (url, owner) = worlds.url_of(database), tmp_path / "moved.db", elsewhere
    for source, target, its_owner in ((here, f"sqlite:///{file}", ""), (f"sqlite:///{file}", url, owner)):
        done = subprocess.run(
            [sys.executable, "-c", KILLED_IN_THE_MIDDLE, source, target, its_owner, MASTER_KEY],
            cwd=Path(schema.MIGRATIONS).parent, check=False,
        )  # fmt: skip
        assert done.returncode == -signal.SIGKILL
        engine = worlds.engine_on(its_owner or target)
        with pytest.raises(StartRefused, match="begun and not finished"):
            schema.prepare_schema(engine, NoLock())
        engine.dispose()
        arguments = ("--owner", its_owner) if its_owner else ()
        assert "the same at both ends" in run(source, "copy", "--to", target, *arguments)
        settings = worlds.settings_for(database, DATABASE_URL=target, DATABASE_OWNER_URL=its_owner)
        with open_runtime(settings, migrate=True) as runtime:
            assert audit_verify.verify(runtime).faults == ()


def test_a_database_that_holds_something_is_left_alone(run, database, elsewhere, tmp_path):
    here = worlds.url_of(database)
    with pytest.raises(Conflict, match="is not empty"):
        run(here, "copy", "--to", here, "--owner", worlds.url_of(database, servers.OWNER))
    full = tmp_path / "full.db"
    full.write_bytes(b"something else")
    with pytest.raises(Conflict, match="is there already"):
        run(here, "copy", "--to", f"sqlite:///{full}")
    assert full.read_bytes() == b"something else"


def test_what_is_written_meanwhile_is_told(run, database, tmp_path, monkeypatch):
    there = database_copy._differences

    def meanwhile(*ends):
        worlds.open_world(database).close()
        runtime = worlds.open_world(database)
        audit_verify.record(runtime, audit_verify.verify(runtime))
        runtime.close()
        return there(*ends)

    monkeypatch.setattr(database_copy, "_differences", meanwhile)
    said = run(worlds.url_of(database), "copy", "--to", f"sqlite:///{tmp_path / 'm.db'}", status=1)
    assert "Somebody went on working: 3 events" in said
