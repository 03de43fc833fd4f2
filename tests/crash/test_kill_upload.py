"""Killed in the middle of uploads: no row without its whole content, and what is left over is tidied."""

from __future__ import annotations

import multiprocessing
import random
import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from models import Attachment
from services import attachment_rows, attachments, audit_verify, clock
from tests import world as worlds
from tests.crash import uploader, victim
from tests.crash.test_kill import kill_one_of

pytestmark = pytest.mark.sqlite

ROUNDS = 8
SEED = 20_261_126
MOST = 12


@pytest.fixture(scope="module")
def nursery():
    """Start uploaders from a process that has imported everything already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.crash.uploader"])
    return context


def test_uploads_that_are_killed_leave_whole_files_or_none(database, world, nursery):
    chance = random.Random(SEED)
    vault = world.vaults["Production"]
    actor = victim.manager(world.actor("mia"), vault)
    stored: dict[str, str] = {}
    for number in range(ROUNDS):
        orders = victim.Orders(database, actor, vault, world.items["Stripe dashboard"], number)
        for line in kill_one_of(nursery, uploader.work, orders, chance.randint(1, MOST)):
            _, file_id, name = line.split()
            stored[file_id] = name
    look_closely(database, actor, stored)


def look_closely(database, actor, stored):
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    runtime = worlds.open_world(database)
    try:
        assert audit_verify.verify(runtime).faults == ()
        with runtime.engine.connect() as connection:
            rows = {str(file_id) for file_id in connection.execute(select(Attachment.id)).scalars()}
        assert stored.keys() <= rows, "a file was acknowledged, and is gone"
        for file_id in rows:
            with runtime.work(writing=False, actor=actor) as uow:
                file = attachments.find(uow, worlds.UUID(file_id))
                content = attachments.clear_content(uow, file)
            assert b"".join(content) == uploader.content_of(file.file_name)
            content.close()
        parts = [path for path in runtime.files.folder.rglob("*") if path.is_file()]
        with time_machine.travel(clock.now() + timedelta(hours=2), tick=False):
            left_over = attachment_rows.remove_strays(runtime)
        assert len(parts) - left_over == len(rows)
        assert {each.name.rpartition("/")[2] for each in runtime.files.list()} == rows
        assert left_over, "no upload was killed in the middle"
    finally:
        runtime.committer.close()
        runtime.engine.dispose()
