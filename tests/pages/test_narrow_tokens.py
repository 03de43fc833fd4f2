"""Tokens that are narrowed, and the accounts of services, through the pages."""

from __future__ import annotations

from datetime import timedelta

import pytest

from crypto.tokens import parse_token
from errors import TokenRefused
from policy import NOBODY, Right, Scope
from services import api_tokens, grants, programs, vaults
from services.token_limits import Limits

NEW = "/o/northwind/tokens/new"
FORM = {"name": "deploy", "scopes": ["items:list", "items:reveal"], "days": "30"}


@pytest.fixture
def enter(runtime):
    """Present a token's text."""

    def enter(text):
        with runtime.work(writing=False, actor=NOBODY) as uow:
            programs.enter(uow, parse_token(text))
            return uow.actor

    return enter


def text_on(page):
    return page.select_one("#token")["value"]


def make_service(adam, name="Deployment", role="member"):
    adam.open("/o/northwind/people/new-service")
    adam.submit("service-form", name=name, role=role)
    return adam.path.split("/")[-1]


def service_id(runtime, world, name="Deployment"):
    from services import service_accounts

    with runtime.work(writing=False, actor=world.actor("adam")) as uow:
        return next(line.user_id for line in service_accounts.active(uow) if line.name == name)


def test_a_token_is_narrowed_on_the_form_and_its_page_says_to_what(browser, enter, world):
    mia = browser("mia")
    mia.open(NEW)
    page = mia.submit(
        "issue",
        **FORM,
        vaults=[str(world.vaults["Production"])],
        names="prod/*\nStripe dashboard",
        networks="192.0.2.0/24",
        not_before="2020-01-01",
        uses="3",
        per_minute="10",
    )
    with pytest.raises(TokenRefused):  # the test comes from nowhere, not from that network
        enter(text_on(page))
    page = mia.open("/o/northwind/tokens?kind=api")
    page = mia.open(page.select_one('a[title="deploy"]')["href"])
    for words in (
        *("3 of 3", "Production", "prod/*", "Stripe dashboard", "192.0.2.0/24", "10 requests a minute"),
        "items:list, items:reveal",
    ):
        assert words in page.words


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("names", "a*b"),
        ("networks", "everywhere"),
        ("uses", "0"),
        ("uses", "many"),
        ("per_minute", "-1"),
        ("not_before", "tomorrow"),
        ("not_before", "2099-01-01"),
        ("vaults", "00000000-0000-4000-8000-000000000000"),
        ("vaults", "nonsense"),
        ("owner_id", "00000000-0000-4000-8000-000000000000"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_lost(browser, field, value, trail):
    mia = browser("mia")
    mia.open(NEW)
    form = {**FORM, "names": "prod/*"} | {field: value}
    page = mia.post(NEW, {"csrf_token": mia.csrf(), **form}, 422)
    assert page.select_one(f"#{field}-error"), page.words
    assert page.select_one("#name")["value"] == "deploy"
    assert "token.created" not in trail.actions()


def test_the_list_tells_how_many_uses_are_left_without_spending_one(browser, runtime, world):
    with runtime.work(writing=True, actor=world.actor("mia")) as uow:
        limits = Limits(uses=2)
        minted = api_tokens.issue(uow, "job", [Scope.ITEMS_LIST], timedelta(days=9), limits=limits)
    mia = browser("mia")
    for _ in range(2):
        assert "2 uses left" in mia.open("/o/northwind/tokens?kind=api").words
    for _ in range(2):
        with runtime.work(writing=False, actor=NOBODY) as uow:
            programs.charge(uow, programs.enter(uow, parse_token(minted.text)))
    assert "Used up" in mia.open("/o/northwind/tokens?state=used+up").words
    assert "job" not in mia.open("/o/northwind/tokens?state=active").words


def test_a_token_is_looked_at_by_its_owner_and_by_watchers(browser, runtime, world):
    with runtime.work(writing=True, actor=world.actor("mia")) as uow:
        minted = api_tokens.issue(uow, "job", [Scope.ITEMS_LIST], timedelta(days=9))
    path = f"/o/northwind/tokens/{minted.id}"
    for name, status in (("mia", 200), ("audrey", 200), ("adam", 200), ("rhea", 404), ("mallory", 404)):
        browser(name).open(path, status)


def test_what_a_token_can_see_is_what_it_is_narrowed_to(browser, runtime, world):
    with runtime.work(writing=True, actor=world.actor("alice")) as uow:
        limits = Limits(vaults=frozenset({world.vaults["Board"]}), names=("Board*",))
        minted = api_tokens.issue(uow, "job", [Scope.ITEMS_LIST], timedelta(days=9), limits=limits)
    page = browser("alice").open(f"/o/northwind/tokens/{minted.id}/reach")
    assert "Board*" in page.words
    assert "Production" not in page.words


# Service accounts


def test_a_service_is_given_rights_and_a_token_and_stays_when_people_leave(
    browser, runtime, world, enter, trail
):
    adam = browser("adam")
    member = make_service(adam)
    user_id = service_id(runtime, world)
    with runtime.work(writing=True, actor=world.actor("alice")) as uow:
        grants.grant(uow, vaults.find(uow, world.vaults["Production"]), user_id, Right.REVEAL)
    adam.open(f"{NEW}?owner={user_id}")
    page = adam.submit("issue", **FORM)
    alice = browser("alice")
    alice.open(f"/o/northwind/people/{world.members['adam']}")
    alice.submit("disable")
    actor = enter(text_on(page))
    assert (actor.id, actor.name) == (user_id, "Deployment (deploy)")
    assert actor.rights == {world.vaults["Production"]: Right.REVEAL}
    assert "Programs act for it" in alice.open(f"/o/northwind/people/{member}").words


def test_only_admins_issue_a_services_tokens(browser, runtime, world):
    make_service(browser("adam"))
    mia = browser("mia")
    page = mia.open(NEW)
    assert not page.select("#owner_id")
    owner = str(service_id(runtime, world))
    mia.post(NEW, {"csrf_token": mia.csrf(), **FORM, "owner_id": owner}, 422)


def test_nobody_signs_in_as_a_service(browser, world):
    adam = browser("adam")
    member = make_service(adam)
    page = adam.open(f"/o/northwind/people/{member}")
    assert not page.select("#new-link")
    for path in ("link", "factor/remove"):
        adam.open("/account")
        adam.post(f"/o/northwind/people/{member}/{path}", {"csrf_token": adam.csrf()}, 409)
    adam.open("/o/northwind/people/invite")
    page = adam.submit("invite", 409, email="other@northwind.service.internal", name="Me", role="member")
    assert "Nobody signs in as a service account" in page.words


def test_a_service_that_is_disabled_and_enabled_needs_new_tokens(browser, runtime, world, enter):
    adam = browser("adam")
    member = make_service(adam)
    adam.open(f"{NEW}?owner={service_id(runtime, world)}")
    text = text_on(adam.submit("issue", **FORM))
    adam.open(f"/o/northwind/people/{member}")
    adam.submit("disable")
    adam.open(f"/o/northwind/people/{member}")
    assert "works again" in adam.submit("enable").words
    with pytest.raises(TokenRefused):
        enter(text)


def test_a_service_looks_after_no_people(browser):
    alice = browser("alice")
    member = make_service(alice)
    alice.open(f"/o/northwind/people/{member}")
    alice.submit("role", 409, role="admin")
    alice.open(f"/o/northwind/people/{member}")
    alice.submit("role", role="auditor")


@pytest.mark.parametrize(("name", "role"), [("", "member"), ("x" * 200, "member"), ("Job", "owner")])
def test_a_service_has_a_name_and_a_role_that_fits(browser, name, role):
    adam = browser("adam")
    adam.open("/o/northwind/people/new-service")
    adam.submit("service-form", 422, name=name, role=role)


def test_two_services_of_one_name_have_two_addresses(browser, runtime, world):
    adam = browser("adam")
    make_service(adam)
    make_service(adam)
    words = adam.open("/o/northwind/people").words
    assert "deployment@northwind.service.internal" in words
    assert "deployment-2@northwind.service.internal" in words


def test_a_service_does_not_count_as_the_manager_that_a_vault_keeps(browser, runtime, world):
    from errors import Conflict

    make_service(browser("adam"))
    user_id = service_id(runtime, world)
    with runtime.work(writing=True, actor=world.actor("alice")) as uow:
        vault = vaults.find(uow, world.vaults["Board"])
        grants.grant(uow, vault, user_id, Right.MANAGE)
        with pytest.raises(Conflict):
            vaults.take(uow, vault, world.people["alice"])


def test_an_admin_replaces_a_services_token(browser, runtime, world):
    adam = browser("adam")
    make_service(adam)
    adam.open(f"{NEW}?owner={service_id(runtime, world)}")
    adam.submit("issue", **FORM)
    page = adam.open("/o/northwind/tokens?kind=api")
    link = page.select_one('a[href$="/replace"]')["href"]
    adam.open(link)
    assert text_on(adam.submit("replace"))
    browser("mia").open(link, 404)
