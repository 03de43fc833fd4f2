"""node-vault, the client of Node.js programs, unmodified: from the npm registry by version and hash."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import Any

import pytest

from tests import world as worlds
from tests.clients import foreign

DATA = "production/data/shop/database"
pytestmark = pytest.mark.sqlite


class Node:
    """A Node.js process that calls node-vault for us."""

    def __init__(self, process: subprocess.Popen[str], place: foreign.Place) -> None:
        self.process = process
        self.place = place

    def _call(self, call: str, args: tuple[Any, ...], client: str, options: dict[str, Any]) -> dict[str, Any]:
        made = {"endpoint": self.place.address, "token": self.place.token, **options}
        asked = {"as": client + json.dumps(options), "options": made, "call": call, "args": args}
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def does(self, call: str, *args: Any, client: str = "", **options: Any) -> Any:
        """Return what a call gives back; *options* make the client."""
        answer = self._call(call, args, client, options)
        assert "value" in answer, answer
        return answer["value"]

    def refusal(self, call: str, *args: Any, client: str = "", **options: Any) -> tuple[int, str]:
        """Return the status and the words of the error that a call throws."""
        answer = self._call(call, args, client, options)
        return answer["status"], answer["message"]


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    modules = foreign.node_vault()
    with (
        foreign.place(tmp_path_factory.mktemp("node") / "chatelaine.db") as place,
        subprocess.Popen(
            [shutil.which("node"), foreign.HERE / "node" / "bridge.js"],
            env={"PATH": os.environ["PATH"], "NODE_PATH": str(modules)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        yield Node(process, place)
        process.stdin.close()


@pytest.fixture
def secret(node):
    """A credential that a program wrote, at its second version; gone afterwards."""
    node.does("write", DATA, {"data": {"password": "one", "port": 5432}})
    node.does("write", DATA, {"data": {"password": "two", "port": 5433, "tags": ["a", {"b": None}]}})
    yield DATA
    node.does("delete", DATA.replace("data", "metadata", 1))


@pytest.mark.parametrize(("ci", "outcome"), [("true", pytest.fail.Exception), ("", pytest.skip.Exception)])
def test_without_npm_ci_fails_and_a_person_is_told_what_to_install(monkeypatch, tmp_path, ci, outcome):
    monkeypatch.setenv("CI", ci)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(outcome, match="apt-get install nodejs npm"):
        foreign.node_vault()


def test_it_finds_a_server_that_is_up(node):
    assert node.does("health", token="")["sealed"] is False
    assert node.does("status", token="")["sealed"] is False
    assert node.does("initialized", token="") == {"initialized": True}
    assert node.does("leader", token="")["ha_enabled"] is False


def test_it_reads_what_a_person_made(node):
    read = node.does("read", "production/data/Stripe dashboard")["data"]
    assert read["data"]["password"] == worlds.PASSWORD
    assert read["metadata"]["version"] == 1


def test_it_reads_what_it_wrote_with_its_types_and_its_versions(node, secret):
    assert node.does("read", secret)["data"]["data"]["tags"] == ["a", {"b": None}]
    assert node.does("read", f"{secret}?version=1")["data"]["data"] == {"password": "one", "port": 5432}
    metadata = node.does("read", "production/metadata/shop/database")["data"]
    assert (metadata["current_version"], list(metadata["versions"])) == (2, ["1", "2"])


def test_it_changes_one_field(node, secret):
    node.does("update", secret, {"data": {"password": "three", "tags": None}})
    assert node.does("read", secret)["data"]["data"] == {"password": "three", "port": 5433}


def test_it_writes_only_over_what_it_has_seen(node, secret):
    late = {"data": {"password": "x"}, "options": {"cas": 1}}
    words = "check-and-set parameter did not match the current version"
    assert node.refusal("write", secret, late) == (400, words)


@pytest.mark.parametrize("plain", [False, True])
def test_it_lists_with_a_verb_of_its_own_and_without(node, secret, plain):
    listed = node.does("list", "production/metadata/shop", noCustomHTTPVerbs=plain)
    assert listed["data"]["keys"] == ["database"]
    assert node.refusal("list", "production/metadata/nothing", noCustomHTTPVerbs=plain) == (404, "Status 404")


def test_it_deletes_brings_back_and_destroys(node, secret):
    node.does("delete", secret)
    assert node.refusal("read", secret) == (404, "Status 404")
    node.does("write", secret.replace("data", "undelete", 1), {"versions": [2]})
    assert node.does("read", secret)["data"]["data"]["password"] == "two"
    gone = {"mount_point": "production", "path": "shop/database", "versions": [2]}
    node.does("destroySecretVersions", gone)
    node.does("write", secret.replace("data", "undelete", 1), {"versions": [2]})
    assert node.refusal("read", secret) == (404, "Status 404")


def test_it_makes_looks_up_renews_and_revokes_tokens(node):
    asked = {"ttl": "30m", "display_name": "build", "renewable": True}
    # This client goes on with the token that it was given.
    auth = node.does("tokenCreate", asked, client="maker")["auth"]
    token, accessor = auth["client_token"], auth["accessor"]
    assert node.does("tokenLookupSelf", token=token)["data"]["display_name"] == "token-build"
    assert node.does("tokenLookup", {"token": token})["data"]["accessor"] == accessor
    assert node.does("tokenLookupAccessor", {"accessor": accessor})["data"]["id"] == ""
    assert accessor in node.does("tokenAccessors")["data"]["keys"]
    assert node.does("tokenRenewSelf", {"increment": "20m"}, token=token)["auth"]["client_token"] == token
    node.does("tokenRevoke", {"token": token})
    assert node.refusal("tokenLookupSelf", token=token) == (403, "permission denied")


def test_it_comes_in_by_a_role_and_may_what_its_profiles_say(node):
    node.does("enableAuth", {"mount_point": "approle", "type": "approle"})
    node.does("addApproleRole", {"role_name": "deploy", "policies": "reader"})
    role_id = node.does("getApproleRoleId", {"role_name": "deploy"})["data"]["role_id"]
    made = node.does("getApproleRoleSecret", {"role_name": "deploy"})["data"]
    assert node.does("approleSecretAccessors", {"role_name": "deploy"})["data"]["keys"] == [
        made["secret_id_accessor"]
    ]
    program = {"client": "program", "token": ""}
    node.does("approleLogin", {"role_id": role_id, "secret_id": made["secret_id"]}, **program)
    assert node.does("read", "production/data/Stripe dashboard", **program)["data"]["data"]
    assert node.refusal("write", DATA, {"data": {}}, **program)[0] == 403
    wrong = {"role_id": role_id, "secret_id": "x"}
    assert node.refusal("approleLogin", wrong, **program) == (400, "invalid role or secret ID")
    assert node.does("approleRoles")["data"]["keys"] == ["deploy"]
    node.does("disableAuth", {"mount_point": "approle"})


def test_it_unwraps_once(node, secret):
    wrapped = node.does("read", secret, {"headers": {"X-Vault-Wrap-TTL": "60s"}})
    assert wrapped["data"] is None
    token = wrapped["wrap_info"]["token"]
    assert node.does("unwrap", {"token": token})["data"]["data"]["password"] == "two"
    words = "wrapping token is not valid or does not exist"
    assert node.refusal("unwrap", {"token": token}) == (400, words)


def test_it_mounts_and_unmounts(node):
    node.does("mount", {"mount_point": "build", "type": "kv", "options": {"version": "2"}})
    assert node.does("mounts")["build/"]["options"] == {"version": "2"}
    assert node.does("read", "build/config")["data"]["cas_required"] is False
    node.does("unmount", {"mount_point": "build"})
    assert "build/" not in node.does("mounts")


def test_it_names_an_organization_as_its_namespace(node):
    assert node.does("read", "production/config", namespace="northwind")["data"]
    assert node.refusal("read", "production/config", namespace="elsewhere")[0] == 404


def test_what_it_may_not_and_what_is_not_there_say_so(node):
    assert node.refusal("read", "production/data/x", token="nonsense") == (403, "permission denied")
    assert node.refusal("read", "production/data/nothing") == (404, "Status 404")
    status, words = node.refusal("write", DATA, {"password": "not below data"})
    assert (status, words) == (400, "no data provided")
    assert node.refusal("addPolicy", {"name": "x", "rules": ""})[0] in {400, 404, 405}
