"""New credentials: every type and field, byte for byte, with and without script."""

from __future__ import annotations

import pytest

from services.contents import TYPE_FIELDS, ItemType
from tests.pages.credentials import facts, make, reveal, shown
from tests.world import SEED

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
