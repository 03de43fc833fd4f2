"""Shutting one person out in a hurry, and letting everybody start anew."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pyotp
import pytest
import time_machine
from sqlalchemy import select, update

from errors import Denied
from models import AccessToken, Factor, Membership, User, UserSession
from policy import Role, Scope
from services import api_tokens, containment, tokens
from tests.browser import Browser

PEOPLE = "/o/northwind/people"
RESET = f"{PEOPLE}/reset-factors"
NOON = datetime(2027, 1, 15, 12, tzinfo=UTC)
OTHERS = ["Adam", "Audrey", "Mia", "Noah", "Rhea", "Ula"]
"""Everybody of Northwind but Alice."""


@pytest.fixture
def shut_out(world):
    return lambda name: f"{PEOPLE}/{world.members[name]}/shut-out"


@pytest.fixture
def crown(runtime, world):
    """Make somebody an owner."""

    def crown(name):
        with runtime.engine.begin() as connection:
            of_them = Membership.id == world.members[name]
            connection.execute(update(Membership).where(of_them).values(role=Role.OWNER.value))

    return crown


@pytest.fixture
def alice(browser):
    return browser("alice")


def set_up(person):
    """Give somebody an authenticator app; return it."""
    person.open("/account/factor")
    page = person.submit("set-up")
    app = pyotp.TOTP(page.select_one("#seed").get_text().replace(" ", ""))
    person.submit("confirm-app", code=app.now())
    return app


def is_signed_in(person):
    person.open("/account")
    return person.path == "/account"


def links_of(page):
    return {
        page.select_one(f'label[for="{field["id"]}"]').get_text().partition(",")[0]: field["value"]
        for field in page.select("input[id^=link-]")
    }


# One person


def test_the_page_says_what_ends_before_it_does(browser, shut_out, runtime, world):
    mia, adam = browser("mia"), browser("adam")
    set_up(mia)
    with runtime.work(writing=True, actor=world.actor("mia")) as uow:
        api_tokens.issue(uow, "job", [Scope.ITEMS_LIST], timedelta(days=1))
    adam.open(f"{PEOPLE}/{world.members['mia']}")
    adam.submit("new-link")
    words = adam.open(shut_out("mia")).words
    assert "1 session ends" in words
    assert "2 tokens are revoked" in words
    assert "Second factor Removed" in words
    assert "1 link stops working" in words
    words = adam.open(shut_out("noah")).words
    assert "No sessions end" in words
    assert "There is none" in words


def test_one_press_shuts_a_person_out_and_shows_what_they_opened(browser, shut_out, world, trail):
    mia, adam = browser("mia"), browser("adam")
    set_up(mia)
    mia.open(f"/o/northwind/items/{world.items['Stripe dashboard']}")
    mia.submit("reveal-password")
    page = adam.open(PEOPLE)
    assert page.select_one(f'a[href="{shut_out("mia")}"]')
    adam.open(shut_out("mia"))
    page = adam.submit("disable")
    assert adam.path == f"{PEOPLE}/{world.members['mia']}/opened"
    assert "Stripe dashboard" in page.words
    assert not is_signed_in(mia)
    assert {"factor.removed", "session.ended", "token.revoked", "person.disabled"} <= set(trail.actions())
    (exports,) = [link["href"] for link in page.select("a") if "Their exports" in link.get_text()]
    assert exports == f"/o/northwind/audit?actor={world.people['mia']}&action=exports"


def test_the_page_asks_first_who_one_is_and_then_one_press_is_enough(browser, shut_out, world, trail):
    with time_machine.travel(NOON, tick=False) as clock:
        adam = browser("adam")
        clock.shift(timedelta(minutes=6))
        adam.open(shut_out("mia"))
        assert adam.path == f"/account/confirm?next={shut_out('mia')}"
        adam.submit("confirm", token=world.tokens["adam"])
        assert adam.path == shut_out("mia")
        adam.submit("disable")
        assert trail.one("person.disabled")


def test_those_who_cannot_be_shut_out_are_not_offered(browser, shut_out, crown):
    adam, alice = browser("adam"), browser("alice")
    assert not adam.open(PEOPLE).select(f'a[href="{shut_out("alice")}"], a[href="{shut_out("adam")}"]')
    assert not alice.open(PEOPLE).select(f'a[href="{shut_out("alice")}"]')
    for person, whom in ((adam, "alice"), (adam, "adam"), (alice, "alice")):
        assert not person.open(shut_out(whom)).select("form#disable")
    crown("mia")
    assert not adam.open(PEOPLE).select(f'a[href="{shut_out("mia")}"]')
    assert alice.open(PEOPLE).select(f'a[href="{shut_out("mia")}"]')
    assert not browser("audrey").open(PEOPLE).select('a[href$="/shut-out"]')


def test_an_admin_is_not_offered_to_shut_the_operator_out(browser, shut_out, runtime, world):
    with runtime.engine.begin() as connection:
        connection.execute(update(User).where(User.id == world.people["mia"]).values(operator=True))
    assert not browser("adam").open(PEOPLE).select(f'a[href="{shut_out("mia")}"]')
    assert browser("alice").open(PEOPLE).select(f'a[href="{shut_out("mia")}"]')


def test_who_was_shut_out_already_leads_to_what_they_opened(browser, shut_out, world):
    adam = browser("adam")
    adam.open(shut_out("mia"))
    adam.submit("disable")
    adam.open(shut_out("mia"))
    assert adam.path == f"{PEOPLE}/{world.members['mia']}/opened"
    assert not adam.open(PEOPLE).select(f'a[href="{shut_out("mia")}"]')


def test_only_admins_come_to_the_page(refuses, shut_out):
    refuses(shut_out("rhea"), "audrey", 403)
    refuses(shut_out("rhea"), "mia", 403)
    refuses(shut_out("rhea"), "mallory", 404)


# Everybody


def test_an_owner_lets_everybody_start_anew(app, alice, browser, world, runtime, trail):
    mia = browser("mia")
    set_up(mia)
    set_up(alice)
    rhea = browser("rhea")
    assert alice.open(PEOPLE).select_one(f'a[href="{RESET}"]')
    alice.open(RESET)
    page = alice.submit("reset-all", name=" Northwind ")

    links = links_of(page)
    assert list(links) == OTHERS
    assert is_signed_in(alice)
    assert not is_signed_in(mia)
    assert not is_signed_in(rhea)
    with runtime.work(writing=False) as uow:
        owners_of_factors = set(uow.connection.execute(select(Factor.user_id)).scalars())
        assert owners_of_factors == {world.people["alice"]}
    for name in ("mia", "rhea", "adam"):
        stranger = Browser(app)
        stranger.open("/sign-in")
        stranger.submit("sign-in", 422, token=world.tokens[name])

    anew = Browser(app)
    anew.open("/enrol/" + links["Mia"].rpartition("/")[2])
    token = anew.press("Create my token").select_one("#token")["value"]
    anew.open("/sign-in")
    anew.submit("sign-in", token=token)
    assert is_signed_in(anew)


def test_each_person_and_the_whole_are_recorded(alice, browser, world, trail):
    set_up(browser("mia"))
    alice.open(RESET)
    page = alice.submit("reset-all", name="Northwind")
    each = {event["target"]: event for event in trail.events("person.reset")}
    assert len(each) == len(OTHERS)
    told = each["mia@northwind.example"]["extra"]
    assert (told["factor"], told["sessions"], told["tokens"]) == (True, 1, 1)
    assert each["noah@northwind.example"]["extra"]["factor"] is False
    (ended,) = [event for event in trail.events("session.ended") if event["actor"] == "Alice"]
    assert ended["extra"] == {"reason": "everybody starts anew"}
    whole = trail.one("factor.reset_all")
    assert (whole["actor"], whole["target"], whole["extra"]) == (
        "Alice",
        "Northwind",
        {"people": 6, "left": 0},
    )
    assert not any(link.rpartition("/")[2] in str(trail.events()) for link in links_of(page).values())


def test_the_links_are_shown_in_this_answer_alone(alice):
    alice.open(RESET)
    page = alice.submit("reset-all", name="Northwind")
    assert "no-store" in page.answer.headers["Cache-Control"]
    links = links_of(page).values()
    for path in (PEOPLE, RESET, "/o/northwind/audit"):
        assert not any(link in str(alice.open(path)) for link in links)


def test_links_from_before_open_nothing_more(app, alice, browser, world):
    alice.open(f"{PEOPLE}/{world.members['mia']}")
    old = alice.submit("new-link").select_one("#link")["value"]
    alice.open(RESET)
    alice.submit("reset-all", name="Northwind")
    Browser(app).open("/enrol/" + old.rpartition("/")[2], 410)


def test_programs_go_on_and_the_disabled_stay_out(app, alice, runtime, world, shut_out):
    with runtime.work(writing=True, actor=world.actor("mia")) as uow:
        job = api_tokens.issue(uow, "job", [Scope.ITEMS_LIST], timedelta(days=1)).text
    alice.open(shut_out("noah"))
    alice.submit("disable")
    alice.open(RESET)
    page = alice.submit("reset-all", name="Northwind")
    assert list(links_of(page)) == [name for name in OTHERS if name != "Noah"]
    answer = app.test_client().get("/api/v1/items", headers={"Authorization": f"Bearer {job}"})
    assert answer.status_code == 200


def test_other_organizations_keep_what_they_have(alice, browser, runtime, world):
    sam = browser("sam")
    set_up(sam)
    alice.open(RESET)
    alice.submit("reset-all", name="Northwind")
    assert is_signed_in(sam)
    with runtime.work(writing=False) as uow:
        assert uow.connection.execute(select(Factor.user_id)).scalars().all() == [world.people["sam"]]


@pytest.fixture
def belongs_elsewhere(runtime, world):
    """Let somebody of Northwind belong to Lakeside too."""

    def join(name):
        with runtime.work(writing=True, actor=world.actor("mallory")) as uow:
            uow.session.add(
                Membership(
                    id=uuid4(),
                    organization_id=world.organizations["lakeside"],
                    user_id=world.people[name],
                    role="member",
                    created_at=uow.now,
                )
            )

    return join


def test_who_also_belongs_elsewhere_is_left_alone(alice, app, browser, belongs_elsewhere, trail):
    """A link made here would open Lakeside, too: an owner of Northwind must not come to hold one."""
    mia = browser("mia")
    set_up(mia)
    belongs_elsewhere("mia")
    alice.open(RESET)
    page = alice.submit("reset-all", name="Northwind")
    assert list(links_of(page)) == [name for name in OTHERS if name != "Mia"]
    assert "Left alone: Mia" in page.words
    assert is_signed_in(mia)
    assert trail.one("factor.reset_all")["extra"] == {"people": 5, "left": 1}


def test_where_all_others_belong_elsewhere_nothing_is_reset(alice, belongs_elsewhere, trail):
    for name in OTHERS:
        belongs_elsewhere(name.lower())
    alice.open(RESET)
    page = alice.submit("reset-all", 409, name="Northwind")
    assert "Only the operator can do this" in page.words
    assert trail.events("factor.reset_all") == []


@pytest.mark.parametrize("typed", ["", "northwind", "Northwind Ltd", "Lakeside", "x" * 300])
def test_the_name_is_typed_as_it_stands_or_nothing_happens(alice, typed, trail):
    alice.open(RESET)
    page = alice.submit("reset-all", 422, name=typed)
    assert page.select_one("#name-error")
    assert trail.events("person.reset") + trail.events("token.revoked") == []


def test_all_of_it_happens_or_nothing(alice, browser, monkeypatch, runtime, trail):
    set_up(browser("mia"))
    alice.open(RESET)
    real, calls = tokens.revoke_all_of, []

    def fail_at_the_third(uow, user_id, **how):
        calls.append(user_id)
        if len(calls) == 3:
            raise RuntimeError
        return real(uow, user_id, **how)

    monkeypatch.setattr("services.tokens.revoke_all_of", fail_at_the_third)
    alice.submit("reset-all", 500, name="Northwind")
    assert len(calls) == 3
    with runtime.work(writing=False) as uow:
        assert len(uow.connection.execute(select(Factor.id)).all()) == 1
        assert len(uow.connection.execute(select(UserSession.id)).all()) == 2
        revoked = select(AccessToken.id).where(AccessToken.revoked_at.is_not(None))
        assert uow.connection.execute(revoked).all() == []
    assert trail.events("person.reset") + trail.events("person.invited") == []


def test_it_asks_first_who_one_is(browser, world, trail):
    with time_machine.travel(NOON, tick=False) as clock:
        alice = browser("alice")
        alice.open(RESET)
        clock.shift(timedelta(minutes=6))
        assert alice.submit("reset-all", name="Northwind").select_one("form#confirm")
        alice.open(RESET)
        assert alice.path == f"/account/confirm?next={RESET}"
        assert trail.events("person.reset") == []


def test_it_is_done_three_times_an_hour_at_most(alice):
    for status in (422, 422, 422, 429):
        alice.open(RESET)
        alice.submit("reset-all", status, name="nonsense")


def test_only_owners_do_it(refuses, browser, crown, runtime, world):
    for posting in (False, True):
        for who, status in (("adam", 403), ("audrey", 403), ("mia", 403), ("mallory", 404)):
            refuses(RESET, who, status, posting=posting)
    assert not browser("adam").open(PEOPLE).select(f'a[href="{RESET}"]')
    crown("mia")
    mia = browser("mia")
    mia.open(RESET)
    page = mia.submit("reset-all", name="Northwind")
    assert list(links_of(page))[:2] == ["Adam", "Audrey"]
    assert "Left alone: Alice" in page.words


def test_an_owner_who_has_just_been_made_less_does_it_no_more(runtime, world):
    with (
        runtime.work(writing=True, actor=world.actor("adam")) as uow,
        pytest.raises(Denied, match="start anew"),
    ):
        containment.reset_everybody(uow, "Northwind")


def test_the_last_one_there_has_nobody_to_reset(browser):
    mallory = browser("mallory")
    lakeside = "/o/lakeside/people"
    row = mallory.open(lakeside).find("a", string="Sam")["href"]
    mallory.open(row)
    mallory.submit("disable")
    page = mallory.open(f"{lakeside}/reset-factors")
    assert "There is nobody here but you" in page.words
    mallory.open("/account")
    mallory.post(f"{lakeside}/reset-factors", {"csrf_token": mallory.csrf(), "name": "Lakeside"}, 409)


# What left the house


def test_exports_since_a_day_are_one_step_away(alice, browser, world):
    audrey = browser("audrey")
    audrey.open("/o/northwind/tokens")
    audrey.submit("export")
    page = alice.open(RESET)
    form = page.select_one("form#review-exports")
    asked = {field["name"]: field["value"] for field in form.select("input[name]")}
    assert asked["action"] == "exports"
    page = alice.open(f"{form['action']}?action={asked['action']}&since={asked['since']}")
    assert [row["data-action"] for row in page.select("tr[data-action]")] == ["token.exported"]
