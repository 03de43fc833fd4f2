"""Wrapped answers, and what the server says of itself."""

from __future__ import annotations

import json

import pytest
import time_machine

from services import clock
from tests.guesses import wrong_secret
from tests.world import past_the_program

DATA = "production/data/Stripe dashboard"
MINUTE = {"X-Vault-Wrap-TTL": "1m"}


@pytest.fixture
def wrapped(vault):
    """Wrap a credential; return what is told of that."""
    answer = vault().send("GET", DATA, headers=MINUTE)
    told = answer.get_json()
    assert (answer.status_code, told["data"], told["auth"]) == (200, None, None)
    return told["wrap_info"]


def test_an_answer_is_put_aside_and_given_out_as_it_was_once(vault, wrapped, trail):
    assert wrapped["ttl"] == 60
    nobody = vault(None)
    told = nobody.write("sys/wrapping/lookup", {"token": wrapped["token"]})
    assert (told["creation_ttl"], told["creation_path"]) == (60, "production/data/…")
    nobody.token = wrapped["token"]
    opened = nobody.send("POST", "sys/wrapping/unwrap").get_json()
    assert opened["data"]["data"]["username"] == "vault_rw"
    assert trail.events("wrap.misused") == []
    second = vault(None).refusal("POST", "sys/wrapping/unwrap", {"token": wrapped["token"]})
    assert second == (400, ["wrapping token is not valid or does not exist"])
    assert trail.one("wrap.misused")["target_id"] == wrapped["accessor"]


def test_the_handle_of_a_wrapping_token_with_another_secret_opens_nothing_and_ends_nothing(vault, wrapped):
    guess = {"token": wrong_secret(wrapped["token"])}
    for path in ("unwrap", "lookup", "rewrap"):
        assert vault(None).refusal("POST", f"sys/wrapping/{path}", guess)[0] == 400
    assert vault(None).send("POST", "sys/wrapping/unwrap", {"token": wrapped["token"]}).status_code == 200


def test_the_reveal_is_recorded_when_it_is_wrapped(vault, trail):
    vault().send("GET", DATA, headers=MINUTE)
    assert trail.actions() == ["token.created", "item.revealed", "wrap.created"]


def test_a_wrapped_answer_ends_in_its_time_and_can_be_put_under_a_new_token(vault, wrapped):
    again = (
        vault(None).send("POST", "sys/wrapping/rewrap", {"token": wrapped["token"]}).get_json()["wrap_info"]
    )
    assert vault(None).refusal("POST", "sys/wrapping/unwrap", {"token": wrapped["token"]})[0] == 400
    with time_machine.travel(clock.now().timestamp() + 61, tick=False):
        assert vault(None).refusal("POST", "sys/wrapping/unwrap", {"token": again["token"]})[0] == 400


def test_a_caller_keeps_their_own_token_when_they_unwrap(vault, wrapped):
    client = vault()
    client.write("sys/wrapping/unwrap", {"token": wrapped["token"]})
    assert client.read("auth/token/lookup-self")["id"] == client.token


def test_a_wrapped_token_can_be_revoked_by_its_accessor_beforehand(vault):
    client = vault()
    info = client.send("POST", "auth/token/create", {}, headers=MINUTE).get_json()["wrap_info"]
    client.write("auth/token/revoke-accessor", {"accessor": info["wrapped_accessor"]})
    opened = vault(None).send("POST", "sys/wrapping/unwrap", {"token": info["token"]}).get_json()
    program = vault(None)
    program.token = opened["auth"]["client_token"]
    assert program.refusal("GET", "auth/token/lookup-self")[0] == 403


def test_anything_can_be_wrapped_and_the_header_is_demanded(vault):
    client = vault()
    status, sentences = client.refusal("POST", "sys/wrapping/wrap", {"a": 1})
    assert (status, sentences) == (400, ["endpoint requires response wrapping to be used"])
    info = client.send("POST", "sys/wrapping/wrap", {"a": 1.5}, headers=MINUTE).get_json()["wrap_info"]
    assert vault(None).write("sys/wrapping/unwrap", {"token": info["token"]}) == {"a": 1.5}
    for wrong in ("-1", "soon", "400d"):
        assert client.refusal("GET", DATA, headers={"X-Vault-Wrap-TTL": wrong})[0] == 400


def test_a_failure_is_not_wrapped(vault):
    assert vault().refusal("GET", "production/data/nothing", headers=MINUTE) == (404, [])


def test_what_is_put_aside_lies_encrypted_and_goes_when_it_is_opened(vault, wrapped, database):
    [(sealed,)] = past_the_program(database, "SELECT sealed FROM wrapped")
    assert b"vault_rw" not in bytes(sealed)
    vault(None).write("sys/wrapping/unwrap", {"token": wrapped["token"]})
    assert past_the_program(database, "SELECT sealed FROM wrapped") == [(None,)]


@pytest.mark.parametrize("path", ["sys/health", "sys/seal-status", "sys/leader", "sys/init"])
def test_the_server_says_how_it_is_to_everybody(vault, path):
    answer = vault(None).send("GET", path)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    told = json.loads(answer.get_data())
    assert told.get("sealed", False) is False
    assert told.get("initialized", True) is True


def test_health_can_be_asked_for_its_status_alone(vault):
    nobody = vault(None)
    assert nobody.send("HEAD", "sys/health").status_code == 200
    assert nobody.send("HEAD", "sys/health", query_string={"activecode": "299"}).status_code == 299
    assert nobody.send("GET", "sys/health").get_json()["version"].count(".") == 2
    assert nobody.refusal("PUT", "sys/init", {}) == (400, ["Vault is already initialized"])
