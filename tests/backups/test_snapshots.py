"""Snapshots that the server makes by itself, and the start that brings the newest back. Time is set."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime

import pytest
import time_machine

from app import create_app
from commands import restoring
from commands.serve import make_app
from errors import StartRefused, StoreFailed
from policy import Role
from services import audit_verify, backup_overview, invitations, snapshots
from services.backup_files import BackupFiles
from services.snapshots import EVERY, SnapshotKeeper
from tests import world as worlds
from tests.backups.place import BACKUP_KEY, SECRET
from tests.backups.test_create import Full, do_something, events_of
from tests.backups.test_restore import read
from tests.browser import Browser
from tests.trail import Trail

pytestmark = pytest.mark.sqlite

NOON = datetime(2027, 1, 15, 12, tzinfo=UTC)


@pytest.fixture
def clock():
    """Noon, standing still; tests move it on."""
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


@pytest.fixture
def keeper(runtime, files):
    return SnapshotKeeper(runtime, files, alone=True)


@pytest.fixture
def settings(database, place):
    return worlds.settings_for(database, BACKUP_TO=str(place), BACKUP_KEY=BACKUP_KEY)


def lose(database):
    """Take the disk away."""
    for file in database.parent.glob(f"{database.name}*"):
        file.unlink()


# When one is made


def test_one_is_made_after_a_change_and_none_without(keeper, runtime, clock, trail):
    assert keeper.turn().kind == "snapshot"
    clock.shift(EVERY)
    assert keeper.turn() is None, "nothing has changed"
    do_something(runtime)
    made = keeper.turn()
    assert made.events == events_of(runtime)
    assert trail.actions() == ["setting.changed"], "a snapshot is no event, or it would never end"


def test_they_are_a_minute_apart_however_much_changes(keeper, runtime, clock):
    keeper.turn()
    for _ in range(5):
        do_something(runtime)
        clock.shift(EVERY / 6)
        assert keeper.turn() is None
    clock.shift(EVERY / 6)
    assert keeper.turn() is not None


def test_the_last_thirty_stay(keeper, runtime, clock, files, monkeypatch):
    assert snapshots.KEEP == 30
    monkeypatch.setattr(snapshots, "KEEP", 2)
    made = []
    for _ in range(4):
        made.append(keeper.turn().name)
        do_something(runtime)
        clock.shift(EVERY)
    assert files.names() == [made[3], made[2]]


def test_one_process_of_several_makes_them(runtime, files, database, clock):
    one = SnapshotKeeper(runtime, files, alone=False)
    other_process = worlds.open_world(database)
    other = SnapshotKeeper(other_process, files, alone=False)
    assert one.turn() is not None
    do_something(runtime)
    clock.shift(EVERY)
    assert other.turn() is None
    one.stop()
    clock.shift(EVERY)
    assert other.turn() is not None
    other.stop()
    other_process.close()


def test_one_that_fails_is_tried_again_a_minute_later(runtime, files, clock):
    keeper = SnapshotKeeper(runtime, BackupFiles(Full(files.store, 2), SECRET, files.hasher), alone=True)
    with pytest.raises(StoreFailed):
        keeper.turn()
    assert keeper.turn() is None
    keeper._files = files
    clock.shift(EVERY)
    assert keeper.turn() is not None


def test_a_server_process_makes_them_from_its_start_to_its_end(settings, files, world, monkeypatch):
    monkeypatch.setattr("services.logs.configure", lambda *_: None)
    monkeypatch.setattr("services.maintenance.Housekeeper.start", lambda _: None)
    app = make_app(settings, alone=True)
    person = Browser(app)
    person.open("/sign-in")
    person.submit("sign-in", token=world.tokens["mia"], status=302)
    events = events_of(app.extensions["chatelaine"])
    app.extensions["chatelaine"].close()
    newest, _ = files.manifest(files.names()[0])
    assert (newest.closing, newest.events) == (True, events)


# What a start does where the database is gone


def test_the_newest_is_restored_by_itself(keeper, runtime, clock, settings, database, world, capsys):
    keeper.turn()
    do_something(runtime, "saved")
    clock.shift(EVERY)
    newest = keeper.turn()
    do_something(runtime, "not saved any more")
    runtime.close()
    lose(database)

    assert restoring.prepare(settings) is None, "it is no new installation"

    assert f"Restored from {newest.name}" in capsys.readouterr().err
    events = read(database, lambda runtime: Trail(runtime)._read())
    assert [e["target"] for e in events if e["action"] == "setting.changed"] == ["saved"]
    told = [event for event in events if event["action"] == "backup.restored"]
    assert len(told) == 3
    assert {(e["actor"], e["extra"]["name"], e["extra"]["complete"]) for e in told} == {
        ("system", newest.name, False)
    }
    assert read(database, lambda runtime: audit_verify.verify(runtime).faults) == ()


def test_where_the_newest_is_damaged_the_one_before_is(
    keeper, runtime, clock, settings, database, files, capsys
):
    names = []
    for _ in range(4):
        names.append(keeper.turn().name)
        do_something(runtime)
        clock.shift(EVERY)
    runtime.close()
    lose(database)
    folder = files.store.folder
    os.truncate(folder / f"{names[3]}.data", 5000)
    (folder / f"{names[2]}.keys").write_bytes(b"")

    restoring.prepare(settings)

    said = capsys.readouterr().err
    assert f"Restored from {names[1]}" in said
    assert f"Passed over: {names[3]}: " in said
    assert f"Passed over: {names[2]}: " in said


def test_what_a_clean_end_has_saved_is_complete_and_nothing_is_void(
    keeper, runtime, settings, database, world
):
    with runtime.work(writing=True, actor=world.actor("alice")) as uow:
        link = invitations.invite(uow, "nina@northwind.example", Role.MEMBER).path
    keeper.turn()
    keeper.stop()
    runtime.close()
    lose(database)

    restoring.prepare(settings)

    app = create_app(settings)
    Browser(app).open(link)
    told = [e for e in Trail(app.extensions["chatelaine"])._read() if e["action"] == "backup.restored"]
    assert told[0]["extra"]["complete"] is True
    app.extensions["chatelaine"].close()


def test_what_came_after_a_clean_end_is_not_forgotten(keeper, runtime, settings, database, files):
    """The server that goes on from there is killed at once, and its disk is gone, too."""
    keeper.stop()
    runtime.close()
    lose(database)
    restoring.prepare(settings)
    killed = worlds.open_world(database)
    its_keeper = SnapshotKeeper(killed, files, alone=True)
    its_keeper.start()
    its_keeper._over.set()
    its_keeper._thread.join()
    killed.engine.dispose()
    lose(database)

    restoring.prepare(settings)

    told = [e for e in read(database, lambda r: Trail(r)._read()) if e["action"] == "backup.restored"]
    assert [event["extra"]["complete"] for event in told] == [True] * 3 + [False] * 3


def test_of_several_processes_none_can_say_that_its_snapshot_is_the_last(runtime, files):
    keeper = SnapshotKeeper(runtime, files, alone=False)
    keeper.stop()
    assert files.manifest(files.names()[0])[0].closing is False


def test_a_complete_one_that_is_not_the_newest_is_not_complete(
    keeper, runtime, settings, database, files, clock
):
    keeper.turn()
    keeper.stop()
    do_something(runtime)
    clock.shift(EVERY)
    later = SnapshotKeeper(runtime, files, alone=True)
    newest = later.turn().name
    runtime.close()
    lose(database)
    os.truncate(files.store.folder / f"{newest}.data", 100)

    restoring.prepare(settings)

    told = [e for e in read(database, lambda r: Trail(r)._read()) if e["action"] == "backup.restored"]
    assert told[0]["extra"]["complete"] is False


def test_a_database_that_is_there_is_left_alone(keeper, runtime, settings, database):
    keeper.turn()
    do_something(runtime)
    runtime.close()
    before = read(database, events_of)
    restoring.prepare(settings)
    assert read(database, events_of) == before


def test_an_empty_place_is_a_first_start(settings, database, runtime):
    runtime.close()
    lose(database)
    assert restoring.prepare(settings).startswith("chl_enrol_")


def test_the_first_owner_still_comes_in(settings, database, runtime, files):
    """The server is killed before anybody has opened the first link, and nobody there can make another."""
    runtime.close()
    lose(database)
    link = restoring.prepare(settings)
    first = worlds.open_world(database)
    SnapshotKeeper(first, files, alone=True).turn()
    first.engine.dispose()
    lose(database)
    restoring.prepare(settings)
    app = create_app(settings)
    Browser(app).open(f"/enrol/{link}")
    app.extensions["chatelaine"].close()


def test_a_place_that_cannot_be_used_stops_the_start(keeper, runtime, settings, database, place, monkeypatch):
    """To begin anew would bury what is there."""
    keeper.turn()
    runtime.close()
    lose(database)
    for file in place.glob("*.data"):
        os.truncate(file, 10)
    with pytest.raises(StartRefused, match="none of them can"):
        restoring.prepare(settings)
    with monkeypatch.context() as patched:
        patched.setattr(BackupFiles, "names", fail)
        with pytest.raises(StartRefused, match="cannot be read"):
            restoring.prepare(settings)
    shutil.rmtree(place)
    with pytest.raises(StartRefused, match="no folder"):
        restoring.prepare(settings)
    assert not database.exists()


def fail(_):
    raise StoreFailed("A stored file cannot be listed (Connection refused).")


# Two servers, one place


@pytest.fixture
def neighbor(template, files, tmp_path):
    """Another server on a copy of the same database, which names the same place."""
    (tmp_path / "neighbor").mkdir()
    path = tmp_path / "neighbor" / "chatelaine.db"
    worlds.copy(template[0], path)
    runtime = worlds.open_world(path)
    yield SnapshotKeeper(runtime, files, alone=True)
    runtime.close()


def test_two_servers_that_write_to_one_place_are_told_of_each_other(keeper, neighbor, runtime, clock, caplog):
    keeper.turn()
    clock.shift(EVERY)
    first = keeper._files.names()[0]
    made = neighbor.turn().name
    assert any("BACKUP_TO HOLDS" in each and first in each for each in caplog.messages), "who comes later"
    caplog.clear()

    do_something(runtime)
    clock.shift(EVERY)
    keeper.turn()
    do_something(runtime)
    clock.shift(EVERY)
    keeper.turn()

    (warning,) = (each for each in caplog.messages if "BACKUP_TO HOLDS" in each)
    assert made in warning, "told once"
    with runtime.work(writing=False) as uow:
        assert backup_overview.condition(uow).foreign == made
    clock.shift(snapshots.LATE)
    with runtime.work(writing=False) as uow:
        assert backup_overview.condition(uow).foreign is None


def test_a_server_that_is_alone_there_is_told_nothing(keeper, runtime, clock, caplog):
    for _ in range(3):
        keeper.turn()
        do_something(runtime)
        clock.shift(EVERY)
    keeper.stop()
    again = SnapshotKeeper(runtime, keeper._files, alone=True)
    again.turn()
    assert "BACKUP_TO HOLDS" not in caplog.text
    with runtime.work(writing=False) as uow:
        assert backup_overview.condition(uow).foreign is None


def test_the_page_says_who_else_writes_there(app, browser, database, clock):
    name = f"snapshot-{NOON:%Y%m%dT%H%M%S}000000Z-0a1b2c3d-4e5f"
    database.with_name(f"{database.name}.snapshots").write_text(name)
    page = browser("alice")
    page.open("/instance/backups")
    assert "Another server seems to write to BACKUP_TO" in page.page.words
    assert name in page.page.words
