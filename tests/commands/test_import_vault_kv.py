"""Moving in by command: from a KV engine, with a passphrase and a key file, with an old key."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from importers.limits import Refused
from tests.importers import origins
from tests.importers.kv_engine import TOKEN, KvEngine

INTO = ("--vault", "Production", "--organization", "northwind")
VECTORS = Path(__file__).parent.parent / "vectors" / "kdbx"
SECRETS = {
    "shop": {"username": "root", "password": "s3cret-0f-the-shop"},
    "prod/db": {"dsn": "postgresql://…", "ports": [5432]},
}


def names(runtime, world):
    with runtime.work(writing=False, actor=world.actor("alice")) as uow:
        return {entry.name for entry in runtime.indexes.of(uow).live(world.vaults["Production"])}


def test_a_kv_engine_is_stored_with_its_folders_and_can_be_undone(run, runtime, world, browser, trail):
    with KvEngine(2, SECRETS) as engine:
        arguments = ("import", "vault-kv", engine.address, "secret", *INTO, "--folder", "old")
        out, _ = run(*arguments, "--json", typed=f"{TOKEN}\n")
        again, _ = run(*arguments, "--json", typed=TOKEN)
    told = json.loads(out)
    assert (told["done"], told["new"], told["refused"]) == (True, 2, 0)
    assert {"old/shop", "old/prod/db"} <= names(runtime, world)
    assert json.loads(again)["new"] == 0
    assert len([e for e in trail.events("item.created") if e["extra"].get("import") == told["import"]]) == 2

    mia = browser("mia")
    page = mia.open(f"/o/northwind/imports/{told['import']}")
    assert "HashiCorp Vault or OpenBao" in page.get_text()


def test_a_dry_run_says_what_would_become_of_it_and_shows_no_value(run, runtime, world):
    with KvEngine(2, SECRETS) as engine:
        out, words = run(
            *("import", "vault-kv", engine.address, "secret", *INTO, "--dry-run", "--path", "prod"),
            typed=TOKEN,
        )
    assert "prod/db" in out
    assert "postgresql" not in out + words
    assert "1 new" in words
    assert "prod/db" not in names(runtime, world)


def test_a_server_that_cannot_be_reached_ends_with_a_sentence(run):
    with pytest.raises(Refused, match="cannot be reached"):
        run("import", "vault-kv", "http://127.0.0.1:9", "secret", *INTO, typed=TOKEN)


def test_a_keepass_file_is_opened_with_its_passphrase_and_key_file(run, runtime, world):
    out, _ = run(
        *(
            "import",
            str(VECTORS / "key-two.kdbx"),
            "--key-file",
            str(VECTORS / "two.keyfile"),
            *INTO,
            "--json",
        ),
        typed="Müsli & hot milk\n",
    )
    assert json.loads(out)["new"] == 5
    assert "Servers/Production/Database" in names(runtime, world)
    with pytest.raises(Refused, match="does not open"):
        run("import", str(VECTORS / "key-two.kdbx"), *INTO, typed="Müsli & hot milk\n")


def test_a_database_of_an_old_program_is_opened_with_its_key(run, runtime, world, tmp_path):
    folder = tmp_path / "old"
    folder.mkdir()
    file = folder / "score.sqlite3"
    file.write_bytes(origins.score())
    out, words = run("import", str(file), *INTO, "--json", typed=f"{origins.SCORE_KEY}\n")
    assert json.loads(out)["new"] == 2
    assert origins.SECRET not in out + words
    assert "Town hall/Wiki" in names(runtime, world)
    assert list(folder.iterdir()) == [file]
