"""Groups, through their pages."""

from __future__ import annotations

import pytest

GROUPS = "/o/northwind/groups"


@pytest.fixture
def ops(browser, world):
    """The address of the group Ops, with Noah in it."""
    adam = browser("adam")
    adam.open(GROUPS + "/new")
    adam.submit("group-form", name="Ops")
    address = adam.path
    adam.submit("join-form", user_id=str(world.people["noah"]))
    return address


def test_a_group_is_made_filled_and_given_a_vault(browser, world, ops, production):
    noah = browser("noah")
    noah.open(production, 404)
    alice = browser("alice")
    alice.open(production + "/access")
    page = alice.submit("grant-form", holder_id=ops.rpartition("/")[2], right="2", reason="On call")

    row = next(row for row in page.select("tbody tr") if "Ops" in row.get_text())
    assert "Group of 1" in row.get_text()
    assert "“On call”" in row.get_text()
    noah.open(production)
    page = alice.open(ops)
    assert "Noah" in page.select_one("main").get_text()
    assert "Production" in page.select_one("main").get_text()


def test_who_is_removed_loses_the_groups_rights(browser, world, ops, production):
    alice = browser("alice")
    alice.open(production + "/access")
    alice.submit("grant-form", holder_id=ops.rpartition("/")[2], right="2")
    adam, noah = browser("adam"), browser("noah")
    noah.open(production)

    adam.open(ops)
    page = adam.submit("remove-1")

    assert "Nobody yet" in page.words
    noah.open(production, 404)


def test_a_group_is_renamed_and_deleted(browser, ops, trail):
    adam = browser("adam")
    adam.open(ops)
    page = adam.submit("rename-form", name="Operations")
    assert page.select_one("h1").get_text() == "Operations"

    page = adam.submit("delete-group")
    assert "No groups yet" in page.words
    adam.open(ops, 404)
    assert trail.one("group.deleted")["target"] == "Operations"


@pytest.mark.parametrize(
    ("name", "status", "sentence"),
    [("", 422, "Enter a name."), ("Ops", 409, "There is a group called Ops already")],
)
def test_a_name_that_cannot_be_is_refused_beside_its_field(browser, ops, name, status, sentence):
    adam = browser("adam")
    adam.open(GROUPS + "/new")
    page = adam.submit("group-form", status, name=name)
    assert sentence in page.select_one("#name-error").get_text()


def test_nobody_from_elsewhere_is_offered_or_taken(browser, world, ops):
    adam = browser("adam")
    page = adam.open(ops)
    offered = page.select_one("#user_id").get_text()
    assert "Mia" in offered
    assert "Noah" not in offered
    assert "Sam" not in offered
    page = adam.submit("join-form", 422, user_id=str(world.people["sam"]))
    assert "Choose one from the list." in page.select_one("[role=alert]").get_text()


def test_an_auditor_reads_groups_and_changes_none(browser, ops, refuses):
    page = browser("audrey").open(ops)
    assert page.select("#join-form, #rename-form, #delete-group, form[id^=remove]") == []
    refuses(GROUPS, "mia", 403)
    refuses(ops + "/delete", "audrey", 403, posting=True)


def test_a_persons_page_names_their_groups(browser, world, ops):
    page = browser("alice").open(f"/o/northwind/people/{world.members['noah']}")
    assert page.select_one(f'a[href="{ops}"]').get_text() == "Ops"
