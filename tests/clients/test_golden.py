"""Requests of clients that are not run here, as those send them, and what those need of the answers.

External Secrets Operator (providers/v1/vault and providers/v1/openbao), the Terraform provider for Vault
(internal/provider/meta.go and its resources) and hashicorp/vault-action (src/) were read for it, as of
November 2026. The first two write requests by HashiCorp's library for Go; what that sends was recorded from
its version 1.23.0: PUT for every write, a list as GET with ``list=true``, no content type, ``null`` for an
empty body.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

import pytest

from policy import Scope
from services import profiles
from tests.clients.conftest import Client

SECRET = "production/data/shop/database"
ABOUT = "production/metadata/shop/database"
NOTHING_THERE = (404, {"errors": []})


class Go:
    """HashiCorp's library for Go."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def _send(self, method: str, path: str, body: Any, headers: dict[str, str]) -> tuple[int, Any]:
        sent = {"X-Vault-Request": "true", "User-Agent": "Go-http-client/1.1", "Accept-Encoding": "gzip"}
        if self.client.token:
            sent["X-Vault-Token"] = self.client.token
        answer = self.client.client.open(
            f"/v1/{path}",
            method=method,
            headers=sent | headers,
            data=b"" if body is ... else json.dumps(body).encode(),
            environ_base={"REMOTE_ADDR": self.client.address},
        )
        assert answer.content_type in {"application/json", None}
        return answer.status_code, json.loads(answer.data) if answer.data else None

    def read(self, path: str) -> tuple[int, Any]:
        return self._send("GET", path, ..., {})

    def data(self, path: str) -> Any:
        status, body = self.read(path)
        assert status == 200, body
        return body["data"]

    def write(self, path: str, body: Any = None, method: str = "PUT", **headers: str) -> Any:
        status, told = self._send(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
        assert status in {200, 204}, told
        return told

    def delete(self, path: str) -> None:
        assert self._send("DELETE", path, ..., {}) == (204, None)


@pytest.fixture
def go(vault):
    return Go(vault())


@pytest.fixture
def secret(go):
    go.write(SECRET, {"data": {"password": "one", "nested": {"port": 5432}}})
    return SECRET


@pytest.fixture
def halves(go, runtime, world):
    """A role id and a secret id, for a role that may reveal."""
    with runtime.work(writing=True, actor=world.actor("alice")) as uow:
        profiles.save(uow, None, name="reader", scopes=[Scope.ITEMS_REVEAL])
    go.write("sys/auth/approle", {"type": "approle", "config": {"default_lease_ttl": ""}}, "POST")
    go.write("auth/approle/role/ci", {"token_policies": ["reader"], "token_ttl": "10m"})
    made = go.write("auth/approle/role/ci/secret-id")["data"]
    return {
        "role_id": go.data("auth/approle/role/ci/role-id")["role_id"],
        "secret_id": made["secret_id"],
    }


# --- External Secrets Operator


def test_a_secret_store_finds_its_token_and_its_mount_valid(go):
    token = go.data("auth/token/lookup-self")
    assert (type(token["type"]), type(token["ttl"])) == (str, int)
    assert datetime.fromisoformat(token["expire_time"]).tzinfo
    mount = go.data("sys/internal/ui/mounts/production")
    assert (mount["type"], mount["options"]["version"], mount["path"]) == ("kv", "2", "production/")
    # The provider for OpenBao asks another address, and reads what lies beside the data.
    told = go.read("sys/mounts/production")[1]
    assert (told["type"], told["options"], told["data"]["type"]) == ("kv", {"version": "2"}, "kv")


def test_an_external_secret_reads_a_value_a_version_and_the_metadata(go, secret):
    go.write(secret, {"data": {"password": "two"}})
    assert go.data(secret)["data"] == {"password": "two"}
    assert go.data(f"{secret}?version=1")["data"]["nested"] == {"port": 5432}
    go.write(ABOUT, {"custom_metadata": {"team": "shop"}})
    metadata = go.data(ABOUT)
    assert metadata["custom_metadata"] == {"team": "shop"}
    assert {"created_time", "current_version", "delete_version_after"} <= metadata.keys()


def test_an_external_secret_tells_what_is_not_there_from_what_is_deleted(go, secret):
    assert go.read("production/data/nothing") == NOTHING_THERE
    assert go.read("production/metadata/nothing?list=true") == NOTHING_THERE
    go.delete(secret)
    status, body = go.read(secret)
    assert (status, body["data"]["data"], body["data"]["metadata"]["destroyed"]) == (404, None, False)


def test_a_search_walks_the_folders_or_asks_for_all_at_once(go, secret):
    go.write(ABOUT, {"custom_metadata": {"team": "shop"}})
    assert "shop/" in go.data("production/metadata?list=true")["keys"]
    assert go.data("production/metadata/shop/?list=true")["keys"] == ["database"]
    told = go.data("production/detailed-metadata/shop?list=true")
    assert told["keys"] == ["database"]
    assert told["key_info"]["database"]["custom_metadata"] == {"team": "shop"}


def test_a_push_secret_marks_as_its_own_then_writes_over_what_it_has_seen(go):
    managed = {"custom_metadata": {"managed-by": "external-secrets"}}
    assert go.read(SECRET) == NOTHING_THERE
    go.write(ABOUT, managed)
    assert go.read(SECRET) == NOTHING_THERE
    go.write(SECRET, {"data": {"password": "pushed"}, "options": {"cas": 0}})
    seen = go.data(ABOUT)
    assert (seen["current_version"], seen["custom_metadata"]) == (1, managed["custom_metadata"])
    go.write(SECRET, {"data": {"password": "again"}, "options": {"cas": 1}})
    assert go.data(SECRET)["data"] == {"password": "again"}
    go.delete(SECRET)
    go.delete(ABOUT)
    assert go.read(ABOUT) == NOTHING_THERE


def test_a_secret_store_comes_in_by_a_role_and_leaves(vault, halves):
    operator = Go(vault(None))
    auth = operator.write("auth/approle/login", halves)["auth"]
    operator.client.token = auth["client_token"]
    assert operator.data("production/data/Stripe dashboard")["data"]
    assert operator.write("auth/token/revoke-self") is None
    assert operator.read("auth/token/lookup-self") == (403, {"errors": ["permission denied"]})


# --- Terraform


def test_a_provider_looks_up_its_token_and_makes_a_child_for_the_run(go, vault, secret):
    token = go.data("auth/token/lookup-self")
    assert (token["policies"], token["ttl"] > 0) == (["root"], True)
    assert re.fullmatch(r"\d+\.\d+\.\d+", go.read("sys/seal-status")[1]["version"])
    child = {"ttl": "1200s", "explicit_max_ttl": "1200s", "display_name": "terraform", "num_uses": 0}
    child |= {"renewable": False, "type": "", "entity_alias": ""}
    auth = go.write("auth/token/create", child, "POST")["auth"]
    assert (auth["policies"], auth["lease_duration"], auth["renewable"]) == (["root"], 1200, False)
    run = Go(vault(None))
    run.client.token = auth["client_token"]
    assert run.data(secret)["data"]["password"] == "one"


def test_a_resource_of_a_secret_is_written_read_and_deleted(go):
    # The provider sends what is not set, too.
    go.write(SECRET, {"data": {"zip": "zap", "n": 1}, "cas": 0, "options": {}})
    read = go.data(SECRET)
    assert (read["data"], read["metadata"]["version"]) == ({"zip": "zap", "n": 1}, 1)
    go.delete(SECRET)
    go.delete(ABOUT)
    assert go.read(SECRET) == NOTHING_THERE


def test_a_resource_of_a_mount_is_made_tuned_and_deleted(go):
    settings = {"default_lease_ttl": "", "max_lease_ttl": "", "force_no_cache": False}
    mount = {"type": "kv", "description": "By Terraform", "options": {"version": "2"}, "local": False}
    go.write(
        "sys/mounts/built", {**mount, "seal_wrap": False, "config": {"options": None, **settings}}, "POST"
    )
    assert go.data("sys/mounts")["built/"]["description"] == "By Terraform"
    go.write("sys/mounts/built/tune", {"description": "Changed", "options": None, **settings}, "POST")
    assert go.data("sys/mounts/built")["description"] == "Changed"
    go.delete("sys/mounts/built")
    assert "built/" not in go.data("sys/mounts")


def test_a_resource_of_a_role_is_made_tuned_and_hands_out_wrapped_halves(go, vault, halves):
    go.write("sys/mounts/auth/approle/tune", {"max_lease_ttl": "300s", "options": None}, "POST")
    assert go.data("sys/mounts/auth/approle/tune")["max_lease_ttl"] == 300
    wrapped = go.write("auth/approle/role/ci/secret-id", None, X_Vault_Wrap_TTL="60s")
    told = wrapped["wrap_info"]
    assert (wrapped["data"], told["ttl"], bool(told["wrapped_accessor"])) == (None, 60, True)
    whoever = Go(vault(None))
    whoever.client.token = told["token"]
    made = whoever.write("sys/wrapping/unwrap")["data"]
    auth = go.write("auth/approle/login", halves | {"secret_id": made["secret_id"]})["auth"]
    assert auth["lease_duration"] == 300


# --- hashicorp/vault-action


def act(client: Client, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, str]:
    """Ask as vault-action does: without ``X-Vault-Request``, with a namespace that may be empty."""
    answer = client.client.open(
        f"/v1/{path}",
        method=method,
        json=body,
        headers={"X-Vault-Namespace": "", **{k.replace("_", "-"): v for k, v in headers.items()}},
        environ_base={"REMOTE_ADDR": client.address},
    )
    return answer.status_code, answer.get_data(as_text=True)


def test_a_workflow_comes_in_by_a_role_reads_and_revokes(vault, halves):
    runner = vault(None)
    status, text = act(runner, "POST", "auth/approle/login", halves)
    auth = json.loads(text)["auth"]
    assert (status, auth["policies"]) == (200, ["default", "reader"])
    token = {"X_Vault_Token": auth["client_token"]}
    status, text = act(runner, "GET", "production/data/Stripe dashboard", **token)
    assert (status, "password" in json.loads(text)["data"]["data"]) == (200, True)
    assert act(runner, "GET", "production/data/nothing", **token)[0] == 404
    assert act(runner, "POST", "auth/token/revoke-self", **token) == (204, "")
    assert act(runner, "POST", "auth/token/revoke-self", **token) == (403, '{"errors":["permission denied"]}')


def test_its_own_test_of_roles_writes_a_policy_first_which_is_refused_with_a_sentence(vault, halves):
    token = {"X_Vault_Token": vault().token}
    status, text = act(
        vault(None), "POST", "sys/policies/acl/test", {"name": "test", "policy": "path"}, **token
    )
    assert (status, "profiles" in text) == (400, True)
    # What it does besides.
    assert act(vault(None), "GET", "production/config", **token)[0] == 200
    assert (
        "path is already in use"
        in act(vault(None), "POST", "sys/auth/approle", {"type": "approle"}, **token)[1]
    )
    assert act(vault(None), "POST", "auth/approle/role/my-role", {"policies": "reader"}, **token) == (204, "")
    assert act(vault(None), "POST", "auth/approle/role/my-role/secret-id", **token)[0] == 200
