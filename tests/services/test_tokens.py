"""Tokens: issued, replaced, revoked, and listed in every order without losing one."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from uuid import UUID, uuid4

import pytest
import time_machine
from sqlalchemy import event

from crypto.tokens import new_token, parse_token
from errors import Conflict, Invalid, NotFound, TokenRefused
from models import AccessToken, UserSession
from policy import NOBODY, Scope
from services import api_tokens, programs, sessions, signin, token_list, tokens
from services.token_list import Order, State, Wanted

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAY = timedelta(days=1)
BOTH = (Scope.ITEMS_LIST, Scope.ITEMS_REVEAL)


@pytest.fixture
def issue(work):
    """Issue an API token in somebody's name."""

    def issue(by="mia", name="backup", scopes=BOTH, lasts=30 * DAY):
        with work(by, writing=True) as uow:
            return api_tokens.issue(uow, name, scopes, lasts)

    return issue


@pytest.fixture
def opens(runtime):
    """Say whether an API token lets a program in."""

    def opens(minted):
        with runtime.work(writing=False, actor=NOBODY) as uow:
            try:
                programs.enter(uow, parse_token(minted.text))
            except TokenRefused:
                return False
            return True

    return opens


@pytest.fixture
def stored(runtime):
    """Read a token's row."""

    def stored(token_id):
        with runtime.work(writing=False) as uow:
            token = uow.session.get_one(AccessToken, token_id)
            uow.session.expunge_all()
            return token

    return stored


def revoke(work, by, token_id):
    with work(by, writing=True) as uow:
        tokens.revoke(uow, tokens.find(uow, token_id))


# Issuing


def test_an_api_token_lets_its_owners_program_in(issue, opens, stored, world, trail):
    minted = issue()
    assert opens(minted)
    token = stored(minted.id)
    assert (token.user_id, token.kind, token.scopes) == (
        world.people["mia"],
        "api",
        "items:list items:reveal",
    )
    assert parse_token(minted.text).secret not in token.digest
    event = trail.one("token.created")
    assert event["extra"] == {"kind": "api", "days": 30, "scopes": ["items:list", "items:reveal"]}
    assert minted.text not in str(event)
    assert minted.text not in repr(minted)


@pytest.mark.parametrize("name", ["", "   ", "x" * 121, "two\nlines\x00", "bell\a"])
def test_a_token_has_a_printable_name(issue, name):
    with pytest.raises(Invalid):
        issue(name=name)


@pytest.mark.parametrize("lasts", [timedelta(0), -DAY, DAY - timedelta(seconds=1), 366 * DAY])
def test_a_token_lasts_from_a_day_to_a_year(issue, lasts):
    with pytest.raises(Invalid):
        issue(lasts=lasts)


def test_a_token_without_scopes_is_refused(issue):
    with pytest.raises(Invalid):
        issue(scopes=())


# Revoking


def test_a_revoked_token_is_dead_at_once_and_kept_as_evidence(issue, opens, stored, work, world, trail):
    minted = issue()
    revoke(work, "adam", minted.id)
    assert not opens(minted)
    token = stored(minted.id)
    assert token.revoked_at is not None
    assert token.revoked_by == world.people["adam"]
    assert trail.one("token.revoked")["target_id"] == str(minted.id)
    with pytest.raises(Conflict):
        revoke(work, "adam", minted.id)


def test_a_revoked_sign_in_token_ends_its_sessions(work, world, runtime, trail):
    with work("mia", writing=True) as uow:
        sessions.start(uow, world.people["mia"], world.token_ids["mia"])
    revoke(work, "adam", world.token_ids["mia"])
    with runtime.work(writing=False) as uow:
        assert uow.session.query(UserSession).count() == 0
    assert trail.one("session.ended")["extra"] == {"reason": "token revoked"}


def test_a_token_of_another_organization_is_not_found(work, world):
    for find in (
        lambda uow: tokens.find(uow, world.token_ids["mallory"]),
        lambda uow: tokens.find_by_handle(uow, world.tokens["mallory"].split("_")[2]),
    ):
        with work("alice") as uow, pytest.raises(NotFound):
            find(uow)


# Replacing a program's token


def replace_api(work, by, token_id, overlap=timedelta(0)):
    with work(by, writing=True) as uow:
        return api_tokens.replace_own(uow, tokens.find(uow, token_id), overlap=overlap)


def test_a_replacement_has_the_same_name_scopes_and_lifetime(issue, opens, stored, work, trail):
    old = issue(name="nightly", scopes=(Scope.ITEMS_LIST,), lasts=7 * DAY)
    new = replace_api(work, "mia", old.id)
    assert opens(new)
    assert not opens(old)
    token = stored(new.id)
    assert (token.name, token.scopes) == ("nightly", "items:list")
    assert token.expires_at - token.created_at == 7 * DAY
    assert stored(old.id).replaced_by == new.id
    assert trail.one("token.replaced")["extra"] == {"by": str(new.id), "overlap_seconds": 0}


def test_the_old_token_works_on_for_the_overlap(issue, opens, work):
    with time_machine.travel(NOON, tick=False) as clock:
        old = issue()
        new = replace_api(work, "mia", old.id, timedelta(hours=2))
        assert opens(old)
        assert opens(new)
        clock.shift(timedelta(hours=2))
        assert not opens(old)
        assert opens(new)


def test_an_overlap_never_lengthens_a_life(issue, stored, work):
    with time_machine.travel(NOON, tick=False):
        old = issue(lasts=DAY)
        replace_api(work, "mia", old.id, 7 * DAY)
    assert stored(old.id).expires_at == NOON + DAY


@pytest.mark.parametrize("overlap", [timedelta(seconds=-1), 7 * DAY + timedelta(seconds=1)])
def test_an_overlap_is_a_week_at_most(issue, work, overlap):
    with pytest.raises(Invalid):
        replace_api(work, "mia", issue().id, overlap)


def test_a_token_is_replaced_once(issue, work):
    old = issue()
    replace_api(work, "mia", old.id, timedelta(hours=1))
    with pytest.raises(Conflict):
        replace_api(work, "mia", old.id)


def test_a_dead_token_is_not_replaced(issue, work):
    revoked, expired = issue(), issue(lasts=DAY)
    revoke(work, "mia", revoked.id)
    with pytest.raises(Conflict):
        replace_api(work, "mia", revoked.id)
    with time_machine.travel(expired.expires_at, tick=False), pytest.raises(Conflict):
        replace_api(work, "mia", expired.id)


def test_nobody_gets_a_token_in_place_of_anothers(issue, work, world):
    with pytest.raises(NotFound):
        replace_api(work, "alice", issue(by="mia").id)
    with pytest.raises(NotFound):
        replace_api(work, "mia", world.token_ids["mia"])


# Replacing one's own sign-in token


@pytest.fixture
def two_sessions(work, world):
    """Mia is signed in twice; return the actor of the first session, and the second's id."""
    with work("mia", writing=True) as uow:
        first = sessions.start(uow, world.people["mia"], world.token_ids["mia"])
        second = sessions.start(uow, world.people["mia"], world.token_ids["mia"])
    return replace(world.actor("mia"), session_id=first.id), second.id


def living_sessions(runtime):
    with runtime.work(writing=False) as uow:
        return {row.id: row.token_id for row in uow.session.query(UserSession)}


def test_the_present_session_goes_on_under_the_new_token_and_the_others_end(runtime, world, two_sessions):
    actor, _ = two_sessions
    with runtime.work(writing=True, actor=actor) as uow:
        new = tokens.replace_own_signin(uow, world.token_ids["mia"])
    assert living_sessions(runtime) == {actor.session_id: new.id}
    with runtime.work(writing=True) as uow:
        assert signin.sign_in(uow, world.tokens["mia"]) is None
        assert signin.sign_in(uow, new.text) is not None


def test_with_an_overlap_the_others_stay_with_the_old_token(runtime, world, two_sessions):
    actor, second = two_sessions
    with runtime.work(writing=True, actor=actor) as uow:
        new = tokens.replace_own_signin(uow, world.token_ids["mia"], overlap=timedelta(hours=1))
    assert living_sessions(runtime) == {actor.session_id: new.id, second: world.token_ids["mia"]}
    with runtime.work(writing=True) as uow:
        assert signin.sign_in(uow, world.tokens["mia"]) is not None
    with runtime.work(writing=True, actor=replace(actor, session_id=second)) as uow, pytest.raises(Conflict):
        tokens.replace_own_signin(uow, world.token_ids["mia"])


def test_a_first_token_has_no_overlap(runtime, world, sql, two_sessions):
    sql("UPDATE access_token SET must_replace = true WHERE id = ?", world.token_ids["mia"].hex)
    actor, _ = two_sessions
    with runtime.work(writing=True, actor=actor) as uow:
        tokens.replace_own_signin(uow, world.token_ids["mia"], overlap=timedelta(hours=1))
    with runtime.work(writing=True) as uow:
        assert signin.sign_in(uow, world.tokens["mia"]) is None


def test_nobody_replaces_anothers_sign_in_token(work, world):
    with work("alice", writing=True) as uow, pytest.raises(NotFound):
        tokens.replace_own_signin(uow, world.token_ids["mia"])


# The warning


def test_the_warning_comes_two_weeks_before_the_end(work, world, issue):
    with work("mia") as uow:
        assert list(tokens.expiring(uow)) == []
        ends = tokens.find(uow, world.token_ids["mia"]).expires_at
    short = issue(lasts=10 * DAY)
    issue(by="rhea", lasts=DAY)
    with work("mia") as uow:
        assert [token.id for token in tokens.expiring(uow)] == [short.id]
    for at, warned in ((ends - 14 * DAY - DAY, False), (ends - 14 * DAY, True), (ends, False)):
        with time_machine.travel(at, tick=False), work("mia") as uow:
            assert (world.token_ids["mia"] in [token.id for token in tokens.expiring(uow)]) is warned


def test_a_replaced_token_warns_nobody(work, world, issue):
    replace_api(work, "mia", issue().id, timedelta(hours=1))
    with work("mia") as uow:
        assert list(tokens.expiring(uow)) == []


# The list


@pytest.fixture
def many(runtime, world):
    """Northwind has 30 tokens more; many share their times and names, some were never used."""
    with runtime.work(writing=True) as uow:
        for number in range(30):
            _, parsed = new_token("api")
            uow.session.add(
                AccessToken(
                    id=uuid4(),
                    organization_id=world.organizations["northwind"],
                    user_id=world.people[("mia", "rhea", "ula")[number % 3]],
                    kind="api",
                    name=f"program {number % 4}",
                    lookup_id=parsed.lookup_id,
                    digest=b"",
                    scopes="items:list",
                    must_replace=False,
                    created_at=NOON + timedelta(minutes=number % 5),
                    expires_at=NOON + timedelta(days=number % 6),
                    last_used_at=None if number % 2 else NOON + timedelta(minutes=number % 3),
                )
            )


def walk(work, wanted, name="alice", size=4):
    """Turn the pages to the end and back; return the tokens as they came, both ways."""
    there, back, after = [], [], None
    while True:
        with work(name) as uow:
            page = token_list.page(uow, replace(wanted, after=after), size=size)
        there += [line.id for line in page.lines]
        if page.after is None:
            break
        after = page.after
    while page.before is not None:
        with work(name) as uow:
            page = token_list.page(uow, replace(wanted, before=page.before), size=size)
        back = [line.id for line in page.lines] + back
    return there, back


@pytest.mark.parametrize(("order", "descending"), list(product(Order, (True, False))))
def test_pages_hold_each_token_once_in_every_order(work, many, order, descending):
    wanted = Wanted(order=order, descending=descending)
    with work("alice") as uow:
        everything = [line.id for line in token_list.everything(uow, wanted)]
    there, back = walk(work, wanted)
    assert len(everything) == 37
    assert there == everything
    assert back == everything[: len(back)]
    assert len(back) >= 32


@pytest.mark.parametrize("order", Order)
def test_an_order_is_what_it_says(work, many, order):
    with work("alice") as uow:
        lines = token_list.everything(uow, Wanted(order=order))
    keys = {
        Order.CREATED: [line.created_at for line in lines],
        Order.USED: [line.used_at or datetime.min.replace(tzinfo=UTC) for line in lines],
        Order.EXPIRES: [line.expires_at for line in lines],
        Order.NAME: [line.name for line in lines],
    }[order]
    assert keys == sorted(keys, reverse=True)


@pytest.mark.sqlite
@pytest.mark.parametrize(("order", "descending"), list(product(Order, (True, False))))
def test_no_page_sorts_more_than_it_shows(work, many, runtime, world, order, descending):
    """An index holds each order, so that a page costs the same however many tokens there are."""
    ran = []
    event.listen(runtime.engine, "before_cursor_execute", lambda *given: ran.append(given[2:4]))
    wanted = Wanted(order=order, descending=descending, after=world.token_ids["mia"])
    with work("alice") as uow:
        token_list.page(uow, wanted)
    statement, values = next((text, values) for text, values in ran if "LIMIT" in text)
    with runtime.engine.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
    steps = " ".join(row[-1] for row in plan)
    assert "USING INDEX ix_access_token_by_" in steps
    assert "TEMP B-TREE" not in steps


def test_a_list_holds_one_organization(work, many):
    with work("mallory") as uow:
        assert {line.owner for line in token_list.everything(uow, Wanted())} == {"Mallory", "Sam"}


def test_filters_narrow_the_list(work, many, world):
    rhea, handle = world.people["rhea"], world.tokens["adam"].split("_")[2]
    with work("alice") as uow:
        assert len(token_list.everything(uow, Wanted(kind="signin"))) == 7
        assert {line.owner for line in token_list.everything(uow, Wanted(owner_id=rhea))} == {"Rhea"}
        assert {line.name for line in token_list.everything(uow, Wanted(text="GRAM 3"))} == {"program 3"}
        assert [line.owner for line in token_list.everything(uow, Wanted(text=handle))] == ["Adam"]
        assert token_list.everything(uow, Wanted(text="%")) == []
        assert token_list.everything(uow, Wanted(text="_")) == []


def test_an_edge_that_one_may_not_see_is_none(work, many, world):
    mia = world.people["mia"]
    for edge in (world.token_ids["mallory"], world.token_ids["rhea"], UUID(int=1)):
        for wanted in (Wanted(owner_id=mia, after=edge), Wanted(owner_id=mia, before=edge)):
            with work("mia") as uow:
                page = token_list.page(uow, wanted, size=4)
            assert len(page.lines) == 4
            assert page.before is None


@pytest.mark.parametrize("state", State)
def test_each_state_is_found_by_its_filter(work, world, issue, sql, state):
    with time_machine.travel(NOON, tick=False) as clock:
        made = {
            State.EXPIRED: issue(lasts=DAY),
            State.REVOKED: issue(),
            State.REPLACED: issue(),
            State.EXPIRING: issue(lasts=3 * DAY),
            State.ACTIVE: issue(lasts=300 * DAY),
            State.USED_UP: issue(lasts=300 * DAY),
        }
        sql("UPDATE access_token SET uses_max = 1, uses_left = 0 WHERE id = ?", made[State.USED_UP].id.hex)
        revoke(work, "mia", made[State.REVOKED].id)
        new = replace_api(work, "mia", made[State.REPLACED].id, timedelta(hours=1))
        clock.shift(2 * DAY)
        with work("mia") as uow:
            lines = token_list.everything(uow, Wanted(state=state, kind="api"))
    expected = {made[state].id} | ({new.id} if state is State.ACTIVE else set())
    assert {line.id for line in lines} == expected
    assert {line.state for line in lines} == {state}


def test_a_replaced_token_is_living_during_its_overlap(work, issue):
    with time_machine.travel(NOON, tick=False) as clock:
        old = issue()
        replace_api(work, "mia", old.id, timedelta(hours=1))
        for living in (True, False):
            with work("mia") as uow:
                (line,) = token_list.everything(uow, Wanted(state=State.REPLACED))
            assert line.living is living
            clock.shift(timedelta(hours=1))


def test_an_export_is_safe_in_a_spreadsheet_and_is_an_event(work, issue, trail, world):
    issue(name="=HYPERLINK(1)")
    with work("alice") as uow:
        text = token_list.export(uow, Wanted(kind="api", text="=HYPER"))
    head, row = csv.reader(io.StringIO(text, newline=""))
    assert head[:4] == ["owner", "e-mail", "kind", "name"]
    assert row[:4] == ["Mia", "mia@northwind.example", "api", "'=HYPERLINK(1)"]
    event = trail.one("token.exported")
    assert event["extra"] == {"rows": 1, "kind": "api", "state": None, "owner": None}
