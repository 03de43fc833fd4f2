"""A place for backups, and the commands as the operator runs them."""

from __future__ import annotations

import shutil

import pytest

from commands.backup_place import opener
from crypto.master_keys import MasterKeys
from services import backups
from tests import commander
from tests import world as worlds
from tests.backups.place import BACKUP_KEY, files_in
from tests.world import MASTER_KEY

MASTERS = MasterKeys.parse(MASTER_KEY)


@pytest.fixture
def place(tmp_path):
    """Where backups go."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return folder


@pytest.fixture
def files(place):
    return files_in(place)


@pytest.fixture(scope="session")
def sample(template, tmp_path_factory):
    """Two backups of the world in a folder, made once: the folder, and their names."""
    folder = tmp_path_factory.mktemp("sample")
    database, place = folder / "chatelaine.db", folder / "place"
    worlds.copy(template[0], database)
    runtime = worlds.open_world(database)
    names = [backups.create(runtime, files_in(place)).manifest.name for _ in range(2)]
    runtime.close()
    return place, names


@pytest.fixture
def names(sample, place):
    """Copies of these two for a test of its own: their names, in ``files``."""
    shutil.copytree(sample[0], place, dirs_exist_ok=True)
    return sample[1]


@pytest.fixture
def runtime(database):
    """The long-lived parts of a process, without any application around them."""
    runtime = worlds.open_world(database)
    yield runtime
    if database.exists():
        runtime.close()


@pytest.fixture
def make(runtime, files):
    """Make a backup of the world as it is now; return its manifest."""

    def make(**arguments):
        return backups.create(runtime, files, **arguments).manifest

    return make


@pytest.fixture
def open_at(database):
    """What opens a database that a backup was unpacked to."""
    return opener(worlds.settings_for(database))


@pytest.fixture
def run(database, monkeypatch):
    """Run a command on the world; return what it wrote, to standard output and to standard error."""
    return commander.at(database, monkeypatch, BACKUP_KEY=BACKUP_KEY)
