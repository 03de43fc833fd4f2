"""Lists, mounts, and who may do what with them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from policy import Scope
from services import api_tokens
from services.token_limits import Limits
from tests.clients.conftest import MERGE


def test_a_list_shows_one_level_with_folders_and_a_key_of_the_same_name(vault):
    client = vault()
    for key in ("b", "a/one", "a/two/three", "a"):
        client.write(f"board/data/{key}", {"data": {}})

    assert client.keys("board/metadata") == ["Board portal", "a", "a/", "b"]
    assert client.keys("board/metadata/a/") == ["one", "two/"]
    answer = client.send("GET", "board/metadata/a", query_string={"list": "True"})
    assert answer.get_json()["data"]["keys"] == ["one", "two/"]
    assert client.refusal("LIST", "board/metadata/nothing") == (404, [])
    assert client.refusal("GET", "board/metadata", query_string={"list": "perhaps"})[0] == 400


def test_a_list_can_be_cut_and_detailed(vault):
    client = vault()
    for key in ("a", "b", "c/d"):
        client.write(f"board/data/{key}", {"data": {}})
    answer = client.send("LIST", "board/metadata", query_string={"after": "Board portal", "limit": "2"})
    assert answer.get_json()["data"]["keys"] == ["a", "b"]
    told = client.send("LIST", "board/detailed-metadata").get_json()["data"]
    assert told["key_info"]["c/"] == {}
    assert told["key_info"]["a"]["current_version"] == 1


def test_each_vault_is_a_mount_and_a_mount_made_here_is_a_vault(vault, browser):
    client = vault()
    client.write("sys/mounts/team-x", {"type": "kv-v2", "description": "Ours"})

    told = client.send("GET", "sys/mounts").get_json()
    assert {"board/", "production/", "team-x/", "sys/", "cubbyhole/"} <= told["data"].keys()
    assert told["team-x/"]["options"] == {"version": "2"}
    assert told["team-x/"]["description"] == "Ours"
    assert "team-x" in str(browser("alice").open("/o/northwind/vaults"))
    status, sentences = client.refusal("POST", "sys/mounts/team-x", {"type": "kv", "options": {"version": 2}})
    assert (status, sentences) == (400, ["path is already in use at team-x/"])


def test_whoever_manages_a_vault_says_what_it_is_for_and_nothing_in_it_is_leased(vault, trail):
    client = vault()
    client.write("sys/mounts/production/tune", {"description": "What earns money", "max_lease_ttl": ""})
    client.write("sys/mounts/production/tune", {"description": None, "options": {"version": "2"}})
    assert client.read("sys/mounts/production/tune")["description"] == "What earns money"
    assert trail.one("vault.changed")["extra"] == {"fields": ["description"]}
    status, [sentence] = client.refusal("POST", "sys/mounts/production/tune", {"default_lease_ttl": "1h"})
    assert (status, "not leased" in sentence) == (400, True)
    assert client.refusal("POST", "sys/mounts/production/tune", {"description": "x" * 501})[0] == 400
    # Mia may change what is in it, but not the vault.
    assert vault("mia").refusal("POST", "sys/mounts/production/tune", {"description": "Hers"})[0] == 403
    assert client.refusal("POST", "sys/mounts/nowhere/tune", {"description": "x"})[0] == 404


@pytest.mark.parametrize("limited", [False, True])
def test_a_mount_that_one_may_not_know_of_is_answered_as_one_that_is_not_there(
    vault, runtime, world, limited
):
    client = vault("mia")
    if limited:
        limits = Limits(vaults=frozenset({world.vaults["Production"]}))
        with runtime.work(writing=True, actor=world.actor("alice")) as uow:
            client.token = api_tokens.issue(uow, "x", tuple(Scope), timedelta(days=1), limits=limits).text

    def told(method, path, body=None):
        answer = client.send(method, path, body)
        return answer.status_code, (answer.get_json() or {}).get("errors")

    for method, address, body in (
        *(("GET", "sys/mounts/{}", None), ("GET", "sys/mounts/{}/tune", None)),
        *(("POST", "sys/mounts/{}/tune", {"description": "x"}), ("DELETE", "sys/mounts/{}", None)),
        *(
            ("GET", "sys/internal/ui/mounts/{}/x", None),
            ("GET", "{}/config", None),
            ("POST", "{}/config", {}),
        ),
        *(("LIST", "{}/metadata", None), ("GET", "{}/data/x", None), ("POST", "{}/data/x", {"data": {}})),
    ):
        status, errors = told(method, address.format("nowhere"), body)
        expected = [error.replace("nowhere", "board") for error in errors or []] or errors
        assert told(method, address.format("board"), body) == (status, expected), (method, address)
    assert "board/" in vault().send("GET", "sys/mounts").get_json()["data"]


def test_only_whoever_manages_a_vault_unmounts_it(vault):
    assert vault("mia").refusal("DELETE", "sys/mounts/production")[0] == 403
    assert vault().read("production/config")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("pki", {"type": "pki"}),
        ("one", {"type": "kv"}),
        ("one", {"type": "kv", "options": {"version": "1"}}),
        ("a/b", {"type": "kv-v2"}),
        ("sys", {"type": "kv-v2"}),
    ],
)
def test_what_cannot_be_mounted_is_refused_with_a_sentence(vault, path, body):
    status, [sentence] = vault().refusal("POST", f"sys/mounts/{path}", body)
    assert status == 400
    assert sentence


def test_an_unmounted_vault_stays_for_people_unless_it_is_empty(vault, browser):
    client = vault()
    for path in ("empty", "full"):
        client.write(f"sys/mounts/{path}", {"type": "kv-v2"})
    client.write("full/data/x", {"data": {"a": 1}})
    for path in ("empty", "full", "full"):
        client.write(f"sys/mounts/{path}", method="DELETE")

    assert client.send("GET", "full/data/x").status_code == 404
    page = str(browser("alice").open("/o/northwind/vaults"))
    assert ("full" in page, ">empty<" in page) == (True, False)
    client.write("sys/mounts/full", {"type": "kv-v2"})
    assert client.refusal("LIST", "full/metadata") == (404, [])


def test_a_vault_keeps_its_place_when_it_is_renamed(vault, browser, world):
    alice = browser("alice")
    alice.open(f"/o/northwind/vaults/{world.vaults['Board']}/edit")
    alice.submit("vault-form", name="The board")
    assert vault().keys("board/metadata") == ["Board portal"]


def test_the_preflight_says_in_which_mount_a_path_lies_and_hides_alike(vault):
    told = vault("mia").read("sys/internal/ui/mounts/production/prod/db")
    assert (told["path"], told["type"], told["options"]) == ("production/", "kv", {"version": "2"})
    said = set()
    for path in ("board/x", "harbor/x", "none/x"):
        status, [sentence] = vault("mia").refusal("GET", f"sys/internal/ui/mounts/{path}")
        said.add((status, sentence.replace(path, "")))
    assert len(said) == 1
    assert said.pop()[0] == 403


@pytest.mark.parametrize("mount", ["board", "harbor", "none"])
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "data/x"), ("POST", "data/x"), ("LIST", "metadata"), ("GET", "config"), ("GET", "x")],
)
def test_a_hidden_a_foreign_and_a_missing_mount_are_the_same(vault, mount, method, path):
    status, [sentence] = vault("mia").refusal(
        method, f"{mount}/{path}", {"data": {}} if method == "POST" else None
    )
    assert (status, sentence) == (404, f'no handler for route "{mount}/{path}". route entry not found.')


@pytest.mark.parametrize(
    ("scopes", "allowed"),
    [
        ([Scope.ITEMS_LIST], {"LIST metadata", "GET metadata/Stripe dashboard", "GET config"}),
        ([Scope.ITEMS_REVEAL], {"GET data/Stripe dashboard", "GET subkeys/Stripe dashboard"}),
        ([Scope.ITEMS_WRITE], {"POST data/y", "DELETE data/y", "POST metadata/y"}),
    ],
)
def test_a_token_does_what_its_scopes_say_and_nothing_else(vault, scopes, allowed):
    client = vault("mia", scopes)
    tried = {
        f"{method} {path}": client.send(
            method, f"production/{path}", {"data": {}} if method == "POST" else None
        )
        for method, path in (
            *(("LIST", "metadata"), ("GET", "metadata/Stripe dashboard"), ("GET", "config")),
            *(("GET", "data/Stripe dashboard"), ("GET", "subkeys/Stripe dashboard")),
            *(("POST", "data/y"), ("DELETE", "data/y"), ("POST", "metadata/y")),
        )
    }
    assert {line for line, answer in tried.items() if answer.status_code in {200, 204}} == allowed
    assert {answer.status_code for line, answer in tried.items() if line not in allowed} == {403}


def test_the_right_on_the_vault_counts_besides_the_scope(vault):
    assert vault("ula").refusal("GET", "production/data/Stripe dashboard")[0] == 403
    assert vault("rhea").refusal("POST", "production/data/x", {"data": {}})[0] == 403
    assert vault("ula").keys("production/metadata") == ["Stripe dashboard", "prod/"]


def test_without_a_good_token_nothing_is_told(vault):
    nobody = vault(None)
    for path in ("production/data/x", "sys/mounts", "nowhere", "auth/userpass/login/x"):
        assert nobody.refusal("GET", path) == (403, ["permission denied"])


def test_the_cookie_of_a_session_is_not_looked_at(browser, vault):
    alice = browser("alice")
    answer = alice.client.get("/v1/production/data/Stripe dashboard", base_url="http://localhost")
    assert answer.status_code == 403


def test_the_vault_header_wins_and_a_bearer_token_is_enough(vault):
    client = vault()
    bearer = {"Authorization": f"Bearer {client.token}"}
    answer = client.send("GET", "sys/mounts", headers={"X-Vault-Token": "nonsense", **bearer})
    assert answer.status_code == 403
    client.token, token = None, client.token
    assert client.send("GET", "sys/mounts", headers=bearer).status_code == 200
    client.token = token


@pytest.mark.parametrize("mark", [{"confirm": True}, {"approval_minutes": "60"}])
def test_what_must_be_confirmed_or_approved_is_nothing_for_programs(vault, browser, world, mark):
    alice = browser("alice")
    alice.open(f"/o/northwind/vaults/{world.vaults['Board']}/edit")
    alice.submit("vault-form", **mark)
    client = vault()
    assert client.refusal("GET", "board/data/Board portal")[0] == 403
    patch = {"data": {"x": 1}}
    assert client.refusal("PATCH", "board/data/Board portal", patch, content_type=MERGE)[0] == 403


def test_a_method_that_is_not_there_is_405_and_another_path_says_how(vault):
    client = vault()
    assert client.send("PATCH", "production/delete/x", {}).status_code in {404, 405}
    answer = client.send("GET", "production/x")
    assert answer.status_code == 404
    assert "Invalid path for a versioned K/V secrets engine" in answer.get_json()["warnings"][0]


@pytest.mark.parametrize(
    "path",
    [
        *(
            "production/data/%2e%2e/x",
            "production/data/a//b",
            "production/data/a%00b",
            "production/data/a%0Ab",
        ),
        *(
            "production/data/{{7*7}}",
            "production/data/'%20OR%201=1--",
            "production/data/%ff",
            "%2e%2e/data/x",
        ),
        *(
            "production/data/" + "a" * 3000,
            "production//data/x",
            "/data/x",
            "sys/mounts/%2e%2e",
            "auth//login",
        ),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "LIST", "PATCH", "PROPFIND", "OPTIONS", "TRACE"])
def test_an_odd_path_is_an_answer_and_never_a_fault(vault, path, method):
    body = {"data": {"a": 1}} if method == "POST" else None
    answer = vault().send(method, path, body)
    assert answer.status_code in {200, 204, 400, 403, 404, 405, 415}
    if method == "POST":
        assert answer.status_code != 200 or "{{" in path or "OR" in path
