"""Ansible with its collection community.hashi_vault, unmodified: from the index, by version and hash."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import world as worlds
from tests.clients import foreign
from tests.documents import ROOT, blocks

MODULE = "community.hashi_vault"
KEY = {"engine_mount_point": "production", "path": "shop/database"}
pytestmark = pytest.mark.sqlite


class Controller:
    """The machine that runs the playbooks."""

    def __init__(self, place: foreign.Place, packages: list[Path], folder: Path) -> None:
        self.place = place
        self.packages = packages
        self.folder = folder

    def play(self, *tasks: Mapping[str, Any], told: str) -> Any:
        """Run the tasks on this machine; return what the expression *told* is at the end."""
        answer = self.folder / "answer.json"
        keep = {"content": f"{{{{ {told} | to_json }}}}", "dest": str(answer)}
        code, said = self.run(*tasks, {"ansible.builtin.copy": keep, "no_log": True})
        assert code == 0, said
        return json.loads(answer.read_text())

    def run(self, *tasks: Mapping[str, Any], **environ: str) -> tuple[int, str]:
        """Run the tasks on this machine; return the exit code and what Ansible says."""
        play = {"hosts": "localhost", "gather_facts": False, "connection": "local", "tasks": list(tasks)}
        playbook = self.folder / "play.yml"
        playbook.write_text(yaml.safe_dump([play]))
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "ansible", "playbook", "-i", "localhost,", playbook],
            env=self._environ() | environ,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        self.said = done.stdout + done.stderr
        return done.returncode, self.said

    def _environ(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "LC_ALL": "C.UTF-8",
            "PYTHONPATH": os.pathsep.join(map(str, self.packages)),
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "ANSIBLE_DEPRECATION_WARNINGS": "false",
            "VAULT_ADDR": self.place.address,
            "VAULT_TOKEN": self.place.token,
        }


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ansible")
    foreign.ansible(folder)
    library = foreign.hvac(tmp_path_factory.mktemp("hvac"))
    with foreign.place(folder / "chatelaine.db") as place:
        yield place, [folder, library]


@pytest.fixture
def controller(installed, tmp_path):
    place, packages = installed
    return Controller(place, packages, tmp_path)


def task(module: str, register: str = "done", **arguments: Any) -> dict[str, Any]:
    return {f"{MODULE}.{module}": arguments, "register": register}


def test_modules_write_read_list_and_delete(controller):
    told = controller.play(
        task("vault_kv2_write", **KEY, data={"password": "one", "port": 5432}),
        task("vault_kv2_write", "again", **KEY, data={"password": "two"}, cas=1),
        task("vault_kv2_get", "first", **KEY, version=1),
        task("vault_kv2_get", "newest", **KEY),
        task("vault_list", "listed", path="production/metadata/shop"),
        task("vault_read", "metadata", path="production/metadata/shop/database"),
        task("vault_kv2_delete", **KEY),
        {**task("vault_kv2_get", "gone", **KEY), "ignore_errors": True},
        told="[first.secret, newest.secret, newest.metadata.version, listed.data.data['keys'],"
        " metadata.data.data.current_version, gone.failed]",
    )
    assert told == [{"password": "one", "port": 5432}, {"password": "two"}, 2, ["database"], 2, True]


def test_the_playbook_of_the_documentation_reads_the_password(controller):
    document = (ROOT / "docs" / "programs" / "ansible.md").read_text(encoding="utf-8")
    playbook, lookup = blocks(document, "yaml")
    [read, _] = yaml.safe_load(playbook)[0]["tasks"]
    value = yaml.safe_load(lookup)["db_password"]
    written = task("vault_kv2_write", **KEY | {"path": "db"}, data={"password": "from the page"}) | {
        "no_log": True
    }
    told = controller.play(
        written,
        read,
        {"ansible.builtin.set_fact": {"looked_up": value}, "no_log": True},
        told="[db.secret.password, looked_up]",
    )
    assert told == ["from the page"] * 2
    assert "from the page" not in controller.said


def test_it_comes_in_by_a_role(controller):
    role = "auth/deploy/role/runner"
    told = controller.play(
        task("vault_write", path="sys/auth/deploy", data={"type": "approle"}),
        task("vault_write", path=role, data={"token_policies": "reader"}),
        task("vault_read", "role", path=f"{role}/role-id"),
        task("vault_write", "secret", path=f"{role}/secret-id", data={}),
        task(
            "vault_kv2_get",
            "read",
            auth_method="approle",
            mount_point="deploy",
            role_id="{{ role.data.data.role_id }}",
            secret_id="{{ secret.data.data.secret_id }}",
            engine_mount_point="production",
            path="Stripe dashboard",
        ),
        told="read.secret.password",
    )
    assert told == worlds.PASSWORD


def test_it_makes_a_token_and_goes_on_with_it(controller):
    told = controller.play(
        task("vault_token_create", "made", policies=["reader"], ttl="5m", display_name="playbook"),
        task(
            "vault_kv2_get",
            "read",
            token="{{ made.login.auth.client_token }}",
            engine_mount_point="production",
            path="Stripe dashboard",
        ),
        told="[read.secret.password, made.login.auth.lease_duration]",
    )
    assert told == [worlds.PASSWORD, 300]


def test_a_token_that_is_none_fails_with_a_sentence_and_without_a_value(controller):
    code, said = controller.run(task("vault_kv2_get", **KEY), VAULT_TOKEN="nonsense")
    assert (code, "Permission Denied to path" in said) == (2, True), said
