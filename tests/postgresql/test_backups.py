"""Backups of a PostgreSQL database: whole, tried in a database of their own, restored in one step."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli import cli
from errors import BackupDamaged, BackupFailed, ChatelaineError, Conflict
from policy import Right
from services import audit_verify, backup_keys, backup_postgresql, row_security
from tests import servers
from tests import world as worlds
from tests.attached import PEM, attach, read_back
from tests.backups.place import BACKUP_KEY, files_in
from tests.backups.test_create import do_something, events_of
from tests.trail import Trail
from tests.world import FLASK_KEY, MASTER_KEY, PASSWORD

SCRIPT = Path(__file__).parents[2] / "tools" / "open_backup.py"

pytestmark = pytest.mark.postgresql


@pytest.fixture
def place(tmp_path):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return folder


@pytest.fixture
def check_database(database):
    """The database in which backups are tried, as deploy/postgresql.sql makes it."""
    all_ = servers.databases()
    name = f"{all_.at(database)}_check"
    with all_.server.connect("postgres") as admin:
        admin.execute(f"CREATE DATABASE {name} OWNER {servers.OWNER}")
    with all_.server.connect(name) as connection:
        connection.execute(f"ALTER SCHEMA public OWNER TO {servers.OWNER}")
    yield name
    with all_.server.connect("postgres") as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def run(database, monkeypatch):
    """Run a command on the world; return what it wrote to standard output."""
    environ = {"APP_ENV": "local", "FLASK_SECRET_KEY": FLASK_KEY, "ENCRYPTION_KEYS": MASTER_KEY}
    for name, value in {**environ, "BACKUP_KEY": BACKUP_KEY, **worlds.environment_of(database)}.items():
        monkeypatch.setenv(name, value)

    def run(*arguments, status=0):
        result = CliRunner().invoke(cli, arguments)
        if isinstance(result.exception, ChatelaineError):
            raise result.exception
        assert result.exit_code == status, result.output
        return result.stdout

    return run


def made(run, place):
    return run("backup", "create", "--to", str(place)).strip()


def of(database, look):
    runtime = worlds.open_world(database)
    try:
        return look(runtime)
    finally:
        runtime.close()


def test_it_is_made_verified_and_restored(run, place, database, check_database, world):
    before = of(database, events_of)
    name = made(run, place)
    manifest = files_in(place).manifest(name)[0]
    assert (manifest.database, manifest.events, manifest.counts["item"]) == ("postgresql", before, 4)
    content = b"".join(file.read_bytes() for file in place.iterdir())
    for word in ("northwind", "alice@", PASSWORD, "PGDMP"):
        assert word.encode() not in content.lower()

    written = json.loads(run("backup", "verify", str(place / f"{name}.manifest"), "--json"))
    assert (written["sound"], written["vaults"], written["events"]) == (True, 3, before)
    with servers.databases().server.connect(check_database) as connection:
        assert connection.execute(
            "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        ).fetchone() == (0,)

    of(database, do_something)
    with pytest.raises(Conflict, match="Add --overwrite"):
        run("backup", "restore", str(place / f"{name}.manifest"))
    assert "What was changed after that is lost" in run(
        "backup", "restore", str(place / f"{name}.manifest"), "--overwrite"
    )

    def look(runtime):
        """As the role that the program runs as: its rights and the policies are there again."""
        events = Trail(runtime)._read()
        assert len([event for event in events if event["action"] == "backup.restored"]) == 3
        assert not [event for event in events if event["action"] in {"setting.changed", "backup.created"}]
        assert audit_verify.verify(runtime).faults == ()
        with runtime.work(writing=False, actor=world.actor("mia")) as uow:
            assert row_security.open_tables(uow.connection) == []
            assert not row_security.role_facts(uow.connection).owner
            counted = uow.connection.exec_driver_sql("SELECT count(*) FROM vault").scalar_one()
            assert counted == 2, "of her organization"

    of(database, look)


def test_the_script_opens_it_without_the_program(run, place, tmp_path):
    name = made(run, place)
    shutil.copy(SCRIPT, tmp_path)
    environ = {"BACKUP_KEY": BACKUP_KEY, "ENCRYPTION_KEYS": MASTER_KEY, "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [sys.executable, "-P", tmp_path / "open_backup.py", place / f"{name}.manifest"],
        cwd=tmp_path, env=environ, capture_output=True, text=True, check=True,
    )  # fmt: skip
    items = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(items) == 4
    assert {item["fields"]["Password"] for item in items} == {PASSWORD}


def test_files_on_credentials_go_along(run, place, database, runtime, world, check_database, tmp_path):
    mia = world.actor("mia", {world.vaults["Production"]: Right.EDIT})
    file_id = attach(runtime, mia, world.items["Stripe dashboard"])
    runtime.close()
    name = made(run, place)
    assert "and a file of each of 1" in run("backup", "verify", str(place / f"{name}.manifest"))
    shutil.copy(SCRIPT, tmp_path)
    environ = {"BACKUP_KEY": BACKUP_KEY, "ENCRYPTION_KEYS": MASTER_KEY, "PATH": os.environ["PATH"]}
    subprocess.run(
        [sys.executable, "-P", tmp_path / "open_backup.py", place / f"{name}.manifest", tmp_path / "out"],
        cwd=tmp_path, env=environ, capture_output=True, text=True, check=True,
    )  # fmt: skip
    [written] = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert written.read_bytes() == PEM
    shutil.rmtree(worlds.files_of(database))
    run("backup", "restore", str(place / f"{name}.manifest"), "--overwrite")
    restored = worlds.open_world(database)
    assert read_back(restored, mia, file_id) == PEM
    restored.close()


def test_nothing_is_put_under_a_server_that_runs(run, place, database, runtime):
    name = made(run, place)
    runtime.engine.connect().close()
    with pytest.raises(Conflict, match="Stop the server first"):
        run("backup", "restore", str(place / f"{name}.manifest"), "--overwrite")


def test_a_dump_that_is_none_changes_nothing(run, place, database):
    name = made(run, place)
    before = of(database, events_of)
    files = files_in(place)
    manifest, _ = files.manifest(name)
    junk = place / "junk"
    junk.write_bytes(b"PGDMP and nothing else")
    passed = files.put_data(name, junk, lambda *_: None)
    rows = backup_keys.decode(files.keys(name, 10**7), files.manifest(name)[1])
    changed = replace(manifest, size=passed.length, sha256=passed.hex).encode()
    files.put_keys(name, backup_keys.encode(rows, changed))
    files.put_manifest(name, changed)
    with pytest.raises(BackupDamaged, match="the dump in it cannot be read"):
        run("backup", "restore", str(place / f"{name}.manifest"), "--overwrite")
    assert of(database, events_of) == before


def test_what_is_missing_is_named(run, place, monkeypatch):
    name = made(run, place)
    with pytest.raises(BackupFailed, match="_check cannot be used"):
        run("backup", "verify", str(place / f"{name}.manifest"))
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(BackupFailed, match="pg_dump is not here"):
        run("backup", "create", "--to", str(place))
    assert files_in(place).names() == [name]


def test_no_password_stands_on_a_command_line(database, tmp_path, monkeypatch):
    """Wherever the address has it: everybody on a machine sees how programs were started."""
    program = tmp_path / "pg_dump"
    program.write_text('#!/bin/sh\necho "$PGPASSWORD : $*" >&2\nexit 1\n')
    program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    def dump(runtime):
        with runtime.work(writing=False) as uow:
            backup_postgresql.dump(uow.connection, f"{address}?password=geheim", tmp_path / "dumped")

    address = "postgresql+psycopg://owner@localhost/chatelaine"
    with pytest.raises(BackupFailed) as failed:
        of(database, dump)
    given, _, words = str(failed.value).partition(" : ")
    assert given.endswith("geheim")
    assert "dbname=chatelaine" in words
    assert "geheim" not in words
