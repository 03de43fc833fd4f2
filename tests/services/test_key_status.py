"""What is told of the keys: which there are, what needs them, and what somebody should do about them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from crypto.keyring import MasterKeys
from services import clock, key_rotation, key_status, people
from services.database import reading
from services.key_lines import MasterState
from services.key_status import OLD
from tests import world as worlds
from tests.world import MASTER_KEY, NEW_MASTER_KEY

OLD_ID, NEW_ID = MasterKeys.parse(MASTER_KEY).primary_id, MasterKeys.parse(NEW_MASTER_KEY).primary_id


@pytest.fixture
def look(runtime):
    """Look at the keys as of so long from now, with these master keys."""

    def look(ring=MASTER_KEY, after=timedelta(0)):
        with reading(runtime.engine) as connection:
            return key_status.status(connection, MasterKeys.parse(ring), clock.now() + after)

    return look


def kinds(status):
    return [(task.kind, task.slug) for task in status.tasks]


def test_a_new_installation_has_nothing_to_do(look):
    status = look()
    assert [(line.id, line.state, line.rows) for line in status.master_keys] == [
        (OLD_ID, MasterState.FIRST, 12)
    ]
    assert status.tasks == []


def test_every_data_key_is_listed_with_the_rows_that_need_it(look):
    lines = {(line.slug, line.purpose): line for line in look().data_keys}
    assert lines["northwind", "data"].rows == 3
    assert lines["lakeside", "data"].rows == 1
    assert lines[None, "data"].rows == 0
    assert lines["northwind", "audit"].rows is None
    assert lines[None, "token-mac"].name == "System"
    assert len(lines) == 12


def test_a_key_in_front_is_unused_until_everything_is_wrapped_under_it(look, database):
    ring = f"{NEW_MASTER_KEY}:{MASTER_KEY}"
    status = look(ring)
    assert [(line.id, line.state) for line in status.master_keys] == [
        (NEW_ID, MasterState.FIRST),
        (OLD_ID, MasterState.NEEDED),
    ]
    assert status.master_keys[0].first_at is None
    assert kinds(status) == [("rewrap", None)]
    both = worlds.open_world(database, ring)
    key_rotation.rotate(both)
    both.close()
    status = look(ring)
    assert [(line.state, line.rows) for line in status.master_keys] == [
        (MasterState.FIRST, 12),
        (MasterState.UNNEEDED, 0),
    ]
    assert status.tasks == []


def test_a_missing_key_is_the_first_thing_to_do(look):
    status = look(NEW_MASTER_KEY)
    assert [line.state for line in status.master_keys] == [MasterState.FIRST, MasterState.MISSING]
    assert kinds(status) == [("missing", None)]


@pytest.mark.parametrize(("after", "warned"), [(OLD - timedelta(days=1), False), (OLD, True)])
def test_a_year_is_as_old_as_a_key_should_get(look, after, warned):
    expected = [("old master", None), ("old data", "lakeside"), ("old data", "northwind"), ("old data", None)]
    assert kinds(look(after=after)) == (expected if warned else [])


def test_when_the_last_who_could_read_the_master_key_leaves_it_is_to_be_replaced(
    look, runtime, work, world, sql
):
    sql("UPDATE user_account SET operator = ? WHERE id = ?", True, world.people["adam"].hex)
    with work("alice", writing=True) as uow:
        people.disable(uow, people.find(uow, world.members["adam"]))
    (task,) = look().tasks
    assert task.kind == "leaver"
    assert task.words.startswith("Adam could read the master key")


def test_the_task_ends_with_a_new_master_key(look, work, world, sql, database):
    sql("UPDATE user_account SET operator = ? WHERE id = ?", True, world.people["adam"].hex)
    with work("alice", writing=True) as uow:
        people.disable(uow, people.find(uow, world.members["adam"]))
    ring = f"{NEW_MASTER_KEY}:{MASTER_KEY}"
    both = worlds.open_world(database, ring)
    key_rotation.rotate(both)
    both.close()
    assert look(ring).tasks == []


def test_somebody_without_the_master_key_leaves_without_a_task(look, work, world):
    with work("alice", writing=True) as uow:
        people.disable(uow, people.find(uow, world.members["adam"]))
    assert look().tasks == []
