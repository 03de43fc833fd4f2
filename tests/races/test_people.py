"""Two who act at the same moment: an owner stays, a link is spent once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import func, select, update

from crypto.tokens import parse_token
from errors import Denied, LastOwner, NotFound
from models import AccessToken, Membership
from policy import Role
from services import invitations, people, tokens

ROUNDS = 20
OWNERS = ("alice", "rhea")


@pytest.fixture
def crown(runtime, world):
    """Make Alice and Rhea active owners again, before each round."""

    def crown():
        with runtime.engine.begin() as connection:
            connection.execute(
                update(Membership)
                .where(Membership.id.in_([world.members[name] for name in OWNERS]))
                .values(role=Role.OWNER.value, disabled_at=None)
            )

    crown()
    return crown


def at_once(*acts):
    """Run each act in a thread of its own, all from one moment on; return what came of them."""
    barrier = Barrier(len(acts), timeout=30)

    def run(act):
        barrier.wait()
        try:
            return act()
        except (Denied, LastOwner, NotFound) as error:
            return error

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def owners_left(runtime, world):
    with runtime.engine.connect() as connection:
        return connection.execute(
            select(func.count()).where(
                Membership.organization_id == world.organizations["northwind"],
                Membership.role == Role.OWNER.value,
                Membership.disabled_at.is_(None),
            )
        ).scalar_one()


def test_two_owners_who_demote_each_other_leave_one(browser, runtime, world, crown):
    windows = {name: browser(name, address=f"192.0.2.{number}") for number, name in enumerate(OWNERS, 1)}
    for window in windows.values():
        window.open("/o/northwind/people")

    def demotion(by, whom):
        path = f"/o/northwind/people/{world.members[whom]}/role"
        data = {"csrf_token": windows[by].csrf(), "role": "member"}
        return lambda: windows[by]._send("POST", path, data=data).status_code

    for _ in range(ROUNDS):
        crown()
        answers = at_once(demotion(*OWNERS), demotion(*reversed(OWNERS)))
        assert owners_left(runtime, world) == 1, answers
        assert answers.count(302) == 1
        assert set(answers) <= {302, 403, 409}


def test_two_owners_who_disable_each_other_leave_one(runtime, world, crown):
    def disabling(by, whom):
        def act():
            with runtime.work(writing=True, actor=world.actor(by)) as uow:
                people.disable(uow, people.find(uow, world.members[whom]))

        return act

    for _ in range(ROUNDS):
        crown()
        answers = at_once(disabling(*OWNERS), disabling(*reversed(OWNERS)))
        assert owners_left(runtime, world) == 1, answers
        assert answers.count(None) == 1


def test_two_owners_who_step_down_at_once_leave_one(runtime, world, crown):
    def stepping_down(name):
        def act():
            with runtime.work(writing=True, actor=world.actor(name)) as uow:
                return people.change_role(uow, people.find(uow, world.members[name]), Role.MEMBER)

        return act

    for _ in range(ROUNDS):
        crown()
        answers = at_once(*map(stepping_down, OWNERS))
        assert owners_left(runtime, world) == 1, answers
        assert answers.count(True) == 1


def test_two_owners_who_revoke_their_tokens_at_once_leave_one_way_in(runtime, world, crown):
    def revoking(name):
        def act():
            with runtime.work(writing=True, actor=world.actor(name)) as uow:
                tokens.revoke(uow, tokens.find(uow, world.token_ids[name]))

        return act

    for _ in range(ROUNDS):
        with runtime.engine.begin() as connection:
            connection.execute(update(AccessToken).values(revoked_at=None))
        answers = at_once(*map(revoking, OWNERS))
        assert answers.count(None) == 1, answers


def test_a_link_that_many_spend_at_once_makes_one_token(runtime, world):
    for number in range(ROUNDS):
        with runtime.work(writing=True, actor=world.actor("adam")) as uow:
            link = invitations.invite(uow, f"new{number}@northwind.example", Role.MEMBER)

        def enrolling(link=link):
            with runtime.work(writing=True) as uow:
                return invitations.enrol(uow, parse_token(link.token)).token

        answers = at_once(*[enrolling] * 4)
        assert sum(isinstance(answer, tokens.Minted) for answer in answers) == 1, answers
