"""Reading items and revealing what they hold."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import pytest
import time_machine

from crypto.keyring import KeyRoom
from errors import Denied, NotFound
from policy import Right
from services import item_changes, items, vaults
from services.contents import Contents, Field, ItemType, Kind
from tests.world import PASSWORD, SEED, login

DB = "prod/db primary"
RFC_SEED = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


def add(work, world, contents, vault="Production"):
    with work("alice", writing=True) as uow:
        return item_changes.create(uow, vaults.find(uow, world.vaults[vault]), contents)


def test_an_item_is_found_with_its_overview_and_without_its_values(work, world):
    with work("ula") as uow:
        item = items.find(uow, world.items[DB])

    assert item.name == DB
    assert item.vault_id == world.vaults["Production"]
    assert item.version == 1
    assert item.created_by == world.people["alice"]
    assert item.overview.user_name == "vault_rw"
    assert item.overview.strength == 4
    assert item.key_version == 1
    assert PASSWORD not in repr(item)
    assert "details_envelope" not in repr(item)


def test_an_item_of_another_organization_is_not_there(work, world):
    with work("mallory") as uow, pytest.raises(NotFound):
        items.find(uow, world.items[DB])
    with work("alice") as uow, pytest.raises(NotFound):
        items.find(uow, world.items["Lakeside mail"])


def test_a_missing_item_is_not_there(work):
    with work("alice") as uow, pytest.raises(NotFound):
        items.find(uow, uuid4())


def test_a_reveal_returns_the_value_and_is_recorded(work, world, trail):
    with work("rhea") as uow:
        shown = items.reveal(uow, items.find(uow, world.items[DB]), "Password")

    assert (shown.value, shown.kind, shown.seconds) == (PASSWORD, Kind.HIDDEN, None)
    assert PASSWORD not in repr(shown)
    event = trail.one("item.revealed")
    assert event["target_id"] == str(world.items[DB])
    assert event["target"] == DB
    assert event["actor"] == "Rhea"
    assert event["success"] is True
    assert event["extra"] == {"field": "Password", "version": 1}


def test_a_copy_is_recorded_as_a_copy(work, world, trail):
    with work("rhea") as uow:
        items.reveal(uow, items.find(uow, world.items[DB]), "Password", copied=True)

    assert trail.actions() == ["item.copied"]


def test_no_event_holds_a_value(work, world, trail):
    with work("alice", writing=True) as uow:
        item = items.find(uow, world.items[DB])
        items.reveal(uow, item, "Password")
        items.reveal(uow, item, "Notes", copied=True)
        items.reveal_all(uow, item)
        items.reveal(uow, item, "TOTP", seed=True)
        changes = replace(login(DB), fields=(Field("Password", Kind.HIDDEN, "quite another secret"),))
        item_changes.edit(uow, item, changes, expected_version=1)

    said = json.dumps([event["extra"] for event in trail.events()])
    assert len(trail.actions()) == 5
    for secret in (PASSWORD, "Ask Ops", SEED, "quite another", "vault_rw"):
        assert secret not in said


@pytest.mark.parametrize("field", ["password", "Passphrase", ""])
def test_a_field_that_is_not_there_is_not_found_and_nothing_is_recorded(work, world, trail, field):
    with work("rhea") as uow, pytest.raises(NotFound):
        items.reveal(uow, items.find(uow, world.items[DB]), field)

    assert trail.actions() == []


def test_an_authenticator_shows_the_code_of_now_and_never_its_seed(work, world, trail):
    otp = Field("TOTP", Kind.OTP, f"otpauth://totp/x?secret={RFC_SEED}&digits=8")
    item_id = add(work, world, Contents("code", ItemType.AUTHENTICATOR, fields=(otp,)))

    with time_machine.travel(datetime.fromtimestamp(59, UTC), tick=False), work("rhea") as uow:
        shown = items.reveal(uow, items.find(uow, item_id), "TOTP")

    assert (shown.value, shown.seconds) == ("94287082", 1)
    assert trail.one("item.revealed")["extra"] == {"field": "TOTP", "version": 1}


def test_a_seed_of_80_bits_works(work, world):
    otp = Field("TOTP", Kind.OTP, "gezd gnbv gy3t qojq")
    item_id = add(work, world, Contents("short", ItemType.AUTHENTICATOR, fields=(otp,)))

    with time_machine.travel(datetime.fromtimestamp(59, UTC), tick=False), work("rhea") as uow:
        assert items.reveal(uow, items.find(uow, item_id), "TOTP").value.isdigit()


def test_the_seed_itself_needs_the_right_to_edit(work, world, trail):
    with work("rhea") as uow, pytest.raises(Denied):
        items.reveal(uow, items.find(uow, world.items[DB]), "TOTP", seed=True)
    with work("mia") as uow:
        shown = items.reveal(uow, items.find(uow, world.items[DB]), "TOTP", seed=True)

    assert (shown.field, shown.value, shown.seconds) == ("TOTP seed", SEED, None)
    assert trail.one("item.revealed")["extra"] == {"field": "TOTP seed", "version": 1}


def test_only_an_authenticator_has_a_seed(work, world, trail):
    with work("mia") as uow, pytest.raises(NotFound):
        items.reveal(uow, items.find(uow, world.items[DB]), "Password", seed=True)

    assert trail.actions() == []


def test_a_program_gets_all_values_for_one_event(work, world, trail):
    with time_machine.travel(datetime.fromtimestamp(59, UTC), tick=False), work("rhea") as uow:
        values = items.reveal_all(uow, items.find(uow, world.items[DB]))

    assert values["Password"] == PASSWORD
    assert values["Notes"] == "Ask Ops before you change it."
    assert len(values["TOTP"]) == 6
    assert trail.one("item.revealed")["extra"] == {"fields": ["Password", "TOTP", "Notes"], "version": 1}


def test_a_program_can_ask_for_some_fields_only(work, world, trail):
    with work("rhea") as uow:
        item = items.find(uow, world.items[DB])
        assert items.reveal_all(uow, item, only=["password"]) == {"Password": PASSWORD}
        with pytest.raises(NotFound):
            items.reveal_all(uow, item, only=["Password", "Passphrase"])

    assert trail.one("item.revealed")["extra"] == {"fields": ["Password"], "version": 1}


def edited(work, world, **changes):
    with work("mia", writing=True) as uow:
        item = items.find(uow, world.items[DB])
        contents = replace(login(DB), **({"fields": ()} | changes))
        return item_changes.edit(uow, item, contents, expected_version=item.version)


def test_an_earlier_version_can_be_revealed(work, world, trail):
    edited(work, world, fields=(Field("Password", Kind.HIDDEN, "second"),))

    with work("rhea") as uow:
        item = items.find(uow, world.items[DB])
        assert items.reveal(uow, item, "Password").value == "second"
        assert items.reveal(uow, item, "Password", version=1).value == PASSWORD
        assert items.reveal_all(uow, item, version=1)["Password"] == PASSWORD

    assert [event["extra"]["version"] for event in trail.events("item.revealed")] == [2, 1, 1]


@pytest.mark.parametrize("version", [0, 2, -1])
def test_a_version_that_is_not_kept_is_not_found(work, world, version):
    with work("rhea") as uow, pytest.raises(NotFound):
        items.reveal(uow, items.find(uow, world.items[DB]), "Password", version=version)


def test_the_history_names_who_when_and_what_and_shows_no_value(work, world):
    edited(work, world, fields=(Field("Password", Kind.HIDDEN, "second"),), user_name="other")
    edited(work, world, user_name="other", tags=())

    with work("ula") as uow:
        lines = items.history(uow, items.find(uow, world.items[DB]))

    assert [(line.number, line.by_name, line.reason) for line in lines] == [
        (3, "Mia", "edited"),
        (2, "Mia", "edited"),
        (1, "Alice", "created"),
    ]
    assert [line.changed for line in lines] == [("Tags",), ("User name", "Password"), ()]
    assert not any(line.broken for line in lines)
    assert "second" not in repr(lines)


def test_no_list_opens_the_values(runtime, work, world, monkeypatch):
    opened = []
    decrypt = KeyRoom.decrypt

    def spy(keys, organization, table, record, field, revision, envelope, **rest):
        opened.append(field)
        return decrypt(keys, organization, table, record, field, revision, envelope, **rest)

    monkeypatch.setattr(KeyRoom, "decrypt", spy)
    with work("alice") as uow:
        page = runtime.indexes.of(uow).page([world.vaults["Production"]], query="db")
        item = items.find(uow, world.items[DB])
        items.history(uow, item)
        vaults.visible(uow)

    assert page.total == 2
    assert set(opened) == {"overview"}


def test_favorites_are_a_persons_own(work, world):
    item_id = world.items[DB]
    with work("ula", writing=True) as uow:
        for on in (True, True):
            item_changes.set_favorite(uow, items.find(uow, item_id), on)

    with work("ula") as uow:
        assert items.favorites(uow) == {item_id}
    with work("mia") as uow:
        assert items.favorites(uow) == frozenset()

    with work("ula", writing=True) as uow:
        item_changes.set_favorite(uow, items.find(uow, item_id), False)
        assert items.favorites(uow) == frozenset()


def test_a_reveal_whose_event_cannot_be_stored_fails(runtime, work, world, sql):
    sql("DROP TABLE audit_day")

    with pytest.raises(Exception, match="audit log cannot be written"), work("rhea") as uow:
        items.reveal(uow, items.find(uow, world.items[DB]), "Password")


def test_the_right_is_the_one_of_this_moment(work, world):
    with work("alice", writing=True) as uow:
        vaults.grant(uow, vaults.find(uow, world.vaults["Production"]), world.people["mia"], Right.USE)

    with work("mia") as uow, pytest.raises(Denied):
        items.reveal(uow, items.find(uow, world.items[DB]), "TOTP", seed=True)
