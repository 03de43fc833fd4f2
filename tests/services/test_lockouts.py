"""Who sees which lock, and what lifting does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from crypto.tokens import new_token
from errors import NotFound
from policy import NOBODY
from services import lockouts, signin
from services.actor_queries import FIND_TOKEN
from services.events import Origin
from tests.world import NORTHWIND

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ADDRESS = "203.0.113.77"


@pytest.fixture
def fail(runtime):
    """Fail to sign in with the handle of a token, and another secret."""

    def fail(token, times=1, address=ADDRESS):
        handle = token.split("_")[2]
        for _ in range(times):
            with runtime.work(writing=True, actor=NOBODY, origin=Origin(address=address)) as uow:
                lockouts.count_attempt(uow, handle, _organization(uow, handle))

    return fail


def _organization(uow, handle):
    row = uow.connection.execute(FIND_TOKEN, {"lookup_id": handle}).one_or_none()
    return row.organization_id if row else None


def seen_by(runtime, actor):
    with runtime.work(writing=False, actor=actor) as uow:
        return [(line.kind, line.handle, line.locked) for line in lockouts.living(uow)]


def handle(world, name):
    return world.tokens[name].split("_")[2]


def test_an_admin_sees_the_locks_of_their_organization_alone(runtime, world, fail):
    fail(world.tokens["mia"], 5)
    fail(world.tokens["mallory"])
    fail(new_token("signin")[0])
    assert seen_by(runtime, world.actor("adam")) == [("token", handle(world, "mia"), True)]
    assert seen_by(runtime, world.actor("mallory")) == [("token", handle(world, "mallory"), False)]


def test_the_operator_also_sees_the_locks_of_no_organization(runtime, world, fail):
    unknown = new_token("signin")[0]
    fail(world.tokens["mia"])
    fail(unknown)
    fail(world.tokens["mallory"])
    operator = replace(world.actor("alice"), operator=True)
    assert sorted(seen_by(runtime, operator), key=str) == sorted(
        [
            ("address", None, False),
            ("token", handle(world, "mia"), False),
            ("token", unknown.split("_")[2], False),
        ],
        key=str,
    )


def test_a_lock_names_handle_network_and_end(runtime, world, fail):
    with time_machine.travel(NOON, tick=False):
        fail(world.tokens["mia"], 5, address="2001:db8::1:2:3:4")
        with runtime.work(writing=False, actor=world.actor("adam")) as uow:
            (line,) = lockouts.living(uow)
    assert line.address == "2001:db8::/64"
    assert (line.attempts, line.locked) == (5, True)
    assert line.until == NOON + timedelta(hours=1)


def test_ended_locks_are_not_shown_and_then_removed(runtime, world, fail):
    with time_machine.travel(NOON, tick=False) as clock:
        fail(world.tokens["mia"], 5)
        clock.shift(timedelta(hours=1))
        assert seen_by(runtime, world.actor("adam")) == []
        with runtime.work(writing=True) as uow:
            assert lockouts.remove_ended(uow) == 2


def test_a_good_sign_in_leaves_nothing_to_see(runtime, world):
    with runtime.work(writing=True, actor=NOBODY, origin=Origin(address=ADDRESS)) as uow:
        assert signin.sign_in(uow, world.tokens["mia"])
    assert seen_by(runtime, replace(world.actor("alice"), operator=True)) == []


def test_a_lifted_lock_lets_in_again_and_is_an_event(runtime, world, fail, trail):
    fail(world.tokens["mia"], 5)
    with runtime.work(writing=True, actor=world.actor("adam")) as uow:
        (line,) = lockouts.living(uow)
        lockouts.lift(uow, lockouts.find(uow, line.id))
    with runtime.work(writing=True, actor=NOBODY, origin=Origin(address=ADDRESS)) as uow:
        assert signin.sign_in(uow, world.tokens["mia"])
    event = trail.one("lockout.lifted")
    assert event["target"] == f"{handle(world, 'mia')} from {ADDRESS}"
    assert event["extra"] == {"kind": "token", "attempts": 5, "locked": True}
    assert event["organization"] == str(world.organizations[NORTHWIND])


def test_nobody_finds_a_lock_that_is_not_theirs_to_lift(runtime, world, fail):
    fail(world.tokens["mallory"])
    with runtime.work(writing=False) as uow:
        ids = {line.kind: line.id for line in lockouts.living(uow)}
    for lockout_id in ids.values():
        with runtime.work(writing=True, actor=world.actor("adam")) as uow, pytest.raises(NotFound):
            lockouts.find(uow, lockout_id)
    operator = replace(world.actor("alice"), operator=True)
    with runtime.work(writing=True, actor=operator) as uow:
        assert lockouts.find(uow, ids["address"])
        with pytest.raises(NotFound):
            lockouts.find(uow, ids["token"])


def test_an_altered_lock_is_shown_recorded_and_lifted(runtime, world, fail, sql, trail):
    fail(world.tokens["mia"], 5)
    sql("UPDATE lockout SET subject = zeroblob(80)")
    with runtime.work(writing=True, actor=world.actor("adam")) as uow:
        (line,) = lockouts.living(uow)
        assert (line.handle, line.address) == (None, "cannot be decrypted")
        lockouts.lift(uow, lockouts.find(uow, line.id))
    assert trail.events("decryption.failed")[0]["target_type"] == "lockout"
    assert seen_by(runtime, world.actor("adam")) == []
