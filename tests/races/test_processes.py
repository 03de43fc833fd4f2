"""Several processes that act at the same moment, on the one database: what may happen once happens once."""

from __future__ import annotations

import multiprocessing
from uuid import uuid4

import pyotp
import pytest
import time_machine
from limits.storage import storage_from_string
from sqlalchemy import select, update

from models import AuditEvent, Factor, Lockout, Membership, RecoveryCode
from policy import Role
from services import audit_verify, factors, invitations
from services.events import SYSTEM_CHAIN
from services.rate_storage import uri_beside
from tests import world as worlds
from tests.races.racer import TIMES, race

PROCESSES = 4
ROUNDS = 5
PATIENCE = 60


@pytest.fixture(scope="module")
def racers():
    """Four processes, started once."""
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(PROCESSES, timeout=PATIENCE)
    pipes = [context.Pipe() for _ in range(PROCESSES)]
    processes = [context.Process(target=race, args=(theirs, start), daemon=True) for _, theirs in pipes]
    for process in processes:
        process.start()
    for _, theirs in pipes:
        theirs.close()
    yield [ours for ours, _ in pipes]
    for ours, _ in pipes:
        ours.send(None)
    for process in processes:
        process.join(PATIENCE)
    for ours, _ in pipes:
        ours.close()


@pytest.fixture
def at_once(racers, database):
    """Let every process do the same thing, or each its own, and return what came of it."""

    def at_once(name, *orders, **same):
        for number, racer in enumerate(racers):
            racer.send((worlds.url_of(database), name, orders[number] if orders else same))
        answers = []
        for racer in racers:
            assert racer.poll(PATIENCE), "a process does not answer"
            answers.append(racer.recv())
        return answers

    return at_once


@pytest.fixture
def runtime(database):
    runtime = worlds.open_world(database)
    yield runtime
    runtime.close()


def test_a_link_makes_one_token(runtime, world, at_once):
    for number in range(ROUNDS):
        with runtime.work(writing=True, actor=world.actor("adam")) as uow:
            link = invitations.invite(uow, f"new{number}@northwind.example", Role.MEMBER)
        answers = at_once("enrol", token=link.token)
        assert sorted(answers) == ["NotFound"] * (PROCESSES - 1) + ["done"]


@pytest.fixture
def seed(runtime, world):
    """Mia's authenticator app."""
    with runtime.work(writing=True, actor=world.actor("mia")) as uow:
        offer = factors.begin(uow, "mia@northwind.example")
    seed = offer.text.replace(" ", "")
    with (
        time_machine.travel("2026-11-22T10:00:00Z"),
        runtime.work(writing=True, actor=world.actor("mia")) as uow,
    ):
        assert factors.confirm(uow, pyotp.TOTP(seed).now())
    return seed


def test_a_code_is_taken_once(runtime, world, at_once, seed):
    for _ in range(ROUNDS):
        with runtime.engine.begin() as connection:
            connection.execute(update(Factor).values(last_step=0, failures=0))
        answers = at_once("prove", actor=world.actor("mia"), code=pyotp.TOTP(seed).now())
        assert sorted(answers) == ["done"] + ["refused"] * (PROCESSES - 1)


def test_a_recovery_code_is_spent_once(runtime, world, at_once, seed):
    with runtime.work(writing=True, actor=world.actor("mia")) as uow:
        codes = factors.renew_codes(uow)
    for number in range(ROUNDS):
        answers = at_once("prove", actor=world.actor("mia"), code=codes[number])
        assert sorted(answers) == ["done"] + ["refused"] * (PROCESSES - 1)
    with runtime.engine.connect() as connection:
        spent = connection.scalars(
            select(RecoveryCode.used_at).where(RecoveryCode.used_at.is_not(None))
        ).all()
    assert len(spent) == ROUNDS


def test_an_owner_stays(runtime, world, at_once):
    names = ("alice", "rhea", "mia", "noah")
    members = [world.members[name] for name in names]
    for _ in range(ROUNDS):
        with runtime.engine.begin() as connection:
            connection.execute(
                update(Membership).where(Membership.id.in_(members)).values(role=Role.OWNER.value)
            )
        answers = at_once(
            "step_down", *({"actor": world.actor(name), "member": world.members[name]} for name in names)
        )
        assert sorted(answers) == ["LastOwner"] + ["done"] * (PROCESSES - 1)


def test_no_failed_sign_in_is_lost(runtime, at_once):
    assert at_once("guess") == ["done"] * PROCESSES
    with runtime.engine.connect() as connection:
        attempts = connection.scalars(select(Lockout.attempts)).all()
    assert attempts == [PROCESSES * TIMES] * 2


def test_no_count_is_lost(runtime, at_once):
    assert at_once("count") == ["done"] * PROCESSES
    storage = storage_from_string(uri_beside(runtime.engine.url.render_as_string(hide_password=False)))
    assert storage.get("a") == PROCESSES * TIMES * 10
    storage.close()


def test_a_chain_that_all_begin_at_once_is_one(runtime, world, at_once, database):
    for table in ("audit_event", "audit_day", "audit_chain"):
        worlds.past_the_program(database, f"DELETE FROM {table} WHERE chain_id = ?", SYSTEM_CHAIN.hex)
    assert at_once("append", actor=world.actor("alice"), vault=uuid4()) == ["done"] * PROCESSES
    with runtime.engine.connect() as connection:
        seqs = connection.scalars(select(AuditEvent.seq).where(AuditEvent.chain_id == SYSTEM_CHAIN)).all()
    assert sorted(seqs) == list(range(1, PROCESSES * TIMES + 1))


def test_the_chains_have_no_gap_and_no_fork(runtime, world, at_once):
    """Readers and writers of all processes, in an organization's chain and in the system's."""
    with runtime.engine.connect() as connection:
        before = len(connection.scalars(select(AuditEvent.seq)).all())
    answers = at_once("append", actor=world.actor("alice"), vault=uuid4())
    assert answers == ["done"] * PROCESSES
    with runtime.engine.connect() as connection:
        rows = connection.execute(select(AuditEvent.chain_id, AuditEvent.seq)).all()
    chains = {}
    for chain_id, seq in rows:
        chains.setdefault(chain_id, []).append(seq)
    assert len(rows) == before + PROCESSES * TIMES * 3
    assert all(sorted(seqs) == list(range(1, len(seqs) + 1)) for seqs in chains.values())
    assert audit_verify.verify(runtime).faults == ()
