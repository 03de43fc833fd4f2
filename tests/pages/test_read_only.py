"""A start without a master key that rows need: refused, or on purpose and read-only."""

from __future__ import annotations

from io import BytesIO

import pytest
from sqlalchemy import select

from app import create_app
from crypto.keyring import MasterKeys
from errors import KeysMissing
from models import DataKey
from services import audit_reading, key_status, keys
from services.audit_reading import Filter
from services.events import SYSTEM_CHAIN
from tests import world as worlds
from tests.browser import Browser
from tests.world import MASTER_KEY, NEW_MASTER_KEY, PASSWORD

OLD_ID, LOST_ID = MasterKeys.parse(MASTER_KEY).primary_id, MasterKeys.parse(NEW_MASTER_KEY).primary_id


@pytest.fixture
def half_lost(database, world):
    """The world, with the keys of Lakeside under a master key that is lost."""
    both = worlds.open_world(database, f"{NEW_MASTER_KEY}:{MASTER_KEY}")
    with both.work(writing=True) as uow:
        lakeside = DataKey.organization_id == world.organizations["lakeside"]
        for row in uow.session.scalars(select(DataKey).where(lakeside)).all():
            keys.rewrap(uow.connection, both.masters, row)
    both.close()
    return database


@pytest.fixture
def read_only(half_lost):
    app = create_app(worlds.settings_for(half_lost).without([LOST_ID]))
    yield app
    app.extensions["chatelaine"].close()


@pytest.fixture
def sign_in(read_only, world):
    def sign_in(name, status=302):
        browser = Browser(read_only)
        browser.open("/sign-in")
        browser.submit("sign-in", token=world.tokens[name], status=status)
        return browser

    return sign_in


def test_without_a_word_from_the_operator_it_does_not_start(half_lost):
    with pytest.raises(KeysMissing, match=rf"{LOST_ID} \(2 rows\)"):
        create_app(worlds.settings_for(half_lost))


def test_another_key_than_the_one_that_was_named_may_not_be_missing(half_lost):
    with pytest.raises(KeysMissing, match=rf"{LOST_ID} \(2 rows\)"):
        create_app(worlds.settings_for(half_lost).without([OLD_ID]))


def test_without_the_keys_of_the_installation_nothing_starts_at_all(database):
    settings = worlds.settings_for(database, ENCRYPTION_KEYS=NEW_MASTER_KEY)
    with pytest.raises(KeysMissing, match="there is no starting without it"):
        create_app(settings.without([OLD_ID]))


def test_what_opens_can_be_read_and_nothing_can_be_changed(sign_in, world):
    mia = sign_in("mia")
    item = f"/o/northwind/items/{world.items['prod/db primary']}"
    mia.open(item)
    assert mia.json("reveal-password")["value"] == PASSWORD
    mia.open(f"{item}/edit")
    refused = mia.submit("item-form", status=503, name="prod/db second")
    assert "is read-only" in refused.words
    assert "prod/db primary" in mia.open(item).words
    mia.open("/account")


def test_what_begins_without_the_turn_to_write_is_refused_as_well(sign_in, world, read_only):
    mia = sign_in("mia")
    mia.open(f"/o/northwind/items/{world.items['prod/db primary']}")
    refused = mia.submit("add-file", status=503, file=(BytesIO(b"x"), "a.txt"))
    assert "is read-only" in refused.words
    assert list(read_only.extensions["chatelaine"].files.list()) == []
    mia.open(f"/o/northwind/vaults/{world.vaults['Production']}/import")
    refused = mia.submit("import-form", status=503, file=(BytesIO(b"name,password\na,b\n"), "a.csv"))
    assert "is read-only" in refused.words


def test_the_operator_sees_what_is_missing_and_turns_nothing(sign_in):
    alice = sign_in("alice")
    page = alice.open("/instance/keys")
    assert f"The master key {LOST_ID} is missing, and 2 keys are under it." in page.words
    assert "is read-only" in alice.submit("turn-2", status=503).words


def test_nobody_enters_where_nothing_could_be_recorded(sign_in):
    assert "is read-only" in sign_in("mallory", status=503).page.words


def test_nobody_goes_on_there_who_was_in_before(half_lost, read_only, world):
    ring = f"{MASTER_KEY}:{NEW_MASTER_KEY}"
    before = create_app(worlds.settings_for(half_lost, ENCRYPTION_KEYS=ring))
    mallory = Browser(before)
    mallory.open("/sign-in")
    mallory.submit("sign-in", token=world.tokens["mallory"])
    later = Browser(read_only)
    later.client.set_cookie("chatelaine", mallory.client.get_cookie("chatelaine").value)
    for path in ("/o/lakeside/", "/o/lakeside/people", "/o/lakeside/vaults"):
        assert "is read-only" in later.open(path, status=503).words
    # Not sooner: requests are counted where the application that was made last counts them.
    before.extensions["chatelaine"].close()


def test_the_decision_is_recorded(read_only):
    runtime = read_only.extensions["chatelaine"]
    key_status.record_missing(runtime)
    with runtime.work(writing=False) as uow:
        newest = audit_reading.page(uow, SYSTEM_CHAIN, Filter(), limit=1).lines[0]
    assert newest.action == "key.missed"
    assert dict(newest.details.extra) == {"missing": [LOST_ID]}


def test_once_the_key_is_back_the_word_changes_nothing(half_lost, world):
    ring = f"{MASTER_KEY}:{NEW_MASTER_KEY}"
    app = create_app(worlds.settings_for(half_lost, ENCRYPTION_KEYS=ring).without([LOST_ID]))
    mallory = Browser(app)
    mallory.open("/sign-in")
    mallory.submit("sign-in", token=world.tokens["mallory"])
    app.extensions["chatelaine"].close()
