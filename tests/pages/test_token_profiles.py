"""Profiles on their pages."""

from __future__ import annotations

import pytest
import time_machine

from services import clock

PAGE = "/o/northwind/profiles"


@pytest.fixture
def adam(browser):
    adam = browser("adam")
    adam.open(f"{PAGE}/new")
    return adam


def make(adam, world, **changes):
    values = {"name": "reader", "scopes": ["items:reveal"], "vaults": [str(world.vaults["Production"])]}
    return adam.submit("profile-form", **(values | {"names": "prod/*"} | changes))


def test_an_admin_makes_changes_and_deletes_a_profile(adam, world, trail):
    make(adam, world)
    page = str(adam.open(PAGE))
    assert ("reader" in page, "Production" in page, "prod/*" in page) == (True, True, True)
    link = next(a["href"] for a in adam.page.select("a") if a.get_text(strip=True) == "reader")
    page = adam.open(link)
    assert page.select_one("textarea[name=names]").get_text().strip() == "prod/*"
    adam.submit("profile-form", scopes=["items:list", "items:reveal"], vaults=[], names="")
    assert "Everywhere" in str(adam.open(PAGE))
    adam.open(link)
    adam.submit("delete-profile")
    assert "No profiles yet" in str(adam.open(PAGE))
    assert trail.actions()[-3:] == ["profile.created", "profile.changed", "profile.deleted"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": ""}, "Use small letters"),
        ({"name": "Root Of All"}, "Use small letters"),
        ({"name": "root"}, "root and default are taken"),
        ({"scopes": []}, "Choose at least one thing"),
        ({"names": "a*b"}, "can only stand at the end"),
    ],
)
def test_what_cannot_be_kept_is_said_beside_its_field(adam, world, changes, words):
    values = {"name": "reader", "scopes": ["items:reveal"], "names": ""} | changes
    assert words in str(adam.submit("profile-form", 422, **values))


def test_a_name_is_taken_once(adam, world):
    make(adam, world)
    adam.open(f"{PAGE}/new")
    page = adam.submit("profile-form", 409, name="reader", scopes=["items:list"])
    assert "There is a profile called reader already" in str(page)


def test_it_asks_again_who_one_is(adam, world):
    with time_machine.travel(clock.now().timestamp() + 400, tick=False):
        adam.open(f"{PAGE}/new")
        assert adam.path.startswith("/account/confirm")


def test_an_auditor_sees_profiles_and_changes_none(adam, browser, world):
    make(adam, world)
    audrey = browser("audrey")
    page = str(audrey.open(PAGE))
    assert ("reader" in page, "New profile" in page) == (True, False)
    audrey.open(f"{PAGE}/new", status=403)
