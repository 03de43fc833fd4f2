"""Replacing the master key: every key is wrapped anew exactly once, and opens with the new one alone."""

from __future__ import annotations

import pytest

from crypto.keyring import MasterKeys
from errors import KeysMissing
from policy import Right
from services import audit_verify, instance, items, key_rotation, keys
from services.database import reading
from tests import world as worlds
from tests.trail import Trail
from tests.world import MASTER_KEY, NEW_MASTER_KEY, PASSWORD

OLD_ID, NEW_ID = MasterKeys.parse(MASTER_KEY).primary_id, MasterKeys.parse(NEW_MASTER_KEY).primary_id
EVERY_KEY = {
    "audit": 3,
    "audit-mac": 1,
    "audit-sign": 1,
    "data": 3,
    "index-mac": 1,
    "session-mac": 1,
    "throttle-mac": 1,
    "token-mac": 1,
}
"""Of the world: two organizations and the installation itself."""


@pytest.fixture
def open_with(database):
    """Open the database with these master keys; closed in the end."""
    opened = []

    def open_with(*ring):
        opened.append(worlds.open_world(database, ":".join(ring)))
        return opened[-1]

    yield open_with
    for runtime in opened:
        runtime.close()


def reveal(runtime, world, name="prod/db primary"):
    actor = world.actor("mia", {world.vaults["Production"]: Right.REVEAL})
    with runtime.work(writing=False, actor=actor) as uow:
        item = items.find(uow, world.items[name])
        items.reveal(uow, item, "Password")
        return next(
            each.value for each in items.values(uow, item, item.version)[1] if each.name == "Password"
        )


def test_every_key_is_wrapped_anew_and_the_old_one_may_go(open_with, world):
    both = open_with(NEW_MASTER_KEY, MASTER_KEY)
    trail = Trail(both)
    done = key_rotation.rotate(both)
    assert done.rewrapped == EVERY_KEY
    assert done.broken == ()
    events = trail.events("key.rewrapped")
    assert len(events) == sum(EVERY_KEY.values())
    assert {(event["extra"]["was"], event["extra"]["to"]) for event in events} == {(OLD_ID, NEW_ID)}
    alone = open_with(NEW_MASTER_KEY)
    with reading(alone.engine) as connection:
        assert keys.check_keys(connection, alone.masters) == ()
    assert reveal(alone, world) == PASSWORD
    assert audit_verify.verify(alone).faults == ()


def test_a_second_run_finds_nothing_left(open_with):
    both = open_with(NEW_MASTER_KEY, MASTER_KEY)
    key_rotation.rotate(both)
    trail = Trail(both)
    assert key_rotation.rotate(both).rewrapped == {}
    assert trail.events() == []


def test_killed_in_the_middle_it_goes_on_with_what_is_left(open_with, world):
    both = open_with(NEW_MASTER_KEY, MASTER_KEY)

    def die(done, _all):
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        key_rotation.rotate(both, progress=die)
    assert reveal(both, world) == PASSWORD
    rest = key_rotation.rotate(both).rewrapped
    assert sum(rest.values()) == sum(EVERY_KEY.values()) - 5


def test_what_is_made_with_the_new_key_in_front_is_under_the_new_key(open_with):
    both = open_with(NEW_MASTER_KEY, MASTER_KEY)
    with both.work(writing=True) as uow:
        made = instance.make_organization(uow, "Harborside").id
    with reading(both.engine) as connection:
        under = {row.master_key_id for row in keys.stored_keys(connection) if row.organization == made}
    assert under == {NEW_ID}


def test_without_the_old_key_too_early_nothing_starts_and_the_rows_are_counted(open_with):
    alone = open_with(NEW_MASTER_KEY)
    with reading(alone.engine) as connection, pytest.raises(KeysMissing) as refused:
        keys.check_keys(connection, alone.masters)
    assert f"{OLD_ID} ({sum(EVERY_KEY.values())} rows)" in str(refused.value)


def test_a_process_that_does_not_know_the_new_key_yet_works_on(open_with, world):
    """Somebody edits the file of keys and rotates before the server has started again."""
    server = open_with(MASTER_KEY)
    assert reveal(server, world) == PASSWORD
    key_rotation.rotate(open_with(NEW_MASTER_KEY, MASTER_KEY))
    assert reveal(server, world) == PASSWORD


def test_an_altered_row_is_named_and_left(open_with, world, sql):
    lakeside = world.organizations["lakeside"]
    sql(
        "UPDATE data_key SET wrapped = ? WHERE purpose = 'data' AND organization_id = ?",
        bytes(152),
        lakeside.hex,
    )
    done = key_rotation.rotate(open_with(NEW_MASTER_KEY, MASTER_KEY))
    assert done.broken == (f"data 1 of {lakeside}",)
    assert done.rewrapped == EVERY_KEY | {"data": 2}
