"""What a program's token is narrowed to, met over HTTP."""

from __future__ import annotations

import pytest
import time_machine
from sqlalchemy import select, update

from crypto.tokens import parse_token
from errors import TokenRefused
from models import AccessToken
from policy import NOBODY, Scope
from services import programs
from services.token_limits import read_networks
from services.unit_of_work import UnitOfWork

LIST = (Scope.ITEMS_LIST,)
BOTH = (Scope.ITEMS_LIST, Scope.ITEMS_REVEAL)


def path_of(world, name="Stripe dashboard"):
    return f"/api/v1/items/{world.items[name]}/reveal"


def names(program, **query):
    return [item["name"] for item in program.get("/api/v1/items", query_string=query).get_json()["items"]]


def uses_left(runtime, program):
    with runtime.engine.connect() as connection:
        return connection.scalar(select(AccessToken.uses_left).where(AccessToken.id == program.token_id))


def test_a_token_for_one_vault_sees_and_opens_nothing_of_another(api, world):
    program = api("alice", *BOTH, vaults=frozenset({world.vaults["Board"]}))
    assert names(program) == ["Board portal"]
    assert program.get("/api/v1/items", query_string={"vault": "Production"}).status_code == 404
    assert program.post(path_of(world)).status_code == 404
    assert program.post(path_of(world, "Board portal")).status_code == 200


def test_a_token_for_some_names_sees_and_opens_nothing_else(api, world, trail):
    program = api("rhea", *BOTH, names=("prod/*",))
    assert names(program) == ["prod/db primary"]
    assert names(program, q="stripe") == []
    assert program.post(path_of(world, "prod/db primary")).status_code == 200
    assert program.post(path_of(world)).status_code == 404
    assert trail.one("access.denied")["target_id"] == str(world.items["Stripe dashboard"])


def test_each_authenticated_request_is_a_use_and_the_last_one_answers(api, runtime, trail):
    program = api("rhea", *LIST, uses=2)
    assert [program.get("/api/v1/items").status_code for _ in range(4)] == [200, 200, 401, 401]
    assert {event["extra"]["reason"] for event in trail.events("token.misused")} == {"used up"}
    assert uses_left(runtime, program) == 0


def test_a_refused_request_is_a_use_as_well(api, world, runtime):
    program = api("rhea", *LIST, uses=2)
    assert program.post(path_of(world)).status_code == 403
    assert uses_left(runtime, program) == 1


def test_a_token_from_elsewhere_is_an_alert_and_costs_no_use(api, runtime, trail):
    program = api("rhea", *LIST, uses=2, networks=read_networks(["198.51.100.0/24"]))
    assert program.get("/api/v1/items").status_code == 401
    assert trail.one("token.misused")["extra"]["reason"] == "address"
    assert uses_left(runtime, program) == 2


def test_the_speed_of_a_token_is_its_own_and_a_refusal_for_it_costs_no_use(api, runtime):
    program = api("rhea", *LIST, uses=9, per_minute=2)
    other = api("rhea", *LIST)
    with time_machine.travel("2026-12-24T12:00:00Z", tick=False):
        answers = [program.get("/api/v1/items") for _ in range(4)]
        assert other.get("/api/v1/items").status_code == 200
    assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
    told = answers[2].get_json()
    assert (told["error"], told["limit"], told["used"]) == ("Too many requests", 2, 2)
    assert 0 < told["reset_in_hours"] <= 0.0167
    assert 0 < int(answers[2].headers["Retry-After"]) <= 60
    assert uses_left(runtime, program) == 7


def test_a_token_that_dies_while_the_turn_to_write_is_waited_for_writes_nothing(
    api, runtime, world, monkeypatch, trail
):
    program = api("mia", Scope.ITEMS_WRITE)
    begin = UnitOfWork.begin_writing

    def slowly(uow):
        uow.release()
        with runtime.engine.connect() as connection, connection.begin():
            dead = update(AccessToken).where(AccessToken.id == program.token_id)
            connection.execute(dead.values(revoked_at=uow.now))
        begin(uow)

    monkeypatch.setattr(UnitOfWork, "begin_writing", slowly)
    answer = program.post(f"/api/v1/vaults/{world.vaults['Production']}/items", json={"name": "new"})
    assert answer.status_code == 401
    assert trail.actions() == ["token.created", "token.misused"]


def test_what_was_looked_at_before_the_turn_to_write_came_is_looked_at_again(api, runtime):
    program = api("rhea", *LIST)
    with runtime.work(writing=False, actor=NOBODY) as uow:
        programs.enter(uow, parse_token(program.token))
        with runtime.engine.connect() as connection, connection.begin():
            dead = update(AccessToken).where(AccessToken.id == program.token_id)
            connection.execute(dead.values(revoked_at=uow.now))
        uow.begin_writing()
        with pytest.raises(TokenRefused):
            programs.enter(uow, parse_token(program.token), charged=True)


@pytest.mark.parametrize("header", ["X-Vault-Token", "X-Api-Key"])
def test_two_ways_of_showing_a_token_at_once_are_refused(api, header):
    program = api("rhea", *LIST)
    assert program.get("/api/v1/items", headers={header: program.token}).status_code == 400
