"""Every address, tried by everybody, on their own organization's things and on another's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from werkzeug.routing import Rule

from services.unit_of_work import UnitOfWork
from tests.addresses import NOWHERE, fill
from tests.matrix.house import PROGRAMS, House, without_accidents
from tests.matrix.table import OPERATOR, RIGHTS, ROLES, TABLE, expected
from tests.trail import Trail
from tests.web.dump import dump
from tests.world import LAKESIDE, NORTHWIND

INSIDERS = ("alice", "adam", "audrey", "mona", "mia", "noah")
IDS = frozenset(
    {
        *("vault_id", "item_id", "member_id", "token_id", "invitation_id", "lockout_id", "session_id"),
        *("group_id", "request_id", "passkey_id", "organization_id", "identity_id"),
        "run_id",
        "file_id",
        "profile_id",
    }
)


@contextmanager
def nothing_kept() -> Iterator[None]:
    """Let requests run to their end and be undone then, so that the next finds everything as it was."""

    def undo(uow: UnitOfWork) -> None:
        uow.events = []
        uow.release()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(UnitOfWork, "_commit", undo)
        yield


def routes(house: House) -> dict[str, tuple[Rule, str]]:
    return {
        f"{method} {rule.endpoint}": (rule, method)
        for rule in house.app.url_map.iter_rules()
        # The Vault-compatible API has paths for ids: test_vault_api.py has its table.
        if not rule.rule.startswith("/v1/")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def form_of(house: House, line: str) -> dict[str, str]:
    known = {**house.world.people, "group": house.own["group_id"]}
    form = dict(TABLE[line].form)
    return {name: str(known.get(value, value)) for name, value in form.items()}


def test_every_address_stands_in_the_table(house):
    assert routes(house).keys() == TABLE.keys()


@pytest.mark.parametrize("line", TABLE)
def test_everybody_gets_what_the_table_says(house, line):
    rule, method = routes(house)[line]
    form = form_of(house, line)
    before = dump(house.runtime)
    found, wanted = {}, {}
    unrecorded = []
    for name, actor in house.everybody.items():
        status, led_to = wanted[name] = expected(TABLE[line], name, method)
        path = fill(rule, house.world, **house.own, session_id=actor.session_id)
        denials = house.denials()
        if status in {401, 403, 404} or led_to:
            answer = house.send(name, method, path, form)
        else:
            with nothing_kept():
                answer = house.send(name, method, path, form)
        location = answer.headers.get("Location", "")
        found[name] = (answer.status_code, led_to if led_to and location.startswith(led_to) else "")
        refused = status in {403, 404} and not TABLE[line].public
        if house.denials() - denials != refused:
            unrecorded.append(name)
    assert found == wanted
    assert unrecorded == []
    assert dump(house.runtime) == before


def with_ids(house: House, who: str) -> list[tuple[Rule, str, str]]:
    """Return every id in every address; but no organization is foreign to the operator."""
    foreign = IDS - {"organization_id"} if who == OPERATOR else IDS
    return [
        (rule, method, name)
        for rule, method in routes(house).values()
        for name in sorted(rule.arguments & foreign)
    ]


def test_every_id_in_an_address_is_one_that_is_tried(house):
    named = {name for rule, _ in routes(house).values() for name in rule.arguments}
    assert named - IDS == {"slug", "filename", "token", "number", "seq", "provider"}


@pytest.mark.parametrize("name", [*INSIDERS, *PROGRAMS])
def test_a_foreign_id_is_as_good_as_a_random_one(house, name):
    """Under one's own organization's address, with the id of a thing of the other's."""
    before = dump(house.runtime)
    tried = 0
    for rule, method, argument in with_ids(house, name):
        form = form_of(house, f"{method} {rule.endpoint}")
        foreign_id = house.foreign.get(argument, house.everybody["mallory"].session_id)
        answers = []
        for thing in (foreign_id, NOWHERE):
            denials = house.denials()
            answer = house.send(name, method, fill(rule, house.world, **{**house.own, argument: thing}), form)
            recorded = house.denials() - denials
            answers.append((without_accidents(answer).replace(str(thing), ""), recorded))
        assert answers[0] == answers[1], rule
        scope = TABLE[f"{method} {rule.endpoint}"].scope
        reached = PROGRAMS.get(name, "-") in scope.split()
        if reached if scope and name in PROGRAMS else name in ROLES and not scope:
            assert answers[0][0].startswith("404 "), (rule, answers[0][0][:200])
            assert answers[0][1] == 1, rule
        tried += 1
    assert tried > 20
    assert dump(house.runtime) == before


@pytest.mark.parametrize("name", [*INSIDERS, "mallory"])
def test_another_organization_is_as_good_as_none(house, name):
    """Under the other organization's own address, with its own things."""
    before = dump(house.runtime)
    own, other = (LAKESIDE, house.own) if name == "mallory" else (NORTHWIND, house.foreign)
    assert other["slug"] != own
    for rule, method in routes(house).values():
        if "slug" not in rule.arguments:
            continue
        form = form_of(house, f"{method} {rule.endpoint}")
        answers = []
        for slug in (other["slug"], "nobodys"):
            denials = house.denials()
            path = fill(rule, house.world, **{**other, "slug": slug})
            answer = house.send(name, method, path, form)
            assert house.denials() - denials == 1, path
            answers.append(without_accidents(answer).replace(slug, ""))
        assert answers[0] == answers[1], rule
        assert answers[0].startswith("404 "), (rule, answers[0][:200])
    assert dump(house.runtime) == before


def test_what_was_asked_for_of_another_organization_stands_in_one_s_own_log(house):
    """The thing's id stands there with the person who tried; the other organization sees nothing of it."""
    trail = Trail(house.runtime)
    foreign = house.foreign["item_id"]
    house.send("mia", "GET", f"/o/{NORTHWIND}/items/{foreign}")
    house.send("mia", "GET", f"/o/{LAKESIDE}/items/{foreign}")

    inside, outside = trail.events("access.denied")
    assert inside["target_id"] == outside["target_id"] == str(foreign)
    assert outside["extra"]["organization"] == LAKESIDE
    assert {inside["chain"], outside["chain"]} == {house.world.organizations[NORTHWIND]}
    assert inside["actor"] == "Mia"


def test_the_table_has_everybody(house):
    """Each kind of actor that can come is there, and each right and role."""
    assert house.everybody.keys() >= ROLES.keys() | PROGRAMS.keys()
    assert set(RIGHTS.values()) == {1, 2, 3, 4}
    assert set(ROLES.values()) == {"owner", "admin", "member", "auditor"}
