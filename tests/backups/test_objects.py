"""Attached files in backups: copied once, of the encryption that the database knows, and put back."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import time_machine

from errors import BackupDamaged
from services import backup_checks, backup_restore, backups
from services.backup_manifest import Kind
from services.backup_opening import unpack
from services.object_store import FolderStore
from tests import world as worlds
from tests.backups.conftest import MASTERS

pytestmark = pytest.mark.sqlite

NOON = datetime(2027, 1, 15, 12, tzinfo=UTC)


class Attached:
    """Files of the installation, as those who attach them put them."""

    def __init__(self, runtime):
        with runtime.engine.connect() as connection:
            self.instance = runtime.keys_for(connection).instance
        self.store = runtime.files

    def put(self, name=None, length=1000):
        name = name or f"{self.instance}/{uuid4()}/{uuid4()}"
        content = os.urandom(length)
        self.store.put(name, [content])
        return name, content

    def content(self, name):
        with self.store.get(name) as file:
            return file.read()


@pytest.fixture
def attached(runtime):
    return Attached(runtime)


def copies(place):
    return {path.name for path in (place / "files").rglob("*") if path.is_file()}


def check(files, manifest, open_at, tmp_path):
    folder = tmp_path / f"try-{uuid4()}"
    folder.mkdir()
    return backup_checks.verify(unpack(files, manifest.name, MASTERS, folder), files, open_at)


def test_each_is_copied_once_and_put_back(make, files, attached, place, runtime, database, open_at):
    one, content = attached.put()
    manifest = make()
    other, _ = attached.put()
    assert make().files == 2
    assert (manifest.files, len(copies(place))) == (1, 2)
    runtime.close()
    shutil.rmtree(worlds.files_of(database))

    backup_restore.restore(files, manifest.name, database, MASTERS, open_at, overwrite=True)

    assert attached.content(one) == content
    assert [each.name for each in attached.store.list()] == [one], f"without {other}, which came later"


def test_one_that_was_encrypted_anew_is_another(make, files, attached, place, runtime, database, open_at):
    name, content = attached.put()
    before = make()
    attached.put(name)
    after = make()
    assert len(copies(place)) == 2
    assert files.objects(before) != files.objects(after)
    runtime.close()

    backup_restore.restore(files, before.name, database, MASTERS, open_at, overwrite=True)

    assert attached.content(name) == content


def test_one_that_comes_while_the_database_is_copied_is_in(runtime, files, attached, monkeypatch):
    copy = backups._copy

    def copy_slowly(*arguments):
        copied = copy(*arguments)
        attached.put()
        return copied

    monkeypatch.setattr(backups, "_copy", copy_slowly)
    assert backups.create(runtime, files).manifest.files == 1


def test_a_copy_that_is_gone_is_found(make, files, attached, place, open_at, tmp_path, runtime, database):
    attached.put()
    manifest = make()
    assert check(files, manifest, open_at, tmp_path).is_sound
    (copy,) = (path for path in (place / "files").rglob("*") if path.is_file())
    os.truncate(copy, 10)
    assert "is gone" in check(files, manifest, open_at, tmp_path).faults[0]
    copy.unlink()
    assert "is gone" in check(files, manifest, open_at, tmp_path).faults[0]
    runtime.close()
    shutil.rmtree(worlds.files_of(database))
    with pytest.raises(BackupDamaged, match="is missing"):
        backup_restore.restore(files, manifest.name, database, MASTERS, open_at, overwrite=True)


def test_a_list_that_was_changed_is_refused(make, files, attached, place, tmp_path):
    attached.put()
    manifest = make()
    file = place / f"{manifest.name}.files"
    file.write_bytes(file.read_bytes().replace(b"1000", b"1001"))
    with pytest.raises(BackupDamaged, match="list of attached files was changed"):
        unpack(files, manifest.name, MASTERS, tmp_path)


def test_copies_go_with_the_last_backup_that_lists_them(make, files, attached, place):
    name, _ = attached.put()
    with time_machine.travel(NOON, tick=False) as clock:
        make(keep=2)
        attached.put(name)
        for left in (2, 1):
            clock.shift(timedelta(hours=3))
            for path in (place / "files").rglob("*"):
                os.utime(path, (NOON.timestamp(), NOON.timestamp()))
            make(keep=2)
            assert len(copies(place)) == left


def test_snapshots_leave_out_what_lies_away_from_the_disk(runtime, files, attached, monkeypatch):
    attached.put()

    class Elsewhere:
        def __getattr__(self, name):
            return getattr(attached.store, name)

    assert backups.create(runtime, files, kind=Kind.SNAPSHOT).manifest.files == 1
    monkeypatch.setattr(runtime, "files", Elsewhere())
    assert backups.create(runtime, files, kind=Kind.SNAPSHOT).manifest.files == 0
    assert backups.create(runtime, files).manifest.files == 1


def test_files_of_others_in_the_same_store_are_none_of_ours(make, attached, runtime):
    FolderStore(attached.store.folder).put(f"{uuid4()}/{uuid4()}/{uuid4()}", [b"x" * 100])
    assert make().files == 0
