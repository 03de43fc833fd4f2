"""Ticking off what somebody opened, and the same page for one program's token."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest

from models import LeaverTick
from policy import Scope
from services import api_tokens
from tests.pages.conftest import MISSING
from tests.world import past_the_program

STRIPE = "Stripe dashboard"
PRIMARY = "prod/db primary"
NOTE = "Turned at the bank's own desk"


@pytest.fixture
def reveal(browser, world):
    """Let Rhea open values."""
    rhea = browser("rhea")

    def reveal(item, field="password"):
        rhea.open(f"/o/northwind/items/{world.items[item]}")
        rhea.submit(f"reveal-{field}")

    return reveal


@pytest.fixture
def opened(world):
    """Where the page about Rhea stands."""
    return f"/o/northwind/people/{world.members['rhea']}/opened"


@pytest.fixture
def adam(browser):
    return browser("adam")


@pytest.fixture
def program(app, runtime, world):
    """A program with a token of Rhea's: how it reveals, and where its page stands."""

    def make(*scopes, owner="rhea"):
        with runtime.work(writing=True, actor=world.actor(owner)) as uow:
            minted = api_tokens.issue(uow, "nightly job", scopes, timedelta(days=1))

        def reveal(item, status=200):
            answer = app.test_client().post(
                f"/api/v1/items/{world.items[item]}/reveal",
                headers={"Authorization": f"Bearer {minted.text}"},
            )
            assert answer.status_code == status

        return reveal, f"/o/northwind/tokens/{minted.id}/opened"

    return make


def dealt_with(page):
    rows = page.select('[aria-label="To be changed"] tbody tr')
    return {row.th.get_text(): " ".join(row.select_one(".done").get_text(" ").split()) for row in rows}


def form_of(page, item, act="tick"):
    (row,) = [row for row in page.select('[aria-label="To be changed"] tbody tr') if item in row.get_text()]
    return row.select_one(f"form[id^={act}-]")


def tick(person, path, item, status=200, **values):
    page = person.open(path)
    return person.submit(form_of(page, item)["id"], status, **values)


# Ticking off


def test_what_was_dealt_with_is_ticked_off_with_who_when_why_and_a_note(adam, reveal, opened, trail, world):
    reveal(STRIPE)
    reveal(PRIMARY)
    assert "0 of 2 dealt with" in adam.open(opened).words

    page = tick(adam, opened, STRIPE, reason="needless", note=f"  {NOTE} ")
    assert "1 of 2 dealt with" in page.words
    assert page.progress["value"] == "1"
    found = dealt_with(page)
    assert found[PRIMARY] == "Not yet"
    assert found[STRIPE].startswith("Needs no change by Adam, ")
    assert found[STRIPE].endswith(NOTE)
    event = trail.one("leaver.ticked")
    assert (event["actor"], event["target"], event["target_id"]) == ("Adam", STRIPE, str(world.items[STRIPE]))
    assert event["extra"]["about"] == "rhea@northwind.example"
    assert NOTE not in str(trail.events())


def test_what_was_changed_here_counts_as_dealt_with(adam, reveal, opened, browser, world):
    reveal(STRIPE)
    reveal(PRIMARY)
    tick(adam, opened, PRIMARY)
    mia = browser("mia")
    mia.open(f"/o/northwind/items/{world.items[STRIPE]}/edit")
    mia.submit("item-form", password="another one")
    assert "2 of 2 dealt with" in adam.open(opened).words


def test_whoever_opens_it_again_makes_the_tick_count_no_more(adam, reveal, opened):
    reveal(STRIPE)
    tick(adam, opened, STRIPE)
    reveal(STRIPE)
    page = adam.open(opened)
    assert dealt_with(page) == {STRIPE: "Not yet"}
    assert "0 of 1 dealt with" in page.words
    assert dealt_with(tick(adam, opened, STRIPE))[STRIPE].startswith("Changed elsewhere")


def test_a_reveal_that_came_while_the_page_was_open_is_not_ticked_off(adam, reveal, opened, trail):
    reveal(STRIPE)
    form = form_of(adam.open(opened), STRIPE)
    reveal(STRIPE)
    assert "opened it again" in adam.submit(form["id"], 409).words
    assert trail.events("leaver.ticked") == []


def test_what_another_person_opens_leaves_the_tick_as_it_is(adam, reveal, opened, browser, world):
    reveal(STRIPE)
    tick(adam, opened, STRIPE)
    mia = browser("mia")
    mia.open(f"/o/northwind/items/{world.items[STRIPE]}")
    mia.submit("reveal-password")
    assert dealt_with(adam.open(opened))[STRIPE].startswith("Changed elsewhere")
    page = adam.open(f"/o/northwind/people/{world.members['mia']}/opened")
    assert dealt_with(page) == {STRIPE: "Not yet"}


def test_a_tick_is_taken_back(adam, reveal, opened, trail, runtime):
    reveal(STRIPE)
    page = tick(adam, opened, STRIPE)
    form = form_of(page, STRIPE, "untick")
    adam.submit(form["id"])
    assert dealt_with(adam.page) == {STRIPE: "Not yet"}
    assert trail.one("leaver.unticked")["target"] == STRIPE
    data = {"csrf_token": adam.csrf(), "item_id": form.select_one('[name="item_id"]')["value"]}
    adam.post(f"{opened}/untick", data, 409)
    with runtime.work(writing=False) as uow:
        assert uow.connection.execute(LeaverTick.__table__.select()).all() == []


def test_the_list_is_narrowed_to_what_is_to_do_or_ticked_off(adam, reveal, opened):
    reveal(STRIPE)
    reveal(PRIMARY)
    page = tick(adam, f"{opened}?show=todo", STRIPE)
    assert adam.path == f"{opened}?show=todo"
    assert list(dealt_with(page)) == [PRIMARY]
    assert list(dealt_with(adam.open(f"{opened}?show=done"))) == [STRIPE]
    assert len(dealt_with(adam.open(f"{opened}?show=nonsense"))) == 2
    counts = [link.get_text(" ", strip=True) for link in adam.page.select('[aria-label="Show"] a')]
    assert counts == ["All 2", "To do 1", "Ticked off 1"]
    page = tick(adam, f"{opened}?show=todo", PRIMARY)
    assert "All of it is dealt with" in page.words


@pytest.mark.parametrize("note", ["x" * 201, "two\nlines", "a bell\a"])
def test_a_note_is_one_line_of_at_most_200_characters(adam, reveal, opened, trail, note):
    reveal(STRIPE)
    tick(adam, opened, STRIPE, 422, note=note)
    assert trail.events("leaver.ticked") == []
    tick(adam, opened, STRIPE, note="x" * 200)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"item_id": "nonsense"}, 422),
        ({"item_id": None}, 422),
        ({"seq": "many"}, 422),
        ({"seq": None}, 422),
        ({"seq": "9" * 40}, 409),
        ({"reason": "because"}, 422),
        ({"item_id": str(MISSING)}, 404),
    ],
)
def test_a_tick_that_no_page_sends_is_refused(adam, reveal, opened, trail, changes, status):
    reveal(STRIPE)
    tick(adam, opened, STRIPE, status, **changes)
    assert trail.events("leaver.ticked") == []


def test_what_they_never_opened_is_not_ticked_off_nor_what_lies_elsewhere(adam, reveal, opened, world, trail):
    reveal(STRIPE)
    for item in ("Board portal", "Lakeside mail"):
        tick(adam, opened, STRIPE, 404, item_id=str(world.items[item]))
    assert trail.events("leaver.ticked") == []


def test_notes_are_encrypted_where_they_are_kept(adam, reveal, opened, database):
    reveal(STRIPE)
    tick(adam, opened, STRIPE, note=NOTE)
    content = b"".join(path.read_bytes() for path in database.parent.glob("chatelaine.db*"))
    assert NOTE.encode() not in content


def test_a_note_that_was_altered_is_told_of_and_recorded(adam, reveal, opened, runtime, trail):
    reveal(STRIPE)
    tick(adam, opened, STRIPE, note=NOTE)
    with runtime.engine.begin() as connection:
        assert connection.exec_driver_sql("UPDATE leaver_tick SET note = zeroblob(120)").rowcount == 1
    assert "This note cannot be decrypted." in adam.open(opened).words
    assert trail.one("decryption.failed")["extra"]["part"] == "note"


def test_the_table_that_is_taken_out_says_what_was_dealt_with(adam, reveal, opened):
    reveal(STRIPE)
    reveal(PRIMARY)
    tick(adam, opened, STRIPE, note="=1+1")
    adam.open(opened)
    text = adam.submit("export").answer.get_data(as_text=True)
    rows = {row["Credential"]: row for row in csv.DictReader(io.StringIO(text, newline=""))}
    assert rows[STRIPE]["Dealt with"] == "Changed elsewhere"
    assert (rows[STRIPE]["By"], rows[STRIPE]["Note"]) == ("Adam", "'=1+1")
    assert rows[PRIMARY]["Dealt with"] == rows[PRIMARY]["Note"] == ""


def test_an_auditor_sees_the_ticks_and_makes_none(adam, reveal, opened, browser, refuses):
    reveal(STRIPE)
    tick(adam, opened, STRIPE)
    page = browser("audrey").open(opened)
    assert dealt_with(page)[STRIPE].startswith("Changed elsewhere")
    assert not page.select("form[id^=tick-], form[id^=untick-]")
    for act in ("tick", "untick"):
        refuses(f"{opened}/{act}", "audrey", 403, posting=True)
        refuses(f"{opened}/{act}", "mia", 403, posting=True)
        refuses(f"{opened}/{act}", "mallory", 404, posting=True)


def test_a_tick_goes_with_its_credential(adam, reveal, opened, browser, world, runtime):
    reveal(PRIMARY)
    tick(adam, opened, PRIMARY)
    alice = browser("alice")
    item = f"/o/northwind/items/{world.items[PRIMARY]}"
    alice.open(item)
    alice.submit("trash")
    alice.open(f"{item}/purge")
    alice.submit("purge-form")
    with runtime.work(writing=False) as uow:
        assert uow.connection.execute(LeaverTick.__table__.select()).all() == []


# One program


def test_a_token_has_a_page_of_what_it_opened_and_its_owner_did_not(adam, program, reveal):
    run, page_of_token = program(Scope.ITEMS_REVEAL)
    reveal(PRIMARY)
    run(STRIPE)
    page = adam.open(page_of_token)
    assert list(dealt_with(page)) == [STRIPE]
    assert page.h1.get_text().startswith("What nightly job (")


def test_what_another_token_of_the_same_person_opened_is_not_this_one_s(adam, program):
    _, mine = program(Scope.ITEMS_REVEAL)
    run, _ = program(Scope.ITEMS_REVEAL)
    run(STRIPE)
    assert dealt_with(adam.open(mine)) == {}


def test_a_reveal_that_cannot_be_read_may_be_the_token_s(adam, program, reveal, database):
    _, page_of_token = program(Scope.ITEMS_REVEAL)
    reveal(STRIPE)
    past_the_program(
        database, "UPDATE audit_event SET payload = zeroblob(200) WHERE action = 'item.revealed'"
    )
    assert list(dealt_with(adam.open(page_of_token))) == [STRIPE]


@pytest.mark.parametrize(
    ("scopes", "owner", "rows"),
    [
        ((Scope.ITEMS_LIST,), "mia", [["Production", "Use", "No end"]]),
        ((Scope.ITEMS_LIST, Scope.ITEMS_REVEAL), "mia", [["Production", "Reveal", "No end"]]),
        ((Scope.ITEMS_REVEAL,), "ula", [["Production", "Use", "No end"]]),
        ((Scope.ITEMS_REVEAL,), "noah", []),
    ],
)
def test_a_token_reaches_as_far_as_its_owner_and_its_scopes(adam, program, scopes, owner, rows):
    _, page_of_token = program(*scopes, owner=owner)
    page = adam.open(page_of_token)
    found = page.select('[aria-label="What it could have opened"] tbody tr')
    assert [[cell.get_text(strip=True) for cell in row.select("th, td")] for row in found] == rows


def test_a_tick_on_a_token_s_page_is_about_the_token_alone(adam, program, opened, trail):
    run, page_of_token = program(Scope.ITEMS_REVEAL)
    run(STRIPE)
    tick(adam, page_of_token, STRIPE, note=NOTE)
    assert trail.one("leaver.ticked")["extra"]["about"].startswith("nightly job (")
    assert dealt_with(adam.open(opened)) == {STRIPE: "Not yet"}
    page = adam.open(page_of_token)
    assert dealt_with(page)[STRIPE].startswith("Changed elsewhere")
    run(STRIPE)
    assert dealt_with(adam.open(page_of_token)) == {STRIPE: "Not yet"}
    tick(adam, page_of_token, STRIPE)
    adam.submit(form_of(adam.page, STRIPE, "untick")["id"])
    assert dealt_with(adam.page) == {STRIPE: "Not yet"}


def test_what_is_ticked_off_of_a_person_stays_so_whatever_is_done_on_their_token_s_page(
    adam, program, opened
):
    run, page_of_token = program(Scope.ITEMS_REVEAL)
    run(STRIPE)
    tick(adam, opened, STRIPE)
    tick(adam, page_of_token, STRIPE)
    adam.submit(form_of(adam.page, STRIPE, "untick")["id"])
    assert dealt_with(adam.open(opened))[STRIPE].startswith("Changed elsewhere")


def test_a_token_without_a_scope_reaches_nothing(adam, program, runtime):
    _, page_of_token = program(Scope.ITEMS_LIST, owner="mia")
    with runtime.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE access_token SET scopes = '' WHERE kind = 'api'")
    assert "its scopes go Nothing." in adam.open(page_of_token).words


def test_the_list_of_a_token_is_taken_out(adam, program, trail):
    run, page_of_token = program(Scope.ITEMS_REVEAL)
    run(STRIPE)
    adam.open(page_of_token)
    assert STRIPE in adam.submit("export").answer.get_data(as_text=True)
    assert trail.one("audit.exported")["target_type"] == "token"


def test_revoking_a_token_shows_what_it_opened(adam, program):
    run, page_of_token = program(Scope.ITEMS_REVEAL)
    run(STRIPE)
    page = adam.open("/o/northwind/tokens?kind=api")
    assert page.select_one(f'a[href="{page_of_token}"]')
    page = adam.submit(page.select_one("form[id^=revoke-]")["id"])
    assert adam.path == page_of_token
    assert "is revoked" in page.words
    assert STRIPE in page.words


def test_a_member_who_revokes_their_own_token_stays_on_the_list(browser, program):
    _, page_of_token = program(Scope.ITEMS_REVEAL)
    rhea = browser("rhea")
    page = rhea.open("/o/northwind/tokens?kind=api")
    assert not page.select(f'a[href="{page_of_token}"]')
    rhea.submit(page.select_one("form[id^=revoke-]")["id"])
    assert rhea.path == "/o/northwind/tokens"


def test_what_a_sign_in_token_opened_stands_on_the_page_of_its_owner(adam, world, opened):
    token = f"/o/northwind/tokens/{world.token_ids['rhea']}/opened"
    adam.open(token)
    assert adam.path == opened
    form = {"csrf_token": adam.csrf()}
    for act in ("tick", "untick", "export"):
        adam.post(f"{token}/{act}", form, 404)


def test_members_and_strangers_see_no_token_s_page(program, refuses):
    _, page_of_token = program(Scope.ITEMS_REVEAL)
    refuses(page_of_token, "mia", 404)
    refuses(page_of_token, "mallory", 404)
    for act in ("tick", "untick"):
        refuses(f"{page_of_token}/{act}", "mia", 404, posting=True)
        refuses(f"{page_of_token}/{act}", "audrey", 404, posting=True)
