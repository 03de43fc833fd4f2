"""The operator's pages: organizations made, named, limited, suspended, deleted, and not looked into."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import func, select

from crypto.envelope import DecryptionError
from models import AuditEvent, Base, DataKey, Lockout, Membership, Organization, Tenant, User
from policy import Role, Scope
from services import (
    api_tokens,
    audit_verify,
    invitations,
    lockouts,
    maintenance,
    organization_removal,
)
from services.committer import Mark
from services.events import SYSTEM_CHAIN, Origin
from tests.browser import Browser
from tests.pages.conftest import MISSING
from tests.trail import is_system
from tests.web.dump import dump
from tests.world import LAKESIDE, NORTHWIND, on_postgresql, past_the_program

SITE = "http://127.0.0.1:8000"
NOON = datetime(2027, 1, 15, 12, tzinfo=UTC)
ACTIONS = ("rename", "limits", "suspend", "resume", "owner", "delete", "keep")


@pytest.fixture
def clock(app):
    """Noon, standing still; tests move it on."""
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


@pytest.fixture
def lakeside(world):
    """Where the operator finds Lakeside."""
    return f"/instance/organizations/{world.organizations[LAKESIDE]}"


@pytest.fixture
def alice(browser):
    """Alice, who operates the instance and owns Northwind."""
    return browser("alice")


def link_on(page):
    return page.select_one("input[readonly]")["value"].removeprefix(SITE)


def fresh_sign_in(app, world, name, status=200):
    person = Browser(app)
    person.open("/sign-in")
    person.submit("sign-in", status, token=world.tokens[name])
    return person


# Who


@pytest.mark.parametrize("who", ["adam", "audrey", "noah", "mallory"])
def test_to_everybody_else_there_is_no_such_place(browser, lakeside, who, world, trail):
    person = browser(who)
    for path in ("/instance", "/instance/organizations/new", lakeside, f"{lakeside[:-36]}{MISSING}"):
        person.open(path, 404)
    person.open("/account")
    form = {"csrf_token": person.csrf(), "name": "Lakeside"}
    for action in ACTIONS:
        person.post(f"{lakeside}/{action}", form, 404)
    person.post("/instance/organizations/new", form, 404)
    assert len(trail.events("access.denied")) == 12
    assert set(trail.actions()) <= {"access.denied", "session.started"}


def test_another_owner_of_the_operator_s_organization_is_no_operator(browser, runtime, world):
    with runtime.engine.begin() as connection:
        connection.execute(
            Membership.__table__.update()
            .where(Membership.id == world.members["adam"])
            .values(role=Role.OWNER.value)
        )
    browser("adam").open("/instance", 404)


def test_the_operator_has_no_right_in_an_organization_they_do_not_belong_to(alice, world):
    harbor, mail = world.vaults["Harbor"], world.items["Lakeside mail"]
    for path in ("", "vaults", f"vaults/{harbor}", f"items/{mail}", "people", "audit", "tokens", "settings"):
        alice.open(f"/o/lakeside/{path}", 404)


def test_what_changes_an_organization_asks_for_the_token_again(alice, lakeside, clock, app, world):
    alice = fresh_sign_in(app, world, "alice")
    clock.shift(timedelta(minutes=6))
    alice.open(lakeside)
    assert alice.path == lakeside
    alice.submit("suspend")
    assert alice.path.startswith("/account/confirm")
    alice.open("/instance/organizations/new")
    assert alice.path.startswith("/account/confirm")


# What the operator sees


def test_the_list_has_figures_and_nothing_that_lies_inside(alice, lakeside, world):
    pages = [alice.open("/instance").words, alice.open(lakeside).words]
    assert "Lakeside /o/lakeside/ Open 2 1 1" in pages[0]
    assert "Northwind /o/northwind/ Open 7 2 3" in pages[0]
    for page in pages:
        for secret in ("Harbor", "Lakeside mail", "Production", "mallory", "Sam", "sam@"):
            assert secret not in page


def test_the_operator_finds_the_way_there_on_every_page(alice):
    page = alice.open("/o/northwind/vaults")
    assert page.select_one('#places a[href="/instance"]')
    page = alice.open("/instance")
    assert page.select_one('#places a[href="/instance"]')["aria-current"] == "true"


def test_the_way_is_shown_to_nobody_else(browser):
    assert "/instance" not in str(browser("adam").open("/o/northwind/"))


# Making


def make(alice, name="Hillside", email="hanna@hillside.example", **more):
    alice.open("/instance/organizations/new")
    return alice.submit("new-organization", name=name, email=email, **more)


def test_a_new_organization_s_first_owner_comes_in_by_a_link_and_the_operator_does_not(
    app, alice, world, trail
):
    page = make(alice)
    hanna = Browser(app)
    hanna.open(link_on(page))
    token = hanna.submit("enrol", name="Hanna").select_one("#token")["value"]
    hanna.open("/sign-in")
    hanna.submit("sign-in", token=token)
    assert hanna.path == "/o/hillside/"
    hanna.open("/o/hillside/people")
    hanna.open("/instance", 404)
    hanna.open("/o/northwind/", 404)
    alice.open("/o/hillside/", 404)

    made = trail.events("organization.created")
    assert sorted(is_system(event["chain"]) for event in made) == [False, True]
    assert {event["actor_id"] for event in made} == {str(world.people["alice"])}
    assert {event["target"] for event in made} == {"Hillside"}
    invited = trail.one("person.invited")
    assert invited["extra"] == {"role": "owner"}
    assert invited["chain"] == next(event["chain"] for event in made if not is_system(event["chain"]))


def test_keys_of_its_own_open_what_is_kept_there(alice, runtime):
    make(alice)
    with runtime.engine.connect() as connection:
        made = connection.execute(select(Organization.id).where(Organization.slug == "hillside")).scalar_one()
        purposes = connection.execute(
            select(DataKey.purpose).where(DataKey.organization_id == made)
        ).scalars()
        assert sorted(purposes) == ["audit", "data"]


def test_a_known_person_signs_in_and_accepts(app, alice, browser):
    link = link_on(make(alice, email="mallory@lakeside.example"))
    mallory = browser("mallory")
    mallory.open(link)
    mallory.submit("join")
    assert mallory.path == "/o/hillside/"
    mallory.open("/o/hillside/people")


def test_names_that_are_alike_get_addresses_that_are_not(alice):
    make(alice, name="Lakeside")
    assert "/o/lakeside-2/" in alice.open("/instance").words


@pytest.mark.parametrize(
    ("form", "field", "words"),
    [
        ({"name": ""}, "name", "1 to 120 printable characters"),
        ({"name": "x" * 121}, "name", "1 to 120 printable characters"),
        ({"name": "bell\a"}, "name", "1 to 120 printable characters"),
        ({"email": "nobody"}, "email", "Enter an e-mail address"),
        ({"owner": "x" * 121}, "name", "at most 120 printable characters"),
    ],
)
def test_what_cannot_be_is_refused_beside_its_field_and_makes_nothing(alice, runtime, form, field, words):
    before = dump(runtime)
    alice.open("/instance/organizations/new")
    page = alice.submit(
        "new-organization", 422, **({"name": "Hillside", "email": "hanna@hillside.example"} | form)
    )
    assert words in page.select_one(f"#{field}-error").get_text()
    assert dump(runtime) == before


def test_while_nobody_has_come_in_there_can_be_another_link_and_the_first_is_worth_nothing(
    app, alice, runtime
):
    first = link_on(make(alice))
    with runtime.engine.connect() as connection:
        made = connection.execute(select(Organization.id).where(Organization.slug == "hillside")).scalar_one()
    alice.open(f"/instance/organizations/{made}")
    second = link_on(alice.submit("owner", email="hanna@hillside.example"))
    Browser(app).open(first, 410)
    hanna = Browser(app)
    hanna.open(second)
    hanna.submit("enrol")
    page = alice.open(f"/instance/organizations/{made}")
    assert not page.select("form#owner")
    alice.post(
        f"/instance/organizations/{made}/owner",
        {"csrf_token": alice.csrf(), "email": "thief@hillside.example"},
        409,
    )


# Naming and limiting


def test_a_new_name_stands_everywhere_and_the_address_stays(alice, browser, lakeside, trail):
    alice.open(lakeside)
    page = alice.submit("rename", name="  Lake   District ")
    assert page.select_one("h1").get_text() == "Lake District"
    mallory = browser("mallory")
    assert "Lake District" in mallory.open("/o/lakeside/").words
    changed = trail.events("organization.changed")
    assert sorted(is_system(event["chain"]) for event in changed) == [False, True]
    assert {event["extra"]["was"] for event in changed} == {"Lakeside"}
    alice.open(lakeside)
    alice.submit("rename", name="Lake District")
    assert len(trail.events("organization.changed")) == 2


def test_a_name_that_cannot_be_is_refused(alice, lakeside):
    alice.open(lakeside)
    page = alice.submit("rename", 422, name=" ")
    assert page.select_one("#name-error")


def limit(alice, lakeside, **limits):
    alice.open(lakeside)
    return alice.submit("limits", **limits)


def test_no_more_people_are_invited_brought_back_or_let_in_than_there_may_be(
    app, alice, browser, lakeside, runtime, world, trail
):
    with runtime.work(writing=True, actor=world.actor("mallory")) as uow:
        link = invitations.invite(uow, "nina@lakeside.example", Role.MEMBER).path
    limit(alice, lakeside, people_max="2")
    words = "This organization may have 2 people. Ask the operator"
    mallory = browser("mallory")
    mallory.open("/o/lakeside/people/invite")
    page = mallory.submit("invite", 409, email="otto@lakeside.example")
    assert words in page.select_one("#email-error").get_text()
    nina = Browser(app)
    nina.open(link)
    assert words in nina.submit("enrol", 409).words
    limit(alice, lakeside, people_max="3")
    nina.open(link)
    nina.submit("enrol")
    sam = f"/o/lakeside/people/{world.members['sam']}"
    mallory.open(sam)
    mallory.submit("disable")
    limit(alice, lakeside, people_max="2")
    mallory.open(sam)
    assert words in mallory.submit("enable", 409).words
    assert trail.events("organization.changed")[0]["extra"]["people_max"] == 2


def test_open_links_count_as_people_and_one_for_the_same_address_does_not(alice, browser, lakeside):
    limit(alice, lakeside, people_max="3")
    mallory = browser("mallory")
    for email, status in (("nina", 200), ("nina", 200), ("otto", 409)):
        mallory.open("/o/lakeside/people/invite")
        mallory.submit("invite", status, email=f"{email}@lakeside.example")


def test_no_more_vaults_are_made_than_there_may_be(alice, browser, lakeside):
    limit(alice, lakeside, vaults_max="1")
    mallory = browser("mallory")
    mallory.open("/o/lakeside/vaults/new")
    page = mallory.submit("vault-form", 409, name="Second")
    assert "This organization may have 1 vault." in page.select_one("#name-error").get_text()
    limit(alice, lakeside, vaults_max="")
    mallory.open("/o/lakeside/vaults/new")
    mallory.submit("vault-form", name="Second")


def test_no_more_credentials_are_made_or_duplicated_than_there_may_be(alice, browser, lakeside, world):
    limit(alice, lakeside, items_max="1")
    mallory = browser("mallory")
    mallory.open(f"/o/lakeside/vaults/{world.vaults['Harbor']}/items/new")
    page = mallory.submit("item-form", 409, name="Second")
    assert "This organization may have 1 credential." in page.words
    mallory.open(f"/o/lakeside/items/{world.items['Lakeside mail']}/duplicate")
    assert "may have 1 credential" in mallory.submit("duplicate-form", 409).words
    mallory.open(f"/o/lakeside/items/{world.items['Lakeside mail']}/edit")
    mallory.submit("item-form", user_name="changed")


def test_one_organization_s_limits_are_no_other_s(alice, browser, lakeside):
    limit(alice, lakeside, people_max="1", vaults_max="1", items_max="1")
    browser("mia").open("/o/northwind/vaults/new")
    mia = browser("mia")
    mia.open("/o/northwind/vaults/new")
    mia.submit("vault-form", name="Third")


@pytest.mark.parametrize("value", ["0", "-1", "1000001", "many", "9" * 30])
def test_a_limit_that_cannot_be_is_refused_beside_its_field(alice, lakeside, value):
    alice.open(lakeside)
    page = alice.submit("limits", 422, vaults_max=value)
    assert page.select_one("#vaults_max-error")


# Suspending


def test_who_is_suspended_is_told_so_and_comes_back(app, alice, browser, lakeside, runtime, world, trail):
    with runtime.work(writing=True, actor=world.actor("mallory")) as uow:
        program = api_tokens.issue(uow, "job", [Scope.ITEMS_LIST], timedelta(days=1)).text
        link = invitations.invite(uow, "nina@lakeside.example", Role.MEMBER).path
    mallory = browser("mallory")
    alice.open(lakeside)
    page = alice.submit("suspend")
    assert "Suspended" in page.words

    page = mallory.open("/o/lakeside/vaults", 403)
    assert "Lakeside is suspended." in page.words
    assert page.select_one("h1").get_text() == "This organization is suspended"
    page = mallory.open(page.find("a", string="Go to the start page")["href"])
    assert mallory.path == "/account"
    assert "Lakeside (suspended)" in page.words
    again = fresh_sign_in(app, world, "sam", 403)
    assert "Lakeside is suspended." in again.page.words
    api = app.test_client()
    answer = api.get("/api/v1/items", headers={"Authorization": f"Bearer {program}"})
    assert answer.status_code == 403
    assert "suspended" in answer.get_json()["detail"]
    nina = Browser(app)
    nina.open(link)
    assert "Lakeside is suspended." in nina.submit("enrol", 409).words

    alice.open(lakeside)
    alice.post(f"{lakeside}/suspend", {"csrf_token": alice.csrf()}, 409)
    alice.open(lakeside)
    alice.submit("resume")
    mallory.open("/o/lakeside/vaults")
    assert api.get("/api/v1/items", headers={"Authorization": f"Bearer {program}"}).status_code == 200
    nina.open(link)
    nina.submit("enrol")
    for action in ("organization.suspended", "organization.resumed"):
        assert sorted(is_system(event["chain"]) for event in trail.events(action)) == [False, True]
    alice.open(lakeside)
    alice.post(f"{lakeside}/resume", {"csrf_token": alice.csrf()}, 409)


def test_the_operator_does_not_get_into_their_own_suspended_organization_either(alice, world):
    own = f"/instance/organizations/{world.organizations[NORTHWIND]}"
    alice.open(own)
    alice.submit("suspend")
    alice.open("/o/northwind/", 403)
    alice.open("/account")
    alice.open(own)
    alice.submit("resume")
    alice.open("/o/northwind/")


def test_whoever_belongs_to_another_goes_on_there(alice, browser, lakeside, runtime, world):
    with runtime.work(writing=True, actor=world.actor("mallory")) as uow:
        link = invitations.invite(uow, "rhea@northwind.example", Role.MEMBER).path
    rhea = browser("rhea")
    rhea.open(link)
    rhea.submit("join")
    alice.open(lakeside)
    alice.submit("suspend")
    rhea.open("/o/lakeside/", 403)
    page = rhea.open("/")
    assert rhea.path == "/o/northwind/"
    assert "suspended" in page.select_one('#places a[href="/o/lakeside/"]').get_text()


# Deleting


def test_it_takes_the_name_closes_at_once_and_can_be_taken_back(
    alice, browser, lakeside, clock, app, world, trail
):
    alice = fresh_sign_in(app, world, "alice")
    mallory = fresh_sign_in(app, world, "mallory")
    alice.open(lakeside)
    page = alice.submit("deletion", 422, name="lakeside")
    assert "That is not the name" in page.select_one("#typed-name-error").get_text()
    mallory.open("/o/lakeside/")
    alice.open(lakeside)
    page = alice.submit("deletion", name="Lakeside")
    assert "It is closed, and will be destroyed" in page.words
    mallory.open("/o/lakeside/", 403)
    assert trail.events("deletion.set")[0]["extra"] == {"on": "2027-02-14"}
    alice.post(f"{lakeside}/delete", {"csrf_token": alice.csrf(), "name": "Lakeside"}, 409)
    alice.open(lakeside)
    alice.submit("keep")
    mallory.open("/o/lakeside/")
    assert len(trail.events("deletion.undone")) == 2
    alice.post(f"{lakeside}/keep", {"csrf_token": alice.csrf()}, 409)


def test_the_only_organization_stays(alice, runtime, world):
    with runtime.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE organization SET deletion_at = 1 WHERE slug = 'lakeside'")
    maintenance.run(runtime)
    own = f"/instance/organizations/{world.organizations[NORTHWIND]}"
    alice.open(own)
    page = alice.submit("deletion", 409, name="Northwind")
    assert "the only organization" in page.words


def rows_of(runtime, organization_id):
    """Return every row that names the organization, by table."""
    with runtime.engine.connect() as connection:
        return {
            mapper.local_table.name: connection.execute(
                select(func.count())
                .select_from(mapper.local_table)
                .where(mapper.local_table.c.organization_id == organization_id)
            ).scalar_one()
            for mapper in Base.registry.mappers
            if issubclass(mapper.class_, Tenant)
        }


def system_event(runtime, action):
    """Return what the installation's own log says of the one thing of this kind."""
    with runtime.engine.connect() as connection:
        row = connection.execute(
            select(AuditEvent).where(AuditEvent.chain_id == SYSTEM_CHAIN, AuditEvent.action == action)
        ).one()
        keys = runtime.keys_for(connection)
        place = (row.chain_id, "audit_event", row.id, "payload", row.seq, row.payload)
        return json.loads(keys.decrypt(*place, purpose="audit"))


def test_in_thirty_days_everything_of_it_is_gone_and_nothing_of_others(
    app, alice, browser, lakeside, clock, runtime, world
):
    organization_id = world.organizations[LAKESIDE]
    with runtime.work(writing=True, actor=world.actor("mallory")) as uow:
        both = invitations.invite(uow, "rhea@northwind.example", Role.MEMBER).path
    rhea = fresh_sign_in(app, world, "rhea")
    rhea.open(both)
    rhea.submit("join")
    mallory = fresh_sign_in(app, world, "mallory")
    mallory.open("/o/lakeside/search?q=mail")
    assert organization_id in runtime.indexes._rooms
    sam = fresh_sign_in(app, world, "sam")
    sam.open("/account/factor")
    sam.submit("set-up")
    alice = fresh_sign_in(app, world, "alice")
    alice.open(lakeside)
    alice.submit("deletion", name="Lakeside")
    northwind = rows_of(runtime, world.organizations[NORTHWIND])
    assert sum(rows_of(runtime, organization_id).values()) > 8

    clock.shift(timedelta(days=30, seconds=-1))
    assert maintenance.run(runtime)["organizations"] == 0
    assert sum(rows_of(runtime, organization_id).values()) > 8
    clock.shift(timedelta(seconds=1))
    assert maintenance.run(runtime)["organizations"] == 1

    assert set(rows_of(runtime, organization_id).values()) == {0}
    assert organization_id not in runtime.indexes._rooms
    assert rows_of(runtime, world.organizations[NORTHWIND]) == northwind
    with runtime.engine.connect() as connection:
        emails = set(connection.execute(select(User.email)).scalars())
        keys = connection.execute(
            select(DataKey.state, DataKey.wrapped).where(DataKey.organization_id == organization_id)
        ).all()
        if not on_postgresql():
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
    assert "rhea@northwind.example" in emails
    assert not {"mallory@lakeside.example", "sam@lakeside.example"} & emails
    assert {tuple(key) for key in keys} == {("destroyed", b"")}
    event = system_event(runtime, "organization.deleted")
    assert event["target"] == "Lakeside"
    assert event["extra"]["people"] == 2

    alice = fresh_sign_in(app, world, "alice")
    assert "Lakeside" not in alice.open("/instance").words
    alice.open(lakeside, 404)
    alice.open("/o/northwind/vaults")
    fresh_sign_in(app, world, "mallory", 422)


def test_counts_of_failed_sign_ins_go_with_it(runtime, world):
    """By themselves they last an hour, so only a deletion without delay meets any."""
    here = world.organizations[LAKESIDE]
    with runtime.work(writing=True, origin=Origin(address="203.0.113.5")) as uow:
        lockouts.count_attempt(uow, "lakeside", here)
    with runtime.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE organization SET deletion_at = 1 WHERE slug = 'lakeside'")
    with runtime.work(writing=True) as uow:
        assert uow.session.query(Lockout).filter(Lockout.organization_id == here).count() == 1
        assert organization_removal.purge_due(uow) == 1
        assert uow.session.query(Lockout).filter(Lockout.organization_id == here).count() == 0


def test_the_log_still_proves_itself_and_what_it_said_of_the_organization_is_unreadable(
    runtime, clock, world, app, lakeside, database
):
    organization_id = world.organizations[LAKESIDE]
    runtime.checkpoints.make()
    alice = fresh_sign_in(app, world, "alice")
    alice.open(lakeside)
    alice.submit("deletion", name="Lakeside")
    clock.shift(timedelta(days=31))
    maintenance.run(runtime)
    runtime.checkpoints.make()

    report = audit_verify.verify(runtime)
    assert [str(fault) for fault in report.faults] == []
    assert organization_id in {chain.chain_id for chain in report.chains}
    audit_verify.record(runtime, report)
    assert audit_verify.verify(runtime).count == 0
    with runtime.engine.connect() as connection:
        row = connection.execute(select(AuditEvent).where(AuditEvent.chain_id == organization_id)).first()
        keys = runtime.keys_for(connection)
        with pytest.raises(DecryptionError):
            keys.decrypt(
                row.chain_id, "audit_event", row.id, "payload", row.seq, row.payload, purpose="audit"
            )
    past_the_program(database, "DELETE FROM audit_event WHERE chain_id = ? AND seq = 1", organization_id.hex)
    assert audit_verify.verify(runtime).count > 0


def test_the_operator_whose_organization_goes_stays_the_operator(runtime, clock, world, app):
    alice = fresh_sign_in(app, world, "alice")
    alice.open(f"/instance/organizations/{world.organizations[NORTHWIND]}")
    alice.submit("deletion", name="Northwind")
    clock.shift(timedelta(days=31))
    maintenance.run(runtime)
    with runtime.work(writing=False) as uow:
        users = uow.session.scalars(select(User)).all()
    assert {user.email for user in users if user.operator} == {"alice@northwind.example"}


def test_a_mark_of_last_use_that_comes_too_late_is_no_fault(runtime, world, clock, app, lakeside):
    runtime.committer.note(Mark("token", world.token_ids["mallory"], datetime.now(UTC), "192.0.2.1"))
    alice = fresh_sign_in(app, world, "alice")
    alice.open(lakeside)
    alice.submit("deletion", name="Lakeside")
    clock.shift(timedelta(days=31))
    maintenance.run(runtime)
    fresh_sign_in(app, world, "rhea").open("/o/northwind/")
