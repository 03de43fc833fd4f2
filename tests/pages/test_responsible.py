"""Who looks after vaults and credentials: shown, changed, handed over when they leave."""

from __future__ import annotations

from uuid import uuid4

import pytest
from sqlalchemy import update

from errors import Invalid
from models import Item, Membership, Responsibility, Vault
from policy import Right
from services import items, responsibility, vaults
from tests.pages.conftest import MISSING

STRIPE = "Stripe dashboard"
PRIMARY = "prod/db primary"


@pytest.fixture
def stripe(world):
    return f"/o/northwind/items/{world.items[STRIPE]}"


@pytest.fixture
def leaver(world):
    """Where the leaver page of somebody stands."""
    return lambda name: f"/o/northwind/people/{world.members[name]}/opened"


@pytest.fixture
def disable(browser, world):
    def disable(name, by="adam"):
        admin = browser(by)
        admin.open(f"/o/northwind/people/{world.members[name]}")
        return admin.submit("disable")

    return disable


def fact(page, label):
    (term,) = [term for term in page.select("dt") if term.get_text(strip=True) == label]
    return " ".join(term.find_next("dd").get_text(" ").split())


def held(page):
    rows = page.select('[aria-label="What they are responsible for"] tbody tr')
    return {row.th.get_text(): row.td.get_text(strip=True) for row in rows}


def offered(page, field="user_id"):
    return [option.get_text() for option in page.select(f'select[name="{field}"] option')]


# One credential, one vault


def test_whoever_made_it_is_responsible_until_somebody_else_is_named(browser, stripe, world, trail):
    mia = browser("mia")
    assert fact(mia.open(stripe), "Responsible") == "Alice Change who is responsible"
    mia.open(f"{stripe}/responsible")
    page = mia.submit("responsible", user_id=str(world.people["rhea"]))
    assert mia.path == stripe
    assert fact(page, "Responsible").startswith("Rhea")
    event = trail.one("responsible.changed")
    assert (event["actor"], event["target"], event["target_id"]) == ("Mia", STRIPE, str(world.items[STRIPE]))
    assert event["extra"] == {"from": "Alice", "to": "Rhea"}


def test_the_history_of_the_credential_stays_as_it_was(browser, stripe, world):
    mia = browser("mia")
    mia.open(f"{stripe}/responsible")
    mia.submit("responsible", user_id=str(world.people["rhea"]))
    assert fact(mia.page, "Version") == "1"
    assert len(mia.open(f"{stripe}/history").select("tbody tr, .timeline li")) == 1


def test_nobody_can_be_responsible(browser, stripe, trail):
    mia = browser("mia")
    mia.open(f"{stripe}/responsible")
    page = mia.submit("responsible", user_id="")
    assert fact(page, "Responsible").startswith("Nobody")
    assert trail.one("responsible.changed")["extra"] == {"from": "Alice", "to": "nobody"}
    selected = mia.open(f"{stripe}/responsible").select_one("option[selected]")
    assert selected.get_text() == "Nobody"


def test_the_same_again_is_no_event(browser, stripe, world, trail):
    mia = browser("mia")
    mia.open(f"{stripe}/responsible")
    mia.submit("responsible")
    assert trail.events("responsible.changed") == []


def test_those_are_offered_who_can_see_the_vault_and_nobody_else(browser, stripe, world):
    mia = browser("mia")
    names = [words.partition(" (")[0] for words in offered(mia.open(f"{stripe}/responsible"))]
    assert names == ["Nobody", "Alice", "Mia", "Rhea", "Ula"]
    for who in ("noah", "sam"):
        page = mia.submit("responsible", 422, user_id=str(world.people[who]))
        assert page.select_one("#user_id-error")
        mia.open(f"{stripe}/responsible")
    mia.submit("responsible", 422, user_id="nonsense")
    mia.open(f"{stripe}/responsible")
    mia.submit("responsible", 422, user_id=None)


def test_a_service_lets_in_nobody_who_cannot_see_the_vault(runtime, world):
    """The page's list is one guard, and this is another for those who come past it."""
    actor = world.actor("mia", {world.vaults["Production"]: Right.EDIT})
    with runtime.work(writing=True, actor=actor) as uow:
        item = items.find(uow, world.items[STRIPE])
        vault = vaults.find(uow, world.vaults["Production"])
        for who in ("noah", "sam"):
            with pytest.raises(Invalid, match="can see it"):
                responsibility.give_item(uow, item, world.people[who])
            with pytest.raises(Invalid, match="can see it"):
                responsibility.give_vault(uow, vault, world.people[who])


def test_whoever_may_not_edit_sees_it_and_changes_nothing(browser, stripe, refuses):
    page = browser("rhea").open(stripe)
    assert fact(page, "Responsible") == "Alice"
    for posting in (False, True):
        refuses(f"{stripe}/responsible", "rhea", 403, posting=posting)
        refuses(f"{stripe}/responsible", "noah", 404, posting=posting)
        refuses(f"{stripe}/responsible", "mallory", 404, posting=posting)


def test_a_vault_has_somebody_too(browser, production, world, trail, refuses):
    rhea = browser("rhea")
    page = rhea.open(production)
    assert page.select_one(f'a[href="{production}/responsible"]')
    page = rhea.open(f"{production}/responsible")
    assert fact(page, "Responsible") == "Alice"
    assert not page.select("form#responsible")
    refuses(f"{production}/responsible", "mia", 403, posting=True)
    refuses(f"{production}/responsible", "noah", 404)

    alice = browser("alice")
    alice.open(f"{production}/responsible")
    page = alice.submit("responsible", user_id=str(world.people["mia"]))
    assert fact(page, "Responsible") == "Mia"
    assert trail.one("responsible.changed")["target"] == "Production"
    alice.submit("responsible", 422, user_id=str(world.people["noah"]))


def test_the_list_of_a_vault_asks_the_database_nothing_about_it(browser, production, monkeypatch):
    monkeypatch.setattr(responsibility, "_keeper", None)
    browser("mia").open(production)


def test_whoever_was_disabled_is_responsible_no_more_and_still_named(browser, stripe, world, disable):
    mia = browser("mia")
    mia.open(f"{stripe}/responsible")
    mia.submit("responsible", user_id=str(world.people["rhea"]))
    disable("rhea")
    assert fact(mia.open(stripe), "Responsible").startswith("Nobody (was Rhea)")


def test_it_goes_with_its_thing(browser, world, runtime):
    alice = browser("alice")
    item = f"/o/northwind/items/{world.items['Board portal']}"
    vault = f"/o/northwind/vaults/{world.vaults['Board']}"
    for path in (item, vault):
        alice.open(f"{path}/responsible")
        alice.submit("responsible", user_id="")
    alice.open(item)
    alice.submit("trash")
    alice.open(f"{item}/purge")
    alice.submit("purge-form")
    alice.open(f"{vault}/edit")
    alice.submit("delete-vault")
    with runtime.work(writing=False) as uow:
        assert uow.connection.execute(Responsibility.__table__.select()).all() == []


def test_whoever_left_another_organization_is_still_responsible_here(browser, stripe, world, runtime):
    with runtime.work(writing=True, actor=world.actor("mallory")) as uow:
        uow.session.execute(
            update(Membership).where(Membership.id == world.members["sam"]).values(disabled_at=uow.now)
        )
    with runtime.work(writing=True, actor=world.actor("alice")) as uow:
        uow.session.add(
            Membership(
                id=uuid4(),
                organization_id=uow.organization_id,
                user_id=world.people["sam"],
                role="member",
                created_at=uow.now,
            )
        )
        uow.session.flush()
        vaults.grant(uow, vaults.find(uow, world.vaults["Production"]), world.people["sam"], Right.USE)
        responsibility.give_item(uow, items.find(uow, world.items[STRIPE]), world.people["sam"])
    assert fact(browser("rhea").open(stripe), "Responsible") == "Sam"


def test_what_they_look_after_in_another_organization_is_not_told_here(
    browser, leaver, world, runtime, disable
):
    disable("rhea")
    with runtime.engine.begin() as connection:
        for table, id_ in ((Item, world.items["Lakeside mail"]), (Vault, world.vaults["Harbor"])):
            theirs = table.organization_id == world.organizations["lakeside"]
            done = connection.execute(
                update(table).where(table.id == id_, theirs).values(created_by=world.people["rhea"])
            )
            assert done.rowcount == 1
    adam = browser("adam")
    assert held(adam.open(leaver("rhea"))) == {}
    assert "Nobody is responsible" not in adam.open("/o/northwind/people").words


# Handing over


def test_the_leaver_page_lists_what_they_are_responsible_for(browser, leaver):
    page = browser("audrey").open(leaver("alice"))
    assert held(page) == {"Board": "The vault and 1 credential", "Production": "The vault and 2 credentials"}
    assert not page.select("form#hand-over")
    assert held(browser("adam").open(leaver("noah"))) == {}


@pytest.mark.parametrize("at_once", [1, 500])
def test_all_goes_to_somebody_as_far_as_they_can_see_it(browser, leaver, stripe, trail, monkeypatch, at_once):
    monkeypatch.setattr(responsibility, "AT_ONCE", at_once)
    adam = browser("adam")
    adam.open(leaver("alice"))
    assert "Alice" not in " ".join(offered(adam.page))
    page = adam.submit("hand-over", user_id=person_of(adam.page, "Mia"))
    assert "3 things handed over. 2 things in vaults that they cannot see stayed." in page.words
    assert held(page) == {"Board": "The vault and 1 credential"}
    assert held(adam.open(leaver("mia"))) == {"Production": "The vault and 2 credentials"}
    events = trail.events("responsible.changed")
    assert sorted(event["target"] for event in events) == ["Production", STRIPE, PRIMARY]
    assert {(event["extra"]["from"], event["extra"]["to"]) for event in events} == {("Alice", "Mia")}
    adam.open(leaver("mia"))
    adam.submit("hand-over", user_id=person_of(adam.page, "Rhea"))
    assert held(adam.open(leaver("mia"))) == {}
    adam.open(leaver("rhea"))
    adam.submit("hand-over", user_id=person_of(adam.page, "Mia"))
    assert fact(browser("mia").open(stripe), "Responsible").startswith("Mia")


def person_of(page, name):
    (option,) = [o for o in page.select('select[name="user_id"] option') if o.get_text().startswith(name)]
    return option["value"]


def test_one_vault_is_handed_over_alone(browser, leaver, world, runtime):
    with runtime.work(writing=True, actor=world.actor("alice")) as uow:
        vaults.grant(uow, vaults.find(uow, world.vaults["Board"]), world.people["mia"], Right.USE)
    adam = browser("adam")
    adam.open(leaver("alice"))
    page = adam.submit("hand-over", vault_id=str(world.vaults["Board"]), user_id=str(world.people["mia"]))
    assert "2 things handed over." in page.words
    assert list(held(page)) == ["Production"]


def test_nothing_goes_to_somebody_who_can_see_nothing_of_it(browser, leaver, world, trail):
    adam = browser("adam")
    adam.open(leaver("alice"))
    page = adam.submit("hand-over", user_id=str(world.people["noah"]))
    assert "Nothing was handed over. 5 things in vaults that they cannot see stayed." in page.words
    assert trail.events("responsible.changed") == []


def test_what_lies_in_the_trash_goes_along(browser, leaver, stripe, world):
    alice, adam = browser("alice"), browser("adam")
    alice.open(stripe)
    alice.submit("trash")
    adam.open(leaver("alice"))
    assert "3 things" in adam.submit("hand-over", user_id=str(world.people["mia"])).words


@pytest.mark.parametrize(
    "changes",
    [
        {"user_id": "nonsense"},
        {"user_id": None},
        {"user_id": str(MISSING)},
        {"vault_id": "x"},
        {"vault_id": None},
        {"vault_id": str(MISSING)},
    ],
)
def test_what_no_page_sends_is_refused(browser, leaver, trail, changes, world):
    adam = browser("adam")
    adam.open(leaver("alice"))
    adam.submit("hand-over", 422, **({"user_id": str(world.people["mia"])} | changes))
    for who in ("alice", "sam"):
        adam.open(leaver("alice"))
        adam.submit("hand-over", 422, user_id=str(world.people[who]))
    assert trail.events("responsible.changed") == []


def test_nobody_takes_over_past_the_list_who_was_disabled_or_is_the_leaver(runtime, world, disable):
    disable("rhea")
    with runtime.work(writing=True, actor=world.actor("adam")) as uow:
        for who in ("rhea", "alice", "sam"):
            with pytest.raises(Invalid):
                responsibility.hand_over(uow, world.people["alice"], world.people[who])


def test_only_admins_hand_over(world, refuses):
    path = f"/o/northwind/people/{world.members['alice']}/hand-over"
    refuses(path, "audrey", 403, posting=True)
    refuses(path, "mia", 403, posting=True)
    refuses(path, "mallory", 404, posting=True)


def test_people_are_told_what_nobody_looks_after_any_more(browser, world, disable, leaver, stripe):
    mia = browser("mia")
    mia.open(f"{stripe}/responsible")
    mia.submit("responsible", user_id=str(world.people["rhea"]))
    adam = browser("adam")
    assert "Nobody is responsible" not in adam.open("/o/northwind/people").words
    disable("rhea")
    page = adam.open("/o/northwind/people")
    assert "Nobody is responsible for 1 thing" in page.words
    assert page.find("a", string="Rhea (1)")["href"] == f"{leaver('rhea')}#responsible"
    adam.open(leaver("rhea"))
    adam.submit("hand-over", user_id=str(world.people["mia"]))
    assert "Nobody is responsible" not in adam.open("/o/northwind/people").words
