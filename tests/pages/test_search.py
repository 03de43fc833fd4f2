"""Finding credentials in everything that one may see."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from services.contents import Contents, Field, ItemType, Kind
from tests.world import login

SEARCH = "/o/northwind/search"


def names(page):
    return [link.get_text() for link in page.select("tbody th a")]


def test_the_field_in_the_head_finds_by_name(browser):
    rhea = browser("rhea")
    page = rhea.open("/o/northwind/")
    form = page.select_one("form#search")
    assert form["action"] == SEARCH

    page = rhea.open(f"{form['action']}?q=stripe")

    assert names(page) == ["Stripe dashboard"]
    assert page.select_one("#search-words")["value"] == "stripe"
    assert page.title.get_text() == "Search · Chatelaine"


@pytest.mark.parametrize("words", ["stri", "DASHBOARD", "dash", "vault_rw stripe", "prod dashboard", "trip"])
def test_it_is_found_by_name_beginning_and_words_over_all_that_is_not_secret(browser, words):
    assert "Stripe dashboard" in names(browser("rhea").open(f"{SEARCH}?q={words.replace(' ', '+')}"))


@pytest.mark.parametrize(
    "words", ["https://db.northwind.example/login?next=%2F", "db.northwind.example", "northwind.example"]
)
def test_a_pasted_address_finds_what_is_kept_for_its_host(browser, words):
    assert names(browser("rhea").open(f"{SEARCH}?q={words}")) == ["prod/db primary", "Stripe dashboard"]


def test_values_are_not_searched(browser):
    assert names(browser("rhea").open(f"{SEARCH}?q=correct")) == []


def test_only_what_one_may_see_is_found(browser):
    assert names(browser("rhea").open(f"{SEARCH}?q=board")) == ["Stripe dashboard"]
    assert names(browser("alice").open(f"{SEARCH}?q=board")) == ["Board portal", "Stripe dashboard"]
    for who in ("noah", "adam", "audrey"):
        assert names(browser(who).open(SEARCH)) == []
    assert names(browser("mallory").open("/o/lakeside/search")) == ["Lakeside mail"]


def test_another_organization_is_not_searched(browser, refuses):
    assert names(browser("alice").open(f"{SEARCH}?q=lakeside")) == []
    refuses(SEARCH, "mallory", 404)


def test_without_words_it_lists_everything_with_its_vault(browser):
    page = browser("alice").open(SEARCH)

    assert page.h1.get_text() == "All credentials"
    assert names(page) == ["Board portal", "prod/db primary", "Stripe dashboard"]
    assert [row.td.get_text() for row in page.select("tbody tr")] == ["Board", "Production", "Production"]


def test_filters_narrow_the_list_together_with_the_words(browser, add, world):
    today = datetime.now(UTC).date()
    add(
        Contents("Stripe key", ItemType.API_KEY, tags=("pay",), fields=(Field("API key", Kind.HIDDEN, "k"),)),
        login("Stripe sandbox", tags=("Pay",), expires_on=today + timedelta(days=3)),
        login("Stripe later", expires_on=today + timedelta(days=60)),
    )
    add(login("Stripe of the board"), vault="Board")
    alice = browser("alice")

    def found(**filters):
        query = "&".join(f"{name}={value}" for name, value in {"q": "stripe", **filters}.items())
        return set(names(alice.open(f"{SEARCH}?{query}")))

    everything = {"Stripe dashboard", "Stripe key", "Stripe sandbox", "Stripe later", "Stripe of the board"}
    assert found() == everything
    assert found(type="api-key") == {"Stripe key"}
    assert found(tag="PAY") == {"Stripe key", "Stripe sandbox"}
    assert found(vault=world.vaults["Board"]) == {"Stripe of the board"}
    assert found(expiring="1") == {"Stripe sandbox"}
    assert found(tag="pay", type="login") == {"Stripe sandbox"}
    assert found(favorite="1") == set()
    assert found(type="nonsense", vault="nonsense", favorite="x", after="nonsense") == everything
    assert found(vault=world.vaults["Harbor"]) == set()


def test_the_filters_keep_the_words_and_one_another(browser):
    page = browser("alice").open(f"{SEARCH}?q=stripe&favorite=1&type=login")

    form = {
        field["name"]: field.get("value") for field in page.select("#filters [name]") if field.get("value")
    }
    assert form == {"q": "stripe", "favorite": "1"}
    assert page.select_one("#by-type option[selected]")["value"] == "login"
    expiring = next(a for a in page.select(".seg a") if a.get_text() == "Expiring soon")
    assert expiring["href"] == f"{SEARCH}?q=stripe&type=login&expiring=1"


def test_nothing_found_says_what_to_try(browser):
    page = browser("alice").open(f"{SEARCH}?q=zebra")

    assert "Nothing matches" in page.words
    assert "Try fewer words" in page.words


def test_what_was_typed_is_only_ever_text(browser):
    page = browser("alice").open(f"{SEARCH}?q=%3Cscript%3Ealert(1)%3C%2Fscript%3E%22%27")

    assert page.select("script:not([src])") == []
    assert page.select_one("#search-words")["value"] == "<script>alert(1)</script>\"'"


def test_a_renamed_credential_is_found_by_its_new_name_at_once(browser, primary):
    mia = browser("mia")
    assert names(mia.open(f"{SEARCH}?q=zebra")) == []
    mia.open(primary + "/edit")
    mia.submit("item-form", name="Zebra")

    assert names(mia.open(f"{SEARCH}?q=zebra")) == ["Zebra"]


def test_the_trash_is_not_searched(browser, primary):
    mia = browser("mia")
    mia.open(primary)
    mia.submit("trash")

    assert names(mia.open(SEARCH)) == ["Stripe dashboard"]


def test_results_go_on_after_fifty(browser, add):
    add(*(login(f"host {number:02}", fields=()) for number in range(55)))
    rhea = browser("rhea")

    first = rhea.open(f"{SEARCH}?q=host")
    second = rhea.open(first.select_one('a[rel="next"]')["href"])

    assert (len(names(first)), len(names(second))) == (50, 5)
    assert set(names(first)).isdisjoint(names(second))
