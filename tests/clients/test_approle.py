"""Coming in by a role and a secret id."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from models import Membership
from policy import Scope
from services import api_tokens, clock, profiles
from services.token_limits import Limits, read_networks

ROLE = "auth/ci/role/deploy"
DATA = "production/data/Stripe dashboard"


@pytest.fixture
def client(vault, runtime, world):
    """Alice's client, a profile to reveal with, and a role for it."""
    with runtime.work(writing=True, actor=world.actor("alice")) as uow:
        profiles.save(uow, None, name="reader", scopes=[Scope.ITEMS_REVEAL])
    client = vault()
    client.write("sys/auth/ci", {"type": "approle"})
    client.write(ROLE, {"token_policies": "reader", "token_ttl": "20m"})
    return client


@pytest.fixture
def log_in(vault, client):
    """Come in with a new secret id; return the answer."""

    def come(address="192.0.2.30", **body):
        made = client.write(f"{ROLE}/secret-id", body)
        role_id = client.read(f"{ROLE}/role-id")["role_id"]
        shown = {"role_id": role_id, "secret_id": made["secret_id"]}
        return shown, vault(None, address=address).send("POST", "auth/ci/login", shown)

    return come


def test_a_program_comes_in_and_may_what_its_profiles_say(vault, log_in, trail):
    _, answer = log_in(metadata='{"host": "runner-1"}')
    auth = answer.get_json()["auth"]
    assert (auth["policies"], auth["lease_duration"], auth["orphan"]) == (["default", "reader"], 1200, True)
    assert auth["metadata"] == {"host": "runner-1", "role_name": "deploy"}
    program = vault(None)
    program.token = auth["client_token"]
    program.read(DATA)
    assert program.refusal("POST", DATA, {"data": {}})[0] == 403
    assert trail.one("item.revealed")["actor"] == "Alice (ci deploy)"
    assert trail.one("token.created")["actor"] == "Alice (ci/deploy)"


@pytest.mark.parametrize("wrong", [{"secret_id": "x"}, {"role_id": "x"}, {"secret_id": ""}])
def test_halves_that_do_not_belong_together_open_nothing(vault, log_in, wrong):
    shown, _ = log_in()
    answer = vault(None).refusal("POST", "auth/ci/login", shown | wrong)
    assert answer == (400, ["invalid role or secret ID"])
    assert vault(None).refusal("POST", "auth/elsewhere/login", shown)[0] == 400
    assert vault(None).refusal("POST", "auth/ci/login", {}) == (400, ["missing role_id"])


def test_a_wrong_secret_id_is_recorded_where_the_role_is(vault, log_in, trail, world):
    shown, _ = log_in()
    vault(None).send("POST", "auth/ci/login", shown | {"secret_id": "x"})
    event = trail.one("signin.failed")
    assert (event["chain"], event["target"]) == (world.organizations["northwind"], "deploy")


def test_a_secret_id_ends_after_its_uses_its_time_and_its_destruction(vault, client, log_in):
    shown, answer = log_in(num_uses=1)
    assert answer.status_code == 200
    assert vault(None).refusal("POST", "auth/ci/login", shown)[0] == 400
    shown, _ = log_in(ttl="10m")
    with time_machine.travel(clock.now().timestamp() + 601, tick=False):
        assert vault(None).refusal("POST", "auth/ci/login", shown)[0] == 400
    shown, _ = log_in()
    client.write(f"{ROLE}/secret-id/destroy", {"secret_id": shown["secret_id"]})
    assert vault(None).refusal("POST", "auth/ci/login", shown)[0] == 400
    assert (
        client.send("POST", f"{ROLE}/secret-id/lookup", {"secret_id": shown["secret_id"]}).status_code == 204
    )


def test_a_secret_id_and_its_tokens_can_be_bound_to_networks(vault, log_in):
    _, answer = log_in(cidr_list=["10.0.0.0/8"])
    assert answer.status_code == 400
    assert 'source address "192.0.2.30" unauthorized' in answer.get_json()["errors"][0]
    _, answer = log_in(address="10.1.2.3", cidr_list="10.0.0.0/8", token_bound_cidrs="10.1.0.0/16")
    program = vault(None, address="10.1.9.9")
    program.token = answer.get_json()["auth"]["client_token"]
    assert program.read("auth/token/lookup-self")["bound_cidrs"] == ["10.1.0.0/16"]
    program.address = "192.0.2.30"
    assert program.refusal("GET", "auth/token/lookup-self") == (403, ["permission denied"])


def test_the_organization_that_is_named_is_the_role_s_own(vault, log_in):
    shown, _ = log_in()
    for namespace, status in (("lakeside", 400), ("nowhere", 400), ("northwind", 200), ("", 200)):
        answer = vault(None).send("POST", "auth/ci/login", shown, headers={"X-Vault-Namespace": namespace})
        assert answer.status_code == status, namespace


def test_a_role_can_be_bound_to_networks(client, log_in):
    client.write(ROLE, {"secret_id_bound_cidrs": "10.0.0.0/8"})
    assert log_in()[1].status_code == 400
    assert log_in(address="10.1.2.3")[1].status_code == 200


def test_what_is_made_to_end_makes_no_role_that_goes_on(vault, client, runtime, world):
    made = client.send("POST", "auth/token/create", {"ttl": "10m"}).get_json()["auth"]
    counted = client.send("POST", "auth/token/create", {"ttl": "10m", "num_uses": 9}).get_json()["auth"]
    with runtime.work(writing=True, actor=world.actor("alice")) as uow:
        limits = Limits(uses=9)
        few = api_tokens.issue(uow, "few", tuple(Scope), timedelta(days=1), limits=limits).text
    program = vault(None)
    for program.token in (made["client_token"], counted["client_token"], few):
        assert program.refusal("POST", "auth/ci/role/other", {"token_policies": "reader"})[0] == 403
        assert program.refusal("POST", ROLE, {"token_ttl": "1h"})[0] == 403
        assert program.refusal("POST", "sys/auth/ci/tune", {"max_lease_ttl": "300d"})[0] == 403
        assert program.refusal("POST", f"{ROLE}/secret-id", {})[0] == 403
        assert program.refusal("POST", f"{ROLE}/custom-secret-id", {"secret_id": "chosen"})[0] == 403
    assert client.refusal("LIST", f"{ROLE}/secret-id") == (404, [])


def test_what_came_in_by_a_role_makes_no_role_and_no_orphan(vault, client, runtime, world):
    with runtime.work(writing=True, actor=world.actor("alice")) as uow:
        profiles.save(uow, None, name="maker", scopes=[Scope.ITEMS_REVEAL, Scope.TOKENS_ISSUE])
    client.write("auth/ci/role/maker", {"token_policies": "maker"})
    halves = {
        "role_id": client.read("auth/ci/role/maker/role-id")["role_id"],
        "secret_id": client.write("auth/ci/role/maker/secret-id", {})["secret_id"],
    }
    program = vault(None)
    program.token = program.send("POST", "auth/ci/login", halves).get_json()["auth"]["client_token"]
    assert program.send("POST", "auth/token/create", {"ttl": "1m"}).status_code == 200
    assert program.refusal("POST", "auth/token/create-orphan", {"ttl": "1m"})[0] == 403
    assert program.refusal("POST", "auth/ci/role/other", {"token_policies": "maker"})[0] == 403
    assert program.refusal("POST", "auth/ci/role/maker/secret-id", {})[0] == 403


def test_a_role_s_tokens_are_as_slow_as_the_one_that_made_it(vault, client, runtime, world):
    limits = Limits(per_minute=7)
    with runtime.work(writing=True, actor=world.actor("alice")) as uow:
        slow = api_tokens.issue(uow, "slow", tuple(Scope), timedelta(days=1), limits=limits).text
    maker = vault(None)
    maker.token = slow
    maker.write("auth/ci/role/slow", {"token_policies": "reader"})
    halves = {
        "role_id": maker.read("auth/ci/role/slow/role-id")["role_id"],
        "secret_id": maker.write("auth/ci/role/slow/secret-id", {})["secret_id"],
    }
    program = vault(None)
    program.token = program.send("POST", "auth/ci/login", halves).get_json()["auth"]["client_token"]
    answers = [program.send("GET", DATA).status_code for _ in range(8)]
    assert answers == [*[200] * 7, 429]


def test_nobody_gets_more_by_a_role_than_they_have(vault, client, runtime, world):
    lister = vault("alice", [Scope.ITEMS_LIST, Scope.TOKENS_ISSUE])
    assert lister.refusal("POST", f"{ROLE}/secret-id", {})[0] == 403
    assert lister.refusal("POST", ROLE, {"token_policies": "reader"})[0] == 403
    assert lister.refusal("GET", f"{ROLE}/role-id")[0] == 403
    assert lister.refusal("POST", "sys/auth/ci/tune", {"max_lease_ttl": "300d"})[0] == 403
    assert lister.refusal("DELETE", "sys/auth/ci")[0] == 403
    assert vault("mia").refusal("POST", f"{ROLE}/secret-id", {})[0] == 404
    assert vault("mia").refusal("POST", ROLE, {"token_policies": "default"})[0] == 403
    assert client.refusal("POST", ROLE, {"token_policies": "root"})[0] == 400


def test_a_login_ends_with_the_owner_s_place_in_the_organization(vault, log_in, runtime, world):
    shown, _ = log_in()

    with runtime.work(writing=True, actor=world.actor("adam")) as uow:
        uow.session.get(Membership, world.members["alice"]).disabled_at = uow.now
    assert vault(None).refusal("POST", "auth/ci/login", shown) == (400, ["invalid role or secret ID"])


def test_unmounting_takes_roles_and_secret_ids_along(vault, client, log_in):
    shown, _ = log_in()
    assert vault("mia").refusal("DELETE", "sys/auth/ci")[0] == 403
    client.write("sys/auth/ci", method="DELETE")
    client.write("sys/auth/ci", method="DELETE")
    assert vault(None).refusal("POST", "auth/ci/login", shown)[0] == 400
    assert "ci/" not in client.send("GET", "sys/auth").get_json()


def test_a_place_says_how_long_its_tokens_last_and_what_it_is_for(vault, client, log_in, trail):
    assert client.read("sys/auth/ci/tune")["max_lease_ttl"] == 32 * 86400
    client.write("sys/auth/ci/tune", {"default_lease_ttl": "5m", "description": "Runners"})
    client.write("sys/auth/ci/tune", {"max_lease_ttl": 900})
    told = client.read("sys/auth/ci/tune")
    assert (told["default_lease_ttl"], told["max_lease_ttl"], told["description"]) == (300, 900, "Runners")
    assert client.read("sys/auth")["ci/"]["config"]["max_lease_ttl"] == 900
    # The role asks for 20 minutes.
    assert log_in()[1].get_json()["auth"]["lease_duration"] == 900
    client.write(ROLE, {"token_ttl": 0})
    _, answer = log_in()
    auth = answer.get_json()["auth"]
    assert auth["lease_duration"] == 300
    program = vault(None)
    program.token = auth["client_token"]
    renewed = program.send("POST", "auth/token/renew-self", {"increment": "1h"}).get_json()["auth"]
    assert renewed["lease_duration"] == 900
    client.write("sys/auth/ci/tune", {"default_lease_ttl": 0, "max_lease_ttl": ""})
    assert client.read("sys/auth/ci/tune")["default_lease_ttl"] == 32 * 86400
    assert [event["extra"]["what"] for event in trail.events("role.changed") if event["target"] == "ci"] == [
        *["tuned"] * 3
    ]


@pytest.mark.parametrize(
    "wrong", [{"max_lease_ttl": "soon"}, {"max_lease_ttl": -1}, {"max_lease_ttl": "366d"}]
)
def test_how_long_tokens_last_is_a_duration_of_at_most_a_year(client, wrong):
    status, [sentence] = client.refusal("POST", "sys/auth/ci/tune", wrong)
    assert (status, "lease_ttl is a duration" in sentence or "365 days" in sentence) == (400, True)


def test_only_whoever_mounted_a_place_tunes_it(vault, client):
    assert vault("mia").refusal("POST", "sys/auth/ci/tune", {"max_lease_ttl": 60})[0] == 403
    assert client.refusal("POST", "sys/auth/elsewhere/tune", {})[0] in {400, 404}


@pytest.mark.parametrize("body", [{"type": "userpass"}, {"type": "github"}, {}])
def test_other_methods_are_refused_with_a_sentence(vault, body):
    status, [sentence] = vault().refusal("POST", "sys/auth/x", body)
    assert (status, "approle" in sentence) == (400, True)


def test_a_role_s_tokens_stay_in_the_networks_of_whoever_makes_it(vault, client, runtime, world):
    limits = Limits(networks=read_networks(["192.0.2.0/24"]))
    with runtime.work(writing=True, actor=world.actor("alice")) as uow:
        minted = api_tokens.issue(uow, "bound", tuple(Scope), timedelta(days=1), limits=limits)
    bound = vault(None)
    bound.token = minted.text
    wider = {"token_policies": "reader", "token_bound_cidrs": "0.0.0.0/0"}
    assert bound.refusal("POST", "auth/ci/role/bound", wider)[0] == 403
    bound.write("auth/ci/role/bound", {"token_policies": "reader"})
    assert client.read("auth/ci/role/bound")["token_bound_cidrs"] == ["192.0.2.0/24"]


@pytest.mark.parametrize("none", ["", 0, []])
def test_what_is_sent_empty_is_taken_away_and_what_is_not_sent_stays(client, none):
    numbers = {"token_ttl": 60, "token_num_uses": 5, "secret_id_num_uses": 2, "token_max_ttl": 90}
    client.write(ROLE, {**numbers, "secret_id_bound_cidrs": "10.0.0.0/8"})
    lists = {"token_policies": none or "", "secret_id_bound_cidrs": none or []}
    client.write(ROLE, {"token_ttl": none or 0, "token_num_uses": none or 0} | lists)
    told = client.read(ROLE)
    assert (told["token_ttl"], told["token_num_uses"], told["token_policies"]) == (0, 0, [])
    assert (told["secret_id_bound_cidrs"], told["secret_id_num_uses"], told["token_max_ttl"]) == (None, 2, 90)


def test_a_role_s_tokens_stay_in_its_networks_whatever_a_secret_id_says(client):
    client.write(ROLE, {"token_bound_cidrs": "10.0.0.0/8"})
    client.write(f"{ROLE}/secret-id", {"token_bound_cidrs": "10.1.0.0/16"})
    assert client.refusal("POST", f"{ROLE}/secret-id", {"token_bound_cidrs": "0.0.0.0/0"})[0] == 403
