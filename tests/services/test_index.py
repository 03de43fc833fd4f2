"""The index: what lists show, in which order, and that it never lags behind or runs ahead."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from errors import Conflict
from services import item_changes, items, vaults
from services.contents import Contents, ItemType
from services.index import Indexes
from services.index_entries import make_entry
from tests import world as worlds
from tests.world import login

DB = "prod/db primary"


@pytest.fixture
def add(work, world):
    def add(*contents, vault="Production"):
        with work("alice", writing=True) as uow:
            found = vaults.find(uow, world.vaults[vault])
            return [item_changes.create(uow, found, one) for one in contents]

    return add


@pytest.fixture
def index(runtime, work):
    """Return the index as somebody would get it now."""

    def index(who="alice"):
        with work(who) as uow:
            return runtime.indexes.of(uow)

    return index


def names(page):
    return [entry.name for entry in page.entries]


def test_an_entry_holds_what_the_overview_says(index, world):
    entry = index().get(world.items[DB])

    assert (entry.name, entry.folder, entry.leaf) == (DB, "prod", "db primary")
    assert (entry.type, entry.user_name, entry.tags) == (ItemType.LOGIN, "vault_rw", ("prod",))
    assert entry.hosts == "\ndb.northwind.example\n"
    assert entry.strength == 4
    assert [shape.name for shape in entry.shapes] == ["Password", "TOTP", "Notes"]
    assert entry.changed_by == world.people["alice"]
    assert not entry.broken


def test_nothing_secret_stands_in_an_entry(index, world):
    entry = index().get(world.items[DB])

    held = repr([getattr(entry, part) for part in entry.__slots__])
    for secret in ("correct horse", "JBSWY3DP", "Ask Ops"):
        assert secret not in held


def test_a_list_shows_only_the_vaults_it_is_asked_for(index, world):
    everything = index()

    assert names(everything.page([world.vaults["Board"]])) == ["Board portal"]
    assert names(everything.page([])) == []
    assert names(everything.page([world.vaults["Board"]], vault_id=world.vaults["Production"])) == []
    assert names(everything.page(list(world.vaults.values()), vault_id=world.vaults["Board"])) == [
        "Board portal"
    ]


def test_organizations_do_not_see_each_other(index, world):
    every_vault = list(world.vaults.values())

    assert names(index("mallory").page(every_vault)) == ["Lakeside mail"]
    assert names(index("alice").page(every_vault)) == ["Board portal", DB, "Stripe dashboard"]
    assert index("mallory").get(world.items[DB]) is None


def test_a_list_is_sorted_without_regard_to_case_and_accents(index, world, add):
    add(*(login(name) for name in ("zebra", "Ärmel", "arm", "Zoo", "äther")), vault="Board")

    assert names(index().page([world.vaults["Board"]])) == [
        "arm",
        "Ärmel",
        "äther",
        "Board portal",
        "zebra",
        "Zoo",
    ]


def test_pages_follow_each_other_without_gaps_and_repetitions(index, world, add):
    add(*(login(f"item {number:03}") for number in range(25)), vault="Board")
    every_page = index()
    seen, after = [], None
    while True:
        page = every_page.page([world.vaults["Board"]], after=after, limit=7)
        assert page.total == 26
        seen += names(page)
        after = page.next_cursor
        if after is None:
            break

    assert seen == sorted(seen, key=str.casefold)
    assert len(seen) == len(set(seen)) == 26


def test_a_full_last_page_has_no_next(index, world, add):
    add(*(login(f"item {number}") for number in range(3)), vault="Board")

    page = index().page([world.vaults["Board"]], limit=4)

    assert len(page.entries) == 4
    assert page.next_cursor is None


def test_a_cursor_goes_on_after_its_item_has_left_the_list(index, work, world, add):
    ids = add(*(login(f"item {number}") for number in range(6)), vault="Board")
    first = index().page([world.vaults["Board"]], limit=3)
    assert names(first) == ["Board portal", "item 0", "item 1"]

    with work("alice", writing=True) as uow:
        item_changes.trash(uow, items.find(uow, ids[1]))

    assert names(index().page([world.vaults["Board"]], after=first.next_cursor, limit=3)) == [
        "item 2",
        "item 3",
        "item 4",
    ]


@pytest.mark.parametrize("cursor", ["", "x", "0" * 32, "Z" * 32, "../..", "0" * 31, "0" * 33])
def test_a_cursor_that_fits_nowhere_gives_the_first_page(index, world, cursor):
    assert names(index().page([world.vaults["Board"]], after=cursor)) == ["Board portal"]


def test_a_cursor_tells_nothing_about_an_item_out_of_sight(index, world, add):
    add(login("aaa"), login("zzz"), vault="Board")

    page = index().page([world.vaults["Board"]], after=world.items[DB].hex)

    assert names(page) == ["aaa", "Board portal", "zzz"]


def test_filters_narrow_together(index, world, add):
    note = Contents("prod/eu/note", ItemType.NOTE, tags=("Prod", "eu"), expires_on=date(2027, 1, 31))
    [note_id] = add(note)
    add(login("production line"), login("prod/eu/west/x", tags=("eu",)))
    mine = [world.vaults["Production"]]
    page = index().page

    assert names(page(mine, type=ItemType.NOTE)) == ["prod/eu/note"]
    assert names(page(mine, tag="PROD")) == [DB, "prod/eu/note", "production line", "Stripe dashboard"]
    assert names(page(mine, tag="missing")) == []
    assert names(page(mine, folder="prod")) == [DB, "prod/eu/note", "prod/eu/west/x"]
    assert names(page(mine, folder="prod/eu")) == ["prod/eu/note", "prod/eu/west/x"]
    assert names(page(mine, favorites={note_id, world.items["Board portal"]})) == ["prod/eu/note"]
    assert names(page(mine, favorites=())) == []
    assert names(page(mine, expiring_before=date(2027, 2, 1))) == ["prod/eu/note"]
    assert names(page(mine, expiring_before=date(2027, 1, 31))) == []
    assert names(page(mine, tag="eu", folder="prod/eu/west", query="x")) == ["prod/eu/west/x"]


def test_tags_folders_and_counts(index, work, world, add):
    [one, _] = add(login("prod/eu/west/a", tags=("Prod", "aws")), login("plain", tags=()))
    mine = [world.vaults["Production"]]

    assert [(line.name, line.items) for line in index().tags(mine)] == [("aws", 1), ("prod", 3)]
    assert [(line.path, line.items) for line in index().folders(mine)] == [
        ("prod", 2),
        ("prod/eu", 1),
        ("prod/eu/west", 1),
    ]
    assert index().folders([world.vaults["Board"]], world.vaults["Production"]) == []

    with work("alice", writing=True) as uow:
        item_changes.trash(uow, items.find(uow, one))

    counts = index().counts([*mine, world.vaults["Board"]])
    assert (counts.live, counts.trashed) == (4, 1)
    assert counts.by_vault == {world.vaults["Production"]: 3, world.vaults["Board"]: 1}
    assert counts.by_type == {ItemType.LOGIN: 4}
    assert [line.name for line in index().tags(mine)] == ["prod"]


def test_the_index_follows_every_change(index, work, world):
    mine = [world.vaults["Production"]]
    board = [world.vaults["Board"]]
    item_id = world.items[DB]
    index()

    def act(use_case):
        with work("alice", writing=True) as uow:
            use_case(uow, items.find(uow, item_id))

    renamed = replace(login("zeta"), fields=())
    act(lambda uow, item: item_changes.edit(uow, item, renamed, expected_version=1))
    assert names(index().page(mine)) == ["Stripe dashboard", "zeta"]
    assert index().get(item_id).version == 2

    act(lambda uow, item: item_changes.move(uow, item, vaults.find(uow, board[0])))
    assert names(index().page(mine)) == ["Stripe dashboard"]
    assert names(index().page(board)) == ["Board portal", "zeta"]

    act(item_changes.trash)
    assert names(index().page(board)) == ["Board portal"]
    assert names(index().page(board, state="trash")) == ["zeta"]
    assert names(index().page(mine, state="trash")) == []

    act(item_changes.restore)
    assert names(index().page(board)) == ["Board portal", "zeta"]

    act(item_changes.trash)
    act(item_changes.purge)
    assert names(index().page(board, state="trash")) == []
    assert index().get(item_id) is None


def test_an_index_that_somebody_holds_stays_as_it_was(index, work, world):
    before = index()
    with work("alice", writing=True) as uow:
        item_changes.trash(uow, items.find(uow, world.items[DB]))

    assert before.get(world.items[DB]).trashed_at is None
    assert index().get(world.items[DB]).trashed_at is not None
    assert before.page([world.vaults["Production"]]).total == 2


def test_a_second_process_sees_what_the_first_has_changed(index, runtime, work, world, database):
    other = worlds.open_world(database)
    with other.work(writing=False, actor=world.actor("alice")) as uow:
        assert other.indexes.of(uow).get(world.items[DB]).version == 1
    with work("alice", writing=True) as uow:
        contents = replace(login(DB), tags=("changed",), fields=())
        item_changes.edit(uow, items.find(uow, world.items[DB]), contents, expected_version=1)
    with other.work(writing=False, actor=world.actor("alice")) as uow:
        assert other.indexes.of(uow).get(world.items[DB]).tags == ("changed",)
    other.close()


def test_nobody_else_sees_what_is_undone(index, runtime, work, world):
    index()
    ghosts = []

    def fail_after_creating():
        with work("alice", writing=True) as uow:
            production = vaults.find(uow, world.vaults["Production"])
            ghosts.append(item_changes.create(uow, production, login("ghost")))
            assert runtime.indexes.of(uow).get(ghosts[0]).name == "ghost"
            item_changes.create(uow, production, login("ghost"))

    with pytest.raises(Conflict):
        fail_after_creating()
    with work("alice", writing=True) as uow:
        real = item_changes.create(uow, vaults.find(uow, world.vaults["Production"]), login("real"))

    assert index().get(ghosts[0]) is None
    assert index().get(real).name == "real"


def test_an_unchanged_organization_is_not_read_again(index):
    assert index() is index()


def test_only_what_has_changed_is_decrypted(index, work, world, monkeypatch):
    index()
    with work("alice", writing=True) as uow:
        item_changes.trash(uow, items.find(uow, world.items[DB]))
    read = []

    def spy(row, overview, key):
        read.append(row.id)
        return make_entry(row, overview, key)

    monkeypatch.setattr("services.index.make_entry", spy)

    index()

    assert read == [world.items[DB]]


def test_a_new_process_starts_from_the_database(runtime, index, world):
    before = names(index().page(list(world.vaults.values())))
    runtime.indexes = Indexes()

    assert names(index().page(list(world.vaults.values()))) == before
