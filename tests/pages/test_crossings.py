"""Attempts to reach into another organization: the operator hears of them, and nobody else."""

from __future__ import annotations

from uuid import uuid4

import pytest

from policy import Role
from services import invitations
from tests.world import LAKESIDE, NORTHWIND

TILE = "Attempts to reach into another organization"


def crossings(trail):
    return trail.events("access.crossed")


@pytest.fixture
def stripe(world):
    return world.items["Stripe dashboard"]


def test_a_foreign_id_and_a_foreign_address_each_count(browser, trail, world, stripe):
    mallory = browser("mallory")
    mallory.open(f"/o/lakeside/items/{stripe}", 404)
    mallory.open(f"/o/northwind/items/{stripe}", 404)
    mallory.open("/o/northwind/", 404)

    assert len(crossings(trail)) == 3
    assert {event["actor"] for event in crossings(trail)} == {"Mallory"}
    assert {event["extra"]["reached"] for event in crossings(trail)} == {str(world.organizations[NORTHWIND])}


def test_what_is_nowhere_or_hidden_in_one_s_own_organization_does_not(browser, trail, world):
    noah = browser("noah")
    noah.open(f"/o/northwind/items/{uuid4()}", 404)
    noah.open(f"/o/northwind/vaults/{world.vaults['Board']}", 404)
    noah.open("/o/nowhere/", 404)
    noah.open("/o/northwind/audit", 403)

    assert len(trail.events("access.denied")) == 4
    assert not crossings(trail)


def test_who_belongs_to_both_took_the_wrong_address_only(browser, runtime, trail, world):
    with runtime.work(writing=True, actor=world.actor("mallory")) as uow:
        link = invitations.invite(uow, "rhea@northwind.example", Role.MEMBER).path
    rhea = browser("rhea")
    rhea.open(link)
    rhea.submit("join")
    rhea.open(f"/o/northwind/items/{world.items['Lakeside mail']}", 404)

    assert trail.events("access.denied")
    assert not crossings(trail)


@pytest.mark.parametrize("who", ["alice", "mallory"])
def test_no_organization_s_own_log_tells_of_it(browser, trail, world, stripe, who):
    """There it would say what exists elsewhere."""
    browser("mallory").open(f"/o/lakeside/items/{stripe}", 404)
    page = browser(who).open(f"/o/{NORTHWIND if who == 'alice' else LAKESIDE}/audit?action=access.crossed")

    assert crossings(trail)
    assert TILE not in page.words
    assert not page.select("[data-action='access.crossed']")


def test_the_operator_sees_how_many_and_by_whom(browser, stripe):
    alice = browser("alice")
    assert f"{TILE} 0 in 30 days" in alice.open("/instance").words
    assert "to reach into" not in alice.open("/o/northwind/").words

    browser("mallory").open(f"/o/lakeside/items/{stripe}", 404)
    tile = alice.open("/instance").select_one(".stat.bad")
    assert f"{TILE} 1 in 30 days" in " ".join(tile.get_text(" ").split())
    assert "1 attempt to reach into another organization" in alice.open("/o/northwind/").words
    assert "Mallory" in alice.open(tile.a["href"]).words


def test_another_owner_is_not_told(browser, stripe):
    browser("mallory").open(f"/o/northwind/items/{stripe}", 404)
    assert "to reach into" not in browser("mallory").open("/o/lakeside/").words
    assert "to reach into" not in browser("adam").open("/o/northwind/").words
