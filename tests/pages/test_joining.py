"""Belonging to several organizations: joined by signing in, and never a way for one's admins into another."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
import time_machine
from sqlalchemy import select

from crypto.tokens import parse_token
from errors import Conflict, NotFound
from models import Factor, Membership, User
from policy import Role
from services import clock, factors, invitations, joining, people
from tests.browser import Browser
from tests.world import LAKESIDE, NORTHWIND

MAIL = "rhea@northwind.example"
NOON = datetime(2027, 1, 15, 12, tzinfo=UTC)
SITE = "http://127.0.0.1:8000"


@pytest.fixture
def invite(runtime, world):
    """Invite somebody to Lakeside; return the link's path."""

    def invite(email=MAIL, by="mallory", role=Role.MEMBER):
        with runtime.work(writing=True, actor=world.actor(by)) as uow:
            return invitations.invite(uow, email, role).path

    return invite


@pytest.fixture
def command(runtime, world):
    """Act as the operator does with a command, in one organization."""

    def run(slug, act):
        with runtime.work(writing=True) as uow:
            uow.act_as(type(uow.actor)(uow.actor.kind, uow.actor.id, "system", world.organizations[slug]))
            return act(uow)

    return run


@pytest.fixture
def member_in(runtime, world):
    """Return the id of somebody's membership in an organization."""

    def find(slug, email=MAIL):
        with runtime.engine.connect() as connection:
            return connection.execute(
                select(Membership.id)
                .join(User, User.id == Membership.user_id)
                .where(User.email == email, Membership.organization_id == world.organizations[slug])
            ).scalar_one()

    return find


@pytest.fixture
def rhea(browser, invite):
    """Rhea of Northwind, who has accepted an invitation to Lakeside."""
    rhea = browser("rhea")
    rhea.open(invite())
    rhea.submit("join")
    return rhea


def take(app, link, address="198.51.100.9"):
    """Take a link up as anybody who holds it may; return the token that comes of it, if one does."""
    thief = Browser(app, address)
    page = thief.open(link)
    if not page.select("form#enrol"):
        thief.open("/sign-in")
        thief.post("/enrol", {"csrf_token": thief.csrf(), "name": "x"}, 409)
        return None
    return thief.submit("enrol").select_one("#token")["value"]


# Joining


def test_who_has_an_account_signs_in_accepts_and_reaches_both(app, invite, world, trail):
    link = invite()
    rhea = Browser(app)
    page = rhea.open(link)
    assert "has an account on this site already" in page.words
    assert "Create my token" not in page.words
    rhea.open(page.find("a", string="Sign in and accept")["href"])
    assert rhea.path.startswith("/sign-in")
    page = rhea.submit("sign-in", token=world.tokens["rhea"])
    assert rhea.path == "/enrol/join"
    assert "An invitation to Lakeside" in page.words
    page = rhea.submit("join")
    assert rhea.path == "/o/lakeside/"
    assert "You belong to Lakeside now." in page.words
    assert rhea.client.get_cookie("chatelaine-enrol") is None
    rhea.open("/o/northwind/")

    event = trail.one("person.joined")
    assert event["chain"] == world.organizations[LAKESIDE]
    assert event["actor_id"] == str(world.people["rhea"])
    assert event["extra"]["role"] == "member"
    assert not {"token.created", "token.revoked", "person.enrolled"} & set(trail.actions())


def test_the_role_is_that_of_the_link_and_that_of_the_other_organization_stays(browser, invite):
    rhea = browser("rhea")
    rhea.open(invite(role=Role.ADMIN))
    rhea.submit("join")
    rhea.open("/o/lakeside/people")
    rhea.open("/o/northwind/people", 403)


def test_before_it_is_accepted_it_opens_nothing(browser, invite):
    rhea = browser("rhea")
    rhea.open(invite())
    assert rhea.path == "/enrol/join"
    rhea.open("/o/lakeside/", 404)


def test_who_is_signed_in_as_somebody_else_is_told_so_and_gets_nothing(browser, invite, trail):
    noah = browser("noah")
    page = noah.open(invite())
    assert "you are signed in as noah@northwind.example" in page.words
    assert not page.select("form#join")
    noah.post("/enrol/join", {"csrf_token": noah.csrf()}, 403)
    noah.open("/o/lakeside/", 404)
    refusals = [event["extra"] for event in trail.events("access.denied")]
    assert {"reason": "not theirs to join by"} in refusals
    assert "person.joined" not in trail.actions()


def test_a_refusal_does_not_spend_the_link(browser, invite):
    link = invite()
    noah, rhea = browser("noah"), browser("rhea")
    noah.open(link)
    noah.post("/enrol/join", {"csrf_token": noah.csrf()}, 403)
    rhea.open(link)
    rhea.submit("join")
    assert rhea.path == "/o/lakeside/"


def test_of_many_that_accept_at_once_one_does(browser, invite, trail):
    link = invite()
    desks = [browser("rhea", f"198.51.100.{number}") for number in range(4)]
    forms = []
    for desk in desks:
        desk.open(link)
        forms.append({"csrf_token": desk.csrf()})
    with ThreadPoolExecutor(4) as pool:
        statuses = sorted(
            pool.map(
                lambda pair: pair[0]._send("POST", "/enrol/join", data=pair[1]).status_code,
                zip(desks, forms, strict=True),
            )
        )
    assert statuses == [302, 410, 410, 410]
    assert len(trail.events("person.joined")) == 1


def test_a_link_is_spent_once_also_where_many_write_at_the_same_time(runtime, invite):
    """On SQLite one writes after the other and finds the link gone; this holds where that is not so."""
    link = invite()
    with runtime.work(writing=True) as uow:
        row = invitations.find_open(uow, parse_token(link.rpartition("/")[2]))
        joining.spend(uow, row)
        with pytest.raises(NotFound):
            joining.spend(uow, row)


def test_accepting_waits_for_the_second_factor(app, invite, world):
    with time_machine.travel(NOON, tick=False) as clock:
        rhea = Browser(app)
        rhea.open("/sign-in")
        rhea.submit("sign-in", token=world.tokens["rhea"])
        rhea.open("/account/factor")
        seed = rhea.submit("set-up").select_one("#seed").get_text().replace(" ", "")
        rhea.submit("confirm-app", code=pyotp.TOTP(seed).at(datetime.now(UTC)))
        clock.shift(timedelta(minutes=1))
        half = Browser(app)
        half.open("/sign-in")
        half.submit("sign-in", token=world.tokens["rhea"])
        half.open(invite())
        assert half.path.startswith("/sign-in/code")
        half.post("/enrol/join", {"csrf_token": half.csrf()}, 302)
        half.open("/enrol/join")
        half.submit("second-factor", code=pyotp.TOTP(seed).at(datetime.now(UTC)))
        assert half.path == "/enrol/join"
        half.submit("join")
        assert half.path == "/o/lakeside/"


def test_who_belongs_already_is_not_let_in_twice(browser, rhea, runtime, world):
    """By a link for a new token that was made before Rhea belonged to both."""

    def let_lakeside_rest(at):
        rest = Membership.__table__.update().where(Membership.user_id == world.people["rhea"])
        rest = rest.where(Membership.organization_id == world.organizations[LAKESIDE])
        with runtime.engine.begin() as connection:
            connection.execute(rest.values(disabled_at=at))

    let_lakeside_rest(clock.now())
    with runtime.work(writing=True, actor=world.actor("adam")) as uow:
        kept = invitations.renew(uow, people.find(uow, world.members["rhea"])).path
    let_lakeside_rest(None)
    rhea.open(kept)
    page = rhea.submit("join", 409)
    assert "You belong to Northwind already" in page.words
    # What was refused has not spent the link.
    rhea.open(kept)


def test_without_a_link_there_is_nothing_to_accept(browser):
    rhea = browser("rhea")
    rhea.open("/enrol/join", 410)
    rhea.open("/account")
    rhea.post("/enrol/join", {"csrf_token": rhea.csrf()}, 410)


def test_the_inviting_page_says_the_same_of_known_and_unknown_addresses(browser):
    def words(email):
        mallory = browser("mallory")
        mallory.open("/o/lakeside/people/invite")
        page = mallory.submit("invite", email=email)
        page.select_one("input[readonly]").decompose()
        return page.words.replace(email, "")

    with time_machine.travel(NOON, tick=False):
        assert words(MAIL) == words("nobody@northwind.example")


# What an admin of one organization must never come to hold


def test_an_admin_makes_no_link_for_who_belongs_elsewhere_too(
    browser, rhea, member_in, runtime, world, trail
):
    """Such a link would make a token that signs in as the person in the other organization as well."""
    with runtime.work(writing=True, actor=world.actor("rhea")) as uow:
        uow.session.add(confirmed_factor(uow, world.people["rhea"]))
    for admin, slug in (("mallory", LAKESIDE), ("adam", NORTHWIND)):
        desk = browser(admin)
        path = f"/o/{slug}/people/{member_in(slug)}"
        page = desk.open(path)
        assert "only the operator can do it" in page.words
        assert not page.select("form#new-link, form#remove-factor")
        for action, command in (("link", "link"), ("factor/remove", "remove-factor")):
            page = desk.post(f"{path}/{action}", {"csrf_token": desk.csrf()}, 409)
            assert "only the operator" in page.words
            assert f"./chatelaine people {command} {MAIL}" in page.words
            desk.open(path)
    assert not {"token.revoked", "factor.removed"} & set(trail.actions())


def test_a_link_that_an_admin_made_before_opens_nothing_afterwards(app, browser, invite, runtime, world):
    """Made while Rhea belonged to Northwind alone, kept, and tried when she belongs to Lakeside as well."""
    with runtime.work(writing=True, actor=world.actor("adam")) as uow:
        kept = invitations.renew(uow, people.find(uow, world.members["rhea"])).path
    rhea = browser("rhea")
    rhea.open(invite())
    rhea.submit("join")
    assert take(app, kept) is None
    rhea.open("/o/lakeside/")


def test_an_invitation_cannot_take_over_whoever_has_the_address(app, invite, world):
    """Mallory invites Rhea of Northwind to Lakeside and opens the link herself."""
    assert take(app, invite()) is None


def test_an_invitation_of_the_operator_cannot_either(app, command, world):
    """The operator owns no organization and nobody's account: a person joins, whoever invites."""
    link = command(LAKESIDE, lambda uow: invitations.invite(uow, MAIL, Role.MEMBER).path)
    assert take(app, link) is None


def test_disabling_here_ends_what_is_here_and_leaves_the_rest(app, browser, rhea, member_in, runtime, world):
    with runtime.work(writing=True, actor=world.actor("rhea")) as uow:
        uow.session.add(confirmed_factor(uow, world.people["rhea"]))
    mallory = browser("mallory")
    mallory.open(f"/o/lakeside/people/{member_in(LAKESIDE)}")
    page = mallory.submit("disable")
    assert "They also belong elsewhere and go on there" in page.words
    with runtime.work(writing=False) as uow:
        assert uow.session.query(Factor).count() == 1
    again = browser("rhea")
    again.open("/")
    assert again.path.startswith("/sign-in/code")


def confirmed_factor(uow, user_id):
    return Factor(
        id=user_id,
        user_id=user_id,
        secret=b"",
        last_step=0,
        failures=0,
        created_at=uow.now,
        confirmed_at=uow.now,
    )


def test_who_is_disabled_here_goes_on_there(browser, rhea, member_in):
    mallory = browser("mallory")
    mallory.open(f"/o/lakeside/people/{member_in(LAKESIDE)}")
    mallory.submit("disable")
    rhea.open("/o/lakeside/", 404)
    rhea.open("/o/northwind/")


def test_who_is_disabled_where_the_token_is_from_gets_a_new_one_from_where_they_still_belong(
    app, browser, rhea, member_in, trail
):
    adam = browser("adam")
    adam.open(f"/o/northwind/people/{member_in(NORTHWIND)}")
    adam.submit("disable")
    rhea.open("/o/lakeside/")
    assert rhea.path.startswith("/sign-in")

    mallory = browser("mallory")
    mallory.open(f"/o/lakeside/people/{member_in(LAKESIDE)}")
    link = mallory.submit("new-link").select_one("input[readonly]")["value"].removeprefix(SITE)
    anew = Browser(app)
    anew.open(link)
    token = anew.submit("enrol").select_one("#token")["value"]
    anew.open("/sign-in")
    anew.submit("sign-in", token=token)
    assert anew.path == "/o/lakeside/"
    anew.open("/o/northwind/", 404)


def test_who_comes_back_while_belonging_elsewhere_has_to_accept(app, browser, rhea, member_in, world):
    """Else the admins elsewhere, who could make a token meanwhile, would come back in their place."""
    adam = browser("adam")
    path = f"/o/northwind/people/{member_in(NORTHWIND)}"
    adam.open(path)
    adam.submit("disable")
    mallory = browser("mallory")
    mallory.open(f"/o/lakeside/people/{member_in(LAKESIDE)}")
    thief_link = mallory.submit("new-link").select_one("input[readonly]")["value"].removeprefix(SITE)
    token = take(app, thief_link)
    thief = Browser(app)
    thief.open("/sign-in")
    thief.submit("sign-in", token=token)

    adam.open(path)
    link = adam.submit("enable").select_one("input[readonly]")["value"].removeprefix(SITE)
    thief.open("/o/northwind/", 404)
    assert take(app, link) is None
    thief.open("/o/northwind/", 404)


def test_the_operator_makes_a_link_and_every_other_token_ends(app, rhea, command, member_in, world, trail):
    link = command(NORTHWIND, lambda uow: invitations.renew(uow, people.find_by_email(uow, MAIL)).path)
    token = take(app, link)
    rhea.open("/account")
    assert rhea.path.startswith("/sign-in")
    anew = Browser(app)
    anew.open("/sign-in")
    anew.submit("sign-in", token=token)
    anew.open("/o/lakeside/")
    assert {event["chain"] for event in trail.events("token.revoked")} == {world.organizations[NORTHWIND]}


def test_the_operator_s_link_ends_the_tokens_of_all_organizations(
    app, browser, rhea, command, member_in, world
):
    """Rhea's token is Northwind's; the link is made in Lakeside."""
    link = command(LAKESIDE, lambda uow: invitations.renew(uow, people.find_by_email(uow, MAIL)).path)
    assert take(app, link)
    rhea.open("/account")
    assert rhea.path.startswith("/sign-in")
    old = Browser(app)
    old.open("/sign-in")
    old.submit("sign-in", 422, token=world.tokens["rhea"])


def test_the_operator_takes_a_factor_away_and_no_old_token_sets_up_the_next(
    app, rhea, command, runtime, world
):
    with runtime.work(writing=True, actor=world.actor("rhea")) as uow:
        uow.session.add(confirmed_factor(uow, world.people["rhea"]))
    command(LAKESIDE, lambda uow: people.reset_factor(uow, people.find_by_email(uow, MAIL)))
    old = Browser(app)
    old.open("/sign-in")
    old.submit("sign-in", 422, token=world.tokens["rhea"])
    with runtime.work(writing=False, actor=world.actor("rhea")) as uow:
        assert not factors.has(uow, world.people["rhea"])


def test_the_only_other_organization_being_suspended_changes_nothing(runtime, rhea, world):
    with runtime.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE organization SET suspended_at = 1 WHERE slug = 'lakeside'")
    with runtime.work(writing=True, actor=world.actor("adam")) as uow, pytest.raises(Conflict):
        invitations.renew(uow, people.find(uow, world.members["rhea"]))


def test_their_token_is_said_to_come_from_elsewhere(browser, rhea, member_in):
    mallory = browser("mallory")
    row = mallory.open("/o/lakeside/people").find("a", string="Rhea").find_parent("tr")
    assert "From elsewhere" in row.get_text()
    assert "No token" not in row.get_text()
    adam = browser("adam")
    row = adam.open("/o/northwind/people").find("a", string="Rhea").find_parent("tr")
    assert "From elsewhere" not in row.get_text()
    adam.open(f"/o/northwind/people/{member_in(NORTHWIND)}")
    adam.submit("disable")
    row = mallory.open("/o/lakeside/people").find("a", string="Rhea").find_parent("tr")
    assert "No token" in row.get_text()


# Getting about


def test_the_head_leads_to_each_organization_and_says_which_is_open(rhea):
    page = rhea.open("/o/lakeside/")
    links = {link["href"]: link for link in page.select("#places a")}
    assert set(links) == {"/o/lakeside/", "/o/northwind/"}
    assert links["/o/lakeside/"]["aria-current"] == "true"
    assert not links["/o/northwind/"].has_attr("aria-current")
    assert page.select_one(".place .now").get_text() == "Lakeside"


def test_who_belongs_to_one_has_nothing_to_choose(browser):
    assert not browser("rhea").open("/o/northwind/").select("#places, .place")


def test_tabs_never_mix(rhea):
    """Which organization is meant stands in the address, and nowhere else."""
    for slug, name in ((NORTHWIND, "Northwind"), (LAKESIDE, "Lakeside"), (NORTHWIND, "Northwind")):
        page = rhea.open(f"/o/{slug}/vaults")
        assert page.select_one(".place .now").get_text() == name
        assert ("Production" in page.words) == (slug == NORTHWIND)


def test_the_account_lists_what_the_token_opens(rhea):
    page = rhea.open("/account")
    assert {link["href"] for link in page.select("main dd a")} >= {"/o/lakeside/", "/o/northwind/"}
    assert page.select("#places a")
