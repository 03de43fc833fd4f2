"""People: who sees them, who changes them, what they get to see of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import update

from models import Membership
from policy import Role
from services import tokens
from tests.browser import Browser

PEOPLE = "/o/northwind/people"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def page_of(world):
    """Where somebody's page stands."""
    return lambda name: f"{PEOPLE}/{world.members[name]}"


@pytest.fixture
def crown(runtime, world):
    """Make somebody an owner."""

    def crown(name):
        with runtime.engine.begin() as connection:
            connection.execute(
                update(Membership).where(Membership.id == world.members[name]).values(role=Role.OWNER.value)
            )

    return crown


def row_of(page, email):
    (row,) = [row for row in page.select("tbody tr") if email in row.get_text()]
    return " ".join(row.get_text(" ").split())


def force(browser, path, status, **data):
    """Post past the page's own forms."""
    browser.open("/account")
    return browser.post(path, {"csrf_token": browser.csrf(), **data}, status)


def is_signed_in(browser):
    browser.open("/account")
    return browser.path == "/account"


# Seeing


def test_the_list_says_who_is_there(browser, world, runtime):
    browser("mia")
    page = browser("adam").open(PEOPLE)
    assert "Member Active" in row_of(page, "mia@northwind.example")
    assert "just now" in row_of(page, "mia@northwind.example")
    assert "Never" in row_of(page, "noah@northwind.example")
    assert "Owner Active" in row_of(page, "alice@northwind.example")
    assert "lakeside" not in page.words


@pytest.mark.parametrize(("days", "word"), [(13, "Ends soon"), (15, ""), (-1, "Ended")])
def test_the_list_warns_of_tokens_that_end(browser, world, runtime, days, word):
    ends = int((datetime.now(UTC) + timedelta(days=days)).timestamp() * 1_000_000)
    with runtime.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE access_token SET expires_at = ? WHERE id = ?", (ends, world.token_ids["ula"].hex)
        )
    row = row_of(browser("adam").open(PEOPLE), "ula@northwind.example")
    assert word in row
    assert ("Ends soon" in row or "Ended" in row) == bool(word)


def test_members_see_nobody(refuses, page_of):
    refuses(PEOPLE, "mia", 403)
    refuses(page_of("rhea"), "noah", 403)
    refuses(f"{PEOPLE}/invite", "mia", 403)


def test_strangers_find_nothing(refuses, page_of, browser, world):
    refuses(PEOPLE, "mallory", 404)
    refuses(page_of("mia"), "mallory", 404)
    refuses(f"{PEOPLE}/{world.members['mallory']}", "alice", 404)


def test_auditors_see_everybody_and_change_nobody(browser, page_of, refuses):
    audrey = browser("audrey")
    page = audrey.open(PEOPLE)
    assert len(page.select('[aria-label="People"] tbody tr')) == 7
    assert "Invite a person" not in page.words
    page = audrey.open(page_of("mia"))
    assert not page.select("main form")
    assert "Sessions" not in [heading.get_text() for heading in page.select("main h2")]
    for act in ("role", "disable", "enable", "link", "sessions/end"):
        refuses(f"{page_of('mia')}/{act}", "audrey", 403, posting=True)


# Inviting


def test_an_admin_invites_and_sees_the_link_once(app, browser, trail):
    adam = browser("adam")
    adam.open(f"{PEOPLE}/invite")
    page = adam.submit("invite", email="Nina@Northwind.example", name="Nina", role="auditor")
    link = page.select_one("#link")["value"]
    assert link.startswith("http://127.0.0.1:8000/enrol/chl_enrol_")
    assert "nina@northwind.example" in page.words
    page = adam.open(PEOPLE)
    assert "Auditor" in row_of(page, "nina@northwind.example")
    assert link not in str(page)
    assert link.rpartition("/")[2] not in str(trail.events())
    nina = Browser(app)
    nina.open(link.removeprefix("http://127.0.0.1:8000"))
    nina.press("Create my token")
    assert "Auditor Active" in row_of(adam.open(PEOPLE), "nina@northwind.example")
    event = trail.one("person.invited")
    assert (event["actor"], event["target"], event["extra"]) == (
        "Adam",
        "nina@northwind.example",
        {"role": "auditor"},
    )


def test_a_link_that_was_taken_back_opens_nothing(app, browser, trail):
    adam = browser("adam")
    adam.open(f"{PEOPLE}/invite")
    link = adam.submit("invite", email="nina@northwind.example").select_one("#link")["value"]
    adam.open(PEOPLE)
    (form,) = [
        row.select_one("form")["id"] for row in adam.page.select("tbody tr") if "nina@" in row.get_text()
    ]
    assert "nina@northwind.example" not in [
        row.get_text() for row in adam.submit(form).select("tbody tr small")
    ]
    assert trail.one("invitation.revoked")["target"] == "nina@northwind.example"
    Browser(app).open("/enrol/" + link.rpartition("/")[2], status=410)


@pytest.mark.parametrize(
    ("email", "status", "words"),
    [
        ("", 422, "Enter the e-mail address to invite."),
        ("nina", 422, "Enter an e-mail address, such as mia@example.com."),
        ("mia@northwind.example", 409, "is a member already"),
    ],
)
def test_an_address_that_cannot_be_invited(browser, email, status, words, trail):
    adam = browser("adam")
    adam.open(f"{PEOPLE}/invite")
    page = adam.submit("invite", status, email=email, name="Kept")
    assert words in page.select_one("#email-error").get_text()
    assert page.select_one("#name")["value"] == "Kept"
    assert trail.events("person.invited") == []


def test_only_owners_are_offered_to_make_owners(browser, page_of, trail):
    adam, alice = browser("adam"), browser("alice")
    for window, expected in ((adam, False), (alice, True)):
        for path in (f"{PEOPLE}/invite", page_of("mia")):
            offered = [option["value"] for option in window.open(path).select("#role option")]
            assert ("owner" in offered) is expected
    force(adam, f"{PEOPLE}/invite", 422, email="nina@northwind.example", role="owner")
    force(adam, f"{page_of('mia')}/role", 422, role="owner")
    assert trail.events("person.invited") + trail.events("person.changed") == []


# Changing


def test_an_admin_changes_a_role(browser, page_of, trail):
    adam, mia = browser("adam"), browser("mia")
    adam.open(page_of("mia"))
    page = adam.submit("role", role="auditor")
    assert "The role is changed." in page.words
    assert trail.one("person.changed")["extra"] == {"from": "member", "to": "auditor"}
    mia.open(PEOPLE)


def test_disabling_throws_a_person_out_at_once(app, browser, page_of, world, trail):
    adam, mia = browser("adam"), browser("mia")
    adam.open(page_of("mia"))
    page = adam.submit("disable")
    assert "Disabled" in page.words
    assert not is_signed_in(mia)
    again = Browser(app)
    again.open("/sign-in")
    again.submit("sign-in", 422, token=world.tokens["mia"])
    assert trail.one("person.disabled")["target"] == "mia@northwind.example"
    assert "Disabled" in row_of(adam.open(PEOPLE), "mia@northwind.example")


def test_enabling_gives_a_new_link(app, browser, page_of):
    adam = browser("adam")
    adam.open(page_of("mia"))
    adam.submit("disable")
    adam.open(page_of("mia"))
    link = adam.submit("enable").select_one("#link")["value"]
    mia = Browser(app)
    mia.open("/enrol/" + link.rpartition("/")[2])
    token = mia.press("Create my token").select_one("#token")["value"]
    mia.open("/sign-in")
    mia.submit("sign-in", token=token)
    assert "Active" in row_of(adam.open(PEOPLE), "mia@northwind.example")


def test_a_new_link_for_somebody_who_lost_their_token(app, browser, page_of, world):
    adam = browser("adam")
    adam.open(page_of("mia"))
    link = adam.submit("new-link").select_one("#link")["value"]
    mia = Browser(app)
    mia.open("/enrol/" + link.rpartition("/")[2])
    mia.press("Create my token")
    old = Browser(app)
    old.open("/sign-in")
    old.submit("sign-in", 422, token=world.tokens["mia"])


def test_an_admin_sees_and_ends_somebodys_sessions(browser, page_of, trail):
    adam, mia = browser("adam"), browser("mia", address="198.51.100.7")
    page = adam.open(page_of("mia"))
    assert "198.51.100.7" in page.select_one('[aria-label="Sessions"]').get_text()
    assert "One session has ended." in adam.submit("end-sessions").words
    assert not is_signed_in(mia)
    assert trail.one("session.ended")["actor"] == "Adam"


def test_the_only_owner_is_not_offered_to_go(browser, page_of, trail, world):
    alice = browser("alice")
    page = alice.open(page_of("alice"))
    assert "This is the only owner." in page.words
    assert not page.select("form#role, form#disable")
    page = force(alice, f"{page_of('alice')}/role", 409, role="member")
    assert "without an owner" in page.words
    force(alice, f"{page_of('alice')}/disable", 409)
    assert trail.events("person.changed") + trail.events("person.disabled") == []


def test_a_second_owner_may_take_over(browser, page_of, crown):
    crown("rhea")
    rhea = browser("rhea")
    rhea.open(page_of("alice"))
    rhea.submit("role", role="member")
    rhea.submit("disable")
    assert "Disabled" in row_of(rhea.open(PEOPLE), "alice@northwind.example")


def test_an_admin_is_kept_from_owners_on_the_page_and_past_it(browser, page_of, crown, trail):
    crown("rhea")
    adam = browser("adam")
    page = adam.open(page_of("rhea"))
    assert "Only an owner can change or disable this person." in page.words
    assert not page.select("form#role, form#disable, form#new-link")
    for act, data in (("role", {"role": "member"}), ("disable", {}), ("link", {})):
        force(adam, f"{page_of('rhea')}/{act}", 403, **data)
    assert len(trail.events("access.denied")) == 3


def test_nobody_disables_themselves(browser, page_of):
    adam = browser("adam")
    assert not adam.open(page_of("adam")).select("form#disable")
    assert "cannot disable yourself" in force(adam, f"{page_of('adam')}/disable", 409).words


# Guarding


def test_changing_people_asks_for_the_token_again(browser, page_of, world, trail):
    with time_machine.travel(NOON, tick=False) as clock:
        adam = browser("adam")
        adam.open(page_of("mia"))
        clock.shift(timedelta(minutes=6))
        assert adam.submit("disable").select_one("form#confirm")
        adam.open(f"{PEOPLE}/invite")
        assert adam.path == f"/account/confirm?next={PEOPLE}/invite"
        adam.submit("confirm", token=world.tokens["adam"])
        assert adam.path == f"{PEOPLE}/invite"
        assert trail.events("person.disabled") == []


@pytest.mark.parametrize("act", ["role", "disable", "enable", "link", "sessions/end"])
def test_only_admins_change_people_and_only_their_own(refuses, page_of, world, act):
    refuses(f"{page_of('rhea')}/{act}", "mia", 403, posting=True)
    refuses(f"{page_of('rhea')}/{act}", "mallory", 404, posting=True)
    refuses(f"{PEOPLE}/{world.members['sam']}/{act}", "alice", 404, posting=True)


def test_only_admins_take_links_back(refuses, runtime, world, browser):
    adam = browser("adam")
    adam.open(f"{PEOPLE}/invite")
    adam.submit("invite", email="nina@northwind.example")
    path = next(
        row.select_one("form")["action"]
        for row in adam.open(PEOPLE).select("tbody tr")
        if "nina@" in row.get_text()
    )
    refuses(path, "mia", 403, posting=True)
    refuses(path, "audrey", 403, posting=True)
    refuses(path, "mallory", 404, posting=True)
    refuses(path.replace("northwind", "lakeside"), "mallory", 404, posting=True)


def test_a_name_is_shown_as_it_was_written(browser, runtime, world, page_of):
    with runtime.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE user_account SET name = '<script>alert(1)</script>' WHERE id = ?",
            (world.people["mia"].hex,),
        )
    adam = browser("adam")
    for path in (PEOPLE, page_of("mia")):
        page = adam.open(path)
        assert "<script>alert(1)</script>" in page.get_text()
        assert not [script for script in page.select("script") if "alert" in script.get_text()]


def test_ending_somebodys_sessions_keeps_their_token(app, browser, page_of, world, runtime):
    adam = browser("adam")
    browser("mia")
    adam.open(page_of("mia"))
    adam.submit("end-sessions")
    with runtime.work(writing=False, actor=world.actor("mia")) as uow:
        assert tokens.find(uow, world.token_ids["mia"]).revoked_at is None
