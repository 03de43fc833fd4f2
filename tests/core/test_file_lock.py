"""The turn to write, among threads and processes."""

import subprocess
import sys

import pytest

from errors import Unavailable
from services import database
from services.database import FileLock

pytestmark = pytest.mark.sqlite

HOLDER = """
import fcntl, os, sys
file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that has its turn and does not end it."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "lock")]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_process_that_never_ends_its_turn_is_not_waited_for_forever(tmp_path, holder, monkeypatch):
    monkeypatch.setattr(database, "LOCK_TIMEOUT", 0.05)
    lock = FileLock(tmp_path / "lock")
    with pytest.raises(Unavailable, match="another process"):
        lock.acquire()
    holder.kill()
    holder.wait()
    lock.acquire()
    lock.release()


def test_a_thread_that_never_ends_its_turn_is_not_waited_for_forever(tmp_path, monkeypatch):
    monkeypatch.setattr(database, "LOCK_TIMEOUT", 0.05)
    lock = FileLock(tmp_path / "lock")
    lock.acquire()
    with pytest.raises(Unavailable, match="too many changes"):
        lock.acquire()
    lock.release()
