"""`./chatelaine import`, run as the operator runs it."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import func, select

from errors import Conflict
from importers.limits import Refused
from models import ImportRun, Item
from tests.importers.files import FILES, OUT, PASSWORD

HERE = ("--vault", "production", "--organization", "northwind")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "export.json"
    path.write_bytes(FILES["bitwarden-json"])
    return path


def count(runtime, model):
    with runtime.work(writing=False) as uow:
        return uow.session.scalar(select(func.count()).select_from(model))


def test_a_dry_run_says_what_would_become_of_each_entry_and_stores_nothing(run, file, runtime):
    before = count(runtime, Item)
    out, words = run("import", str(file), *HERE, "--dry-run")
    assert "Office/Mail/Mail" in out
    assert "5 new, 0 here already, 0 that cannot be kept. Nothing was stored." in words
    assert "quoted" not in out + words
    assert (count(runtime, Item), count(runtime, ImportRun)) == (before, 0)


def test_a_file_is_stored_with_an_event_each_and_nothing_of_a_value_is_printed(run, file, trail):
    out, words = run("import", str(file), *HERE, "--json")
    figures = json.loads(out)
    assert {name: figures[name] for name in ("done", "new", "duplicate", "refused")} == {
        "done": True,
        "new": 5,
        "duplicate": 0,
        "refused": 0,
    }
    assert "quoted" not in out + words
    assert len(trail.events("item.created")) == len(OUT["bitwarden-json"])
    assert trail.one("import.started")["actor"] == "system"
    out, _ = run("import", str(file), *HERE, "--json")
    assert json.loads(out)["duplicate"] == 5


def test_a_password_is_read_from_standard_input(run, tmp_path):
    path = tmp_path / "protected.json"
    path.write_bytes(FILES["bitwarden-protected"])
    _, words = run("import", str(path), *HERE, "--folder", "in", typed=PASSWORD + "\n")
    assert "5 new" in words
    with pytest.raises(Refused, match="password"):
        run("import", str(path), *HERE, typed="wrong\n")


def test_what_is_not_there_is_said(run, file, tmp_path):
    with pytest.raises(Conflict, match="no vault"):
        run("import", str(file), "--vault", "Nowhere", "--organization", "northwind")
    (tmp_path / "x.bin").write_bytes(b"\x89PNG")
    with pytest.raises(Refused, match="knows this file"):
        run("import", str(tmp_path / "x.bin"), *HERE)
