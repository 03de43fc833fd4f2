"""Pages of the log: in order, filtered, and never more work than a stretch of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest
import time_machine
from sqlalchemy import event

from errors import NotFound
from models import Action
from policy import NOBODY
from services import audit_figures, audit_reading, item_changes, items
from services import audit_read_queries as queries
from services.audit_append import append
from services.audit_reading import Filter, bounds, find, page, secret_changes
from services.contents import Field, Kind
from services.database import writing
from services.events import SYSTEM_CHAIN, Origin, Target, make_event
from services.keys import make_keys
from tests.world import login

START = datetime.now(UTC).replace(hour=12, minute=0) + timedelta(days=1)
"""Noon of tomorrow: after the world was made, and while its tokens live."""
NORTH = "northwind"
NOTHING = Target("item", None, "x")
EVERYTHING = Filter()


@pytest.fixture
def happen(runtime, world):
    """Let an event happen as often as asked for."""

    def happen(action, *, who="mia", times=1, success=True, target=NOTHING, extra=None):
        happened = make_event(
            world.actor(who),
            Origin("192.0.2.1", "Test/1.0", "POST", "/somewhere", "r1"),
            action,
            target,
            organization_id=world.organizations[NORTH],
            success=success,
            extra=extra or {},
        )
        with writing(runtime.engine, runtime.write_lock) as connection:
            append(connection, runtime.keys_for(connection), [happened] * times)

    return happen


@pytest.fixture
def read(work, north):
    """Read a page as the auditor."""

    def read(wanted=EVERYTHING, **asked):
        with work("audrey") as uow:
            return page(uow, north, wanted, **asked)

    return read


def seqs(page):
    return [line.seq for line in page.lines]


def test_pages_follow_each_other_newest_first_without_gap_or_repetition(read, happen, file):
    happen(Action.ITEM_REVEALED, times=130)
    size = file.size()
    first = read()
    assert seqs(first) == list(range(size, size - 50, -1))
    second = read(before=first.before)
    assert seqs(second) == list(range(size - 50, size - 100, -1))
    last = read(before=second.before)
    assert (last.before, last.searched_to) == (None, None)
    assert seqs(last)[-1] == 1


def test_a_line_tells_what_the_payload_says(read, happen, world):
    item = uuid4()
    happen(Action.ITEM_REVEALED, target=Target("item", item, "prod/db"), extra={"field": "Password"})
    line = read().lines[0]
    assert (line.who, line.did, line.target, line.target_id) == ("Mia", "revealed", "prod/db", item)
    assert (line.actor_id, line.success) == (world.people["mia"], True)
    told = line.details
    assert (told.address, told.agent, told.method, told.path) == (
        "192.0.2.1",
        "Test/1.0",
        "POST",
        "/somewhere",
    )
    assert told.extra == {"field": "Password"}


@pytest.mark.parametrize(
    "wanted",
    [
        {"actor_id": "rhea"},
        {"actions": frozenset({Action.VAULT_DELETED})},
        {"actions": frozenset({Action.VAULT_DELETED, Action.VAULT_CHANGED})},
        {"target_type": "vault"},
        {"target_id": UUID(int=77)},
        {"success": False},
        {"actor_id": "rhea", "success": False, "target_type": "vault", "target_id": UUID(int=77)},
    ],
)
def test_each_filter_finds_what_it_says_and_nothing_else(read, happen, world, wanted):
    happen(Action.ITEM_REVEALED, times=7)
    happen(
        Action.VAULT_DELETED, who="rhea", success=False, target=Target("vault", UUID(int=77), "Old"), times=2
    )
    happen(Action.ITEM_REVEALED, times=7)
    before = seqs(read())[7:9]
    asked = dict(wanted)
    if "actor_id" in asked:
        asked["actor_id"] = world.people[asked["actor_id"]]
    found = seqs(read(Filter(**asked)))
    rest = [seq for seq in found if seq not in before]
    assert found[:2] == before
    if "actor_id" in asked and "success" not in asked:
        assert len(rest) == 1, "the token that Rhea signs in with was created in her name"
    elif asked.get("target_type") == "vault" and "target_id" not in asked:
        assert rest, "the world's own vaults and grants"
    else:
        assert rest == []


@pytest.fixture
def three_days(happen):
    """Two events on each of three days, and the number of the first."""
    with time_machine.travel(START, tick=False) as clock:
        for _ in range(3):
            happen(Action.ITEM_REVEALED, times=2)
            clock.shift(timedelta(days=1))
        clock.shift(timedelta(days=-1))
        yield clock


@pytest.mark.parametrize(
    ("first", "last", "days"),
    [
        (0, None, [0, 1, 2]),
        (1, None, [1, 2]),
        (None, 1, [0, 1]),
        (1, 1, [1]),
        (2, 1, []),
        (3, None, []),
        (None, -2000, []),
    ],
)
def test_days_bound_the_page_and_both_belong_to_it(three_days, read, file, first, last, days):
    size = file.size()
    begin = START.date()
    wanted = Filter(
        first_day=None if first is None else begin + timedelta(days=first),
        last_day=None if last is None else begin + timedelta(days=last),
        actions=frozenset({Action.ITEM_REVEALED}),
    )
    expected = [seq for day in days for seq in (size - 5 + 2 * day, size - 4 + 2 * day)]
    assert seqs(read(wanted)) == sorted(expected, reverse=True)


def test_a_day_without_events_begins_where_the_next_one_does(three_days, happen, work, north, file):
    three_days.shift(timedelta(days=5))
    happen(Action.ITEM_REVEALED)
    with work("audrey") as uow:
        gap = START.date() + timedelta(days=4)
        assert bounds(uow, north, Filter(first_day=gap)) == (file.size(), file.size() + 1)
        assert bounds(uow, north, Filter(last_day=gap)) == (1, file.size())


def test_the_last_day_there_is_bounds_nothing(work, north, file):
    with work("audrey") as uow:
        assert bounds(uow, north, Filter(last_day=date.max)) == (1, file.size() + 1)


def test_only_a_stretch_is_searched_and_the_page_says_how_far(read, happen, file, monkeypatch):
    monkeypatch.setattr(audit_reading, "STRETCH", 10)
    happen(Action.VAULT_DELETED)
    rare = file.size()
    happen(Action.ITEM_REVEALED, times=25)
    wanted = Filter(actions=frozenset({Action.VAULT_DELETED}))
    first = read(wanted)
    assert (seqs(first), first.before) == ([], file.size() - 9)
    assert first.searched_to is not None
    second = read(wanted, before=first.before)
    assert (seqs(second), second.before) == ([], first.before - 10)
    third = read(wanted, before=second.before)
    assert seqs(third) == [rare]


def test_a_search_that_has_reached_the_first_event_says_nothing_of_how_far(read):
    found = read(Filter(actions=frozenset({Action.ITEM_PURGED})))
    assert (seqs(found), found.before, found.searched_to) == ([], None, None)


CONDITIONS = {
    "actions": ["item.revealed"],
    "actor_id": UUID(int=1),
    "success": True,
    "target_id": UUID(int=2),
    "target_type": "item",
}


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "names", sorted(queries.WALKS, key=sorted), ids=lambda names: "-".join(sorted(names))
)
def test_every_walk_reads_the_covering_index_and_no_row(runtime, north, names):
    parameters = {"organization_id": north, "low": 1, "high": 9, "limit": 51}
    parameters |= {name: CONDITIONS[name] for name in names}
    plan = explain(runtime, queries.WALKS[names], parameters)
    assert plan == [
        "SEARCH audit_event USING COVERING INDEX ix_audit_event_walk (chain_id=? AND seq>? AND seq<?)"
    ]


@pytest.mark.sqlite
def test_the_figures_of_today_read_the_covering_index_too(runtime, north):
    reach = {"organization_id": north, "low": 1, "high": 9}
    for statement, more in ((queries.ACTORS, {"nobody": UUID(int=0)}), (queries.COUNT, {"actions": ["x"]})):
        plan = explain(runtime, statement, reach | more)
        assert any("USING COVERING INDEX ix_audit_event_walk (chain_id=? AND seq>" in step for step in plan)


def explain(runtime, statement, parameters):
    """Return the plan for the very SQL and values that the program sends."""
    sent = []
    with runtime.engine.connect() as connection:
        event.listen(connection, "before_cursor_execute", lambda *args: sent.append(args[2:4]))
        connection.execute(statement, parameters)
        sql, values = sent[0]
        return [row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values)]


def test_an_event_is_found_by_its_number(work, north):
    with work("audrey") as uow:
        assert find(uow, north, 1).seq == 1


@pytest.mark.parametrize("seq", [0, 10_000, 2**62])
def test_there_is_no_event_of_another_number(work, north, seq):
    with work("audrey") as uow, pytest.raises(NotFound):
        find(uow, north, seq)


def test_chains_do_not_mix(work, read, world, file):
    with work("audrey") as uow:
        system = page(uow, SYSTEM_CHAIN, Filter())
    assert {line.details.organization for line in system.lines} == {None}
    assert {line.details.organization for line in read().lines} == {str(world.organizations[NORTH])}


def test_a_payload_that_does_not_open_shows_as_such_and_is_recorded(read, file, happen, work, north):
    happen(Action.ITEM_REVEALED)
    size = file.size()
    file.set(size, "payload", file.event(size - 1, "payload"))
    line = read().lines[0]
    assert (line.seq, line.details, line.action) == (size, None, "item.revealed")
    assert line.who == "cannot be decrypted (key 1)"
    failure = read().lines[0]
    assert (failure.action, failure.success) == ("decryption.failed", False)
    assert failure.details.extra == {"part": "payload", "seqs": [size], "key": 1}


def test_even_a_payload_that_is_no_envelope_shows_as_such(read, file, happen):
    happen(Action.ITEM_REVEALED)
    file.set(file.size(), "payload", b"")
    assert read().lines[0].who == "cannot be decrypted (key unknown)"


def test_an_action_of_a_newer_version_is_named_as_it_is(read, file):
    file.set(file.size(), "action", "moon.reached")
    assert read().lines[0].did == "moon.reached"


def test_the_last_changes_of_secrets_leave_out_changes_of_anything_else(work, world, north):
    for number in range(12):
        with work("mia", writing=True) as uow:
            item = items.find(uow, world.items["Stripe dashboard"])
            password = Field("Password", Kind.HIDDEN, f"changed every other time: {number // 2}")
            contents = login("Stripe dashboard", fields=(password,), tags=(f"t{number}",))
            item_changes.edit(uow, item, contents, expected_version=item.version)
    with work("audrey") as uow:
        found = secret_changes(uow, north)
        assert [line.details.extra["fields"] for line in found.lines] == [["Tags", "Password"]] * 6
        assert len(secret_changes(uow, north, limit=2).lines) == 2


def test_the_last_changes_of_secrets_stop_after_enough_were_opened(work, north, happen, monkeypatch):
    monkeypatch.setattr(audit_reading, "CHANGES_OPENED", 100)
    happen(Action.ITEM_CHANGED, extra={"fields": ["Password"], "version": 2})
    happen(Action.ITEM_CHANGED, times=100, extra={"fields": ["Tags"], "version": 3})
    with work("audrey") as uow:
        found = secret_changes(uow, north)
    assert found.lines == []
    assert found.searched_to is not None


# Figures


def test_today_counts_events_reveals_failures_and_people(three_days, happen, work, north):
    happen(Action.ITEM_COPIED, who="rhea")
    happen(Action.ACCESS_DENIED, who="rhea", success=False)
    with work("audrey") as uow:
        today = audit_figures.today(uow, north)
    assert today == audit_figures.Today(events=4, reveals=3, failures=1, people=2, partly=False)


def test_a_day_on_which_nothing_happened_counts_nothing(three_days, work, north):
    three_days.shift(timedelta(days=1))
    with work("audrey") as uow:
        assert audit_figures.today(uow, north) == audit_figures.Today(0, 0, 0, 0, partly=False)


def test_on_a_busy_day_people_are_counted_among_the_newest_events(
    three_days, happen, work, north, monkeypatch
):
    monkeypatch.setattr(audit_figures, "RECENT", 5)
    happen(Action.ITEM_REVEALED, who="rhea", times=5)
    with work("audrey") as uow:
        today = audit_figures.today(uow, north)
    assert (today.people, today.partly) == (1, True)


def test_who_is_active_is_counted_on_from_the_last_look(three_days, happen, work, north):
    for who, people in (("mia", 1), ("rhea", 2), ("rhea", 2)):
        happen(Action.ITEM_REVEALED, who=who)
        with work("audrey") as uow:
            today = audit_figures.today(uow, north)
        assert (today.people, today.partly) == (people, False)


def test_no_look_reads_more_than_the_newest_events_however_long_ago_the_last_one_was(
    three_days, happen, work, north, monkeypatch
):
    monkeypatch.setattr(audit_figures, "RECENT", 5)
    happen(Action.ITEM_REVEALED, who="mia")
    with work("audrey") as uow:
        audit_figures.today(uow, north)
    happen(Action.ITEM_REVEALED, who="rhea", times=9)
    with work("audrey") as uow:
        today = audit_figures.today(uow, north)
    assert (today.people, today.partly) == (1, True)


def test_who_was_not_signed_in_is_not_an_active_person(happen, work, north, runtime):
    with work("audrey") as uow:
        before = audit_figures.today(uow, north)
    happened = make_event(
        NOBODY,
        Origin(),
        Action.SIGNIN_FAILED,
        Target("token", None),
        organization_id=north,
        success=False,
        extra={},
    )
    with writing(runtime.engine, runtime.write_lock) as connection:
        append(connection, runtime.keys_for(connection), [happened])
    with work("audrey") as uow:
        after = audit_figures.today(uow, north)
    assert (after.people, after.failures) == (before.people, before.failures + 1)


def test_reveals_are_counted_for_each_of_thirty_days(three_days, work, north):
    with work("audrey") as uow:
        days = audit_figures.reveals_by_day(uow, north)
    assert len(days) == 30
    assert days[-1] == (START.date() + timedelta(days=2), 2)
    assert [count for _, count in days] == [0] * 27 + [2, 2, 2]


def test_todays_events_with_an_action_are_counted(three_days, happen, work, north):
    happen(Action.SIGNIN_FAILED, times=3, success=False)
    with work("audrey") as uow:
        assert audit_figures.count(uow, north, frozenset({Action.SIGNIN_FAILED}), since=uow.now.date()) == 3
        assert audit_figures.count(uow, north, frozenset({Action.ITEM_REVEALED}), since=uow.now.date()) == 2


def test_a_chain_without_any_event_reads_as_empty(work, runtime):
    nobody = uuid4()
    with work("alice", writing=True) as uow:
        make_keys(uow.connection, runtime.masters, nobody, ("audit",))
        assert page(uow, nobody, Filter()).lines == []
        assert audit_figures.today(uow, nobody).events == 0
