"""The demo is a full house with an honest log, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from sqlalchemy import create_engine, select

from app import create_app
from models import (
    AccessRequest,
    Attachment,
    AuditChain,
    AuditEvent,
    Grant,
    Group,
    Item,
    ItemVersion,
    Membership,
    Vault,
)
from policy import Actor, ActorKind, Role
from services import audit_verify, demo, schema
from services.contents import ItemType
from services.database import prepare_engine, write_lock_for
from tests import world as worlds
from tests.browser import Browser

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 11, 18, 15, 20, tzinfo=UTC)
"""A Wednesday afternoon."""


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """The demo's database, made once, and who can sign in to it."""
    path = tmp_path_factory.mktemp("demo") / "demo.db"
    engine = create_engine(f"sqlite:///{path}")
    prepare_engine(engine)
    schema.prepare_schema(engine, write_lock_for(engine))
    engine.dispose()
    runtime = worlds.open_world(path)
    made = demo.build(runtime, NOW)
    runtime.close()
    return path, made


@pytest.fixture
def runtime(house):
    runtime = worlds.open_world(house[0])
    yield runtime
    runtime.engine.dispose()


@pytest.fixture
def events(runtime):
    """The events of the organization, oldest first."""
    with runtime.engine.connect() as connection:
        chain = connection.execute(
            select(AuditChain.chain_id).order_by(AuditChain.size.desc()).limit(1)
        ).scalar_one()
        return connection.execute(
            select(AuditEvent.at, AuditEvent.action, AuditEvent.actor_id, AuditEvent.success)
            .where(AuditEvent.chain_id == chain)
            .order_by(AuditEvent.seq)
        ).all()


def test_its_log_verifies_clean_at_full_length(runtime):
    report = audit_verify.verify(runtime)
    assert report.faults == ()
    assert report.events > 700
    assert report.checkpoints >= 30


def test_there_are_five_people_in_all_roles_and_three_vaults_with_grants(runtime):
    with runtime.engine.connect() as connection:
        roles = Counter(connection.execute(select(Membership.role)).scalars())
        vaults = set(connection.execute(select(Vault.name)).scalars())
        granted = set(connection.execute(select(Grant.vault_id)).scalars()) - {None}
        shared = connection.execute(select(Grant.item_id).where(Grant.item_id.is_not(None))).scalars().all()
        groups = connection.execute(select(Group.name)).scalars().all()
        files = connection.execute(select(Attachment.size)).scalars().all()
        waiting = connection.execute(select(AccessRequest.outcome)).scalars().all()
    assert roles == {Role.OWNER: 1, Role.ADMIN: 1, Role.MEMBER: 2, Role.AUDITOR: 1}
    assert vaults == {"Production", "Office", "Marketing"}
    assert len(granted) == 3
    assert len(shared) == 1
    assert groups == ["On call"]
    assert waiting == [None]
    assert len(files) == 1


def test_there_are_sixty_credentials_of_all_types_with_versions_and_a_trash(runtime):
    with runtime.engine.connect() as connection:
        trashed = connection.execute(select(Item.trashed_at)).scalars().all()
        versions = Counter(connection.execute(select(ItemVersion.number)).scalars())
    assert sum(at is None for at in trashed) == 60
    assert sum(at is not None for at in trashed) == 2
    assert versions[1] == 62
    assert versions[2] > 10
    assert versions[3] > 0


def test_credentials_are_weak_and_strong_expired_and_about_to(runtime):
    with runtime.engine.connect() as connection:
        organization = connection.execute(select(Vault.organization_id).limit(1)).scalar_one()
        vaults = connection.execute(select(Vault.id)).scalars().all()
    actor = Actor(ActorKind.SYSTEM, organization, "test", organization)
    with runtime.work(writing=False, actor=actor) as uow:
        entries = runtime.indexes.of(uow).page(vaults, limit=100).entries
    assert {entry.type for entry in entries} == set(ItemType)
    assert {0, 4} <= {entry.strength for entry in entries}
    days = [(entry.expires_on - NOW.date()).days for entry in entries if entry.expires_on]
    assert min(days) < 0
    assert any(0 <= day <= 14 for day in days)
    assert max(days) > 60
    assert len({entry.folder for entry in entries}) > 5
    assert len({tag for entry in entries for tag in entry.tags}) > 10


def test_the_month_holds_what_a_month_holds(events):
    actions = Counter(event.action for event in events)
    assert sum(actions.values()) >= 600
    for action, least in (
        ("session.started", 60), ("session.ended", 20), ("signin.failed", 6), ("signin.locked", 2),
        ("item.revealed", 250), ("item.copied", 80), ("item.changed", 15), ("item.created", 62),
        ("item.trashed", 2), ("access.denied", 5), ("token.created", 8), ("token.revoked", 1),
        ("token.replaced", 1), ("grant.given", 10), ("person.enrolled", 5),
    ):  # fmt: skip
        assert actions[action] >= least, action
    assert {event.success for event in events if event.action == "access.denied"} == {False}


def test_events_lie_on_thirty_days_at_working_hours_up_to_now(events):
    assert [event.at for event in events] == sorted(event.at for event in events)
    assert timedelta(days=29) < NOW - events[0].at < timedelta(days=31)
    assert timedelta(0) < NOW - events[-1].at < timedelta(minutes=10)
    days = {event.at.date() for event in events}
    assert len(days) == 31
    opened = [event for event in events if event.action in {"item.revealed", "item.copied"}]
    assert sum(7 <= event.at.hour < 20 for event in opened) > 0.85 * len(opened)
    on_weekends = [event for event in opened if event.at.weekday() > 4]
    assert 0 < len(on_weekends) < len(opened) / 8


def test_it_can_be_made_early_on_a_sunday(tmp_path):
    path = tmp_path / "sunday.db"
    engine = create_engine(f"sqlite:///{path}")
    prepare_engine(engine)
    schema.prepare_schema(engine, write_lock_for(engine))
    engine.dispose()
    runtime = worlds.open_world(path)
    demo.build(runtime, datetime(2026, 11, 22, 0, 3, tzinfo=UTC))
    assert audit_verify.verify(runtime).faults == ()
    runtime.close()


def test_nothing_but_the_demo_and_the_bench_set_the_clock_back():
    users = {
        str(path.relative_to(ROOT))
        for path in ROOT.rglob("*.py")
        if not {".venv", "tests"} & set(path.relative_to(ROOT).parts)
        and "standing_at" in path.read_text(encoding="utf-8")
    }
    assert users == {"services/clock.py", "services/demo.py", "bench/world.py"}


def test_everybody_can_sign_in_and_the_owner_comes_first(house, tmp_path):
    path, made = house
    worlds.copy(path, tmp_path / "copy.db")
    app = create_app(worlds.settings_for(tmp_path / "copy.db"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("services.clock.now", lambda: NOW)
        for guest in made.guests:
            browser = Browser(app)
            browser.open("/sign-in")
            page = browser.submit("sign-in", token=guest.token)
            assert guest.person.name in page.words
    assert made.guests[0].person.role is Role.OWNER
    app.extensions["chatelaine"].close()


@pytest.fixture
def start(tmp_path):
    """Start the command itself, as people do, with its temporary folders in a place of the test's own."""
    started = []

    def begin(port):
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "cli.py"), "demo", "--port", str(port)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | {"TMPDIR": str(tmp_path)},
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_greeting(process):
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("End it with"):
            return "".join(lines)
    raise AssertionError("".join(lines))


def fetch(url):
    """Get a page from a server that listens in a moment."""
    deadline = time.monotonic() + 10
    while True:
        try:
            with urlopen(url) as answer:
                return answer.read().decode()
        except URLError:
            if time.monotonic() > deadline:
                raise


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_command_serves_a_marked_house_and_leaves_nothing_behind(start, tmp_path, number):
    port = free_port()
    process = start(port)
    greeting = wait_for_greeting(process)
    assert len(re.findall(r"chl_signin_\w{8}_\S+", greeting)) == 5
    assert f"http://127.0.0.1:{port}/sign-in" in greeting
    assert "FAILED LOGIN" not in greeting
    assert [path.name for path in tmp_path.iterdir()] != []
    assert "this data is thrown away" in fetch(f"http://127.0.0.1:{port}/sign-in")
    process.send_signal(number)
    # The last holder of the output is the process that deletes the folder.
    process.communicate(timeout=20)
    assert list(tmp_path.iterdir()) == []


def test_a_taken_port_is_one_sentence(start, tmp_path):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        process = start(holder.getsockname()[1])
        output, _ = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "in use" in output
    assert "Traceback" not in output
    assert list(tmp_path.iterdir()) == []
