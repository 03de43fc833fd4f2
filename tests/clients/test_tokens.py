"""Tokens that programs make, look up, renew and revoke; and what each may do."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from models import Membership
from policy import Scope
from services import api_tokens, clock, profiles
from services.token_limits import Limits, read_networks
from tests.guesses import wrong_secret

DATA = "production/data/Stripe dashboard"


@pytest.fixture
def profile(runtime, world):
    """Make a profile as an admin does on the page."""

    def make(name, scopes, vaults=(), names=()):
        with runtime.work(writing=True, actor=world.actor("alice")) as uow:
            vault_ids = [world.vaults[vault] for vault in vaults]
            return profiles.save(uow, None, name=name, scopes=scopes, vaults=vault_ids, names=names).id

    return make


@pytest.fixture
def child(vault):
    """Make a token with another one; return a client that has it, and the answer."""

    def make(parent, path="auth/token/create", **body):
        answer = parent.send("POST", path, body)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        auth = answer.get_json()["auth"]
        client = vault(None)
        client.token = auth["client_token"]
        return client, auth

    return make


def test_a_child_may_what_its_parent_may_and_is_looked_up_and_revoked(vault, child):
    parent = vault()
    client, auth = child(parent, ttl="1h", meta={"job": "nightly"}, display_name="ci")

    assert (auth["policies"], auth["lease_duration"], auth["renewable"]) == (["root"], 3600, True)
    told = client.read("auth/token/lookup-self")
    assert (told["id"], told["accessor"]) == (client.token, auth["accessor"])
    assert (told["ttl"], told["type"], told["orphan"]) == (3600, "service", False)
    assert (told["meta"], told["display_name"]) == ({"job": "nightly"}, "token-ci")
    assert client.read(DATA)["metadata"]["version"] == 1
    parent.write("auth/token/revoke", {"token": client.token})
    assert client.refusal("GET", "auth/token/lookup-self") == (403, ["permission denied"])
    assert parent.refusal("POST", "auth/token/lookup", {"token": client.token}) == (403, ["bad token"])


def test_revoking_a_token_takes_what_it_made_along_unless_that_is_an_orphan(vault, child):
    grandparent = vault()
    parent, _ = child(grandparent)
    below, _ = child(parent)
    orphan, auth = child(grandparent, "auth/token/create-orphan", ttl="1h")
    assert auth["orphan"] is True
    assert parent.refusal("POST", "auth/token/create-orphan", {})[0] == 403
    grandparent.write("auth/token/revoke-self")
    assert below.send("GET", "auth/token/lookup-self").status_code == 403
    assert orphan.read("auth/token/lookup-self")["orphan"] is True


def test_only_a_token_that_a_person_made_lets_others_outlive_it(vault, child):
    parent, _ = child(vault())
    below, auth = child(parent)
    assert parent.refusal("POST", "auth/token/create-orphan", {"ttl": "1h"})[0] == 403
    assert parent.refusal("POST", "auth/token/revoke-orphan", {"token": below.token})[0] == 403
    assert below.read("auth/token/lookup-self")["accessor"] == auth["accessor"]


def test_a_profile_narrows_a_token_and_changes_with_it(vault, child, profile, runtime, world):
    profile_id = profile("reader", [Scope.ITEMS_REVEAL, Scope.ITEMS_LIST], ["Production"], ["prod/*"])
    client, auth = child(vault(), policies=["reader"])

    assert auth["policies"] == ["default", "reader"]
    assert client.read("production/data/prod/db primary")["metadata"]["version"] == 1
    assert client.keys("production/metadata") == ["prod/"]
    assert client.refusal("GET", DATA)[0] == 404
    assert client.refusal("GET", "board/data/Board portal")[0] == 404
    assert client.refusal("POST", "production/data/prod/x", {"data": {}})[0] == 403
    with runtime.work(writing=True, actor=world.actor("alice")) as uow:
        found = profiles.find(uow, profile_id)
        profiles.save(uow, found, name="reader", scopes=[Scope.ITEMS_LIST])
    assert client.refusal("GET", "production/data/prod/db primary")[0] == 403
    assert "Stripe dashboard" in client.keys("production/metadata")
    with runtime.work(writing=True, actor=world.actor("alice")) as uow:
        profiles.delete(uow, profiles.find(uow, profile_id))
    assert client.refusal("GET", "auth/token/lookup-self")[0] == 403


def test_what_a_token_has_made_is_no_wider_than_its_profile_after_a_change(
    vault, child, profile, runtime, world
):
    every = [Scope.ITEMS_LIST, Scope.ITEMS_REVEAL, Scope.TOKENS_ISSUE]
    profile_id = profile("reader", every, ["Production"])
    parent, _ = child(vault(), policies=["reader"])
    by_name, _ = child(parent, policies=["reader"])
    as_root, _ = child(parent, policies=["root"])
    below, _ = child(as_root, policies=["root"])
    minted = vault(None)
    bearer = {"Authorization": f"Bearer {parent.token}"}
    wanted = {
        "name": "x",
        "scopes": ["items:reveal"],
        "seconds": 60,
        "vaults": [str(world.vaults["Production"])],
    }
    minted.token = minted.client.post("/api/v1/tokens", json=wanted, headers=bearer).get_json()["token"]
    listing, _ = child(parent, policies=["root"])
    for client in (parent, by_name, as_root, below, minted):
        assert client.read(DATA)
    with runtime.work(writing=True, actor=world.actor("alice")) as uow:
        found = profiles.find(uow, profile_id)
        left = [Scope.ITEMS_LIST, Scope.TOKENS_ISSUE]
        profiles.save(uow, found, name="reader", scopes=left, vaults=[world.vaults["Production"]])
    for client in (parent, by_name, as_root, below, minted, listing):
        assert client.refusal("GET", DATA)[0] == 403
    assert parent.keys("production/metadata")


def test_default_alone_looks_after_itself_and_nothing_else(vault, child):
    client, auth = child(vault(), policies=["default"], ttl="1h")
    assert auth["policies"] == ["default"]
    assert client.write("auth/token/renew-self") is None or True
    assert client.refusal("GET", DATA)[0] == 403
    assert client.refusal("GET", "sys/mounts")[0] == 403
    assert client.refusal("POST", "auth/token/create", {})[0] == 403


def test_no_token_makes_a_wider_one(vault, child, profile):
    profile("writer", [Scope.ITEMS_WRITE])
    profile("board", [Scope.ITEMS_LIST], ["Board"])
    narrow = vault("alice", [Scope.ITEMS_LIST, Scope.TOKENS_ISSUE])
    assert narrow.refusal("POST", "auth/token/create", {"policies": ["writer"]})[0] == 403
    client, _ = child(vault(), policies=["board"])
    assert client.refusal("POST", "auth/token/create", {})[0] == 403
    status, [sentence] = vault().refusal("POST", "auth/token/create", {"policies": ["nothing"]})
    assert (status, "There is no profile called nothing" in sentence) == (400, True)
    status, [sentence] = vault().refusal("POST", "auth/token/create", {"policies": ["board", "writer"]})
    assert (status, "different vaults" in sentence) == (400, True)


def test_a_token_of_counted_uses_answers_the_last_one_and_makes_no_others(vault, child):
    parent = vault()
    client, auth = child(parent, num_uses=3, ttl="1h")
    assert auth["num_uses"] == 3
    assert client.read("auth/token/lookup-self")["num_uses"] == 2
    status, sentences = client.refusal("POST", "auth/token/create", {})
    assert (status, sentences) == (400, ["restricted use token cannot generate child tokens"])
    client.read(DATA)
    assert client.refusal("GET", DATA) == (403, ["permission denied"])


def test_a_renewal_counts_from_now_up_to_every_limit(vault, child):
    client, _ = child(vault(), ttl="1h", explicit_max_ttl="90m")
    now = clock.now().timestamp()
    with time_machine.travel(now + 1800, tick=False):
        answer = client.send("POST", "auth/token/renew-self", {"increment": "2h"})
        auth = answer.get_json()["auth"]
        assert auth["client_token"] == client.token
        assert 3590 <= auth["lease_duration"] <= 3600
    with time_machine.travel(now + 5401, tick=False):
        assert client.refusal("GET", "auth/token/lookup-self")[0] == 403


def test_a_renewal_never_outlives_what_made_the_token(vault, child):
    parent, _ = child(vault(), ttl="10m")
    client, auth = child(parent, ttl="5m")
    assert auth["lease_duration"] == 300
    renewed = client.send("POST", "auth/token/renew-self", {"increment": "1h"}).get_json()["auth"]
    assert renewed["lease_duration"] == 600


def test_a_periodic_token_lives_as_long_as_it_is_renewed(vault, child):
    client, auth = child(vault(), period="30m")
    assert auth["lease_duration"] == 1800
    now = clock.now().timestamp()
    for minutes in (20, 40, 60):
        with time_machine.travel(now + minutes * 60, tick=False):
            client.send("POST", "auth/token/renew-self")
            assert client.read("auth/token/lookup-self")["period"] == 1800


def test_what_a_person_made_or_was_made_so_is_not_renewable(vault, child):
    assert vault().refusal("POST", "auth/token/renew-self") == (400, ["lease is not renewable"])
    client, _ = child(vault(), renewable=False)
    assert client.refusal("POST", "auth/token/renew-self") == (400, ["lease is not renewable"])


def test_accessors_name_tokens_without_being_them(vault, child):
    parent = vault()
    client, auth = child(parent)
    accessor = auth["accessor"]
    told = parent.write("auth/token/lookup-accessor", {"accessor": accessor})
    assert (told["accessor"], told["id"]) == (accessor, "")
    assert accessor in parent.keys("auth/token/accessors")
    assert str(parent.token_id) not in client.keys("auth/token/accessors")
    assert client.refusal("POST", "auth/token/lookup-accessor", {"accessor": str(parent.token_id)})[0] == 400
    parent.write("auth/token/revoke-accessor", {"accessor": accessor})
    assert parent.refusal("POST", "auth/token/lookup-accessor", {"accessor": accessor}) == (
        400,
        ["invalid accessor"],
    )


def test_somebody_else_s_token_is_none(vault):
    mia = vault("mia")
    for path in ("lookup", "renew", "revoke"):
        vault("alice").send("POST", f"auth/token/{path}", {"token": mia.token})
    assert mia.read("auth/token/lookup-self")["orphan"] is True
    assert vault("alice").refusal("POST", "auth/token/lookup", {"token": mia.token}) == (403, ["bad token"])


def test_a_role_s_terms_hold(vault, child, profile):
    profile("reader", [Scope.ITEMS_REVEAL])
    client = vault()
    terms = {"allowed_policies": "reader", "token_period": "10m", "path_suffix": "ci", "renewable": False}
    client.write("auth/token/roles/deploy", terms)
    made, auth = child(client, "auth/token/create/deploy")
    assert (auth["policies"], auth["lease_duration"], auth["renewable"]) == (
        ["default", "reader"],
        600,
        False,
    )
    assert made.read("auth/token/lookup-self")["path"] == "auth/token/create/deploy/ci"
    assert client.refusal("POST", "auth/token/create/deploy", {"policies": ["root"]})[0] == 400
    assert client.read("auth/token/roles/deploy")["allowed_policies"] == ["reader"]
    assert vault("mia").refusal("LIST", "auth/token/roles") == (404, [])


@pytest.mark.parametrize(
    "body",
    [{"id": "mine"}, {"type": "batch"}, {"ttl": "soon"}, {"ttl": -1}, {"num_uses": "x"}, {"meta": {"a": 1}}],
)
def test_what_is_not_offered_is_refused_with_a_sentence(vault, body):
    status, [sentence] = vault().refusal("POST", "auth/token/create", body)
    assert (status, bool(sentence)) == (400, True)


def test_profiles_can_be_read_as_policies_and_not_written(vault, profile):
    profile("reader", [Scope.ITEMS_REVEAL], ["Production"], ["prod/*"])
    client = vault()
    assert client.keys("sys/policies/acl") == ["default", "reader", "root"]
    told = client.read("sys/policies/acl/reader")
    assert told.keys() == {"name", "policy"}
    assert "Production" in told["policy"]
    for path in ("sys/policies/acl/x", "sys/policy/x"):
        status, [sentence] = client.refusal("PUT", path, {"policy": 'path "*" {}'})
        assert (status, "profiles" in sentence) == (400, True)


def test_where_a_profile_reaches_is_told_to_those_who_could_read_it_or_have_it(
    vault, child, profile, runtime, world
):
    profile("board", [Scope.ITEMS_REVEAL], ["Board"], ["merger/*"])
    profile("reader", [Scope.ITEMS_REVEAL], ["Production"])
    narrow = Limits(vaults=frozenset({world.vaults["Production"]}))
    narrowed = vault()
    with runtime.work(writing=True, actor=world.actor("alice")) as uow:
        issued = api_tokens.issue(uow, "narrow", tuple(Scope), timedelta(days=1), limits=narrow)
    narrowed.token = issued.text
    with_it, _ = child(vault("mia"), policies=["reader"])
    for client, name, knows in (
        *((vault(), "board", True), (vault("audrey"), "board", True), (vault("mia"), "board", False)),
        *((narrowed, "board", False), (with_it, "reader", True), (with_it, "board", False)),
    ):
        for path in (f"sys/policies/acl/{name}", f"sys/policy/{name}"):
            text = client.send("GET", path).get_data(as_text=True)
            assert "items:reveal" in text
            assert ("Board" in text or "Production" in text) is knows
            assert ("merger" in text) is (knows and name == "board")


def test_capabilities_say_what_the_token_may(vault):
    rhea = vault("rhea", [Scope.ITEMS_REVEAL])
    paths = ["production/data/x", "production/metadata/x", "board/data/x", "sys/mounts"]
    told = rhea.write("sys/capabilities-self", {"paths": paths})
    assert [told[path] for path in paths] == [["read"], ["deny"], ["deny"], ["deny"]]
    assert vault("mia").write("sys/capabilities-self", {"paths": paths[:1]})["capabilities"] == [
        *("create", "delete", "patch", "read", "update"),
    ]


def test_a_namespace_is_the_token_s_own_organization_or_none(vault):
    client = vault()
    for name in ("", "root", "/", "northwind", "northwind/"):
        answer = client.send("GET", DATA, headers={"X-Vault-Namespace": name})
        assert (answer.status_code, answer.headers["X-Vault-Namespace"]) == (200, name)
    for name in ("lakeside", "nowhere"):
        answer = client.send("GET", DATA, headers={"X-Vault-Namespace": name})
        assert (answer.status_code, "password" in answer.get_data(as_text=True)) == (404, False)


def test_what_a_command_line_asks_before_its_work_costs_no_use(vault, child):
    client, _ = child(vault(), num_uses=1)
    client.read("sys/internal/ui/mounts/production/x")
    client.read(DATA)
    assert client.refusal("GET", DATA)[0] == 403


def test_the_handle_of_a_token_with_another_secret_is_no_token(vault, child):
    parent = vault()
    client, _ = child(parent)
    guess = wrong_secret(client.token)
    assert parent.refusal("POST", "auth/token/lookup", {"token": guess}) == (403, ["bad token"])
    parent.write("auth/token/revoke", {"token": guess})
    assert client.read(DATA)
    client.token = guess
    assert client.refusal("GET", DATA) == (403, ["permission denied"])


def test_a_token_of_no_use_any_more_is_not_even_told_what_mounts_there_are(vault, child, trail):
    client, _ = child(vault(), num_uses=1)
    client.read("sys/internal/ui/mounts/production/x")
    client.read(DATA)
    assert client.refusal("GET", "sys/internal/ui/mounts/production/x")[0] == 403
    assert trail.one("token.misused")["extra"]["reason"] == "used up"


def test_a_token_opens_nothing_while_its_owner_has_no_place_in_the_organization(vault, runtime, world):
    client = vault("mia")
    with runtime.work(writing=True, actor=world.actor("adam")) as uow:
        uow.session.get(Membership, world.members["mia"]).disabled_at = uow.now
    assert client.refusal("GET", DATA) == (403, ["permission denied"])
    with runtime.work(writing=True, actor=world.actor("adam")) as uow:
        uow.session.get(Membership, world.members["mia"]).disabled_at = None
    assert client.read(DATA)


def test_a_child_is_bound_to_the_networks_and_the_speed_of_its_parent(vault, child, runtime, world, app):
    limits = Limits(networks=read_networks(["192.0.2.0/24"]), per_minute=2)
    with runtime.work(writing=True, actor=world.actor("alice")) as uow:
        minted = api_tokens.issue(uow, "bound", tuple(Scope), timedelta(days=1), limits=limits)
    parent = vault(None)
    parent.token = minted.text
    client, _ = child(parent)
    assert client.read("auth/token/lookup-self")["bound_cidrs"] == ["192.0.2.0/24"]
    assert [client.send("GET", "auth/token/lookup-self").status_code for _ in range(3)][-1] == 429
    assert int(client.send("GET", "auth/token/lookup-self").headers["Retry-After"]) > 0
    client.address = "198.51.100.7"
    assert client.refusal("GET", "auth/token/lookup-self")[0] == 403
