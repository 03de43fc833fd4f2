"""Credentials that the environment holds: seen through a reference, encrypted, and freed of it."""

from __future__ import annotations

import json
import sqlite3

import pytest

from errors import Conflict, Invalid, NotFound
from policy import Right
from services import item_changes, items, kv_contents
from services.contents import Contents, Field, ItemType, Kind

VARIABLE = "VAULT_REF_WIKI"
SECRET = "Zq8-Wx4_Kv7.Jy2"
PLACE = ("--organization", "northwind")


@pytest.fixture
def wiki(run, monkeypatch):
    """A credential that refers to a variable of the environment."""
    monkeypatch.setenv(VARIABLE, SECRET)
    run("credentials", "refer", "wiki key", VARIABLE, "--vault", "Production", *PLACE)


@pytest.fixture
def migrate(run):
    """Run the migration; return what it says of the one reference, after looking for parts of the secret."""

    def migrate(*options, status=0):
        out, words = run("credentials", "migrate-env", *options, *PLACE, "--json", status=status)
        for start in range(len(SECRET) - 3):
            assert SECRET[start : start + 4] not in out + words
        return [(row["variable"], row["state"], row["steps"]) for row in json.loads(out)], words

    return migrate


def address(browser, name="wiki key"):
    page = browser.open("/o/northwind/search?q=wiki+key")
    return next(
        link["href"]
        for link in page.select("a[href]")
        if "/items/" in link["href"] and name in link.get_text()
    )


def reveal(browser, field):
    browser.open(address(browser))
    return browser.json(f"reveal-{field}")


def stored(database, text):
    """Whether the text lies in the database's file or its journal."""
    files = [database, *database.parent.glob(f"{database.name}-*")]
    return any(text.encode() in file.read_bytes() for file in files)


def test_a_reference_shows_what_the_environment_holds_and_is_recorded(wiki, browser, trail):
    assert reveal(browser("rhea"), "variable") == {"field": "variable", "value": SECRET, "kind": "text"}
    event = trail.one("item.revealed")
    assert (event["actor"], event["extra"]["field"]) == ("Rhea", "Variable")


def test_a_reference_without_its_variable_says_so_and_shows_nothing(wiki, browser, trail, monkeypatch):
    monkeypatch.delenv(VARIABLE)
    rhea = browser("rhea")
    rhea.open(address(rhea))
    page = rhea.submit("reveal-variable", status=409)
    assert f"no {VARIABLE}" in page.get_text()
    assert trail.events("item.revealed") == []


@pytest.mark.parametrize(
    "variable", ["PATH", "ENCRYPTION_KEYS", "VAULT_REF_", "vault_ref_a", "XVAULT_REF_A", "VAULT_REF_A=B"]
)
def test_other_variables_are_never_read(run, variable):
    with pytest.raises(Invalid, match="begins with VAULT_REF_"):
        run("credentials", "refer", "name", variable, "--vault", "Production", *PLACE)


def test_a_reference_needs_a_vault_and_a_free_name(run, wiki):
    with pytest.raises(NotFound, match="no vault Nowhere"):
        run("credentials", "refer", "other", VARIABLE, "--vault", "Nowhere", *PLACE)
    with pytest.raises(Conflict, match="already has"):
        run("credentials", "refer", "wiki key", VARIABLE, "--vault", "Production", *PLACE)


def test_nobody_but_the_operator_makes_a_reference_or_points_one_elsewhere(runtime, world, wiki):
    vault_id = world.vaults["Production"]
    actor = world.actor("mia", {vault_id: Right.MANAGE})
    with runtime.work(writing=True, actor=actor) as uow:
        field = Field("Own", Kind.REFERENCE, "VAULT_REF_OTHER", custom=True)
        contents = Contents("mine", ItemType.LOGIN, fields=(field,))
        with pytest.raises(Invalid, match="Only the operator"):
            item_changes.create(uow, _Vault(vault_id), contents)
        entry = next(one for one in runtime.indexes.of(uow).live(vault_id) if one.name == "wiki key")
        item = items.find(uow, entry.id)
        other = Field("Variable", Kind.REFERENCE, "VAULT_REF_OTHER", custom=True)
        changed = Contents("wiki key", ItemType.API_KEY, fields=(other,))
        with pytest.raises(Invalid, match="Only the operator"):
            item_changes.edit(uow, item, changed, expected_version=item.version)


class _Vault:
    """As much of a vault as making an item in it needs."""

    name = "Production"
    max_versions = None

    def __init__(self, vault_id):
        self.id = vault_id


def test_a_form_that_asks_for_a_reference_is_refused(browser, wiki):
    mia = browser("mia")
    mia.open(f"{address(mia)}/edit")
    page = mia.page
    assert [row["value"] for row in page.select('select[name="custom-0-kind"] option')] == [
        *("text", "hidden", "link", "date", "json", "reference"),
    ]
    mia.submit("item-form", status=422, **{"custom-0-value": "VAULT_REF_OTHER"})


def test_other_parts_of_a_credential_with_a_reference_are_edited_as_ever(browser, wiki):
    mia = browser("mia")
    mia.open(f"{address(mia)}/edit")
    mia.submit("item-form", status=302, tags="wiki")
    assert reveal(browser("rhea"), "variable")["value"] == SECRET


def test_the_migration_says_what_it_would_do_and_does_nothing(wiki, migrate, browser, trail):
    for _ in range(2):
        assert migrate()[0] == [(VARIABLE, "to encrypt", "encrypt")]
    assert migrate("--clear-ref")[0] == [(VARIABLE, "to encrypt", "encrypt, clear reference")]
    assert trail.events("item.changed") == []


def test_applied_the_value_lies_encrypted_and_the_reference_stays(wiki, migrate, browser, trail, database):
    rows, words = migrate("--apply")
    assert rows == [(VARIABLE, "to encrypt", "encrypt")]
    assert "Encrypted 1, cleared 0" in words
    rhea = browser("rhea")
    assert reveal(rhea, "api-key")["value"] == SECRET
    assert reveal(rhea, "variable")["value"] == SECRET
    assert not stored(database, SECRET)
    assert trail.one("item.changed")["extra"]["fields"] == ["API key"]


def test_applied_again_nothing_changes(wiki, migrate, trail):
    migrate("--apply")
    rows, words = migrate("--apply")
    assert rows == [(VARIABLE, "encrypted", "nothing")]
    assert "Encrypted 0, cleared 0" in words
    assert len(trail.events("item.changed")) == 1


def test_the_reference_is_cleared_although_the_value_was_encrypted_before(wiki, migrate, browser):
    """The program that this comes from skipped what was encrypted, so that a reference never went."""
    migrate("--apply")
    rows, words = migrate("--apply", "--clear-ref")
    assert rows == [(VARIABLE, "encrypted", "clear reference")]
    assert "Encrypted 0, cleared 1" in words
    rhea = browser("rhea")
    assert reveal(rhea, "api-key")["value"] == SECRET
    assert not rhea.page.select('[data-field="variable"]')
    assert migrate("--apply", "--clear-ref")[0] == []


def test_both_can_be_done_at_once(wiki, migrate):
    assert migrate("--apply", "--clear-ref")[0] == [(VARIABLE, "to encrypt", "encrypt, clear reference")]
    assert migrate()[0] == []


def test_a_variable_that_is_gone_by_then_is_cleared_too(wiki, migrate, monkeypatch):
    migrate("--apply")
    monkeypatch.delenv(VARIABLE)
    assert migrate("--apply", "--clear-ref")[0] == [
        (VARIABLE, "encrypted, variable gone", "clear reference"),
    ]


def test_a_variable_that_is_not_set_is_named_and_left(wiki, migrate, monkeypatch, trail):
    monkeypatch.setenv(VARIABLE, "")
    rows, words = migrate("--apply", "--clear-ref", status=1)
    assert rows == [(VARIABLE, "not set", "nothing")]
    assert f"{VARIABLE} is not set" in words
    assert trail.events("item.changed") == []


def test_a_value_that_differs_by_now_is_neither_overwritten_nor_cleared(wiki, migrate, monkeypatch, browser):
    migrate("--apply")
    monkeypatch.setenv(VARIABLE, "another")
    rows, words = migrate("--apply", "--clear-ref", status=1)
    assert rows == [(VARIABLE, "differs", "nothing")]
    assert "another value" in words
    assert reveal(browser("rhea"), "api-key")["value"] == SECRET


def test_a_value_that_cannot_be_kept_stops_everything(wiki, run, migrate, monkeypatch, trail):
    monkeypatch.setenv("VAULT_REF_LONG", "x" * 70_000)
    run("credentials", "refer", "aaa", "VAULT_REF_LONG", "--vault", "Production", *PLACE)
    with pytest.raises(Invalid, match="too long"):
        migrate("--apply")
    assert trail.events("item.changed") == []


def test_what_cannot_be_decrypted_is_said(wiki, migrate, database):
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE item_version SET details = zeroblob(length(details))")
    connection.close()
    assert migrate("--apply", status=1)[0] == [("", "cannot be decrypted", "nothing")]


def test_without_a_reference_there_is_nothing_to_do(migrate):
    rows, words = migrate("--apply")
    assert rows == []
    assert "Encrypted 0" in words


def test_a_program_reads_what_the_variable_holds_and_cannot_point_it_elsewhere(wiki, monkeypatch):
    monkeypatch.setenv("VAULT_REF_OTHER", "not for you")
    held = Contents("a", ItemType.API_KEY, fields=(Field("Variable", Kind.REFERENCE, VARIABLE, custom=True),))
    assert kv_contents.data_of(held) == {"Variable": SECRET}
    written = kv_contents.contents_for("a", {"Variable": "VAULT_REF_OTHER"}, held)
    assert kv_contents.data_of(written) == {"Variable": "VAULT_REF_OTHER"}


def test_a_reference_that_was_cleared_comes_back_by_nobody_but_the_operator(wiki, migrate, browser, trail):
    migrate("--apply", "--clear-ref")
    mia = browser("mia")
    mia.open(f"{address(mia)}/versions/1")
    page = mia.press("Restore this version", status=422)
    assert "Only the operator" in page.get_text()
