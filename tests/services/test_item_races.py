"""Many who change the same thing at the same moment: one wins, and nothing is lost."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import replace

from sqlalchemy import select

from crypto.chain import event_hash, genesis
from errors import Conflict, VersionConflict
from models import AuditEvent, microseconds
from policy import Right
from services import item_changes, items, vaults
from services.contents import Field, Kind
from tests.world import login

DB = "prod/db primary"
THREADS = 8


def race(*jobs):
    """Run all *jobs* at once; return what each returned or raised."""
    barrier = threading.Barrier(len(jobs), timeout=30)
    outcomes = [None] * len(jobs)

    def run(number, job):
        barrier.wait()
        try:
            outcomes[number] = job()
        except Conflict as error:
            outcomes[number] = error

    threads = [threading.Thread(target=run, args=(number, job)) for number, job in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def assert_chain_is_whole(runtime, chain_id):
    with runtime.engine.connect() as connection:
        events = connection.execute(
            select(AuditEvent).where(AuditEvent.chain_id == chain_id).order_by(AuditEvent.seq)
        ).all()
        previous = genesis(runtime.keys_for(connection).instance, chain_id)
    for seq, event in enumerate(events, start=1):
        assert event.seq == seq
        previous = event_hash(chain_id, seq, microseconds(event.at), previous, event.payload)
        assert event.hash == previous


def edits(work, world, *, find_first):
    """Return one edit of the same version for each thread; each writes a secret of its own."""
    found = []
    if find_first:
        with work("mia") as uow:
            found.append(items.find(uow, world.items[DB]))

    def job(number):
        def edit():
            contents = replace(login(DB), fields=(Field("Password", Kind.HIDDEN, f"secret of {number}"),))
            with work("mia", writing=True) as uow:
                item = found[0] if found else items.find(uow, world.items[DB])
                return item_changes.edit(uow, item, contents, expected_version=1)

        return edit

    return [job(number) for number in range(THREADS)]


def assert_one_edit_won(runtime, work, world, trail, outcomes):
    assert Counter(map(type, outcomes)) == {int: 1, VersionConflict: THREADS - 1}
    winner = outcomes.index(2)
    with work("mia") as uow:
        item = items.find(uow, world.items[DB])
        assert item.version == 2
        assert items.reveal(uow, item, "Password").value == f"secret of {winner}"
        assert [line.number for line in items.history(uow, item)] == [2, 1]
    assert trail.actions() == ["item.changed", "item.revealed"]
    assert_chain_is_whole(runtime, world.organizations["northwind"])


def test_of_many_edits_of_one_version_one_wins(runtime, work, world, trail):
    outcomes = race(*edits(work, world, find_first=False))

    assert_one_edit_won(runtime, work, world, trail, outcomes)


def test_of_many_edits_of_what_was_read_before_one_wins(runtime, work, world, trail):
    """Here only the comparison in the statement itself stands between them."""
    outcomes = race(*edits(work, world, find_first=True))

    assert_one_edit_won(runtime, work, world, trail, outcomes)


def test_of_many_who_take_a_name_one_gets_it(work, world, trail):
    def create():
        with work("mia", writing=True) as uow:
            return item_changes.create(uow, vaults.find(uow, world.vaults["Production"]), login("wanted"))

    outcomes = race(*[create] * THREADS)

    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == THREADS - 1
    assert trail.actions() == ["item.created"]


def test_edits_of_different_items_all_stand(runtime, work, world, trail):
    with work("mia", writing=True) as uow:
        vault = vaults.find(uow, world.vaults["Production"])
        ids = [item_changes.create(uow, vault, login(f"item {number}")) for number in range(THREADS)]

    def job(item_id):
        def edit():
            for number in range(5):
                with work("mia", writing=True) as uow:
                    item = items.find(uow, item_id)
                    contents = replace(login(item.name), tags=(str(number),), fields=())
                    item_changes.edit(uow, item, contents, expected_version=item.version)
                with work("mia") as uow:
                    entry = runtime.indexes.of(uow).get(item_id)
                    assert entry.tags == (str(number),)
            return entry.version

        return edit

    assert race(*map(job, ids)) == [6] * THREADS
    assert_chain_is_whole(runtime, world.organizations["northwind"])
    assert len(trail.events("item.changed")) == THREADS * 5


def test_two_managers_cannot_take_each_other_away(work, world):
    production = world.vaults["Production"]
    with work("alice", writing=True) as uow:
        vaults.grant(uow, vaults.find(uow, production), world.people["mia"], Right.MANAGE)

    def take(who, whom):
        def job():
            with work(who, writing=True) as uow:
                return vaults.take(uow, vaults.find(uow, production), world.people[whom])

        return job

    outcomes = race(take("alice", "mia"), take("mia", "alice"))

    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 1
