"""Snapshots at an S3-compatible address: saved, restored by a start; a start without it is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from commands import restoring
from errors import StartRefused
from services.snapshots import SnapshotKeeper
from tests import world as worlds
from tests.backups.place import BACKUP_KEY
from tests.backups.test_create import do_something, events_of
from tests.backups.test_restore import read
from tests.backups.test_snapshots import lose
from tests.s3_server import ACCESS_KEY, REGION, SECRET_KEY, Store

pytestmark = pytest.mark.sqlite


@pytest.fixture
def bucket(tmp_path):
    server = Store(tmp_path / "s3")
    yield server
    server.stop()


@pytest.fixture
def settings(database, bucket):
    return worlds.settings_for(
        database,
        BACKUP_TO=f"{bucket.endpoint}/vault/chatelaine",
        BACKUP_KEY=BACKUP_KEY,
        S3_ACCESS_KEY=ACCESS_KEY,
        S3_SECRET_KEY=SECRET_KEY,
        S3_REGION=REGION,
    )


def test_what_was_saved_there_comes_back(bucket, settings, runtime, database, capsys):
    keeper = SnapshotKeeper(runtime, restoring.snapshot_files(settings), alone=False)
    do_something(runtime)
    made = keeper.turn()
    runtime.close()
    lose(database)
    assert {name.rpartition("/")[0] for name in bucket.bodies()} == {"vault/chatelaine"}

    restoring.prepare(settings)

    assert f"Restored from {made.name}" in capsys.readouterr().err
    assert read(database, events_of) == made.events + 3


def test_where_it_is_away_the_start_is_refused(settings, runtime, database):
    runtime.close()
    lose(database)
    nowhere = replace(settings.backup_to, endpoint="http://127.0.0.1:9")
    settings = replace(settings, backup_to=nowhere)
    with pytest.raises(StartRefused, match="BACKUP_TO cannot be read"):
        restoring.prepare(settings)
    assert not database.exists()
