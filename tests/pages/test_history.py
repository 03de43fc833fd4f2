"""The versions of a credential: who changed what, what it was, and bringing it back."""

from __future__ import annotations

import pytest

from tests.world import PASSWORD


@pytest.fixture
def changed(browser, primary):
    """The credential after Mia gave it another password and Alice another user name."""
    mia, alice = browser("mia"), browser("alice")
    mia.open(primary + "/edit")
    mia.submit("item-form", password="second password", notes="second notes")
    alice.open(primary + "/edit")
    alice.submit("item-form", user_name="third")
    return primary


def lines(page):
    return [" ".join(line.p.get_text().split()).rpartition(", ")[0] for line in page.select("[data-version]")]


def test_the_history_says_who_changed_which_fields_and_shows_no_value(browser, changed, trail):
    page = browser("ula").open(changed + "/history")

    assert [line["data-version"] for line in page.select("[data-version]")] == ["3", "2", "1"]
    assert lines(page) == ["Alice changed User name", "Mia changed Password, Notes", "Alice added it"]
    assert "second password" not in str(page)
    assert trail.events("item.revealed") == []


def test_each_version_can_be_revealed(browser, changed, trail):
    rhea = browser("rhea")

    page = rhea.open(changed + "/versions/1")
    assert rhea.json("reveal-password")["value"] == PASSWORD
    page = rhea.open(changed + "/versions/2")
    page = rhea.submit("reveal-password")

    assert page.h1.get_text() == "Version 2 of prod/db primary"
    assert page.select_one('[data-field="password"]').get_text() == "second password"
    assert page.select_one('[data-field="user name"]').get_text() == "vault_rw"
    assert [event["extra"]["version"] for event in trail.events("item.revealed")] == [1, 2]


def test_an_earlier_version_is_restored_as_a_new_one(browser, changed, trail):
    mia = browser("mia")
    mia.open(changed + "/versions/1")

    page = mia.submit("restore-version")

    assert mia.json("reveal-password")["value"] == PASSWORD
    assert page.select_one('[data-field="user name"]').get_text() == "vault_rw"
    extra = trail.one("item.changed")["extra"]
    assert (extra["version"], extra["restored_version"]) == (4, 1)
    page = mia.open(changed + "/history")
    assert lines(page)[0].startswith("Mia brought an earlier version back, which changed User name")


def test_the_newest_version_has_nothing_to_restore(browser, changed):
    assert browser("mia").open(changed + "/versions/3").select_one("#restore-version") is None


def test_who_may_only_reveal_is_not_offered_to_restore(browser, changed, refuses):
    assert browser("rhea").open(changed + "/versions/1").select_one("#restore-version") is None
    refuses(changed + "/versions/1/restore", "rhea", 403, posting=True)


def test_who_may_only_see_it_reveals_no_version(browser, changed, trail):
    ula = browser("ula")
    page = ula.open(changed + "/versions/1")
    assert page.select("[data-reveal]") == []

    ula.post(changed + "/reveal", {"csrf_token": ula.csrf(), "field": "password", "version": "1"}, 403)

    assert trail.events("item.revealed") == []


@pytest.mark.parametrize("number", ["0", "4", "999999999"])
def test_a_version_that_is_not_there_is_not_found(browser, changed, refuses, number):
    refuses(f"{changed}/versions/{number}", "mia", 404)
    refuses(f"{changed}/versions/{number}/restore", "mia", 404, posting=True)


def test_a_number_that_cannot_be_one_is_not_found(browser, changed):
    mia = browser("mia")
    for number in ("-1", "01", "1e9", "9" * 30):
        mia.open(f"{changed}/versions/{number}", 404)


def test_restoring_is_refused_while_the_name_is_taken(browser, changed, production, trail):
    mia = browser("mia")
    mia.open(changed + "/edit")
    mia.submit("item-form", name="renamed")
    mia.open(production + "/items/new")
    mia.submit("item-form", name="prod/db primary")
    mia.open(changed + "/versions/1")

    page = mia.submit("restore-version", 409)

    assert "already has a credential called" in page.words


def test_a_vault_that_keeps_two_versions_says_so_and_drops_the_oldest(browser, changed, production):
    alice = browser("alice")
    alice.open(production + "/edit")
    alice.submit("vault-form", max_versions="2")

    page = alice.open(changed + "/history")

    assert [line["data-version"] for line in page.select("[data-version]")] == ["3", "2"]
    assert "keeps the newest 2 versions" in page.words
    alice.open(changed + "/versions/1", 404)


def test_a_version_that_cannot_be_decrypted_says_so_in_its_line(browser, changed, world, runtime, trail):
    with runtime.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE item_version SET overview = zeroblob(80) WHERE number = 2 AND item_id = ?",
            (world.items["prod/db primary"].hex,),
        )
    mia = browser("mia")

    page = mia.open(changed + "/history")

    assert lines(page)[1] == "Mia saved it; it cannot be decrypted any more"
    assert page.select_one('[data-version="2"] a') is None
    assert trail.one("decryption.failed")["extra"]["version"] == 2
    mia.open(changed + "/versions/2", 409)


def test_a_broken_newest_version_is_mended_from_its_history(browser, changed, world, runtime):
    with runtime.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE item_version SET details = zeroblob(80) WHERE number = 3 AND item_id = ?",
            (world.items["prod/db primary"].hex,),
        )
    mia = browser("mia")
    mia.open(changed + "/versions/2")

    mia.submit("restore-version")

    assert mia.json("reveal-password")["value"] == "second password"
