"""The eleven tests of isolation (R74), each shown to see: without its wall it finds what then comes through.

Whoever asks is an owner of Northwind who claims every right on every vault, of Lakeside's too: rights are a
wall of their own, and here they must not be what holds.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from blueprints import verdicts
from crypto.tokens import parse_token
from errors import ChatelaineError, NoOrganization
from models import AuditEvent, Base, Grant, Item, Tenant, Vault
from policy import Right, Scope
from services import (
    actor_queries,
    api_tokens,
    attachment_queries,
    attachments,
    audit_read_queries,
    audit_reading,
    clock,
    item_changes,
    item_queries,
    items,
    people,
    programs,
    token_list,
    vaults,
)
from services.database import see_organization
from services.token_list import Wanted
from services.unit_of_work import UnitOfWork
from tests.isolation import walls
from tests.isolation.conftest import BOTH, OTHER, Two, ids_of
from tests.world import LAKESIDE, NORTHWIND

Wall = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True)
class Case:
    """A test of isolation.

    Args:
        look: tries to reach something of Lakeside from Northwind; returns what it has reached.
        walls: what stands between the two there; with all of them gone, *look* must reach something.
    """

    look: Callable[[Two], list[str]]
    walls: tuple[Wall, ...]


def attempt(reached: list[str], what: str, act: Callable[[], object]) -> None:
    """Note what *act* has reached, if it returns anything."""
    try:
        found = act()
    except ChatelaineError:
        return
    if found not in (None, [], set(), (), 404):
        reached.append(what)


def at_northwind(two: Two, *, writing: bool = False):
    return two.runtime.work(writing=writing, actor=two.actor(NORTHWIND))


def a_credential(two: Two) -> list[str]:
    reached: list[str] = []
    foreign = two.things[LAKESIDE]
    with at_northwind(two) as uow:
        attempt(reached, "live", lambda: items.find(uow, foreign["item_id"]).id)
        attempt(reached, "trashed", lambda: items.find(uow, foreign["trashed_id"]).id)
        uow.events.clear()
    return reached


def a_vault(two: Two) -> list[str]:
    reached: list[str] = []
    with at_northwind(two) as uow:
        attempt(reached, "by id", lambda: vaults.find(uow, two.things[LAKESIDE]["vault_id"]))
        foreign = ids_of(two, Vault, LAKESIDE)
        attempt(reached, "in the list", lambda: {line.vault.id for line in vaults.visible(uow)} & foreign)
        attempt(reached, "by name", lambda: set(vaults.names(uow)) & foreign)
    return reached


def an_address_of_one_s_own_with_another_s_thing(two: Two) -> list[str]:
    """What an owner's role opens: access to a vault, people, tokens."""
    alice = two.open_browser("alice")
    foreign = two.things[LAKESIDE]
    reached = []
    for path in (f"vaults/{foreign['vault_id']}/access", f"people/{foreign['member_id']}"):
        status = alice._send("GET", f"/o/northwind/{path}").status_code
        if status != 404:
            reached.append(f"{path}: {status}")
    return reached


def a_file(two: Two) -> list[str]:
    """By its own id, and as one of a credential past the guard."""
    reached: list[str] = []
    with at_northwind(two) as uow:
        attempt(reached, "by id", lambda: attachments.find(uow, two.things[LAKESIDE]["file_id"]).id)
        own = items.find(uow, two.things[NORTHWIND]["item_id"])
        forged = replace(own, id=two.things[LAKESIDE]["item_id"])
        attempt(reached, "of a credential", lambda: [one.id for one in attachments.of(uow, forged, 3)])
        uow.events.clear()
    return reached


def a_version(two: Two) -> list[str]:
    """Past the guard, which hands over items and no ids."""
    reached: list[str] = []
    with at_northwind(two) as uow:
        own = items.find(uow, two.things[NORTHWIND]["item_id"])
        forged = replace(own, id=two.things[LAKESIDE]["item_id"])
        attempt(reached, "history", lambda: [line.number for line in items.history(uow, forged)])
        asked = {"item_id": forged.id, "number": 1, "organization_id": uow.organization_id}
        row = uow.connection.execute(item_queries.READ_VERSION, asked).first()
        attempt(reached, "first version", lambda: row)
        uow.events.clear()
    return reached


def the_audit_log(two: Two) -> list[str]:
    reached: list[str] = []
    chain = two.world.organizations[NORTHWIND]
    with two.runtime.engine.connect() as connection:
        foreign = set(
            connection.execute(
                select(AuditEvent.id).where(AuditEvent.chain_id == two.world.organizations[LAKESIDE])
            ).scalars()
        )
    with at_northwind(two) as uow:
        page = audit_reading.page(uow, chain, audit_reading.Filter())
        attempt(reached, "in the list", lambda: {line.id for line in page.lines} & foreign)
        single = audit_reading._lines(uow, chain, range(1, 20))
        attempt(reached, "by number", lambda: {line.id for line in single} & foreign)
        uow.events.clear()
    return reached


def another_organization_s_address(two: Two) -> list[str]:
    reached = []
    alice = two.open_browser("alice")
    for path in (
        "",
        "vaults",
        "people",
        "tokens",
        "audit",
        "settings",
        f"items/{two.things[LAKESIDE]['item_id']}",
    ):
        status = alice._send("GET", f"/o/lakeside/{path}").status_code
        if status != 404:
            reached.append(f"{path}: {status}")
    return reached


def everything_at_once(two: Two) -> list[str]:
    """Lists and exports."""
    reached: list[str] = []
    with at_northwind(two) as uow:
        exported = token_list.export(uow, Wanted())
        attempt(reached, "tokens", lambda: two.strangers_words(NORTHWIND, exported))
        shown = str(people.everybody(uow))
        attempt(reached, "people", lambda: two.strangers_words(NORTHWIND, shown))
        uow.events.clear()
    return reached


def every_table(two: Two) -> list[str]:
    reached = []
    here = two.world.organizations[NORTHWIND]
    with at_northwind(two) as uow:
        for mapper in Base.registry.mappers:
            if issubclass(mapper.class_, Tenant):
                rows = uow.session.scalars(select(mapper.class_)).all()
                if {row.organization_id for row in rows} - {here}:
                    reached.append(mapper.class_.__name__)
    return reached


def a_reference(two: Two) -> list[str]:
    """Things of one's own that are made to refer to another's: a right for a stranger, a move over there."""
    reached: list[str] = []
    foreign, own = two.things[LAKESIDE], two.things[NORTHWIND]

    def grant_a_stranger(uow):
        vaults.grant(uow, vaults.find(uow, own["vault_id"]), foreign["user_id"], Right.USE)
        return uow.session.query(Grant).filter(Grant.user_id == foreign["user_id"]).count()

    def move_over(uow):
        item_changes.move(uow, items.find(uow, own["item_id"]), vaults.find(uow, foreign["vault_id"]))
        return 1

    for what, act in (("a right", grant_a_stranger), ("a move", move_over)):
        with pytest.MonkeyPatch.context() as patch:
            # Whatever comes of it is undone.
            patch.setattr(UnitOfWork, "finish", UnitOfWork.abandon)
            with at_northwind(two, writing=True) as uow:
                attempt(reached, what, lambda uow=uow, act=act: act(uow))
    return reached


def the_list_for_programs(two: Two) -> list[str]:
    """Also with a vault of the other's among those asked for: the index must not know it."""
    reached: list[str] = []
    two.runtime.indexes.forget(two.world.organizations[NORTHWIND])
    with at_northwind(two) as uow:
        index = uow.runtime.indexes.of(uow)
        every_vault = [two.things[slug]["vault_id"] for slug in OTHER]
        found = {entry.id for entry in index.page(every_vault, limit=1000).entries}
        attempt(reached, "entries", lambda: found & ids_of(two, Item, LAKESIDE))
        uow.events.clear()
    return reached


def a_program_of_somebody_in_both(two: Two) -> list[str]:
    """Rhea manages a vault in each; her token of Northwind must not reach the one in Lakeside."""
    with two.runtime.work(writing=True, actor=two.actor(NORTHWIND, BOTH)) as uow:
        text = api_tokens.issue(uow, "job", list(Scope), two.runtime.rules.trash_kept).text
    reached: list[str] = []
    with two.runtime.work(writing=False) as uow:
        programs.enter(uow, parse_token(text))
        attempt(reached, "rights", lambda: two.things[LAKESIDE]["vault_id"] in uow.actor.rights or None)
    headers = {"Authorization": f"Bearer {text}"}
    foreign = two.things[LAKESIDE]["item_id"]
    answer = two.app.test_client().post(f"/api/v1/items/{foreign}/reveal", json={}, headers=headers)
    attempt(reached, f"reveal: {answer.status_code}", lambda: answer.status_code)
    return reached


def no_organization_at_all(two: Two) -> list[str]:
    """A statement that names none is refused, and so is a row of another than the session's."""
    reached: list[str] = []

    def read() -> object:
        with Session(two.runtime.engine) as session:
            return session.scalars(select(Vault)).all()

    def write() -> object:
        with Session(two.runtime.engine) as session:
            see_organization(session, two.world.organizations[NORTHWIND])
            session.add(
                Vault(
                    id=uuid4(),
                    organization_id=two.world.organizations[LAKESIDE],
                    name="Stowaway",
                    description="",
                    created_at=clock.now(),
                    created_by=UUID(int=1),
                )
            )
            session.flush()
            session.rollback()
            return "written"

    attempt(reached, "read", read)
    attempt(reached, "written", write)
    return reached


CASES = {
    "a credential": Case(a_credential, (lambda: walls.bind(item_queries, "READ"),)),
    "a vault": Case(a_vault, (walls.automatic_filter,)),
    "an own address with another's thing": Case(
        an_address_of_one_s_own_with_another_s_thing,
        (
            walls.automatic_filter,
            lambda: walls.replaced(
                verdicts, "_organization_of", lambda uow, _thing: uow.actor.organization_id
            ),
        ),
    ),
    "a version": Case(a_version, (lambda: walls.bind(item_queries, "VERSIONS", "READ_VERSION"),)),
    "a file": Case(
        a_file,
        (
            lambda: walls.bind(attachment_queries, "READ", "OF_VERSION"),
            lambda: walls.bind(item_queries, "READ"),
        ),
    ),
    "the audit log": Case(the_audit_log, (lambda: walls.bind(audit_read_queries, "ROWS"),)),
    "another organization's address": Case(
        another_organization_s_address,
        (lambda: walls.bind(actor_queries, "FIND_MEMBERSHIP", bound="user_id"),),
    ),
    "everything at once": Case(everything_at_once, (walls.automatic_filter,)),
    "every table": Case(every_table, (walls.automatic_filter,)),
    "a reference": Case(a_reference, (walls.automatic_filter,)),
    "the list for programs": Case(
        the_list_for_programs, (lambda: walls.bind(item_queries, "CHANGED_SINCE"),)
    ),
    "a program of somebody in both": Case(
        a_program_of_somebody_in_both, (lambda: walls.bind(actor_queries, "RIGHTS"),)
    ),
    "no organization at all": Case(no_organization_at_all, (walls.automatic_filter, walls.guard_on_writes)),
}


@pytest.mark.parametrize("name", CASES)
def test_nothing_is_reached(two, name):
    assert CASES[name].look(two) == []


@pytest.mark.sqlite
@pytest.mark.parametrize("name", CASES)
def test_without_its_walls_something_is(two, name):
    """The test above would see it: what it looks at is really there, and only the walls keep it away."""
    case = CASES[name]
    with ExitStack() as stack:
        for wall in case.walls:
            stack.enter_context(wall())
        assert case.look(two) != []


@pytest.mark.postgresql
@pytest.mark.parametrize("name", CASES)
def test_without_its_walls_the_database_still_keeps_it_away(two, name):
    """Row security: the same holes, and nothing comes through; another's row is not even written."""
    case = CASES[name]
    with ExitStack() as stack:
        for wall in case.walls:
            stack.enter_context(wall())
        if name == "no organization at all":
            with pytest.raises(ProgrammingError, match="row-level security"):
                case.look(two)
        else:
            assert case.look(two) == []


@pytest.mark.parametrize("wall", [0, 1])
def test_of_two_walls_each_holds_alone(two, wall):
    case = CASES["an own address with another's thing"]
    with case.walls[wall]():
        assert case.look(two) == []


def test_a_session_without_an_organization_is_refused_by_name(two):
    with pytest.raises(NoOrganization), Session(two.runtime.engine) as session:
        session.scalars(select(Vault)).all()
