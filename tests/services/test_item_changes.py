"""Changing items: every change is a version and an event, and nothing that was stored gets lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from errors import Conflict, Denied, Invalid, NotFound, VersionConflict
from policy import Right
from services import item_changes, items, vaults
from services.contents import Contents, Field, ItemType, Kind
from tests.world import PASSWORD, SEED, login

DB = "prod/db primary"
PIN = Field("PIN", Kind.HIDDEN, "1234", custom=True)


def password(value):
    return Field("Password", Kind.HIDDEN, value)


def change(work, world, contents, *, item=DB, who="mia", expected=None, **more):
    with work(who, writing=True) as uow:
        found = items.find(uow, world.items[item])
        return item_changes.edit(uow, found, contents, expected_version=expected or found.version, **more)


def values(work, world, item=DB, version=None):
    with work("alice") as uow:
        found = items.find(uow, world.items[item])
        return {f.name: f.value for f in items.values(uow, found, version or found.version)[1]}


def overview(work, item_id):
    with work("alice") as uow:
        return items.find(uow, item_id).overview


def create(work, world, contents, vault="Production", who="alice"):
    with work(who, writing=True) as uow:
        return item_changes.create(uow, vaults.find(uow, world.vaults[vault]), contents)


def act(work, use_case, item_id, *arguments, who="alice"):
    with work(who, writing=True) as uow:
        return use_case(uow, items.find(uow, item_id), *arguments)


def test_a_new_item_is_stored_and_recorded(work, world, trail):
    item_id = create(work, world, login("new one", expires_on=date(2027, 1, 2)), who="mia")

    event = trail.one("item.created")
    assert (event["target_id"], event["target"], event["actor"]) == (str(item_id), "new one", "Mia")
    assert event["extra"] == {"version": 1, "vault": str(world.vaults["Production"])}
    assert overview(work, item_id).expires_on == date(2027, 1, 2)


def test_a_name_is_unique_in_its_vault(work, world, trail):
    with pytest.raises(Conflict, match="Production already has a credential called prod/db primary"):
        create(work, world, login(DB))
    assert trail.actions() == []

    create(work, world, login(DB), vault="Board")
    create(work, world, login("Prod/DB primary"))


def test_what_cannot_be_kept_is_not_stored(work, world, trail):
    with pytest.raises(Invalid):
        create(work, world, login("a//b"))

    assert trail.actions() == []


def test_an_edit_keeps_what_is_left_empty(work, world):
    contents = replace(
        login(DB), user_name="new_user", fields=(password("second"), Field("Notes", Kind.MULTILINE, ""))
    )

    assert change(work, world, contents) == 2

    stored = values(work, world)
    assert stored == {
        "Password": "second",
        "TOTP": SEED,
        "Notes": "Ask Ops before you change it.",
    }
    assert values(work, world, version=1)["Password"] == PASSWORD
    assert overview(work, world.items[DB]).user_name == "new_user"


def test_an_edit_names_what_it_changed_and_no_value(work, world, trail):
    change(work, world, replace(login(DB), tags=("x",), fields=(password("second"), PIN)))

    event = trail.one("item.changed")
    assert event["extra"] == {"version": 2, "fields": ["Tags", "Password", "PIN"]}


def test_clear_empties_a_field(work, world):
    change(work, world, replace(login(DB), fields=(password(""),)), clear={"Password", "Notes"})

    assert values(work, world) == {"TOTP": SEED}
    shapes = {shape.name: shape.filled for shape in overview(work, world.items[DB]).shapes}
    assert shapes == {"Password": False, "TOTP": True, "Notes": False}


def test_own_fields_are_added_kept_renamed_and_removed(work, world):
    change(work, world, replace(login(DB), fields=(PIN, replace(PIN, name="PUK", value="99"))))
    kept = (replace(PIN, value=""),)

    change(work, world, replace(login(DB), fields=kept))
    assert values(work, world)["PIN"] == "1234"
    assert values(work, world)["PUK"] == "99"

    renamed = (replace(PIN, name="Card PIN", value=""),)
    change(work, world, replace(login(DB), fields=renamed), renames={"PIN": "Card PIN"}, clear={"PUK"})
    stored = values(work, world)
    assert stored["Card PIN"] == "1234"
    assert "PIN" not in stored
    assert "PUK" not in stored
    assert [shape.name for shape in overview(work, world.items[DB]).shapes][-1] == "Card PIN"


def test_an_edit_that_changes_nothing_stores_nothing(work, world, trail):
    assert change(work, world, replace(login(DB), fields=(password(PASSWORD),))) == 1

    assert trail.actions() == []


def test_the_strength_follows_the_secret(work, world):
    change(work, world, replace(login(DB), fields=(password("password1"),)))
    assert overview(work, world.items[DB]).strength == 0

    change(work, world, replace(login(DB), tags=(), fields=()))
    assert overview(work, world.items[DB]).strength == 0

    change(work, world, replace(login(DB), fields=()), clear={"Password"})
    assert overview(work, world.items[DB]).strength is None


def test_a_secret_that_stays_is_not_rated_again(work, world, monkeypatch):
    monkeypatch.setattr("services.item_changes.rate", lambda _contents: pytest.fail("rated"))

    change(work, world, replace(login(DB), tags=(), fields=()))


def test_an_edit_can_take_a_free_name_and_no_taken_one(work, world):
    with pytest.raises(Conflict, match="already has a credential called Stripe dashboard"):
        change(work, world, replace(login("Stripe dashboard"), fields=()))

    change(work, world, replace(login("prod/db 2"), fields=()))
    create(work, world, login(DB))


def test_the_type_stays(work, world):
    with pytest.raises(Invalid, match="type"):
        change(work, world, Contents(DB, ItemType.NOTE))


def test_what_was_typed_is_checked_in_an_edit_too(work, world):
    with pytest.raises(Invalid) as refused:
        change(work, world, replace(login(DB), fields=(Field("TOTP", Kind.OTP, "no seed"),)))

    assert refused.value.field == "TOTP"


def test_a_late_edit_is_refused_with_both_versions_masked(work, world, trail):
    change(work, world, replace(login(DB), user_name="theirs", fields=(password("their secret"),)))

    mine = replace(
        login(DB),
        user_name="mine",
        fields=(password("my secret"), Field("Notes", Kind.MULTILINE, "my notes")),
    )
    with pytest.raises(VersionConflict) as refused:
        change(work, world, mine, who="alice", expected=1)

    conflict = refused.value
    assert (conflict.expected, conflict.found, conflict.by) == (1, 2, "Mia")
    assert conflict.differences == (
        ("User name", "theirs", "mine"),
        ("Password", "changed", "changed"),
        ("Notes", "unchanged", "changed"),
    )
    assert "secret" not in str(conflict)
    assert values(work, world)["Password"] == "their secret"
    assert trail.actions() == ["item.changed"]


def test_an_edit_of_what_was_thrown_away_meanwhile_is_refused(work, world):
    with work("mia") as uow:
        seen = items.find(uow, world.items[DB])
    act(work, item_changes.trash, world.items[DB])

    with pytest.raises(Conflict, match="in the trash"), work("mia", writing=True) as uow:
        item_changes.edit(uow, seen, replace(login(DB), tags=()), expected_version=1)


def test_an_edit_on_a_version_that_is_not_there_yet_is_refused(work, world):
    with pytest.raises(VersionConflict):
        change(work, world, login(DB), expected=7)


def test_a_move_encrypts_anew_in_the_other_vault(work, world, trail):
    item_id = world.items[DB]
    assert (
        act(
            work,
            lambda uow, item: item_changes.move(uow, item, vaults.find(uow, world.vaults["Board"])),
            item_id,
        )
        == 2
    )

    with work("alice") as uow:
        item = items.find(uow, item_id)
        assert item.vault_id == item.overview.vault_id == world.vaults["Board"]
        assert items.reveal(uow, item, "Password").value == PASSWORD
        assert items.history(uow, item)[0].changed == ("Vault",)
    event = trail.one("item.moved")
    assert event["extra"] == {
        "version": 2,
        "from": str(world.vaults["Production"]),
        "to": str(world.vaults["Board"]),
    }


def move_to(world, vault):
    return lambda uow, item: item_changes.move(uow, item, vaults.find(uow, world.vaults[vault]))


def test_a_move_needs_the_right_to_edit_in_the_other_vault(work, world, trail):
    with pytest.raises(NotFound):
        act(work, move_to(world, "Board"), world.items[DB], who="mia")

    with work("alice", writing=True) as uow:
        vaults.grant(uow, vaults.find(uow, world.vaults["Board"]), world.people["mia"], Right.REVEAL)
    with pytest.raises(Denied):
        act(work, move_to(world, "Board"), world.items[DB], who="mia")

    with work("alice", writing=True) as uow:
        vaults.grant(uow, vaults.find(uow, world.vaults["Board"]), world.people["mia"], Right.EDIT)
    assert act(work, move_to(world, "Board"), world.items[DB], who="mia") == 2
    assert "item.moved" in trail.actions()


def test_a_move_to_where_it_is_or_where_the_name_is_taken_is_refused(work, world):
    with pytest.raises(Conflict, match="is in the vault Production already"):
        act(work, move_to(world, "Production"), world.items[DB])

    create(work, world, login(DB), vault="Board")
    with pytest.raises(Conflict, match="Board already has a credential called"):
        act(work, move_to(world, "Board"), world.items[DB])


def test_a_moved_item_frees_its_name(work, world):
    act(work, move_to(world, "Board"), world.items[DB])

    create(work, world, login(DB))


def test_a_copy_holds_the_same_values_under_another_name(work, world, trail):
    copy_id = act(work, item_changes.duplicate, world.items[DB], "prod/db copy")

    world.items["copy"] = copy_id
    assert values(work, world, "copy") == values(work, world)
    assert overview(work, copy_id).strength == 4
    with work("alice") as uow:
        assert [line.reason for line in items.history(uow, items.find(uow, copy_id))] == ["duplicated"]
    assert trail.one("item.created")["extra"] == {
        "version": 1,
        "vault": str(world.vaults["Production"]),
        "copy_of": str(world.items[DB]),
    }


def test_a_copy_needs_a_free_and_good_name(work, world):
    with pytest.raises(Conflict):
        act(work, item_changes.duplicate, world.items[DB], "Stripe dashboard")
    with pytest.raises(Invalid):
        act(work, item_changes.duplicate, world.items[DB], "a//b")


def test_an_earlier_version_comes_back_as_the_newest(work, world, trail):
    change(work, world, replace(login("prod/renamed"), fields=(password("second"),)))

    assert act(work, item_changes.restore_version, world.items[DB], 1) == 3

    assert values(work, world)["Password"] == PASSWORD
    assert overview(work, world.items[DB]).name == DB
    with work("alice") as uow:
        line = items.history(uow, items.find(uow, world.items[DB]))[0]
    assert (line.reason, line.changed) == ("restored", ("Name", "Password"))
    assert trail.events("item.changed")[-1]["extra"] == {
        "version": 3,
        "fields": ["Name", "Password"],
        "restored_version": 1,
    }


def test_an_earlier_version_whose_name_is_taken_stays_where_it_is(work, world):
    change(work, world, replace(login("prod/renamed"), fields=()))
    create(work, world, login(DB))

    with pytest.raises(Conflict, match="already has a credential called"):
        act(work, item_changes.restore_version, world.items[DB], 1)


def test_a_version_that_is_not_kept_cannot_come_back(work, world):
    with pytest.raises(NotFound):
        act(work, item_changes.restore_version, world.items[DB], 2)


def test_after_a_move_an_earlier_version_comes_back_in_the_new_vault(work, world):
    act(work, move_to(world, "Board"), world.items[DB])

    assert act(work, item_changes.restore_version, world.items[DB], 1) == 3

    with work("alice") as uow:
        item = items.find(uow, world.items[DB])
        assert item.vault_id == item.overview.vault_id == world.vaults["Board"]


def test_a_vault_can_limit_how_many_versions_are_kept(work, world, sql):
    with work("alice", writing=True) as uow:
        vault = vaults.find(uow, world.vaults["Production"])
        vaults.change(uow, vault, name=vault.name, description="", max_versions=2)
    for number in range(4):
        change(work, world, replace(login(DB), tags=(str(number),), fields=()))

    with work("alice") as uow:
        assert [line.number for line in items.history(uow, items.find(uow, world.items[DB]))] == [5, 4]


def test_without_a_limit_every_version_is_kept(work, world):
    for number in range(12):
        change(work, world, replace(login(DB), tags=(str(number),), fields=()))

    with work("alice") as uow:
        assert len(items.history(uow, items.find(uow, world.items[DB]))) == 13


@pytest.mark.parametrize(
    "use_case",
    [
        lambda uow, item, world: item_changes.edit(uow, item, login("other"), expected_version=item.version),
        lambda uow, item, world: move_to(world, "Board")(uow, item),
        lambda uow, item, world: item_changes.restore_version(uow, item, 1),
        lambda uow, item, world: item_changes.trash(uow, item),
    ],
)
def test_what_is_in_the_trash_stays_as_it_is(work, world, use_case):
    act(work, item_changes.trash, world.items[DB])

    with pytest.raises(Conflict, match="in the trash"):
        act(work, lambda uow, item: use_case(uow, item, world), world.items[DB])


TABLES = ("vault", "access_grant", "item", "item_version", "item_gone")
REFUSED = [
    lambda uow, world, item, vault: item_changes.create(uow, vault, login(DB)),
    lambda uow, world, item, vault: item_changes.create(uow, vault, login("a//b")),
    lambda uow, world, item, vault: item_changes.edit(
        uow, item, replace(login("Stripe dashboard"), fields=(PIN,)), expected_version=1
    ),
    lambda uow, world, item, vault: item_changes.edit(
        uow, item, replace(login(DB), fields=(PIN,)), expected_version=7
    ),
    lambda uow, world, item, vault: item_changes.move(uow, item, vault),
    lambda uow, world, item, vault: item_changes.duplicate(uow, item, "Stripe dashboard"),
    lambda uow, world, item, vault: item_changes.restore(uow, item),
    lambda uow, world, item, vault: item_changes.purge(uow, item),
    lambda uow, world, item, vault: vaults.create(uow, "Board"),
    lambda uow, world, item, vault: vaults.change(uow, vault, name="Board", description="x", max_versions=1),
    lambda uow, world, item, vault: vaults.delete(uow, vault),
    lambda uow, world, item, vault: vaults.take(uow, vault, world.people["alice"]),
    lambda uow, world, item, vault: vaults.grant(uow, vault, world.people["alice"], Right.USE),
    lambda uow, world, item, vault: vaults.grant(uow, vault, world.people["mallory"], Right.USE),
]


@pytest.mark.parametrize("use_case", REFUSED)
def test_what_is_refused_leaves_nothing_behind_even_when_the_unit_is_finished(
    work, world, trail, sql, use_case
):
    """A page catches the refusal and shows the form again; its unit of work then commits."""

    def held():
        return [sql(f"SELECT * FROM {table} ORDER BY 1, 2") for table in TABLES]

    before = held()
    with work("alice", writing=True) as uow:
        item = items.find(uow, world.items[DB])
        vault = vaults.find(uow, world.vaults["Production"])
        with pytest.raises((Conflict, Invalid)):
            use_case(uow, world, item, vault)

    assert held() == before
    assert trail.actions() == []
