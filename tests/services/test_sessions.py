"""Sessions: how many, until when, and who ends them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from errors import NotFound
from models import UserSession
from services import sessions, tokens
from services.devices import describe_device
from services.rules import SESSIONS_PER_PERSON

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)"
WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"


def start(work, world, name="mia"):
    with work(name, writing=True) as uow:
        return sessions.start(uow, world.people[name], world.token_ids[name])


def mine(work, name="mia"):
    with work(name) as uow:
        return [row.id for row in sessions.mine(uow)]


def test_a_session_beyond_the_tenth_ends_the_one_used_longest_ago(work, world, trail):
    started = []
    with time_machine.travel(NOON, tick=False) as clock:
        for _ in range(SESSIONS_PER_PERSON + 2):
            started.append(start(work, world).id)
            clock.shift(timedelta(seconds=1))
        assert mine(work) == started[:1:-1]
    reasons = [event["extra"] for event in trail.events("session.ended")]
    assert reasons == [{"reason": "too many sessions"}] * 2


def test_sessions_that_time_has_ended_are_not_listed_and_then_removed(work, world, runtime):
    with time_machine.travel(NOON, tick=False) as clock:
        start(work, world)
        clock.shift(runtime.rules.session_idle)
        kept = start(work, world).id
        assert mine(work) == [kept]
        with runtime.work(writing=True) as uow:
            assert sessions.remove_ended(uow) == 1
            assert [row.id for row in uow.session.query(UserSession)] == [kept]


def test_the_last_use_stays_with_the_token_when_the_session_goes(work, world, runtime, sql):
    with time_machine.travel(NOON, tick=False) as clock:
        start(work, world)
        seen = NOON + timedelta(minutes=20)
        sql("UPDATE user_session SET seen_at = ?, address = '203.0.113.9'", int(seen.timestamp() * 1_000_000))
        clock.shift(timedelta(hours=1))
        with runtime.work(writing=True) as uow:
            assert sessions.remove_ended(uow) == 1
        with work("mia") as uow:
            token = tokens.find(uow, world.token_ids["mia"])
            assert (token.last_used_at, token.last_used_address) == (seen, "203.0.113.9")


def test_nobody_ends_anothers_session_by_its_id(work, world):
    started = start(work, world)
    with work("rhea", writing=True) as uow, pytest.raises(NotFound):
        sessions.end(uow, started.id)
    assert mine(work) == [started.id]


def test_all_others_end_and_the_present_one_stays(work, world, runtime, trail):
    present, others = start(work, world), [start(work, world) for _ in range(2)]
    start(work, world, "rhea")
    with runtime.work(writing=True, actor=replace(world.actor("mia"), session_id=present.id)) as uow:
        assert sessions.end_others(uow) == 2
    assert mine(work) == [present.id]
    assert len(mine(work, "rhea")) == 1
    assert {event["target_id"] for event in trail.events("session.ended")} == {
        str(each.id) for each in others
    }


def test_the_stored_session_does_not_hold_what_the_cookie_holds(work, world, runtime):
    started = start(work, world)
    with runtime.work(writing=False) as uow:
        (row,) = uow.session.query(UserSession)
        assert started.cookie.encode() not in row.digest
        assert len(row.digest) == 32


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        (f"{WINDOWS} {CHROME}", "Chrome on Windows"),
        (f"{WINDOWS} {CHROME} Edg/140.0.0.0", "Edge on Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0", "Firefox on Linux"),
        (f"{MAC} {WEBKIT} Version/18.0 Safari/605.1.15", "Safari on macOS"),
        (f"{PHONE} {WEBKIT} CriOS/140.0 Mobile/15E148 Safari/604.1", "Chrome on iPhone"),
        (f"Mozilla/5.0 (Linux; Android 15; Pixel 9) {CHROME} Mobile", "Chrome on Android"),
        ("curl/8.5.0", "curl"),
        ("", "Unknown device"),
        ("<script>alert(1)</script>", "Unknown device"),
    ],
)
def test_a_device_has_a_name_that_people_know(agent, device):
    assert describe_device(agent) == device
