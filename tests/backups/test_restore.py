"""Restoring: in one step or not at all, with what was good once made void, and said in the log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from sqlalchemy import select

from app import create_app
from errors import BackupDamaged, Conflict
from models import PasskeyChallenge, UserSession
from policy import Role
from services import audit_verify, backup_restore, backups, invitations
from services.events import SYSTEM_CHAIN
from tests import world as worlds
from tests.backups.conftest import MASTERS
from tests.backups.test_create import do_something, events_of
from tests.browser import Browser
from tests.pages.factors import set_up
from tests.trail import Trail

pytestmark = pytest.mark.sqlite

NOON = datetime(2027, 1, 15, 12, tzinfo=UTC)


@pytest.fixture
def restore(files, open_at, database):
    """Restore a backup in the place of the database."""

    def restore(name, **arguments):
        return backup_restore.restore(files, name, database, MASTERS, open_at, **arguments)

    return restore


def read(database, look):
    """Open a database, look at it, close it."""
    runtime = worlds.open_world(database)
    try:
        return look(runtime)
    finally:
        runtime.close()


def test_what_was_there_at_the_backup_is_there_again(make, restore, runtime, database, world):
    manifest = make()
    do_something(runtime)
    runtime.close()

    restored = restore(manifest.name, overwrite=True)

    assert not restored.complete
    assert read(restored.kept, events_of) == manifest.events + 2, "what was there is kept beside"
    assert read(database, lambda runtime: audit_verify.verify(runtime).faults) == ()
    events = read(database, lambda runtime: Trail(runtime)._read())
    told = [event for event in events if event["action"] == "backup.restored"]
    assert {event["chain"] for event in told} == {SYSTEM_CHAIN, *world.organizations.values()}
    assert {event["extra"]["made"] for event in told} == {manifest.made_at.isoformat()}
    assert not [event for event in events if event["action"] == "setting.changed"]


def test_a_database_that_is_there_is_not_overwritten_unless_that_is_said(make, restore, runtime, database):
    manifest = make()
    runtime.close()
    before = database.read_bytes()
    with pytest.raises(Conflict, match="Add --overwrite"):
        restore(manifest.name)
    assert database.read_bytes() == before


def test_nothing_is_put_under_a_server_that_runs(make, restore, runtime, database):
    manifest = make()
    with pytest.raises(Conflict, match="Stop the server first"):
        restore(manifest.name, overwrite=True)
    assert events_of(runtime) == manifest.events + 1


def test_what_fails_on_the_way_changes_nothing(make, restore, runtime, database, place, monkeypatch):
    manifest = make()
    do_something(runtime)
    before = events_of(runtime)
    runtime.close()

    def fail(*_):
        raise OSError("the disk is gone")

    for where, name in ((backup_restore, "void"), (Path, "replace")):
        with monkeypatch.context() as patched:
            patched.setattr(where, name, fail)
            with pytest.raises(OSError, match="the disk is gone"):
                restore(manifest.name, overwrite=True)
        assert read(database, events_of) == before
    (place / f"{manifest.name}.data").write_bytes(b"")
    with pytest.raises(BackupDamaged):
        restore(manifest.name, overwrite=True)
    assert read(database, events_of) == before
    assert not list(database.parent.glob(".chatelaine-work-*"))


def test_a_damaged_database_can_be_replaced(make, restore, runtime, database):
    manifest = make()
    runtime.close()
    database.write_bytes(b"no database at all, but some bytes that somebody may want to look at")
    restored = restore(manifest.name, overwrite=True)
    assert restored.kept.read_bytes().startswith(b"no database")
    assert read(database, events_of) == manifest.events + 3


def test_what_lay_beside_a_lost_database_is_not_taken_for_the_new_one_s(make, restore, runtime, database):
    manifest = make()
    runtime.close()
    database.unlink()
    database.with_name(database.name + "-wal").write_bytes(b"of another database")
    restore(manifest.name)
    assert read(database, events_of) == manifest.events + 3


# What counts no more


def test_what_is_good_once_is_void(database, world, files, restore, tmp_path):
    """It may have been used after the backup; sign-in tokens go on."""
    settings = worlds.settings_for(database)
    with time_machine.travel(NOON, tick=False) as clock:
        app = create_app(settings)
        runtime = app.extensions["chatelaine"]
        mia = sign_in(app, world, "mia")
        authenticator = set_up(mia)
        with runtime.work(writing=True, actor=world.actor("alice")) as uow:
            link = invitations.invite(uow, "nina@northwind.example", Role.MEMBER).path
            uow.session.add(
                PasskeyChallenge(challenge=b"x", purpose="prove", holder=mia_id(world), expires_at=later(uow))
            )
        manifest = backups.create(runtime, files).manifest
        runtime.close()
        clock.shift(timedelta(seconds=45))
        used_since = authenticator.code()

        restore(manifest.name, overwrite=True)

        app = create_app(settings)
        runtime = app.extensions["chatelaine"]
        assert len(left(runtime, UserSession)) == len(left(runtime, PasskeyChallenge)) == 0
        mia.client.application = app
        mia.open("/account")
        assert mia.path.startswith("/sign-in")
        stranger = Browser(app)
        stranger.open(link, 410)
        again = sign_in(app, world, "mia")
        again.submit("second-factor", 422, code=used_since)
        again.submit("second-factor", 422, code=authenticator.recovery[0])
        clock.shift(timedelta(seconds=30))
        again.submit("second-factor", code=authenticator.code())
        again.open("/account")
        assert again.path == "/account"
        told = [event for event in Trail(runtime)._read() if event["action"] == "backup.restored"]
        assert {name: told[0]["extra"][name] for name in ("links", "codes", "apps", "sessions")} == {
            "links": 2,
            "codes": 10,
            "apps": 1,
            "sessions": 1,
        }
        runtime.close()


def sign_in(app, world, name):
    person = Browser(app)
    person.open("/sign-in")
    person.submit("sign-in", token=world.tokens[name])
    return person


def mia_id(world):
    return world.people["mia"]


def later(uow):
    return uow.now + timedelta(minutes=5)


def left(runtime, model):
    with runtime.engine.connect() as connection:
        return connection.execute(select(model.__table__)).all()


# By the command


def test_the_command_says_what_is_lost(run, place, runtime, database):
    name = run("backup", "create", "--to", str(place))[0].strip()
    runtime.close()
    out, _ = run("backup", "restore", str(place / f"{name}.manifest"), "--overwrite")
    assert out.startswith(f"Restored from {name}, made ")
    assert "What was changed after that is lost." in out
    assert "is kept at" in out
    restored = [e for e in read(database, lambda r: Trail(r)._read()) if e["action"] == "backup.restored"]
    assert restored[0]["extra"]["name"] == name


def test_names_with_shell_words_are_only_names(run, place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in (";id>side", "$(id>side)", "backup-20270115T120000000000Z-00000000-0000;id>side"):
        run("backup", "restore", str(place / name), status=2)
    assert not (tmp_path / "side").exists()
