"""Two who act at the same moment: one tick, one responsible person, one open link for each person."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import func, select, update

from errors import NotFound
from models import Invitation, LeaverTick, Membership, Responsibility
from policy import Right, Role
from services import containment, items, leaver_ticks, leavers, people, responsibility
from services.leaver_ticks import Reason

TOGETHER = 8


def at_once(number, act):
    """Run *act* in so many threads, all from one moment on; return what came of them."""
    barrier = Barrier(number, timeout=30)

    def run(which):
        barrier.wait()
        return act(which)

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(run, range(number)))


@pytest.fixture
def revealed(runtime, world):
    """Rhea has opened a credential; its id, and the number of that event."""
    item_id = world.items["Stripe dashboard"]
    rhea = world.actor("rhea", {world.vaults["Production"]: Right.REVEAL})
    with runtime.work(writing=True, actor=rhea) as uow:
        items.reveal(uow, items.find(uow, item_id), "Password")
    with runtime.work(writing=False, actor=world.actor("adam")) as uow:
        return item_id, leavers.newest_reveal(uow, subject_of(uow, world), item_id)


def subject_of(uow, world):
    return leavers.of_person(uow, people.find(uow, world.members["rhea"]))


def count(runtime, model):
    with runtime.engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(model)).scalar_one()


def test_many_ticks_of_the_same_are_one(runtime, world, revealed):
    item_id, seq = revealed

    def tick(_which):
        with runtime.work(writing=True, actor=world.actor("adam")) as uow:
            leaver_ticks.tick(uow, subject_of(uow, world), item_id, seq, Reason.CHANGED)

    at_once(TOGETHER, tick)
    assert count(runtime, LeaverTick) == 1


def test_many_who_name_somebody_leave_one(runtime, world):
    mia = world.actor("mia", {world.vaults["Production"]: Right.EDIT})

    def give(which):
        with runtime.work(writing=True, actor=mia) as uow:
            item = items.find(uow, world.items["Stripe dashboard"])
            responsibility.give_item(uow, item, world.people[("mia", "rhea", "ula")[which % 3]])

    at_once(TOGETHER, give)
    assert count(runtime, Responsibility) == 1


def test_two_owners_who_reset_everybody_leave_each_person_one_open_link(runtime, world):
    with runtime.engine.begin() as connection:
        theirs = Membership.id.in_([world.members["mia"], world.members["rhea"]])
        connection.execute(update(Membership).where(theirs).values(role=Role.OWNER.value))

    def reset(which):
        with runtime.work(writing=True, actor=world.actor(("mia", "rhea")[which])) as uow:
            return containment.reset_everybody(uow, "Northwind")

    started = at_once(2, reset)
    assert [len(each.started) for each in started] == [5, 5]
    with runtime.engine.connect() as connection:
        open_ones = connection.execute(
            select(Invitation.email, func.count())
            .where(
                Invitation.organization_id == world.organizations["northwind"],
                Invitation.used_at.is_(None),
                Invitation.revoked_at.is_(None),
                Invitation.email.endswith("@northwind.example"),
            )
            .group_by(Invitation.email)
        ).all()
    # Alice, who runs the installation, is left alone.
    assert len(open_ones) == 6
    assert {number for _, number in open_ones} == {1}


def test_a_credential_that_goes_meanwhile_is_not_ticked_off(runtime, world, revealed):
    item_id, seq = revealed
    with runtime.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM item WHERE id = ?", (item_id.hex,))
    with runtime.work(writing=True, actor=world.actor("adam")) as uow, pytest.raises(NotFound):
        leaver_ticks.tick(uow, subject_of(uow, world), item_id, seq, Reason.CHANGED)
