"""A new data key: everything comes under it while people go on, and nothing is ever unreadable."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest
from sqlalchemy import select

from crypto.keyring import SYSTEM
from models import AccessToken, AuditEvent, Grant, Passkey
from policy import Right, Scope
from services import (
    access_requests,
    audit_verify,
    encrypted,
    factors,
    grants,
    item_changes,
    items,
    keys,
    kv_rules,
    leaver_ticks,
    leavers,
    lockouts,
    passkey_checks,
    people,
    profiles,
    reencryption,
    sso_attempts,
    token_limits,
    vaults,
    wrapping,
)
from services.database import reading
from services.encrypted import ENCRYPTED
from services.leaver_ticks import Reason
from services.token_limits import Limits
from tests import world as worlds
from tests.attached import attach
from tests.imported import keep_preview
from tests.trail import Trail
from tests.world import PASSWORD, login


@pytest.fixture
def northwind(world):
    return world.organizations["northwind"]


@pytest.fixture
def turn(runtime):
    """Begin a turn; return the version that is active then."""

    def turn(owner):
        with runtime.work(writing=True) as uow:
            return reencryption.begin(uow, owner)

    return turn


def needed(runtime, owner):
    """Count rows by the version of the data key that they need."""
    counts = {}
    with reading(runtime.engine) as connection:
        for each in encrypted.tables_of(owner):
            for version, number in encrypted.versions(connection, each, owner).items():
                counts[version] = counts.get(version, 0) + number
    return counts


def passwords(runtime, world, actor="mia"):
    actor = world.actor(actor, {world.vaults["Production"]: Right.REVEAL})
    with runtime.work(writing=False, actor=actor) as uow:
        found = []
        for name in ("prod/db primary", "Stripe dashboard"):
            item = items.find(uow, world.items[name])
            values = items.values(uow, item, item.version)[1]
            found.append(next(each.value for each in values if each.name == "Password"))
        return found


def test_everything_comes_under_the_new_version(runtime, world, northwind, turn):
    trail = Trail(runtime)
    assert turn(northwind) == 2
    outcome = reencryption.run(runtime, northwind)
    assert (outcome.version, outcome.rows, outcome.broken) == (2, 3, 0)
    assert needed(runtime, northwind) == {2: 3}
    assert passwords(runtime, world) == [PASSWORD] * 2
    turned, done = trail.one("key.turned"), trail.one("key.reencrypted")
    assert turned["chain"] == done["chain"] == northwind
    assert turned["extra"] == {"version": 2, "was": 1}
    assert done["extra"] == {"version": 2, "rows": 3, "broken": 0}


def test_other_organizations_keep_theirs(runtime, world, northwind, turn):
    turn(northwind)
    reencryption.run(runtime, northwind)
    assert needed(runtime, world.organizations["lakeside"]) == {1: 1}


def test_what_is_written_in_between_is_under_the_new_version_at_once(runtime, world, northwind, turn, work):
    turn(northwind)
    with work("mia", writing=True) as uow:
        item_changes.create(uow, vaults.find(uow, world.vaults["Production"]), login("new one"))
    assert needed(runtime, northwind) == {1: 3, 2: 1}
    assert passwords(runtime, world) == [PASSWORD] * 2
    assert reencryption.run(runtime, northwind).rows == 3


def test_events_keep_their_key_and_new_ones_are_under_the_new(runtime, world, northwind, turn):
    turn(northwind)
    passwords(runtime, world)
    reencryption.run(runtime, northwind)
    with runtime.engine.connect() as connection:
        keys = runtime.keys_for(connection)
        own = select(AuditEvent.payload).where(AuditEvent.chain_id == northwind).order_by(AuditEvent.seq)
        versions = [keys.key_version_of(payload) for payload in connection.scalars(own)]
    assert versions == sorted(versions)
    assert set(versions) == {1, 2}
    assert audit_verify.verify(runtime).faults == ()


def plant_one_of_everything(runtime, world, work):
    """Put at least one row into each table of the list; whoever adds a table plants it here."""
    mia = world.actor("mia", {world.vaults["Production"]: Right.EDIT})
    keep_preview(runtime, mia, world.vaults["Production"], b"name,username,password\nMail,mia,correct\n")
    attach(runtime, mia, world.items["prod/db primary"])
    with work("mia", writing=True) as uow:
        item = world.items["prod/db primary"]
        kv_rules.store(uow, item, replace(kv_rules.rules_of(uow, item), custom={"owner": "ops"}))
    with work("alice", writing=True) as uow:
        vault = vaults.find(uow, world.vaults["Production"])
        grants.grant(uow, vault, world.people["noah"], Right.USE, reason="covers for Mia")
        profiles.save(uow, None, name="deploy", scopes=[Scope.ITEMS_LIST], names=["prod/*"])
        wrapping.wrap(uow, b"an answer", 60, path="sys/wrapping/wrap")
    with work("noah", writing=True) as uow:
        vault = vaults.find(uow, world.vaults["Production"])
        access_requests.ask_for_access(uow, vault, Right.REVEAL, "the database is down")
        factors.begin(uow, "noah@northwind.example")
        uow.session.add(passkey_of(uow, world.people["noah"]))
        token = uow.session.get_one(AccessToken, world.token_ids["noah"])
        token_limits.keep(uow, token, Limits(names=("prod/*",)))
        lockouts.count_attempt(uow, "0badcafe", None)
        secrets = sso_attempts.new_secrets()
        sso_attempts.begin(uow, "work", sso_attempts.Purpose.SIGNIN, secrets, "browser")
        uow.session.flush()
    with work("rhea") as uow:
        items.reveal(uow, items.find(uow, world.items["prod/db primary"]), "Password")
    with work("adam", writing=True) as uow:
        rhea = leavers.of_person(uow, people.find(uow, world.members["rhea"]))
        seq = leavers.newest_reveal(uow, rhea, world.items["prod/db primary"])
        leaver_ticks.tick(uow, rhea, world.items["prod/db primary"], seq, Reason.CHANGED, "by phone")


def passkey_of(uow, user_id):
    passkey_id = uuid4()
    return Passkey(
        id=passkey_id,
        user_id=user_id,
        credential_id=b"credential",
        public_key=passkey_checks.seal(uow, passkey_id, user_id, b"public"),
        name="Phone",
        counter=0,
        synced=False,
        copied=False,
        transports="",
        created_at=uow.now,
    )


def test_one_of_everything_comes_under_the_new_version(runtime, world, northwind, turn, work):
    plant_one_of_everything(runtime, world, work)
    owners = {True: SYSTEM, False: northwind}
    with reading(runtime.engine) as connection:
        planted = [encrypted.count(connection, each, owners[each.of_system]) for each in ENCRYPTED]
    assert all(planted), "a table of the list has no row here"
    for owner in (northwind, SYSTEM):
        turn(owner)
        assert reencryption.run(runtime, owner).broken == 0
        assert set(needed(runtime, owner)) == {2}
    with work("alice") as uow:
        given = uow.session.scalars(select(Grant).where(Grant.reason.is_not(None))).one()
        assert grants.reason_of(uow, given) == "covers for Mia"
        assert kv_rules.rules_of(uow, world.items["prod/db primary"]).custom == {"owner": "ops"}


def test_what_cannot_be_decrypted_stays_and_keeps_nobody_from_the_next_turn(
    runtime, world, northwind, turn, sql
):
    sql("UPDATE item_version SET details = ? WHERE item_id = ?", bytes(120), world.items["Board portal"].hex)
    assert turn(northwind) == 2
    outcome = reencryption.run(runtime, northwind)
    assert (outcome.rows, outcome.broken) == (2, 1)
    assert turn(northwind) == 3


def test_a_turn_under_way_goes_on_instead_of_beginning_another(runtime, northwind, turn):
    assert [turn(northwind), turn(northwind)] == [2, 2]
    left = iter([True, False])
    reencryption.run(runtime, northwind, goes_on=lambda: next(left, False))
    assert turn(northwind) == 3, "all fitted into one batch"


def test_whoever_changes_a_row_first_wins(runtime, northwind, turn):
    turn(northwind)
    versions, *_ = ENCRYPTED
    with reading(runtime.engine) as connection:
        (row, *_rest) = encrypted.left(connection, versions, northwind, 2, after=None, limit=1)
    reencryption.run(runtime, northwind)
    with runtime.work(writing=True) as uow:
        assert not encrypted.exchange(uow.connection, versions, row, {"overview": row["overview"]})
    assert needed(runtime, northwind) == {2: 3}


def test_another_turn_in_between_leaves_nothing_under_the_version_before(
    runtime, northwind, turn, monkeypatch
):
    """The rows of a batch were read, and before they are put in place the key is replaced once more."""
    turn(northwind)
    fresh = reencryption._fresh
    turned = []

    def turn_meanwhile(*arguments):
        if not turned:
            turned.append(True)
            with runtime.work(writing=True) as uow:
                keys.make_keys(uow.connection, runtime.masters, northwind, ("data", "audit"))
        return fresh(*arguments)

    monkeypatch.setattr(reencryption, "_fresh", turn_meanwhile)
    reencryption.run(runtime, northwind)
    assert needed(runtime, northwind) == {3: 3}


def test_two_processes_at_once_re_encrypt_each_row_once(runtime, world, northwind, turn, database):
    turn(northwind)
    other = worlds.open_world(database)
    rows = []

    def both(_done, _all):
        if not rows:
            rows.append(0)
            rows[0] = reencryption.run(other, northwind).rows

    first = reencryption.run(runtime, northwind, progress=both)
    assert first.rows + rows[0] == 3
    assert passwords(other, world) == [PASSWORD] * 2
    other.close()


def test_every_process_opens_its_keys_anew_before_their_next_use(runtime, world, northwind, turn, database):
    other = worlds.open_world(database)
    assert passwords(other, world) == [PASSWORD] * 2
    turn(northwind)
    reencryption.run(runtime, northwind)
    assert passwords(other, world) == [PASSWORD] * 2
    actor = world.actor("mia", {world.vaults["Production"]: Right.MANAGE})
    with other.work(writing=True, actor=actor) as uow:
        item_changes.create(uow, vaults.find(uow, world.vaults["Production"]), login("by the other"))
    other.close()
    assert needed(runtime, northwind) == {2: 4}


def test_what_was_interrupted_is_known(runtime, northwind, turn):
    assert reencryption.unfinished(runtime) == []
    turn(northwind)
    assert reencryption.unfinished(runtime) == [northwind]
    reencryption.run(runtime, northwind)
    assert reencryption.unfinished(runtime) == []
