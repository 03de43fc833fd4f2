"""Files on credentials through a backup: made, looked through, restored, and downloaded again."""

from __future__ import annotations

import shutil
from contextlib import closing
from uuid import uuid4

import pytest

from policy import Right
from services import attachment_changes, attachments, backup_checks, backup_restore, backups
from services.backup_manifest import Kind
from services.backup_opening import unpack
from services.stores import open_store
from tests import world as worlds
from tests.attached import PEM, attach, read_back
from tests.backups.conftest import MASTERS
from tests.s3_server import ACCESS_KEY, REGION, SECRET_KEY, Store

pytestmark = pytest.mark.sqlite

LONG = b"a line of text\n" * 20_000


@pytest.fixture
def mia(world):
    return world.actor("mia", {world.vaults["Production"]: Right.EDIT})


@pytest.fixture
def check(files, open_at, tmp_path):
    def check(manifest):
        folder = tmp_path / f"try-{uuid4()}"
        folder.mkdir()
        return backup_checks.verify(unpack(files, manifest.name, MASTERS, folder), files, open_at)

    return check


def test_what_was_lost_comes_back_with_its_files(make, check, files, runtime, database, open_at, world, mia):
    one = attach(runtime, mia, world.items["Stripe dashboard"], "long.txt", LONG)
    manifest = make()
    found = check(manifest)
    assert (manifest.files, found.faults) == (1, ())
    assert "and the newest file of 1" in found.note
    late = attach(runtime, mia, world.items["Stripe dashboard"], "late.txt", b"late")
    runtime.close()
    shutil.rmtree(worlds.files_of(database))

    backup_restore.restore(files, manifest.name, database, MASTERS, open_at, overwrite=True)

    with closing(worlds.open_world(database)) as restored:
        assert read_back(restored, mia, one) == LONG
        assert [str(late) in each.name for each in restored.files.list()] == [False]


def test_a_file_that_was_removed_since_comes_back(make, files, runtime, database, open_at, world, mia):
    one = attach(runtime, mia, world.items["Stripe dashboard"])
    manifest = make()
    with runtime.work(writing=True, actor=mia) as uow:
        attachment_changes.remove(uow, attachments.find(uow, one))
    for each in list(runtime.files.list()):
        runtime.files.delete(each.name)
    runtime.close()
    backup_restore.restore(files, manifest.name, database, MASTERS, open_at, overwrite=True)
    with closing(worlds.open_world(database)) as restored:
        assert read_back(restored, mia, one) == PEM


def test_files_that_are_lost_altered_or_swapped_are_found(make, check, runtime, place, world, mia):
    one = attach(runtime, mia, world.items["Stripe dashboard"], "a.txt", b"one of them")
    manifest = make()
    [copy] = [path for path in (place / "files").rglob("*") if path.is_file()]
    whole = copy.read_bytes()
    copy.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert check(manifest).faults == (
        f"the file {one} of credential {world.items['Stripe dashboard']} cannot be decrypted",
    )
    copy.write_bytes(whole)
    assert check(manifest).is_sound
    for each in list(runtime.files.list()):
        runtime.files.delete(each.name)
    assert "is not in it" in check(make()).faults[0]


def test_snapshots_without_files_are_sound(check, files, runtime, world, mia, monkeypatch):
    attach(runtime, mia, world.items["Stripe dashboard"])
    store = runtime.files

    class Elsewhere:
        def __getattr__(self, name):
            return getattr(store, name)

    monkeypatch.setattr(runtime, "files", Elsewhere())
    manifest = backups.create(runtime, files, kind=Kind.SNAPSHOT).manifest
    assert manifest.files == 0
    assert check(manifest).is_sound


def test_files_lie_at_an_s3_compatible_store_as_well(runtime, world, mia, tmp_path, database):
    server = Store(tmp_path / "s3")
    try:
        settings = worlds.settings_for(
            database,
            ATTACHMENTS_TO=f"{server.endpoint}/vault/files",
            S3_ACCESS_KEY=ACCESS_KEY,
            S3_SECRET_KEY=SECRET_KEY,
            S3_REGION=REGION,
        )
        runtime.files = open_store(settings.attachments_to, settings)
        one = attach(runtime, mia, world.items["Stripe dashboard"], "long.txt", LONG)
        assert read_back(runtime, mia, one) == LONG
        [body] = server.bodies().values()
        assert b"a line of text" not in body
        with runtime.work(writing=True, actor=mia) as uow:
            attachment_changes.remove(uow, attachments.find(uow, one))
        assert read_back(runtime, mia, one) == LONG
    finally:
        server.stop()
