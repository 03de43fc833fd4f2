"""Changing credentials: nothing stored is shown, nothing typed is lost, nobody is overwritten unawares."""

from __future__ import annotations

from services.contents import Contents, Field, ItemType, Kind
from tests.pages.credentials import facts, make, reveal, shown
from tests.world import PASSWORD, SEED


def test_the_edit_form_never_holds_a_stored_value(browser, primary, trail):
    page = browser("mia").open(primary + "/edit")

    assert page.select_one("#user_name")["value"] == "vault_rw"
    for key in ("password", "totp"):
        assert page.select_one(f"#{key}")["value"] == ""
    assert page.select_one("#notes").get_text().strip() == ""
    assert PASSWORD not in str(page)
    assert SEED not in str(page)
    assert trail.events("item.revealed") == []


def test_an_empty_field_keeps_its_value_and_a_cleared_one_loses_it(browser, primary, trail):
    mia = browser("mia")
    mia.open(primary + "/edit")

    page = mia.submit("item-form", user_name="vault_ro", clear=["Notes"])

    assert shown(page, "user name") == "vault_ro"
    assert reveal(mia, "password") == PASSWORD
    assert page.select_one("#reveal-notes") is None
    event = trail.one("item.changed")
    assert event["target"] == "prod/db primary"
    assert event["extra"] == {"version": 2, "fields": ["User name", "Notes"]}


def test_what_is_ticked_stays_ticked_while_the_form_is_shown_again(browser, primary):
    mia = browser("mia")
    mia.open(primary + "/edit")

    page = mia.submit("item-form", 422, name="a//b", clear=["Notes"])
    assert page.select_one("#clear-notes").has_attr("checked")
    assert not page.select_one("#clear-password").has_attr("checked")

    mia.submit("item-form", name="a/b")
    assert mia.page.select_one("#reveal-notes") is None


def test_saving_without_a_difference_makes_no_version(browser, primary, trail):
    mia = browser("mia")
    mia.open(primary + "/edit")

    page = mia.submit("item-form")

    assert "Nothing was different" in page.words
    assert facts(page)["Version"] == "1"
    assert trail.events("item.changed") == []


def test_fields_of_ones_own_are_renamed_changed_and_removed(browser, production):
    mia = browser("mia")
    make(mia, production)
    mia.open(mia.path + "/edit")
    for _ in range(3):
        mia.press("Add another field")
    mia.submit(
        "item-form",
        **{f"custom-{n}-name": name for n, name in enumerate(("A", "B", "C"))},
        **{f"custom-{n}-value": name.lower() for n, name in enumerate(("A", "B", "C"))},
    )

    page = mia.open(mia.path + "/edit")
    assert [page.select_one(f"#custom-{n}-value")["value"] for n in range(3)] == ["", "", ""]
    page = mia.submit("item-form", **{"custom-0-name": "A2", "custom-1-value": "b2", "custom-2-remove": "y"})

    assert reveal(mia, "a2") == "a"
    assert reveal(mia, "b") == "b2"
    assert page.select_one('[data-field="c"]') is None
    assert page.select_one('[data-field="a"]') is None


def test_the_name_of_a_removed_field_can_be_taken_at_once(browser, production):
    mia = browser("mia")
    make(mia, production)
    mia.open(mia.path + "/edit")
    for _ in range(3):
        mia.press("Add another field")
    mia.submit(
        "item-form",
        **{f"custom-{n}-name": name for n, name in enumerate(("A", "B", "C"))},
        **{f"custom-{n}-value": name.lower() for n, name in enumerate(("A", "B", "C"))},
    )

    mia.open(mia.path + "/edit")
    mia.press("Add another field")
    mia.submit(
        "item-form",
        **{"custom-0-remove": "y", "custom-1-name": "A"},
        **{"custom-2-remove": "y", "custom-3-name": "C", "custom-3-value": "new c"},
    )

    assert reveal(mia, "a") == "b"
    assert reveal(mia, "c") == "new c"
    assert mia.page.select_one('[data-field="b"]') is None


def test_a_concurrent_change_is_refused_and_both_versions_are_offered(browser, primary, trail):
    mia, alice = browser("mia"), browser("alice")
    mia.open(primary + "/edit")
    alice.open(primary + "/edit")
    alice.submit("item-form", user_name="alices", password="from alice")

    page = mia.submit("item-form", 409, user_name="mias", password="from mia")

    assert "Alice has saved version 2 meanwhile" in page.words
    cells = {row.th.get_text(): [td.get_text() for td in row.select("td")] for row in page.select("tbody tr")}
    assert cells["User name"] == ["alices", "mias"]
    assert cells["Password"] == ["changed", "changed"]
    assert "from alice" not in str(page)
    assert page.select_one("#user_name")["value"] == "mias"
    assert page.select_one("#password")["value"] == "from mia"
    drop = next(a for a in page.select("a") if a.get_text() == "Drop mine, keep theirs")
    assert drop["href"] == primary
    assert len(trail.events("item.changed")) == 1

    page = mia.press("Save over version 2")

    assert facts(page)["Version"] == "3"
    assert reveal(mia, "password") == "from mia"


def test_a_third_change_while_one_decides_is_refused_again(browser, primary):
    mia, alice = browser("mia"), browser("alice")
    mia.open(primary + "/edit")
    for round_ in (1, 2):
        alice.open(primary + "/edit")
        alice.submit("item-form", user_name=f"alices {round_}")
        page = mia.submit("item-form", 409, user_name="mias")
        assert f"saved version {round_ + 1} meanwhile" in page.words

    assert mia.submit("item-form").select_one('[data-field="user name"]').get_text() == "mias"


def test_a_field_of_a_kind_that_nobody_can_choose_here_keeps_it(browser, add):
    """An import makes fields of several lines, and more than one authenticator."""
    own = (Field("Hosts", Kind.MULTILINE, "a\nb", custom=True), Field("Second", Kind.OTP, SEED, custom=True))
    (item_id,) = add(Contents("imported", ItemType.LOGIN, fields=own))
    mia = browser("mia")
    page = mia.open(f"/o/northwind/items/{item_id}/edit")
    chosen = [row["value"] for row in page.select('select[name$="-kind"] option[selected]')]
    assert chosen == ["multiline", "otp"]

    mia.submit("item-form", tags="x")

    assert reveal(mia, "hosts") == "a\nb"
    assert len(reveal(mia, "second")) == 6
