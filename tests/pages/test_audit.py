"""The pages of the audit log, through real requests."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import struct
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
import time_machine

from errors import Unavailable
from models import Action, User
from services import audit_reading, audit_verify, vaults
from services.events import Target
from tests import world as worlds
from tests.world import NORTHWIND

AUDIT = "/o/northwind/audit"
NOTHING = Target("item", None, "x")
START = datetime.now(UTC).replace(hour=12, minute=0) + timedelta(days=1)
"""Noon of tomorrow: after the world was made, and while its tokens live."""


def day(number):
    return (START + timedelta(days=number)).date().isoformat()


def seq_of(row):
    """Return the number of an event, which ends the address of its page."""
    return int(row.select("a")[-1]["href"].partition("?")[0].rpartition("/")[2])


def rows(page):
    return [
        {
            "action": row["data-action"],
            "seq": seq_of(row),
            "cells": [" ".join(cell.get_text(" ").split()) for cell in row.select("th, td")],
            "links": [link["href"] for link in row.select("a")],
        }
        for row in page.select("tr[data-action]")
    ]


def actions(page):
    return [row["action"] for row in rows(page)]


def figures(page):
    return {
        stat.h2.get_text(strip=True): stat.select_one(".num").get_text(strip=True)
        for stat in page.select(".stat")
    }


# Who may


@pytest.mark.parametrize("who", ["alice", "adam", "audrey"])
def test_owners_admins_and_auditors_read_the_log(browser, who):
    assert "Audit log" in browser(who).open(AUDIT).words


@pytest.mark.parametrize("path", ["", "/1", "/proof", "/export"])
def test_members_do_not_and_the_attempt_is_recorded(browser, trail, path):
    browser("mia").open(f"{AUDIT}{path}", 403)
    assert trail.one("access.denied")["extra"]["permission"] in {"audit:read", "audit:export"}


@pytest.mark.parametrize("path", ["", "/1", "/proof", "/export"])
def test_strangers_learn_nothing(browser, path):
    browser("mallory").open(f"{AUDIT}{path}", 404)


def test_only_the_operator_reads_the_systems_own_log(browser, trail):
    operator = browser("alice")
    assert rows(operator.open(f"{AUDIT}?chain=system"))
    assert "System audit log" in operator.page.words
    assert operator.open(f"{AUDIT}/1?chain=system").words.count("None: the system") == 1
    for path in ("", "/1", "/proof", "/export"):
        browser("adam").open(f"{AUDIT}{path}?chain=system", 403)
    assert len(trail.events("access.denied")) == 4
    assert not browser("adam").open(AUDIT).select('a[href$="chain=system"]')


def test_the_export_of_the_systems_log_is_the_operators_too(browser):
    admin = browser("adam")
    admin.open(f"{AUDIT}/export")
    admin.post(
        f"{AUDIT}/export",
        {"csrf_token": admin.csrf(), "format": "csv", "chain": "system"},
        403,
    )


# The list


def test_a_row_says_who_what_to_what_when_and_from_where(browser, world, trail):
    mia = browser("mia", address="192.0.2.77")
    item = world.items["Stripe dashboard"]
    mia.open(f"/o/northwind/items/{item}")
    mia.submit("reveal-password")
    row = rows(browser("alice").open(AUDIT))[1]
    assert row["action"] == "item.revealed"
    who, what, target, when, address = row["cells"]
    assert (who, what, target, address) == ("Mia", "revealed Password", "Stripe dashboard", "192.0.2.77")
    assert "just now" in when or "s ago" in when
    assert row["links"] == [f"/o/northwind/items/{item}", f"{AUDIT}/{row['seq']}"]


def test_a_target_is_a_link_only_where_the_reader_may_see_it(browser, world, happen):
    board = Target("item", world.items["Board portal"], "Board portal")
    gone = Target("item", uuid4(), "Long gone")
    vault = Target("vault", world.vaults["Board"], "Board")
    person = Target("person", world.people["mia"], "mia@northwind.example")
    for target in (board, gone, vault, person):
        happen(Action.ITEM_CHANGED, target=target)
    alices = {row["cells"][2]: row["links"] for row in rows(browser("alice").open(AUDIT))}
    assert f"/o/northwind/items/{board.id}" in alices["Board portal"]
    assert f"/o/northwind/vaults/{vault.id}" in alices["Board"]
    assert f"/o/northwind/people/{world.members['mia']}" in alices["mia@northwind.example"]
    assert len(alices["Long gone"]) == 1
    audreys = {row["cells"][2]: row["links"] for row in rows(browser("audrey").open(AUDIT))}
    assert len(audreys["Board portal"]) == 1
    assert len(audreys["Board"]) == 1


def test_links_to_targets_lead_somewhere(browser, world, happen):
    for target in (
        Target("item", world.items["Board portal"], "a"),
        Target("vault", world.vaults["Board"], "b"),
        Target("person", world.people["mia"], "c"),
        Target("person", world.members["mia"], "d"),
        Target("token", world.token_ids["mia"], "e"),
    ):
        happen(Action.ITEM_CHANGED, target=target)
    alice = browser("alice")
    found = [row["links"][0] for row in rows(alice.open(AUDIT)) if row["action"] == "item.changed"]
    assert len(found) == 5
    for href in found:
        alice.open(href)


def test_tiles_show_the_figures_of_today(browser, happen, world):
    with time_machine.travel(START, tick=False) as clock:
        happen(Action.ITEM_REVEALED, times=3)
        clock.shift(timedelta(days=1))
        happen(Action.ITEM_REVEALED, times=2)
        happen(Action.ACCESS_DENIED, who="rhea", success=False)
        page = browser("alice").open(AUDIT)
        assert figures(page) == {
            "Events today": "4",
            "Reveals today": "2",
            "Denied or failed today": "1",
            "Active people today": "3",
        }


def test_filters_narrow_the_list_and_stay_in_its_form(browser, happen, world):
    happen(Action.ITEM_REVEALED, who="rhea", target=Target("item", uuid4(), "a"))
    happen(Action.ACCESS_DENIED, who="mia", success=False, target=Target("route", None, "b"))
    alice = browser("alice")
    alice.open(AUDIT)
    assert actions(alice.open(f"{AUDIT}?action=item.revealed")) == ["item.revealed"]
    assert actions(alice.open(f"{AUDIT}?action=denials")) == ["access.denied"]
    assert actions(alice.open(f"{AUDIT}?result=failed")) == ["access.denied"]
    assert "access.denied" not in actions(alice.open(f"{AUDIT}?result=ok"))
    assert set(actions(alice.open(f"{AUDIT}?actor={world.people['rhea']}"))) == {
        "item.revealed",
        "token.created",
    }
    assert actions(alice.open(f"{AUDIT}?type=route")) == ["access.denied"]
    form = alice.page.select_one("#audit-filter")
    assert form.select_one("#by-type option[selected]")["value"] == "route"


def test_the_history_of_one_target_is_a_filter_too(browser, happen):
    target = uuid4()
    happen(Action.ITEM_CHANGED, target=Target("item", target, "that one"))
    alice = browser("alice")
    page = alice.open(f"{AUDIT}?target={target}")
    assert actions(page) == ["item.changed"]
    assert str(target) in page.words
    event = alice.open(f"{AUDIT}/{rows(page)[0]['seq']}")
    assert event.select(f'a[href="{AUDIT}?target={target}"]')


def test_days_narrow_the_list(browser, happen):
    with time_machine.travel(START, tick=False) as clock:
        happen(Action.VAULT_CHANGED)
        clock.shift(timedelta(days=3))
        happen(Action.VAULT_DELETED)
        clock.shift(timedelta(days=3))
        alice = browser("alice")
        assert actions(alice.open(f"{AUDIT}?since={day(1)}&until={day(4)}")) == ["vault.deleted"]
        assert actions(alice.open(f"{AUDIT}?since={day(0)}&until={day(0)}")) == ["vault.changed"]
        assert actions(alice.open(f"{AUDIT}?since={day(4)}")) == ["session.started"]


@pytest.mark.parametrize("query", ["since=2027-02-30", "until=yesterday"])
def test_a_day_that_is_none_is_answered_with_what_to_do(browser, query):
    page = browser("alice").open(f"{AUDIT}?{query}", 422)
    assert "Write the day as year-month-day" in page.words
    assert rows(page) == []


@pytest.mark.parametrize(
    "name", ["actor", "action", "type", "target", "result", "before", "show", "saved", "chain"]
)
def test_a_choice_that_there_is_not_is_as_good_as_not_made(browser, name):
    alice = browser("alice")
    assert actions(alice.open(f"{AUDIT}?{name}=x")) == actions(alice.open(AUDIT))


def test_a_filter_without_result_says_what_to_do(browser):
    assert "No event matches" in browser("alice").open(f"{AUDIT}?action=item.purged").words


def test_pages_lead_to_older_events_and_back(browser, happen):
    happen(Action.ITEM_REVEALED, times=120)
    alice = browser("alice")
    first = alice.open(f"{AUDIT}?action=items")
    second = alice.open(first.select_one('.pager a[rel="next"]')["href"])
    assert rows(second)[0]["seq"] == rows(first)[-1]["seq"] - 1
    assert set(actions(second)) == {"item.revealed"}
    assert "Newest" in second.select_one(".pager").get_text()
    newest = alice.open(second.select_one(".pager a")["href"])
    assert rows(newest) == rows(alice.open(f"{AUDIT}?action=items"))


def test_a_search_that_goes_far_back_says_how_far_and_goes_on(browser, happen, monkeypatch):
    happen(Action.VAULT_DELETED)
    happen(Action.ITEM_REVEALED, times=25)
    monkeypatch.setattr(audit_reading, "STRETCH", 20)
    alice = browser("alice")
    page = alice.open(f"{AUDIT}?action=vault.deleted")
    assert rows(page) == []
    assert "Searched back to 20" in page.words
    link = page.select_one('.pager a[rel="next"]')
    assert "Look further back" in link.get_text()
    assert actions(alice.open(link["href"])) == ["vault.deleted"]


def test_the_saved_questions_are_links(browser, happen, world):
    happen(Action.SIGNIN_FAILED, success=False)
    happen(Action.ITEM_CHANGED, extra={"fields": ["Password"], "version": 2}, times=12)
    happen(Action.ITEM_CHANGED, extra={"fields": ["Tags"], "version": 3}, times=3)
    happen(Action.ITEM_REVEALED, who="alice", times=120)
    alice = browser("alice")
    links = {" ".join(a.get_text(" ").split()): a["href"] for a in alice.open(AUDIT).select("nav.seg a")}
    assert actions(alice.open(links["Failed sign-ins"])) == ["signin.failed"]
    changes = alice.open(links["Last 10 changes of secrets"])
    assert len(rows(changes)) == 10
    assert {row["cells"][1] for row in rows(changes)} == {"changed Password"}
    mine = rows(alice.open(links["Last 100 of mine"]))
    assert len(mine) == 100
    assert {row["cells"][0] for row in mine} == {"Alice"}
    assert len(rows(alice.open(links["Everything"]))) == 50
    marked = alice.page.select_one("nav.seg a[aria-current][href='/o/northwind/audit']")
    assert marked is not None


def test_the_last_hundred_are_those_of_the_person_in_the_filter(browser, happen, world):
    happen(Action.ITEM_REVEALED, who="rhea")
    alice = browser("alice")
    page = alice.open(f"{AUDIT}?actor={world.people['rhea']}")
    link = next(a for a in page.select("nav.seg a") if "Last 100 of Rhea" in a.get_text())
    assert {row["cells"][0] for row in rows(alice.open(link["href"]))} == {"Rhea"}


# One event


def test_an_event_shows_all_that_is_known_of_it(browser, world, trail):
    mia = browser("mia", address="192.0.2.77")
    item = world.items["Stripe dashboard"]
    mia.open(f"/o/northwind/items/{item}")
    mia.submit("reveal-password")
    event = trail.one("item.revealed")
    page = browser("alice").open(f"{AUDIT}/{event['seq']}")
    facts = {
        dt.get_text(strip=True): " ".join(dt.find_next("dd").get_text(" ").split())
        for dt in page.select("dt")
    }
    assert facts["Person"] == str(world.people["mia"])
    assert facts["Name"] == "Mia"
    assert facts["Action"] == "item.revealed revealed"
    assert facts["Target type"] == "Credential"
    assert facts["Target id"] == str(item)
    assert facts["Description"] == "Stripe dashboard"
    assert facts["Organization"] == f"Northwind {world.organizations[NORTHWIND]}"
    assert facts["Address"] == "192.0.2.77"
    assert facts["Browser or program"] == "Test browser/1.0"
    assert facts["Path"] == f"POST /o/northwind/items/{item}/reveal"
    assert facts["Time"].startswith(f"{event['at']:%Y-%m-%d %H:%M:%S} UTC")
    assert facts["Extra"] == "field: Password version: 1"
    assert facts["Success"] == "Yes"
    assert facts["Number"].startswith(f"{event['seq']} of ")
    assert len(facts["Hash"]) == 64


def test_an_event_of_somebody_who_has_left_still_names_them(browser, world, runtime, happen):
    happen(Action.ITEM_REVEALED, who="mia")
    with runtime.work(writing=True) as uow:
        uow.session.get_one(User, world.people["mia"]).name = "Renamed"
    assert rows(browser("alice").open(AUDIT))[1]["cells"][0] == "Mia"


def test_there_is_no_event_beyond_the_last(browser):
    browser("alice").open(f"{AUDIT}/99999", 404)


def test_a_payload_that_does_not_open_shows_as_such_and_is_recorded_once(browser, happen, database):
    happen(Action.ITEM_REVEALED)
    spoil = "UPDATE audit_event SET payload = zeroblob(1) WHERE action = 'item.revealed'"
    worlds.past_the_program(database, spoil)
    alice = browser("alice")
    row = next(row for row in rows(alice.open(AUDIT)) if row["action"] == "item.revealed")
    assert row["cells"][:2] == ["cannot be decrypted (key unknown)", "revealed"]
    page = alice.open(f"{AUDIT}/{row['seq']}")
    assert actions(alice.open(AUDIT)).count("decryption.failed") == 1
    assert "The details cannot be decrypted (key unknown)" in page.words


@pytest.mark.parametrize("name", ['<script>alert("1")</script>', "=1+1", "{{ 7*7 }}", "\u202eevil"])
def test_a_name_is_only_ever_text(browser, happen, name):
    happen(Action.ITEM_REVEALED, target=Target("item", None, name))
    alice = browser("alice")
    page = alice.open(AUDIT)
    assert rows(page)[1]["cells"][2] == name
    assert not page.select("main script")
    assert name in alice.open(f"{AUDIT}/{rows(page)[1]['seq']}").get_text()


# The review


def test_a_review_is_marked_and_recorded(browser, trail, happen):
    happen(Action.ITEM_REVEALED, times=3)
    alice = browser("alice")
    page = alice.open(AUDIT)
    assert "You have not marked any event" in page.words
    seen = rows(page)[0]["seq"]
    page = alice.submit("review")
    assert trail.one("audit.reviewed")["extra"] == {"up_to": seen}
    assert f"up to event {seen}" in page.words
    mark = next(
        row
        for row in page.select("tbody tr")
        if "You have reviewed everything from here on" in row.get_text()
    )
    assert seq_of(mark.find_next("tr")) == seen


def test_a_review_is_each_persons_own(browser):
    alice = browser("alice")
    alice.open(AUDIT)
    alice.submit("review")
    assert "You have not marked any event" in browser("adam").open(AUDIT).words


def test_a_review_is_overdue_after_thirty_days(browser):
    with time_machine.travel(START + timedelta(days=30), tick=False) as clock:
        alice = browser("alice")
        assert "It is time to look through the log" in alice.open(AUDIT).words
        assert "It is time" not in alice.submit("review").words
        clock.shift(timedelta(days=30))
        assert "It is time" not in browser("alice").open(AUDIT).words
        clock.shift(timedelta(seconds=1))
        assert "It is time" in browser("alice").open(AUDIT).words


@pytest.mark.parametrize(
    ("seq", "words"),
    [
        ("99999", "no such event"),
        ("0", "no such event"),
        ("", "up to which event"),
        ("x", "up to which event"),
    ],
)
def test_only_an_event_that_there_is_can_be_reviewed(browser, trail, seq, words):
    alice = browser("alice")
    alice.open(AUDIT)
    assert words in alice.submit("review", 422, seq=seq).words
    assert trail.events("audit.reviewed") == []


def test_a_review_does_not_go_back(browser):
    alice = browser("alice")
    alice.open(AUDIT)
    alice.submit("review")
    token = alice.csrf()
    page = alice.post(f"{AUDIT}/review", {"csrf_token": token, "seq": "1"}, 422)
    assert "further than that already" in page.words


# The export


def export(browser, format_, who="alice", query="", *, names=False):
    person = browser(who)
    person.open(f"{AUDIT}/export{query}")
    return person.submit("export", format=format_, **({"names": "y"} if names else {})).answer


def test_the_export_is_confirmed_recorded_and_complete(browser, trail, happen):
    happen(Action.ITEM_REVEALED, times=1100)
    answer = export(browser, "jsonl")
    lines = [json.loads(line) for line in answer.get_data(as_text=True).splitlines()]
    event = trail.one("audit.exported")
    head, events = lines[0], lines[1:]
    assert (head["from"], head["to"], head["complete"]) == (1, event["seq"] - 1, True)
    assert [line["seq"] for line in events] == list(range(1, event["seq"]))
    assert event["extra"] == {"format": "jsonl", "names": False, "from": 1, "to": event["seq"] - 1}
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="audit-northwind-')
    assert answer.headers["Content-Disposition"].endswith('.jsonl"')


def test_who_has_not_confirmed_lately_confirms_before_the_form(browser):
    with time_machine.travel(START, tick=False) as clock:
        alice = browser("alice")
        clock.shift(timedelta(minutes=6))
        alice.open(f"{AUDIT}/export?action=items")
        assert alice.path.startswith("/account/confirm")
        assert "action%3Ditems" in alice.path


def test_anyone_can_check_order_and_completeness_with_the_export_alone(browser, happen):
    """Nothing but SHA-256 is used here, and no secret."""
    happen(Action.ITEM_REVEALED, times=5)
    head, *events = map(json.loads, export(browser, "jsonl").get_data(as_text=True).splitlines())
    chain, instance = UUID(head["chain"]).bytes, UUID(head["instance"]).bytes
    previous = hashlib.sha256(b"chatelaine/v1/audit-genesis\0" + instance + chain).digest()
    assert head["previous"] == previous.hex()
    for number, event in enumerate(events, start=1):
        payload = hashlib.sha256(base64.b64decode(event["payload"])).digest()
        numbers = struct.pack(">Qq", number, event["at"])
        previous = hashlib.sha256(b"chatelaine/v1/audit\0" + chain + numbers + previous + payload).digest()
        assert event["hash"] == previous.hex()


def test_the_lines_hold_the_columns_the_details_and_the_mac(browser, happen, world):
    item = uuid4()
    happen(Action.ITEM_REVEALED, target=Target("item", item, "prod"), extra={"field": "Password"})
    line = json.loads(export(browser, "jsonl", names=True).get_data(as_text=True).splitlines()[-2])
    assert line["chain"] == str(world.organizations[NORTHWIND])
    assert (line["action"], line["success"]) == ("item.revealed", True)
    assert line["actor_id"] == str(world.people["mia"])
    assert (line["target_type"], line["target_id"]) == ("item", str(item))
    assert (line["details"]["actor"], line["details"]["target"]) == ("Mia", "prod")
    assert line["details"]["extra"] == {"field": "Password"}
    assert len(bytes.fromhex(line["mac"])) == 32


def test_an_export_names_credentials_only_when_asked(browser, happen, trail):
    item, vault = uuid4(), uuid4()
    extra = {"field": "Recovery word", "fields": ["Recovery word"], "version": 3, "to": str(vault)}
    happen(Action.ITEM_REVEALED, target=Target("item", item, "Acme/prod"), extra=extra)
    happen(Action.VAULT_CHANGED, target=Target("vault", vault, "Production"), extra={"name": "Production"})
    lines = export(browser, "jsonl").get_data(as_text=True)
    table = export(browser, "csv").get_data(as_text=True)

    for text in (lines, table):
        assert "Acme" not in text
        assert "Recovery word" not in text
        assert "Production" in text
    revealed = next(
        each for each in map(json.loads, lines.splitlines()) if each.get("target_id") == str(item)
    )
    assert revealed["details"]["target"] == ""
    assert revealed["details"]["extra"] == {"version": 3, "to": str(vault)}

    assert "Acme/prod" in export(browser, "csv", names=True).get_data(as_text=True)
    assert [event["extra"]["names"] for event in trail.events("audit.exported")] == [False, False, True]


def test_an_export_of_some_events_says_that_it_is_not_complete(browser, happen, trail):
    happen(Action.VAULT_DELETED)
    lines = export(browser, "jsonl", query="?action=vault.deleted").get_data(as_text=True).splitlines()
    assert json.loads(lines[0])["complete"] is False
    assert [json.loads(line)["action"] for line in lines[1:]] == ["vault.deleted"]
    assert trail.one("audit.exported")["extra"]["actions"] == ["vault.deleted"]


def test_an_export_from_a_day_on_begins_with_the_hash_before_it(browser, happen):
    with time_machine.travel(START, tick=False) as clock:
        happen(Action.VAULT_CHANGED)
        clock.shift(timedelta(days=1))
        happen(Action.VAULT_DELETED)
        everything = export(browser, "jsonl").get_data(as_text=True).splitlines()
        part = export(browser, "jsonl", query=f"?since={day(1)}").get_data(as_text=True).splitlines()
    head = json.loads(part[0])
    before = next(
        json.loads(line) for line in everything[1:] if json.loads(line)["action"] == "vault.changed"
    )
    assert (head["from"], head["previous"], head["complete"]) == (before["seq"] + 1, before["hash"], True)


def test_the_table_runs_nothing_in_a_spreadsheet(browser, happen):
    happen(Action.ITEM_REVEALED, target=Target("item", None, '=HYPERLINK("http://evil")'))
    happen(Action.ITEM_REVEALED, target=Target("item", None, 'comma, "quote"\nline'))
    answer = export(browser, "csv", names=True)
    assert answer.content_type == "text/csv; charset=utf-8"
    table = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True), newline="")))
    assert [row["Target"] for row in table[-3:-1]] == [
        '\'=HYPERLINK("http://evil")',
        'comma, "quote"\nline',
    ]
    assert (table[-3]["Who"], table[-3]["Did"], table[-3]["Action"]) == ("Mia", "revealed", "item.revealed")
    assert all(cell[:1] not in "=+-@" or not cell for row in table for cell in row.values())


def test_an_export_of_more_than_one_batch_has_each_event_once(browser, happen):
    happen(Action.ITEM_REVEALED, times=1500)
    table = list(csv.DictReader(io.StringIO(export(browser, "csv").get_data(as_text=True), newline="")))
    numbers = [int(row["Number"]) for row in table]
    assert numbers == list(range(1, len(numbers) + 1))


def test_an_event_that_does_not_open_is_exported_as_such(browser, happen, database):
    happen(Action.ITEM_REVEALED)
    spoil = "UPDATE audit_event SET payload = zeroblob(1) WHERE action = 'item.revealed'"
    worlds.past_the_program(database, spoil)
    lines = export(browser, "jsonl").get_data(as_text=True).splitlines()
    assert [json.loads(line)["details"] for line in lines if '"item.revealed"' in line] == [None]
    assert "cannot be decrypted" in export(browser, "csv").get_data(as_text=True)


def test_nothing_is_exported_when_the_event_cannot_be_stored(browser, runtime, monkeypatch):
    alice = browser("alice")
    alice.open(f"{AUDIT}/export")

    def refuse(*_):
        raise Unavailable("the audit log cannot be written")

    monkeypatch.setattr(runtime.committer, "submit", refuse)
    page = alice.submit("export", 503, format="jsonl")
    assert "payload" not in page.words


def test_ten_exports_an_hour_are_enough(browser):
    alice = browser("alice")
    for _ in range(10):
        alice.open(f"{AUDIT}/export")
        alice.submit("export", format="csv")
    alice.open(f"{AUDIT}/export")
    alice.submit("export", 429, format="csv")


@pytest.mark.parametrize(("field", "value"), [("format", "exe"), ("since", "soon")])
def test_an_export_of_nonsense_is_answered_with_the_form(browser, trail, field, value):
    alice = browser("alice")
    alice.open(f"{AUDIT}/export")
    assert "Please correct this" in alice.submit("export", 422, **{field: value}).words
    assert trail.events("audit.exported") == []


def test_the_form_keeps_the_filter_of_the_list(browser, happen, world):
    alice = browser("alice")
    page = alice.open(f"{AUDIT}?action=items&since=2027-03-02&actor={world.people['mia']}")
    link = next(a for a in page.select(".actions a") if "Export" in a.get_text())
    form = alice.open(link["href"]).select_one("#export")
    fields = {field["name"]: field.get("value") for field in form.select("input[name]")}
    assert (fields["action"], fields["actor"]) == ("items", str(world.people["mia"]))
    assert fields["since"] == "2027-03-02"


# The proof


def test_the_proof_says_that_nobody_has_verified_yet(browser):
    page = browser("alice").open(f"{AUDIT}/proof")
    assert "Not verified lately" in page.words
    assert "chatelaine/" in page.words


def test_the_proof_shows_the_last_verification(browser, runtime):
    audit_verify.record(runtime, audit_verify.verify(runtime))
    page = browser("audrey").open(f"{AUDIT}/proof")
    assert "Verified" in page.words
    assert "nothing was wrong" in page.words


def test_the_proof_shows_what_was_wrong(browser, runtime, database):
    worlds.past_the_program(database, "UPDATE audit_event SET mac = zeroblob(1) WHERE seq = 4")
    audit_verify.record(runtime, audit_verify.verify(runtime))
    page = browser("alice").open(f"{AUDIT}/proof")
    assert "The last verification has found faults" in page.words
    assert "northwind 4: its MAC is wrong" in page.words


def test_a_fault_elsewhere_is_said_without_saying_where(browser, runtime, world, database):
    spoil = "UPDATE audit_event SET mac = zeroblob(1) WHERE seq = 4 AND chain_id = ?"
    worlds.past_the_program(database, spoil, world.organizations["lakeside"].hex)
    audit_verify.record(runtime, audit_verify.verify(runtime))
    page = browser("alice").open(f"{AUDIT}/proof")
    assert "0 in this log, 1 elsewhere" in page.words
    assert "lakeside" not in page.words


def test_vaults_are_named_in_the_log_when_they_are_gone(browser, runtime, world):
    with runtime.work(writing=True, actor=world.actor("alice")) as uow:
        vaults.delete(uow, vaults.create(uow, "Short-lived"))
    assert rows(browser("alice").open(AUDIT))[1]["cells"][:3] == ["Alice", "deleted a vault", "Short-lived"]
