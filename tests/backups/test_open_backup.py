"""The script that opens a backup when the program is gone: run where nothing of the program is there."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from crypto.passphrase import PassphraseHasher
from policy import Right
from services import backups
from services.backup_files import BackupFiles
from services.object_store import FolderStore
from tests.attached import PEM, attach
from tests.backups.place import BACKUP_KEY
from tests.world import MASTER_KEY, PASSWORD, SEED

pytestmark = pytest.mark.sqlite

SCRIPT = Path(__file__).parents[2] / "tools" / "open_backup.py"


@pytest.fixture
def opened(place, tmp_path):
    """Run the script on a backup, alone in a folder, by a Python that knows installed packages only."""
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(SCRIPT, alone)

    def run(name, *more, typed="", **environ):
        secrets = {"BACKUP_KEY": BACKUP_KEY, "ENCRYPTION_KEYS": MASTER_KEY} | environ
        return subprocess.run(
            [sys.executable, "-P", alone / "open_backup.py", place / f"{name}.manifest", *more],
            cwd=alone, env=secrets, input=typed, capture_output=True, text=True, check=False,
        )  # fmt: skip

    return run


def test_it_prints_every_credential(names, opened):
    done = opened(names[0])
    assert done.stderr == ""
    items = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(item["organization"], item["vault"]) for item in items] == [
        ("Lakeside", "Harbor"),
        ("Northwind", "Board"),
        ("Northwind", "Production"),
        ("Northwind", "Production"),
    ]
    assert {item["name"] for item in items} == {
        "Lakeside mail",
        "Board portal",
        "prod/db primary",
        "Stripe dashboard",
    }
    for item in items:
        assert item["fields"]["Password"] == PASSWORD
        assert item["fields"]["TOTP"] == SEED
        assert item["user_name"] == "vault_rw"


def test_a_passphrase_is_read_from_standard_input(runtime, place, opened):
    files = BackupFiles(FolderStore(place), "nine horses drink tëa", PassphraseHasher())
    name = backups.create(runtime, files).manifest.name
    assert opened(name, typed="nine horses drink te\u0308a\n").stdout.count("\n") == 4
    done = opened(name, typed="nine horses drink beer\n")
    assert (done.stdout, done.returncode) == ("", 1)
    assert "does not open" in done.stderr


def test_what_it_cannot_do_it_says_in_a_sentence(names, opened, place):
    name = names[0]
    for environ, words in (
        ({"BACKUP_KEY": MASTER_KEY}, "does not open"),
        ({"ENCRYPTION_KEYS": BACKUP_KEY}, "lacks the master key"),
    ):
        done = opened(name, **environ)
        assert (done.stdout, done.returncode) == ("", 1)
        assert words in done.stderr
        assert "Traceback" not in done.stderr
    manifest = place / f"{name}.manifest"
    manifest.write_bytes(manifest.read_bytes().replace(b'"item": 4', b'"item": 5'))
    assert "manifest was changed" in opened(name).stderr
    (place / f"{name}.keys").unlink()
    assert "No such file" in opened(name).stderr


def test_it_shares_no_code_with_the_program():
    ours = {path.stem for path in SCRIPT.parents[1].glob("*.py")} | {
        path.name for path in SCRIPT.parents[1].iterdir() if path.is_dir()
    }
    source = SCRIPT.read_text(encoding="utf-8")
    imported = {
        line.split()[1].partition(".")[0]
        for line in source.splitlines()
        if line.startswith(("import ", "from "))
    }
    assert not imported & (ours - {"__future__"})
    assert imported - set(sys.stdlib_module_names) == {"cryptography"}


def test_it_writes_files_where_a_folder_is_named(runtime, place, make, opened, world, tmp_path):
    mia = world.actor("mia", {world.vaults["Production"]: Right.EDIT})
    item = world.items["Stripe dashboard"]
    long = b"a line of text\n" * 20_000
    attach(runtime, mia, item, "server.pem")
    attach(runtime, mia, item, "long.txt", long)
    name = make().name
    told = [json.loads(line) for line in opened(name).stdout.splitlines()]
    assert [len(one["files"]) for one in told if one["name"] == "Stripe dashboard"] == [2]
    assert not any("written" in file for one in told for file in one["files"])

    done = opened(name, tmp_path / "out")
    assert done.stderr == ""
    [files] = [one["files"] for line in done.stdout.splitlines() if (one := json.loads(line))["files"]]
    assert [(file["name"], file["size"]) for file in files] == [
        ("server.pem", len(PEM)),
        ("long.txt", len(long)),
    ]
    assert [Path(file["written"]).read_bytes() for file in files] == [PEM, long]

    [copy] = [path for path in (place / "files").rglob("*") if path.is_file() and path.stat().st_size < 1000]
    copy.write_bytes(copy.read_bytes()[:-1] + b"x")
    done = opened(name, tmp_path / "again")
    [files] = [one["files"] for line in done.stdout.splitlines() if (one := json.loads(line))["files"]]
    assert [file.get("error") for file in files] == ["cannot be decrypted", None]
