"""Making backups: of one moment while people work, sealed, telling nothing, whole or not at all."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from errors import StoreFailed
from models import Action
from services import audit, backup_keys, backup_sqlite, backups
from services.backup_manifest import Kind
from services.backup_opening import unpack
from services.events import Target
from services.workplace import workplace
from tests.backups.conftest import MASTERS
from tests.world import MASTER_KEY, PASSWORD

pytestmark = pytest.mark.sqlite

NOON = datetime(2027, 1, 15, 12, tzinfo=UTC)


def do_something(runtime, words="something"):
    """Let something be recorded."""
    with runtime.work(writing=True) as uow:
        audit.record(uow, Action.SETTING_CHANGED, Target("setting", None, words))


def unpacked(files, manifest, tmp_path):
    folder = tmp_path / f"unpacked-{manifest.name}"
    folder.mkdir()
    return unpack(files, manifest.name, MASTERS, folder)


# What it holds


def test_it_says_what_it_is_of_and_which_key_it_needs(make, world, runtime, place):
    manifest = make()

    written = json.loads((place / f"{manifest.name}.manifest").read_bytes())
    assert written["master_keys"] == [MASTERS.primary_id]
    assert written["counts"]["item"] == 4
    assert written["counts"]["organization"] == 2
    assert "data_key" not in written["counts"]
    assert {head["chain"] for head in written["heads"]} >= {
        str(each) for each in world.organizations.values()
    }
    assert (written["database"], written["sealed_by"], written["closing"]) == ("sqlite", "key", False)
    assert written["size"] == (place / f"{manifest.name}.data").stat().st_size


def test_it_tells_nothing_to_who_has_no_key(make, place, database, world):
    """Not even what is plain in the database."""
    manifest = make()
    content = b"".join(file.read_bytes() for file in place.iterdir())
    for word in ("northwind", "Lakeside", "alice@", "Production", "SQLite format", PASSWORD, MASTER_KEY):
        assert word.encode() not in content
        assert word.lower().encode() not in content.lower()
    assert all(file.stat().st_mode & 0o077 == 0 for file in place.iterdir())
    assert manifest.name in {file.stem for file in place.iterdir()}


def test_the_wrapped_keys_lie_in_their_own_file_alone(make, files, runtime, tmp_path):
    """Whoever destroys that file has destroyed the backup."""
    manifest = make()
    with runtime.engine.connect() as connection:
        wrapped = [row["wrapped"] for row in backup_keys.read_rows(connection)]
    plain = tmp_path / "plain"

    files.fetch_data(manifest, plain, lambda *_: None)

    assert len(wrapped) > 10
    content = plain.read_bytes()
    assert content.startswith(b"SQLite format 3\0")
    assert not any(each in content for each in wrapped)
    with closing(sqlite3.connect(plain)) as connection:
        assert connection.execute("SELECT count(*) FROM data_key").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM item").fetchone() == (4,)


def test_it_is_of_one_moment_while_others_write(make, files, runtime, tmp_path, open_at, monkeypatch):
    """The copy is made in steps; what is written between two of them is in none."""
    monkeypatch.setattr(backup_sqlite, "PAGES", 3)
    before = events_of(runtime)
    steps = []

    def meanwhile(done, everything):
        steps.append((done, everything))
        if len(steps) < 12:
            do_something(runtime)

    manifest = make(progress=meanwhile)

    assert events_of(runtime) == before + 12, "eleven, and the backup itself"
    assert manifest.events == before
    assert unpacked(files, manifest, tmp_path).manifest == manifest
    assert steps == sorted(steps, key=lambda step: step[0] / step[1])
    assert steps[-1][0] == steps[-1][1]


def events_of(runtime):
    with runtime.engine.connect() as connection:
        return connection.exec_driver_sql("SELECT sum(size) FROM audit_chain").scalar_one()


def test_it_is_an_event_and_known(make, runtime, trail):
    manifest = make()

    event = trail.one("backup.created")
    assert event["target"] == event["extra"]["name"] == manifest.name
    assert event["extra"]["keys"] == [MASTERS.primary_id]
    with runtime.work(writing=False) as uow:
        (row,) = backups.known(uow)
        assert (row.name, row.master_keys, row.kind) == (manifest.name, MASTERS.primary_id, "backup")


def test_which_master_keys_the_backups_need_can_be_asked_without_any_secret(make, files, place):
    manifest = make()
    (place / "backup-20270115T120000000000Z-00000000-0000.manifest").write_text("{}")
    assert backups.manifests(files) == [manifest]


# How many are kept


def make_at(make, moment, **arguments):
    with time_machine.travel(moment, tick=False):
        return make(**arguments).name


def test_only_the_newest_stay(make, runtime, place):
    snapshot = make_at(make, NOON, kind=Kind.SNAPSHOT)
    foreign = "backup-20200101T000000000000Z-00000000-0000.manifest"
    (place / foreign).write_bytes((place / f"{snapshot}.manifest").read_bytes())
    names = [make_at(make, NOON + timedelta(days=day), keep=2) for day in range(4)]

    assert {file.stem for file in place.iterdir()} == {
        *names[2:],
        snapshot,
        foreign.removesuffix(".manifest"),
    }
    with runtime.work(writing=False) as uow:
        assert [row.name for row in backups.known(uow)] == [names[3], names[2], snapshot]


def test_what_a_killed_process_left_goes_after_an_hour(make, place):
    first = make_at(make, NOON)
    instance = first.split("-")[2]
    old = place / f"backup-20270115T105900000000Z-{instance}-aaaa.data"
    fresh = place / f"backup-20270115T115900000000Z-{instance}-bbbb.data"
    other = place / "holiday.data"
    for file in (old, fresh, other):
        file.write_bytes(b"x")

    make_at(make, NOON + timedelta(minutes=1))

    assert [file.exists() for file in (old, fresh, other)] == [False, True, True]


# What goes wrong


class Full:
    """A place that takes so many files and no more."""

    def __init__(self, store, room):
        self.store, self.room = store, room

    def __getattr__(self, name):
        return getattr(self.store, name)

    def put(self, name, pieces):
        self.room -= 1
        if self.room < 0:
            raise StoreFailed("A stored file cannot be written (No space left on device).")
        self.store.put(name, pieces)


@pytest.mark.parametrize("room", [0, 1, 2])
def test_where_it_cannot_be_finished_there_is_none(runtime, files, room, trail, database):
    full = replace(files, store=Full(files.store, room))
    with pytest.raises(StoreFailed):
        backups.create(runtime, full)
    assert files.names() == []
    assert trail.events("backup.created") == []
    assert [file.name for file in database.parent.iterdir() if file.name.startswith(".")] == []


def test_the_workplace_of_a_killed_process_goes_and_that_of_a_living_one_stays(tmp_path):
    beside = tmp_path / "chatelaine.db"
    long_ago = 0
    with workplace(beside) as living:
        (living / "database").write_bytes(b"x")
        os.utime(living, (long_ago, long_ago))
        dead = tmp_path / ".chatelaine-work-dead"
        dead.mkdir()
        (dead / "lock").touch()
        (dead / "database").write_bytes(b"x")
        os.utime(dead, (long_ago, long_ago))
        with workplace(beside):
            assert (dead.exists(), living.exists()) == (False, True)
    assert list(tmp_path.glob(".chatelaine-work-*")) == []
