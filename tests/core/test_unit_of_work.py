"""One transaction a request: what commits together, and what leaves nothing behind."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from errors import StoreFailed, Unavailable
from models import Action, AuditChain, AuditEvent, Vault
from services import audit, committer
from services.database import FileLock
from services.events import Target
from services.runtime import SYSTEM_ORIGIN
from services.unit_of_work import UnitOfWork
from tests.world import NORTHWIND, open_world

TARGET = Target("vault", None, "")


@pytest.fixture
def alice(world):
    return world.actor("alice")


def vaults_called(runtime, alice, name):
    with runtime.work(writing=False, actor=alice) as uow:
        return uow.session.scalar(select(func.count()).select_from(Vault).where(Vault.name == name))


def add_vault(uow, name):
    uow.session.add(
        Vault(
            id=uuid4(),
            organization_id=uow.organization_id,
            name=name,
            created_at=uow.now,
            created_by=uow.actor.id,
        )
    )


def test_a_change_and_its_event_are_stored_together(runtime, alice, trail):
    with runtime.work(writing=True, actor=alice) as uow:
        add_vault(uow, "Together")
        audit.record(uow, Action.VAULT_CREATED, TARGET)
    assert vaults_called(runtime, alice, "Together") == 1
    assert trail.actions() == ["vault.created"]


def test_a_failure_takes_back_the_change_and_the_event(runtime, alice, trail):
    with pytest.raises(ZeroDivisionError), runtime.work(writing=True, actor=alice) as uow:
        add_vault(uow, "Half")
        audit.record(uow, Action.VAULT_CREATED, TARGET)
        raise ZeroDivisionError
    assert vaults_called(runtime, alice, "Half") == 0
    assert trail.actions() == []


def test_a_change_is_not_stored_when_its_event_cannot_be(runtime, alice, trail, monkeypatch):
    def refuse(*_):
        raise OperationalError("INSERT", {}, Exception("disk full"))

    monkeypatch.setattr("services.unit_of_work.append", refuse)
    with pytest.raises(OperationalError), runtime.work(writing=True, actor=alice) as uow:
        add_vault(uow, "Unrecorded")
        audit.record(uow, Action.VAULT_CREATED, TARGET)
    assert vaults_called(runtime, alice, "Unrecorded") == 0


@pytest.mark.parametrize("writing", [True, False])
def test_a_failed_decryption_is_recorded_even_when_the_work_is_undone(runtime, alice, trail, writing):
    with pytest.raises(ZeroDivisionError), runtime.work(writing=writing, actor=alice) as uow:
        audit.record(uow, Action.DECRYPTION_FAILED, TARGET, success=False)
        audit.record(uow, Action.ITEM_REVEALED, TARGET)
        raise ZeroDivisionError
    assert trail.actions() == ["decryption.failed"]


def test_the_next_writer_gets_its_turn_after_a_failure(runtime, alice):
    with pytest.raises(ZeroDivisionError), runtime.work(writing=True, actor=alice):
        raise ZeroDivisionError
    with runtime.work(writing=True, actor=alice) as uow:
        add_vault(uow, "Next")
    assert vaults_called(runtime, alice, "Next") == 1


def test_a_reader_answers_only_after_its_event_is_durable(runtime, alice, trail):
    with runtime.work(writing=False, actor=alice) as uow:
        audit.record(uow, Action.ITEM_REVEALED, TARGET)
        assert trail.actions() == []
    assert trail.actions() == ["item.revealed"]


def test_a_reader_is_refused_when_its_event_cannot_be_stored(runtime, alice, trail, monkeypatch):
    def refuse(*_):
        raise OperationalError("INSERT", {}, Exception("disk full"))

    monkeypatch.setattr("services.committer.append", refuse)
    with pytest.raises(Unavailable), runtime.work(writing=False, actor=alice) as uow:
        audit.record(uow, Action.ITEM_REVEALED, TARGET)
    monkeypatch.undo()
    assert trail.actions() == []
    with runtime.work(writing=False, actor=alice) as uow:
        audit.record(uow, Action.ITEM_REVEALED, TARGET)
    assert trail.actions() == ["item.revealed"]


@pytest.mark.sqlite
def test_what_was_refused_is_not_recorded_as_done_later(runtime, alice, trail, monkeypatch):
    """Several wait for a database that stays locked longer than they do."""
    monkeypatch.setattr(committer, "WAIT", 0.2)

    def read(_):
        with pytest.raises(Unavailable), runtime.work(writing=False, actor=alice) as uow:
            audit.record(uow, Action.ITEM_REVEALED, TARGET)

    runtime.write_lock.acquire()
    try:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(read, range(4)))
    finally:
        runtime.write_lock.release()
    monkeypatch.undo()
    with runtime.work(writing=False, actor=alice) as uow:
        audit.record(uow, Action.ITEM_COPIED, TARGET)
    assert trail.actions() == ["item.copied"]


@pytest.mark.sqlite
def test_those_who_wait_are_refused_together(runtime, alice, trail, monkeypatch, caplog):
    """One after the other, the last would wait eight times as long for the same answer."""
    monkeypatch.setattr("services.database.LOCK_TIMEOUT", 1)

    def read(_):
        with pytest.raises(Unavailable), runtime.work(writing=False, actor=alice) as uow:
            audit.record(uow, Action.ITEM_REVEALED, TARGET)

    runtime.write_lock.acquire()
    try:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(read, range(8)))
        assert runtime.committer.waiting == 0
    finally:
        runtime.write_lock.release()
    assert trail.actions() == []
    tries = [record for record in caplog.records if record.name == "chatelaine.committer"]
    assert 1 <= len(tries) <= 3


@pytest.mark.sqlite
def test_a_database_that_another_program_holds_is_told_as_any_other_failure(runtime, database):
    """Those who catch the failures of statements, the committer among them, must catch this one too."""
    other = sqlite3.connect(database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with runtime.engine.connect().execution_options(writing=True) as connection:
        connection.connection.driver_connection.execute("PRAGMA busy_timeout = 0")
        with pytest.raises(OperationalError):
            connection.begin()
        connection.connection.driver_connection.execute("PRAGMA busy_timeout = 10000")
    other.close()


def test_a_runtime_that_is_closed_leaves_no_file_open(database):
    before = len(list(Path("/proc/self/fd").iterdir()))
    runtime = open_world(database)
    with runtime.work(writing=True):
        pass
    runtime.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_file_lock_lets_go_of_its_file_and_opens_it_again(tmp_path):
    before = len(list(Path("/proc/self/fd").iterdir()))
    lock = FileLock(tmp_path / "lock")
    lock.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    lock.acquire()
    lock.release()
    lock.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_full_queue_refuses_at_once(runtime, alice, monkeypatch):
    monkeypatch.setattr(committer, "CAPACITY", 1)
    stuck = committer.Committer(
        runtime.engine, runtime.write_lock, runtime.turns, mark=lambda *_: None, housekeeping=lambda _: None
    )
    runtime.write_lock.acquire()
    try:
        with runtime.engine.connect() as connection:
            keys = runtime.keys_for(connection)
        mark = committer.Mark("session", uuid4(), runtime_now(), "192.0.2.1")
        with pytest.raises(Unavailable, match="too many"):
            for _ in range(committer.BATCH + 2):
                stuck._put(mark)
        assert keys.generation > 0
    finally:
        runtime.write_lock.release()
        stuck.close()


def runtime_now():
    from services import clock

    return clock.now()


def test_readers_and_writers_at_once_make_one_chain_without_gaps(runtime, alice, world):
    def read(_):
        with runtime.work(writing=False, actor=alice) as uow:
            audit.record(uow, Action.ITEM_REVEALED, TARGET)

    def write(number):
        with runtime.work(writing=True, actor=alice) as uow:
            add_vault(uow, f"Race {number}")
            audit.record(uow, Action.VAULT_CREATED, TARGET)

    threads = [
        threading.Thread(target=lambda work=work, n=n: [work(f"{n}-{i}") for i in range(10)])
        for n, work in enumerate([read, write] * 8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with runtime.engine.connect() as connection:
        seqs = connection.scalars(
            select(AuditEvent.seq)
            .where(AuditEvent.chain_id == world.organizations[NORTHWIND])
            .order_by(AuditEvent.seq)
        ).all()
        size = connection.scalar(
            select(AuditChain.size).where(AuditChain.chain_id == world.organizations[NORTHWIND])
        )
    assert seqs == list(range(1, size + 1))
    assert size >= 160


def test_nested_work_is_undone_with_the_outer(runtime, alice):
    with pytest.raises(ZeroDivisionError), runtime.work(writing=True, actor=alice) as uow:
        with uow.session.begin_nested():
            add_vault(uow, "Inner")
        raise ZeroDivisionError
    assert vaults_called(runtime, alice, "Inner") == 0


def test_what_is_to_follow_follows_what_is_durable_and_nothing_else(runtime, alice):
    followed = []
    with runtime.work(writing=True, actor=alice) as uow:
        add_vault(uow, "Kept")
        uow.afterwards(lambda: followed.append(vaults_called(runtime, alice, "Kept")))
        assert followed == []
    assert followed == [1]

    uow = UnitOfWork(runtime, origin=SYSTEM_ORIGIN, writing=True)
    uow.act_as(alice)
    uow.afterwards(lambda: followed.append("undone"))
    uow.abandon()
    # As the guard does, which records that something was refused.
    uow.begin_writing()
    uow.finish()
    assert followed == [1]


def test_what_follows_and_fails_takes_nothing_back_and_is_not_waited_for_again(runtime, alice):
    followed = []

    def fail():
        raise StoreFailed

    with runtime.work(writing=True, actor=alice) as uow:
        add_vault(uow, "Kept")
        uow.afterwards(fail)
        uow.afterwards(lambda: followed.append("the next"))
    assert vaults_called(runtime, alice, "Kept") == 1
    assert followed == []
