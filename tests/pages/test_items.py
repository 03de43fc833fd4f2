"""Credentials, through the pages that people use: made, shown, changed, moved, copied."""

from __future__ import annotations

import pytest

from policy import Right
from services import vaults
from services.contents import TYPE_FIELDS, ItemType
from tests.pages.conftest import MISSING
from tests.world import PASSWORD, SEED, login

NASTY = ' \tspaces at both ends, ünïcödé 🗝️, <script>alert(1)</script>, \u202eRTL\u202c, 100% & "quotes" '
LINES = "\n\nfirst\r\nsecond\n\n  indented\nlast\n\n"
OPEN = {
    "login": {"password": "pw", "totp": SEED, "notes": "n"},
    "api-key": {"api_key": "key", "notes": "n"},
    "database": {"host": "h", "port": "5432", "database": "d", "password": "pw", "notes": "n"},
    "ssh-key": {"private_key": "k", "passphrase": "p", "public_key": "pub", "notes": "n"},
    "certificate": {"certificate": "c", "private_key": "k", "chain": "ch", "passphrase": "p", "notes": "n"},
    "note": {"notes": "n"},
    "authenticator": {"totp": SEED, "notes": "n"},
}


def shown(page, field):
    return page.select_one(f'[data-field="{field}"]').get_text()


def facts(page):
    return {
        term.get_text(): term.find_next("dd").get_text(" ", strip=True) for term in page.select(".facts dt")
    }


def reveal(somebody, field):
    """Return a value as the page's script gets it."""
    return somebody.json("reveal-" + field.replace(" ", "-"))["value"]


def make(somebody, production, type_="login", **values):
    somebody.open(f"{production}/items/new?type={type_}")
    return somebody.submit("item-form", **{"name": f"new {type_}", **values})


@pytest.mark.parametrize("type_", list(OPEN))
def test_a_credential_of_every_type_keeps_every_field(browser, production, trail, type_):
    mia = browser("mia")

    page = make(mia, production, type_, **OPEN[type_])

    assert page.h1.get_text() == f"new {type_}"
    assert page.title.get_text() == "Credential · Chatelaine"
    for spec in TYPE_FIELDS[ItemType(type_)]:
        if spec.name != "TOTP":
            key = spec.name.lower().replace(" ", "_")
            assert reveal(mia, spec.name.lower()) == OPEN[type_][key]
    event = trail.one("item.created")
    assert (event["target"], event["actor"]) == (f"new {type_}", "Mia")


def test_the_overview_stands_on_the_page_without_a_reveal(browser, production, trail):
    page = make(
        browser("mia"),
        production,
        user_name="mia@northwind.example",
        urls="https://a.example/login\nb.example\nssh://c.example",
        tags="prod, Web , prod",
        expires_on="2037-01-31",
        password="correct horse battery staple 9",
    )

    assert shown(page, "user name") == "mia@northwind.example"
    links = {a.get_text(): a["href"] for a in page.select(".public a")}
    assert links == {"https://a.example/login": "https://a.example/login", "b.example": "https://b.example"}
    assert shown(page, "url 3") == "ssh://c.example"
    assert facts(page)["Tags"] == "prod Web"
    assert facts(page)["Expires"] == "2037-01-31"
    assert "Strong" in facts(page)["Strength"]
    assert facts(page)["Link"].startswith("http://")
    assert "Expires 2037-01-31" in page.words
    assert shown(page, "password") == "••••••••••"
    assert "battery" not in str(page)
    assert trail.events("item.revealed") == []


def test_values_come_back_byte_for_byte(browser, production):
    mia = browser("mia")

    make(mia, production, user_name=NASTY, password=NASTY, notes=LINES)

    assert shown(mia.page, "user name") == NASTY
    assert reveal(mia, "password") == NASTY
    # A text area has no other line break than LF, and browsers send it as CR LF.
    assert reveal(mia, "notes") == LINES.replace("\r\n", "\n")
    mia.submit("reveal-password")
    assert shown(mia.page, "password") == NASTY
    assert mia.page.select("script:not([src])") == []


def test_sixty_four_kibibytes_are_kept_and_one_byte_more_is_refused(browser, production):
    mia = browser("mia")
    notes = "🗝️é\n" * (64 * 1024 // len("🗝️é\n".encode()))
    notes += "x" * (64 * 1024 - len(notes.encode()))

    make(mia, production, notes=notes)
    assert reveal(mia, "notes") == notes

    mia.open(production + "/items/new")
    page = mia.submit("item-form", 422, name="too long", notes=notes + "x")
    assert "Notes is too long" in page.select_one("[role=alert]").get_text()
    assert page.select_one("#notes").get_text().strip() == notes.strip() + "x"


def test_what_is_refused_comes_back_whole_with_the_reason_beside_its_field(browser, production, trail):
    mia = browser("mia")
    mia.open(production + "/items/new")

    page = mia.submit(
        "item-form", 422, name="a//b", user_name="mia", password="typed", notes="\nkept", tags="one, two"
    )

    assert "before and after each slash" in page.select_one("#name-error").get_text()
    assert page.select_one("#password")["value"] == "typed"
    assert page.select_one("#notes").get_text() == "\r\n\nkept"
    assert page.select_one("#tags")["value"] == "one, two"
    assert trail.events("item.created") == []
    assert mia.submit("item-form", name="a/b").h1.get_text() == "a/b"
    assert reveal(mia, "notes") == "\nkept"


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("totp", "not a seed!", "A seed has only the letters"),
        ("urls", "javascript:alert(1)", "must be an address"),
        ("tags", "x" * 61, "at most 60 characters for each tag"),
        ("user_name", "x" * 501, "at most 500 characters"),
        ("expires_on", "tomorrow", "Write the day as year-month-day"),
        ("password", "with\0nul", "cannot be kept"),
    ],
)
def test_each_field_says_what_is_wrong_with_it(browser, production, field, value, sentence):
    mia = browser("mia")
    mia.open(production + "/items/new")

    page = mia.submit("item-form", 422, name="x", **{field: value})

    assert sentence in page.select_one(f"#{field}-error").get_text()


def test_a_name_that_is_taken_comes_back_with_the_reason(browser, production):
    mia = browser("mia")
    mia.open(production + "/items/new")

    page = mia.submit("item-form", 409, name="Stripe dashboard", password="kept")

    assert "already has a credential called Stripe dashboard" in page.select_one("#name-error").get_text()
    assert page.select_one("#password")["value"] == "kept"


def visible_fields(page):
    slots = [slot for slot in page.select("#item-form [data-types]") if not slot.has_attr("hidden")]
    return [label.get_text(strip=True) for slot in slots for label in slot.select(".field > label")]


def test_another_type_shows_its_fields_without_script(browser, production):
    mia = browser("mia")
    page = mia.open(production + "/items/new")
    assert visible_fields(page) == ["User name", "URL", "Password", "TOTP", "Notes"]

    page = mia.submit("item-form", name="kept", notes="kept too", type="certificate")

    assert page.h1.get_text() == "New credential"
    assert visible_fields(page) == ["Certificate", "Private key", "Chain", "Passphrase", "Notes"]
    assert page.select_one("#name")["value"] == "kept"
    assert page.select_one("#notes").get_text().strip() == "kept too"
    assert mia.press("Save").h1.get_text() == "kept"


def test_fields_of_ones_own_are_added_one_by_one_and_nothing_is_lost(browser, production, trail):
    mia = browser("mia")
    mia.open(production + "/items/new")
    page = mia.press("Add another field")
    mia.page.select_one("#name")["value"] = "with fields"
    mia.page.select_one("#password")["value"] = "kept"
    mia.page.select_one("#custom-0-name")["value"] = "PIN"
    mia.page.select_one("#custom-0-value")["value"] = " 0042 "

    page = mia.press("Add another field")

    assert page.select_one("#password")["value"] == "kept"
    assert page.select_one("#custom-0-value")["value"] == " 0042 "
    mia.submit(
        "item-form",
        **{
            "custom-0-kind": "hidden",
            "custom-1-name": "Since",
            "custom-1-kind": "date",
            "custom-1-value": "2026-01-31",
        },
    )
    assert reveal(mia, "pin") == " 0042 "
    assert reveal(mia, "since") == "2026-01-31"
    assert len(trail.events("item.created")) == 1


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({"custom-0-value": "x"}, "Give each of your own fields a name."),
        ({"custom-0-name": "password", "custom-0-value": "x"}, "Two fields are called password"),
        (
            {"custom-0-name": "Since", "custom-0-kind": "date", "custom-0-value": "once"},
            "Write Since as a date",
        ),
        (
            {"custom-0-name": "Since", "custom-0-kind": "color", "custom-0-value": "x"},
            "Choose one from the list.",
        ),
    ],
)
def test_a_field_of_ones_own_that_cannot_be_kept_says_why(browser, production, row, sentence):
    mia = browser("mia")
    mia.open(production + "/items/new")
    mia.press("Add another field")

    page = mia.submit("item-form", 422, name="x", **row)

    assert sentence in page.select_one("#item-form").get_text()
    assert page.select_one("[role=alert]") is not None
    assert page.select_one("#custom-0-value")["value"] == row["custom-0-value"]


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


def test_a_favorite_is_ones_own_and_stands_in_the_list(browser, primary, production, trail):
    mia = browser("mia")
    mia.open(primary)
    page = mia.press("Add to favorites")

    assert page.select_one("#favorite button")["title"] == "Remove from favorites"
    favorites = mia.open(production + "?favorite=1")
    assert [a.get_text() for a in favorites.select("tbody th a")] == ["prod/db primary"]
    assert browser("rhea").open(primary).select_one("#favorite button")["title"] == "Add to favorites"
    mia.open(primary)
    assert mia.press("Remove from favorites").select_one("#favorite button")["title"] == "Add to favorites"
    assert [action for action in trail.actions() if action.startswith("item.")] == []


def test_a_duplicate_has_the_values_and_a_history_of_its_own(browser, primary, trail):
    mia = browser("mia")
    page = mia.open(primary + "/duplicate")
    assert page.select_one("#duplicate-form #name")["value"] == "prod/db primary (copy)"

    page = mia.submit("duplicate-form", name="prod/db standby")

    assert page.h1.get_text() == "prod/db standby"
    assert facts(page)["Version"] == "1"
    assert reveal(mia, "password") == PASSWORD
    assert trail.one("item.created")["extra"]["copy_of"] in primary


@pytest.mark.parametrize(("name", "status"), [("Stripe dashboard", 409), ("", 422), ("a//b", 422)])
def test_a_duplicate_needs_a_name_that_is_free(browser, primary, trail, name, status):
    mia = browser("mia")
    mia.open(primary + "/duplicate")

    page = mia.submit("duplicate-form", status, name=name)

    assert page.select_one("#name-error") is not None
    assert trail.events("item.created") == []


def test_a_moved_credential_keeps_its_address_and_leaves_those_behind_who_may_not_follow(
    browser, world, primary, trail
):
    alice = browser("alice")
    page = alice.open(primary + "/move")
    assert [o.get_text() for o in page.select("#vault_id option")] == ["Board"]

    page = alice.submit("move-form", vault_id=str(world.vaults["Board"]))

    assert facts(page)["Vault"] == "Board"
    assert reveal(alice, "password") == PASSWORD
    browser("mia").open(primary, 404)
    extra = trail.one("item.moved")["extra"]
    assert extra["to"] == str(world.vaults["Board"])


def test_one_moves_only_to_where_one_may_edit(browser, world, primary, runtime, trail):
    with runtime.work(writing=True, actor=world.actor("alice")) as uow:
        vaults.grant(uow, vaults.find(uow, world.vaults["Board"]), world.people["mia"], Right.REVEAL)
    mia = browser("mia")
    page = mia.open(primary + "/move")
    assert "nowhere to move it" in page.words

    for vault in ("Board", "Harbor", "Production"):
        mia.post(primary + "/move", {"csrf_token": mia.csrf(), "vault_id": str(world.vaults[vault])}, 422)
        mia.open(primary + "/move")

    assert trail.events("item.moved") == []


def test_a_name_that_is_taken_in_the_other_vault_stops_the_move(browser, world, primary, add):
    add(login("prod/db primary"), vault="Board")
    alice = browser("alice")
    alice.open(primary + "/move")

    page = alice.submit("move-form", 409)

    assert "already has a credential called" in page.select_one("[role=alert]").get_text()


def test_who_may_see_it_is_told_to_those_who_decide(browser, primary):
    page = browser("alice").open(primary)
    lines = [line.get_text(" ", strip=True) for line in page.select(".feed li")]

    assert lines == ["Alice Manage", "Mia Edit", "Rhea Reveal", "Ula Use"]
    assert "Who may see it" not in browser("mia").open(primary).words


def test_the_log_about_it_is_one_click_away_for_those_who_may_read_it(browser, world, primary):
    page = browser("alice").open(primary)
    link = next(a for a in page.select("a") if a.get_text() == "Who did what")

    assert link["href"] == f"/o/northwind/audit?target={world.items['prod/db primary']}"
    assert "Who did what" not in browser("mia").open(primary).words


def test_each_right_finds_its_buttons_and_no_others(browser, primary):
    def offered(who):
        page = browser(who).open(primary)
        words = {part.get_text(" ", strip=True) for part in page.select("main a, main button")}
        return words & {
            "Reveal Password",
            "Copy Password",
            "Edit",
            "History",
            "Move to trash",
            "Reveal Seed of TOTP",
        }

    assert offered("ula") == {"History"}
    assert offered("rhea") == {"History", "Reveal Password", "Copy Password"}
    assert offered("mia") == {
        "History",
        "Reveal Password",
        "Copy Password",
        "Edit",
        "Move to trash",
        "Reveal Seed of TOTP",
    }


def test_a_credential_that_cannot_be_decrypted_says_so_and_shows_nothing_empty(
    browser, world, primary, destroy_overview, trail
):
    destroy_overview(world.items["prod/db primary"])
    mia = browser("mia")

    page = mia.open(primary)

    assert page.h1.get_text().startswith("cannot be decrypted (key ")
    assert page.select("[data-field]") == []
    assert "Empty" not in page.words
    assert not trail.events("decryption.failed")[0]["success"]
    mia.open(primary + "/edit", 409)
    mia.open(primary + "/history")


READERS = ("", "/history", "/versions/1")
REVEALS = ("/reveal", "/copy")
EDITS = ("/edit", "/move", "/duplicate", "/trash", "/restore", "/versions/1/restore")


@pytest.mark.parametrize("path", [*READERS, *EDITS[:3], "/purge"])
def test_strangers_cannot_tell_that_a_credential_exists(refuses, primary, path):
    for who in ("noah", "adam", "mallory"):
        refuses(primary + path, who, 404)


@pytest.mark.parametrize("path", [*REVEALS, *EDITS, "/purge", "/favorite"])
def test_strangers_can_do_nothing_with_a_credential(refuses, primary, path):
    for who in ("noah", "mallory"):
        refuses(primary + path, who, 404, posting=True)


@pytest.mark.parametrize("path", EDITS)
def test_who_may_only_reveal_cannot_change(refuses, primary, path):
    refuses(primary + path, "rhea", 403, posting=True)


@pytest.mark.parametrize("path", [*READERS, *EDITS[:3], "/purge"])
def test_a_missing_credential_and_one_of_another_organization_are_not_there(refuses, world, path):
    refuses(f"/o/northwind/items/{MISSING}{path}", "alice", 404)
    refuses(f"/o/northwind/items/{world.items['Lakeside mail']}{path}", "alice", 404)


@pytest.mark.parametrize("path", [*REVEALS, "/trash", "/restore", "/favorite", "/versions/1/restore"])
def test_what_only_posts_cannot_be_opened(browser, primary, path):
    browser("mia").open(primary + path, 405)
