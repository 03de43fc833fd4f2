"""`./chatelaine check isolation`: finds what was planted past the program, tells no content."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from uuid import uuid4

import pytest
from click.testing import CliRunner

from blueprints.loaders import LOADERS
from cli import cli
from models import AccessRequest, AccessToken, Attachment, Base, Item, Organization, Passkey, Tenant
from policy import Role
from services import (
    access_requests,
    attachments,
    invitations,
    isolation,
    isolation_walk,
    item_queries,
    items,
    maintenance,
)
from services.access_requests import Asked
from services.attachments import StoredFile
from services.items import StoredItem
from services.kv_keys import Folder, Key
from services.mounts import MountedVault
from tests.isolation import walls
from tests.web.dump import dump
from tests.world import FLASK_KEY, LAKESIDE, MASTER_KEY, NORTHWIND


@pytest.fixture
def check(database, monkeypatch):
    """Run the command on the world; return its exit code and what it wrote."""
    for name, value in (
        ("APP_ENV", "local"),
        ("FLASK_SECRET_KEY", FLASK_KEY),
        ("ENCRYPTION_KEYS", MASTER_KEY),
        ("DATABASE_URL", f"sqlite:///{database}"),
    ):
        monkeypatch.setenv(name, value)

    def run(*more):
        result = CliRunner().invoke(cli, ["check", "isolation", *more])
        assert result.exit_code in {0, 1}, result.output
        return result.exit_code, result.stdout

    return run


@pytest.fixture
def plant(database):
    """Change the database past the program, foreign keys or not."""

    def run(statement, values):
        # SQLite looks at foreign keys only where it was asked to.
        with closing(sqlite3.connect(database)) as connection, connection:
            assert connection.execute(statement, values).rowcount > 0

    return run


def test_a_sound_database_has_no_fault(check):
    code, words = check()
    assert code == 0
    assert "no fault." in words
    assert "FAIL" not in words


def test_it_looks_at_every_table_of_an_organization(check):
    looked_at = {one["table"] for one in json.loads(check("--json")[1])}
    tenants = {m.local_table.name for m in Base.registry.mappers if issubclass(m.class_, Tenant)}
    assert tenants <= looked_at
    assert {"user_session", "data_key", "audit_chain", "lockout"} <= looked_at


def test_it_looks_at_something(check):
    rows = {(one["table"], one["rule"]): one["rows"] for one in json.loads(check("--json")[1])}
    assert rows["item_version", "opens under its organization's key"] == 4
    assert rows["vault", "is not found from another organization"] == 3
    assert rows["item", "is not listed in another organization"] == 4


def test_it_changes_nothing(check, runtime):
    before = dump(runtime)
    check()
    assert dump(runtime) == before


def test_it_records_nothing_either(check, runtime, plant, trail):
    """What cannot be decrypted is for whoever meets it on a page to record."""
    plant("UPDATE item_version SET overview = zeroblob(80)", {})
    code, words = check()
    assert code == 1
    assert "FAIL  item_version: opens under its organization's key (4 of 4)" in words
    assert trail.events() == []


FAULTS = {
    "a right on another's vault": (
        "UPDATE access_grant SET vault_id = :foreign_vault WHERE user_id = :mia",
        "access_grant",
        "vault_id is of the same organization",
    ),
    "a right of a stranger": (
        "UPDATE access_grant SET user_id = :stranger WHERE user_id = :mia",
        "access_grant",
        "user_id belongs to the organization",
    ),
    "an item in another's vault": (
        "UPDATE item SET vault_id = :foreign_vault WHERE id = :item",
        "item",
        "vault_id is of the same organization",
    ),
    "a version of another organization": (
        "UPDATE item_version SET organization_id = :there WHERE item_id = :item",
        "item_version",
        "item_id is of the same organization",
    ),
    "a version that another key has to open": (
        "UPDATE item_version SET organization_id = :there WHERE item_id = :item",
        "item_version",
        "opens under its organization's key",
    ),
    "a blob of another row": (
        (
            "UPDATE item_version SET overview ="
            " (SELECT overview FROM item_version WHERE item_id = :foreign_item) WHERE item_id = :item"
        ),
        "item_version",
        "opens under its organization's key",
    ),
    "a vault of no organization": (
        "UPDATE vault SET organization_id = :nowhere WHERE id = :vault",
        "vault",
        "is of an organization that there is",
    ),
    "a membership of no organization": (
        "UPDATE membership SET organization_id = :nowhere WHERE user_id = :mia",
        "membership",
        "is of an organization that there is",
    ),
    "a token of a stranger": (
        "UPDATE access_token SET organization_id = :there WHERE user_id = :mia",
        "access_token",
        "user_id belongs to the organization",
    ),
    "a token replaced by another's": (
        "UPDATE access_token SET replaced_by = :foreign_token WHERE user_id = :mia",
        "access_token",
        "replaced_by is of the same organization",
    ),
    "a lockout of no organization": (
        (
            "INSERT INTO lockout"
            " (id, digest, kind, organization_id, attempts, window_ends_at, revision, subject)"
            " VALUES (:new, x'00', 'token', :nowhere, 1, 1, 1, x'00')"
        ),
        "lockout",
        "is of an organization that there is",
    ),
    "a session on somebody else's token": (
        (
            "INSERT INTO user_session (id, digest, user_id, token_id, created_at, seen_at, expires_at,"
            " confirmed_at, address, agent) VALUES (:new, x'00', :mia, :foreign_token, 1, 1, 1, 1, '', '')"
        ),
        "user_session",
        "token_id is the same person's",
    ),
    "an organization without keys": (
        "DELETE FROM data_key WHERE organization_id = :there",
        "data_key",
        "each organization has keys of its own",
    ),
    "a key of no organization": (
        "UPDATE data_key SET organization_id = :nowhere WHERE organization_id = :there AND purpose = 'audit'",
        "data_key",
        "each organization has keys of its own",
    ),
    "one key for two": (
        (
            "UPDATE data_key SET wrapped = (SELECT wrapped FROM data_key WHERE organization_id = :here AND"
            " purpose = 'data') WHERE organization_id = :there AND purpose = 'data'"
        ),
        "data_key",
        "each organization has keys of its own",
    ),
    "a log of no organization": (
        "UPDATE audit_chain SET chain_id = :nowhere WHERE chain_id = :there",
        "audit_chain",
        "is the log of an organization",
    ),
    "a favorite of a stranger": (
        "INSERT INTO favorite (user_id, item_id, organization_id) VALUES (:stranger, :item, :here)",
        "favorite",
        "user_id belongs to the organization",
    ),
    "a favorite in another organization": (
        "INSERT INTO favorite (user_id, item_id, organization_id) VALUES (:mia, :foreign_item, :here)",
        "favorite",
        "item_id is of the same organization",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_was_planted_is_found_and_its_content_is_not_told(check, plant, world, name):
    statement, table, rule = FAULTS[name]
    values = {
        "here": world.organizations[NORTHWIND],
        "there": world.organizations[LAKESIDE],
        "nowhere": uuid4(),
        "new": uuid4(),
        "mia": world.people["mia"],
        "stranger": world.people["sam"],
        "vault": world.vaults["Production"],
        "foreign_vault": world.vaults["Harbor"],
        "item": world.items["Stripe dashboard"],
        "foreign_item": world.items["Lakeside mail"],
        "foreign_token": world.token_ids["mallory"],
    }
    plant(statement, {name: value.hex for name, value in values.items()})

    code, words = check()
    assert code == 1
    assert f"FAIL  {table}: {rule}" in words
    assert f"in {table}" in words or f", {table}" in words or f"{table}," in words
    for secret in ("Stripe", "Harbor", "Mia", "mia@", "Lakeside mail"):
        assert secret not in words
    found = json.loads(check("--json")[1])
    assert {(one["table"], one["rule"]) for one in found if one["faults"]} >= {(table, rule)}


@pytest.mark.parametrize("table", ["access_token", "invitation", "membership", "vault"])
def test_it_tries_what_a_member_of_another_organization_reaches(check, table, runtime, world):
    for who in ("alice", "mallory"):
        with runtime.work(writing=True, actor=world.actor(who)) as uow:
            invitations.invite(uow, f"new@{who}.example", Role.MEMBER)
    with walls.automatic_filter():
        code, words = check()
    assert code == 1
    assert f"FAIL  {table}: is not found from another organization" in words
    assert f"FAIL  {table}: is not listed in another organization" in words


def test_it_tries_credentials_too(check):
    with walls.bind(item_queries, "READ", "CHANGED_SINCE"):
        code, words = check()
    assert code == 1
    assert "FAIL  item: is not found from another organization" in words
    assert "FAIL  item: is not listed in another organization" in words


def test_it_finds_things_as_the_guard_does():
    """What is tried here is what stands in front of every address."""
    guarded = {model: loader.find for model, loader in LOADERS.items()}
    # The one is of no organization, and the other of a person, whichever they belong to.
    del guarded[Organization], guarded[Passkey]
    # Clients of the KV API name a vault and what is in it by name, which is looked up in their own alone.
    del guarded[MountedVault], guarded[Key], guarded[Folder]
    assert guarded.pop(StoredItem) is items.find
    assert guarded.pop(StoredFile) is attachments.find
    assert guarded.pop(Asked) is access_requests.find
    tried = dict(isolation_walk.FINDERS)
    assert tried.pop(Item) is items.find
    assert tried.pop(Attachment) is attachments.find
    assert tried.pop(AccessRequest) is access_requests.find
    assert guarded == tried
    assert AccessToken in tried


def test_a_deleted_organization_is_no_fault(check, runtime):
    with runtime.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE organization SET deletion_at = 1 WHERE slug = 'lakeside'")
    maintenance.run(runtime)
    assert check()[0] == 0


def test_the_checks_of_a_deployment_are_still_there(check):
    result = CliRunner().invoke(cli, ["check", "--json"])
    assert result.exit_code == 0
    assert {one["rule"] for one in json.loads(result.stdout)} > {"production"}
    assert list(isolation.looks())
