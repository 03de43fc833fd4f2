"""docs/keys.md, carried out word for word on a running server while a program goes on revealing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from urllib.request import Request, urlopen

import pytest

from crypto.keyring import MasterKeys
from tests import fresh_clone
from tests.commands.test_serve import Started
from tests.documents import ROOT, blocks
from tests.world import FLASK_KEY, MASTER_KEY, PASSWORD

RUNBOOK = blocks((ROOT / "docs" / "keys.md").read_text(encoding="utf-8"), "sh")
START_AGAIN = "# start the server again"


@pytest.fixture
def clone(tmp_path, database):
    """The program with the world in its database, and the master key in a file of its own."""
    clone = fresh_clone.make(tmp_path)
    shutil.copy(database, clone / "instance" / "chatelaine.db")
    (clone / "keys").write_text(MASTER_KEY + "\n", encoding="ascii")
    (clone / "keys").chmod(0o600)
    return clone


class Installation:
    """The clone as its operator works on it: a shell in its folder, and the server."""

    def __init__(self, clone):
        self.clone = clone
        self.environ = {
            "APP_ENV": "local",
            "FLASK_SECRET_KEY": FLASK_KEY,
            "ENCRYPTION_KEYS_FILE": str(clone / "keys"),
            "DATABASE_URL": f"sqlite:///{clone}/instance/chatelaine.db",
        }
        self.said = ""
        self.server = None
        self.token = ""

    def shell(self, line, typed=""):
        """Run a line of the runbook; nothing that it says is a key."""
        done = subprocess.run(
            ["sh", "-c", line],
            cwd=self.clone,
            env={"PATH": os.environ["PATH"]} | self.environ,
            input=typed,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        self.said += done.stdout + done.stderr
        return done.stdout

    def start(self):
        """Start the server, or start it again."""
        self.stop()
        self.server = Started(self.clone, **self.environ)

    def stop(self):
        if self.server is not None:
            self.said += self.server.said
            self.server.end()
            self.server = None

    def make_token(self):
        line = "./chatelaine tokens create --organization northwind --owner mia@northwind.example --name prog"
        self.token = self.shell(f"{line} --scope items:reveal").strip()

    def reveal(self, item):
        """Reveal a password as a program does."""
        request = Request(
            f"{self.server.address}/api/v1/items/{item}/reveal",
            data=json.dumps({"fields": ["Password"]}).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        with urlopen(request, timeout=30) as answer:
            return json.load(answer)["fields"]["Password"]

    def status(self):
        return json.loads(self.shell("./chatelaine keys status --json"))

    def ring(self):
        return (self.clone / "keys").read_text(encoding="ascii").strip()


@pytest.fixture
def installation(clone):
    installation = Installation(clone)
    yield installation
    installation.stop()


def carry_out(installation, block, item):
    """Do what a block says, line by line; after each a program reveals."""
    rings = {installation.ring()}
    for line in block.splitlines():
        if line == START_AGAIN:
            installation.start()
        else:
            installation.shell(line)
        rings.add(installation.ring())
        assert installation.reveal(item) == PASSWORD, line
    return rings


def test_the_runbook_replaces_every_key_of_a_running_server(installation, world):
    item = world.items["prod/db primary"]
    installation.make_token()
    installation.start()
    status, master, data, destroying = RUNBOOK
    carry_out(installation, status, item)
    assert "There is nothing to do." in installation.said

    rings = carry_out(installation, master, item)
    new = installation.ring()
    assert rings == {MASTER_KEY, f"{new}:{MASTER_KEY}", new}
    (key,) = installation.status()["master_keys"]
    assert (key["id"], key["state"], key["keys"]) == (MasterKeys.parse(new).primary_id, "first", 12)
    assert (installation.clone / "keys").stat().st_mode & 0o777 == 0o600
    assert not list(installation.clone.glob("*.new*"))
    assert "Rotation complete: 12 keys wrapped anew." in installation.said

    carry_out(installation, data, item)
    assert "northwind: 3 rows re-encrypted under version 2." in installation.said

    installation.shell(destroying, typed="Lakeside\n")
    assert installation.reveal(item) == PASSWORD
    installation.stop()
    installation.shell("./chatelaine audit verify")
    refused = fresh_clone.run(
        installation.clone, "keys", "rotate", **installation.environ | {"ENCRYPTION_KEYS_FILE": ""},
        ENCRYPTION_KEYS=MASTER_KEY,
    )  # fmt: skip
    assert refused.returncode == 78
    assert "lacks a master key that the database needs" in refused.stderr
    for secret in (MASTER_KEY, new, new.rstrip("=")):
        assert secret not in installation.said
