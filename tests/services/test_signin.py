"""Signing in: one answer and equal work for all that fails, and locks that guessing cannot get around."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
import time_machine
from sqlalchemy import event

from crypto.tokens import new_token
from models import Lockout
from policy import NOBODY, Scope
from services import api_tokens, lockouts, signin, tokens
from services.database import see_organization
from services.events import Origin
from tests import world as worlds
from tests.guesses import wrong_secret

HERE, ELSEWHERE = "192.0.2.1", "198.51.100.7"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@contextmanager
def nobody(runtime, address=HERE):
    """Work as a request does before anybody is known."""
    with runtime.work(writing=True, actor=NOBODY, origin=Origin(address=address)) as uow:
        see_organization(uow.session, None)
        yield uow


@pytest.fixture
def attempt(runtime):
    """Try a token from an address; say whether it let somebody in."""

    def attempt(text, address=HERE):
        with nobody(runtime, address) as uow:
            return signin.sign_in(uow, text) is not None

    return attempt


def reasons(trail):
    return [
        event["extra"]["reason"]
        for event in trail.events()
        if event["action"] in {"signin.failed", "signin.locked"}
    ]


# One answer, equal work


@pytest.fixture
def failing(runtime, world, work, sql):
    """Every kind of token that does not open anything, by the reason."""
    with work("rhea", writing=True) as uow:
        api = api_tokens.issue(uow, "program", [Scope.ITEMS_LIST], timedelta(days=1))
    sql("UPDATE access_token SET expires_at = 1 WHERE id = ?", world.token_ids["ula"].hex)
    sql("UPDATE access_token SET revoked_at = 1 WHERE id = ?", world.token_ids["noah"].hex)
    sql("UPDATE membership SET disabled_at = 1 WHERE id = ?", world.members["audrey"].hex)
    with nobody(runtime) as uow:
        for _ in range(5):
            signin.sign_in(uow, wrong_secret(world.tokens["adam"]))
    return {
        "unknown": new_token("signin")[0],
        "malformed": "correct horse battery staple",
        "wrong secret": wrong_secret(world.tokens["mia"]),
        "a program's": api.text,
        "an invitation's": new_token("enrol")[0],
        "expired": world.tokens["ula"],
        "revoked": world.tokens["noah"],
        "disabled": world.tokens["audrey"],
        "locked": world.tokens["adam"],
    }


def test_every_failure_runs_the_same_statements(runtime, attempt, failing):
    statements = []
    event.listen(runtime.engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
    for text in failing.values():
        attempt(text)
    ran = {}
    for why, text in failing.items():
        statements.clear()
        assert not attempt(text)
        ran[why] = list(statements)
    assert len(ran["unknown"]) > 3
    for why, those in ran.items():
        assert those == ran["unknown"], why


def test_what_failed_stands_in_the_log_alone(attempt, failing, trail):
    for text in failing.values():
        attempt(text)
    found = reasons(trail)
    assert found[:5] == ["unknown"] * 5
    assert set(found[5:]) == {"expired", "revoked", "disabled", "locked"}


def test_a_failure_stands_in_the_log_of_the_tokens_organization(attempt, world, trail):
    attempt(wrong_secret(world.tokens["mallory"]))
    attempt(new_token("signin")[0])
    known, unknown = trail.events("signin.failed")
    assert known["organization"] == str(world.organizations["lakeside"])
    assert known["address"] == HERE
    assert unknown["organization"] is None


def test_a_failure_says_so_to_log_watchers(attempt, caplog):
    attempt("nonsense")
    assert f"FAILED LOGIN from {HERE}" in caplog.text
    assert "nonsense" not in caplog.text


# Locks by handle and address


def test_five_failures_lock_a_token_for_an_hour(attempt, world):
    with time_machine.travel(NOON, tick=False) as clock:
        for _ in range(4):
            assert not attempt(wrong_secret(world.tokens["mia"]))
        clock.shift(timedelta(minutes=30))
        assert not attempt(wrong_secret(world.tokens["mia"]))
        assert not attempt(world.tokens["mia"])
        clock.shift(timedelta(minutes=60, seconds=-1))
        assert not attempt(world.tokens["mia"])
        clock.shift(timedelta(seconds=1))
        assert attempt(world.tokens["mia"])


def test_four_failures_lock_nothing(attempt, world):
    for _ in range(4):
        attempt(wrong_secret(world.tokens["mia"]))
    assert attempt(world.tokens["mia"])
    for _ in range(4):
        attempt(wrong_secret(world.tokens["mia"]))
    assert attempt(world.tokens["mia"])


def test_a_stranger_locks_nobody_out_from_elsewhere(attempt, world):
    for _ in range(10):
        attempt(wrong_secret(world.tokens["mia"]), ELSEWHERE)
    assert not attempt(world.tokens["mia"], ELSEWHERE)
    assert attempt(world.tokens["mia"], HERE)


def test_a_lock_reaches_as_far_as_one_ipv6_network(attempt, world):
    for number in range(5):
        attempt(wrong_secret(world.tokens["mia"]), f"2001:db8:1:2::{number}")
    assert not attempt(world.tokens["mia"], "2001:db8:1:2:ffff::1")
    assert attempt(world.tokens["mia"], "2001:db8:1:3::1")


def test_a_lock_survives_a_restart(attempt, world, runtime, database):
    for _ in range(5):
        attempt(wrong_secret(world.tokens["mia"]))
    runtime.close()
    again = worlds.open_world(database)
    with nobody(again) as uow:
        assert signin.sign_in(uow, world.tokens["mia"]) is None
    again.close()


def test_the_number_of_failures_and_the_minutes_are_settings(attempt, world, runtime):
    runtime.rules = replace(runtime.rules, lockout_failures=2, lockout_lasts=timedelta(minutes=10))
    with time_machine.travel(NOON, tick=False) as clock:
        attempt(wrong_secret(world.tokens["mia"]))
        attempt(wrong_secret(world.tokens["mia"]))
        assert not attempt(world.tokens["mia"])
        clock.shift(timedelta(minutes=10))
        assert attempt(world.tokens["mia"])


def test_of_32_at_once_at_most_five_are_looked_at(runtime, world, trail):
    crowd = 32
    barrier = Barrier(crowd, timeout=30)

    def guess(_):
        barrier.wait()
        with nobody(runtime) as uow:
            return signin.sign_in(uow, wrong_secret(world.tokens["mia"]))

    with ThreadPoolExecutor(crowd) as pool:
        assert list(pool.map(guess, range(crowd))) == [None] * crowd
    found = reasons(trail)
    assert len(found) == crowd
    assert found.count("unknown") == 5
    assert found.count("locked") == crowd - 5


# Locks by address


def test_twenty_failures_lock_an_address_for_a_quarter_of_an_hour(attempt, world):
    with time_machine.travel(NOON, tick=False) as clock:
        for _ in range(20):
            attempt(new_token("signin")[0], ELSEWHERE)
        assert not attempt(world.tokens["mia"], ELSEWHERE)
        assert attempt(world.tokens["mia"], HERE)
        clock.shift(timedelta(minutes=15))
        assert attempt(world.tokens["mia"], ELSEWHERE)


def test_a_good_token_does_not_clear_the_count_of_an_address(attempt, world):
    for _ in range(19):
        attempt(new_token("signin")[0])
    assert attempt(world.tokens["mia"])
    attempt(new_token("signin")[0])
    assert not attempt(world.tokens["rhea"])


def test_good_sign_ins_never_lock_an_address(attempt, world):
    for _ in range(25):
        assert attempt(world.tokens["mia"])


def test_a_count_tells_a_thief_neither_handle_nor_address(attempt, world, database, runtime):
    attempt(wrong_secret(world.tokens["mia"]), "203.0.113.201")
    with runtime.work(writing=False) as uow:
        row = uow.session.query(Lockout).filter(Lockout.kind == "token").one()
        handle = world.tokens["mia"].split("_")[2]
        assert lockouts.describe(uow, row) == (handle, "203.0.113.201")
        assert handle.encode() not in row.subject
    runtime.close()
    for file in database.parent.glob("chatelaine.db*"):
        assert b"203.0.113.201" not in file.read_bytes()


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("", ""),
        ("unix", "unix"),
    ],
)
def test_what_one_visitor_cannot_leave(address, network):
    assert lockouts.network_of(address) == network


# What a good token does


def test_a_sign_in_is_noted_with_the_token(attempt, work, world):
    with time_machine.travel(NOON, tick=False):
        attempt(world.tokens["mia"], ELSEWHERE)
    with work("mia") as uow:
        token = tokens.find(uow, world.token_ids["mia"])
        assert (token.last_used_at, token.last_used_address) == (NOON, ELSEWHERE)


def test_confirming_takes_ones_own_token_only(runtime, world, work):
    with work("mia", writing=True) as uow:
        assert not signin.confirm(uow, world.tokens["rhea"])
        assert signin.confirm(uow, world.tokens["mia"])
