"""An encrypted export, brought in again somewhere else, is what it was: the way out leads back in."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from errors import Invalid
from exporters import csv_table, kdbx, sealed_json
from importers import formats
from importers.source import Source
from policy import Right
from services import content_rules as rules
from services import export_rules, exports, item_changes, vaults
from services.contents import Contents, Field, ItemType, Kind
from services.item_types import TYPE_FIELDS
from tests.exporters.bundles import EVERY_KIND, LINK, PUBLIC_KEY
from tests.exporters.opened import PASSPHRASE
from tests.imported import import_all

OWN = tuple(Field(one.name, Kind(one.kind), one.value, custom=True) for one in EVERY_KIND)
LONG = Contents(
    "/".join(("f" * 99, "g" * 100)),
    ItemType.LOGIN,
    user_name="u" * rules.USER_NAME_MAX,
    urls=tuple(f"https://{n}.example" for n in range(rules.URLS_MAX)),
    tags=tuple(f"t{n}" for n in range(rules.TAGS_MAX)),
    fields=tuple(
        Field(f"{n:02}".ljust(rules.FIELD_NAME_MAX, "x"), Kind.HIDDEN, f"v{n}", custom=True)
        for n in range(rules.CUSTOM_FIELDS_MAX)
    ),
)
"""As long and as much as there may be."""


def every_type():
    for type_ in ItemType:
        values = {"TOTP": LINK, "Public key": PUBLIC_KEY}
        typed = tuple(
            Field(spec.name, spec.kind, values.get(spec.name, f" {spec.name} =1\r\n "))
            for spec in TYPE_FIELDS[type_]
        )
        account = {"user_name": "röot ", "urls": ("https://a.example/x,y",)} if type_.has_account else {}
        yield Contents(f"in/{type_.value}", type_, fields=(*typed, *OWN), tags=("a", "b c"),
                       expires_on=date(2031, 5, 6), **account)  # fmt: skip
    yield LONG


@pytest.fixture
def made(runtime, world):
    """Credentials of every type in the vault Board; return who manages it."""
    board = world.vaults["Board"]
    alice = world.actor("alice", {board: Right.MANAGE})
    with runtime.work(writing=True, actor=alice) as uow:
        place = vaults.find(uow, board)
        for contents in every_type():
            item_changes.create(uow, place, contents)
    return alice


def gathered(runtime, actor, vault_id):
    with runtime.work(writing=False, actor=actor) as uow:
        return exports.bundle(uow, exports.gather(uow, vault_id))


def contents_of(bundle):
    return {
        (one.name, one.type, one.user_name, one.urls, one.tags, one.expires_on, one.values)
        for one in bundle.credentials
    }


def test_everything_of_an_encrypted_export_comes_in_again(runtime, world, made):
    out = gathered(runtime, made, world.vaults["Board"])
    assert len(out.credentials) == len(ItemType) + 2
    data = sealed_json.write(out, PASSPHRASE, runtime.hasher)

    mallory = world.actor("mallory")
    with runtime.work(writing=True, actor=mallory) as uow:
        empty = vaults.create(uow, "Empty").id
    mallory = replace(mallory, rights={empty: Right.MANAGE})
    import_all(runtime, mallory, empty, data, "x.chatelaine", PASSPHRASE)
    assert contents_of(gathered(runtime, mallory, empty)) == contents_of(out)


@pytest.mark.parametrize("write", [kdbx.write, csv_table.write_exact])
def test_the_files_of_other_formats_hold_every_credential(runtime, world, made, write):
    out = gathered(runtime, made, world.vaults["Board"])
    data = write(out, PASSPHRASE, runtime.hasher)
    reading = formats.read(Source(data, passphrase=PASSPHRASE), formats.recognise(data))
    assert len(reading.entries) == len(out.credentials)


def test_more_than_one_file_takes_is_refused(runtime, world, made, monkeypatch):
    with runtime.work(writing=False, actor=made) as uow:
        monkeypatch.setattr(exports, "ITEMS_MAX", 3)
        with pytest.raises(Invalid, match="one by one"):
            exports.gather(uow, world.vaults["Board"])
        monkeypatch.setattr(exports, "ITEMS_MAX", 10_000)
        monkeypatch.setattr(exports, "BYTES_MAX", 1000)
        with pytest.raises(Invalid, match="one by one"):
            exports.gather(uow, world.vaults["Board"])


def test_a_passphrase_is_the_same_however_its_letters_were_typed(runtime):
    sealed = next(one for one in export_rules.FORMATS if one.sealed)
    typed = "Fu\u0308nf Wo\u0308rter am Ende des Gartens"
    assert export_rules.check_passphrase(sealed, typed, "F\u00fcnf W\u00f6rter am Ende des Gartens") == (
        "F\u00fcnf W\u00f6rter am Ende des Gartens"
    )
