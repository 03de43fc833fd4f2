"""What docs/programs/ tells people to write is what works."""

from __future__ import annotations

import importlib.util
import re
import shlex
import subprocess
import sys
from datetime import timedelta
from importlib.machinery import SourceFileLoader

import pytest
import yaml

from policy import Scope
from services import api_tokens
from tests import world as worlds
from tests.clients import foreign
from tests.documents import ROOT, blocks, name_of, tables
from tests.journeys.house import House

DOCUMENTS = sorted((ROOT / "docs" / "programs").glob("*.md"))
ALL = [*DOCUMENTS, ROOT / "README.md"]


@pytest.fixture(scope="module")
def chl():
    """Load chl as a module; its name ends in nothing that Python would look for."""
    loader = SourceFileLoader("chl", str(ROOT / "clients" / "chl"))
    specification = importlib.util.spec_from_loader("chl", loader)
    module = importlib.util.module_from_spec(specification)
    kept, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    loader.exec_module(module)
    sys.dont_write_bytecode = kept
    return module


def test_each_has_its_page():
    assert [document.stem for document in DOCUMENTS] == [
        *(
            "ansible",
            "cli",
            "docker-compose",
            "external-secrets",
            "github-actions",
            "python-hvac",
            "terraform",
        )
    ]


@pytest.mark.parametrize("document", ALL, ids=name_of)
def test_commands_of_chl_are_ones(document, chl):
    """As the program itself reads its command line."""
    for block in blocks(document.read_text(encoding="utf-8"), "sh"):
        for line in block.splitlines():
            if re.match(r"(clients/)?chl ", line):
                chl.parser().parse_args(shlex.split(line, comments=True)[1:])


@pytest.mark.parametrize("document", ALL, ids=name_of)
def test_what_is_yaml_can_be_read(document):
    for block in blocks(document.read_text(encoding="utf-8"), "yaml"):
        assert list(yaml.safe_load_all(block))


def test_the_table_of_exit_codes_is_the_program_s(chl):
    text = (ROOT / "docs" / "programs" / "cli.md").read_text(encoding="utf-8")
    written = [int(row[0]) for row in tables(text) if row[0].isdigit()]
    told = [int(code) for code in re.findall(r"^ +(\d)  ", chl.CODES, re.MULTILINE)]
    assert written == told == [0, *range(chl.WRONG, chl.BUSY + 1)]


def test_the_template_of_the_page_has_a_place(chl):
    [template] = blocks((ROOT / "docs" / "programs" / "cli.md").read_text(encoding="utf-8"), "ini")
    assert chl.PLACEHOLDER.search(template)


@pytest.mark.sqlite
def test_the_lines_for_hvac_work(tmp_path):
    database = tmp_path / "chatelaine.db"
    world = worlds.build(database)
    runtime = worlds.open_world(database)
    worlds._add_item(runtime, world, "alice", "Production", worlds.login("db"))
    with runtime.work(writing=True, actor=world.actor("alice")) as uow:
        token = api_tokens.issue(uow, "docs", tuple(Scope), timedelta(days=1)).text
    runtime.close()
    library = foreign.hvac(tmp_path)
    text = (ROOT / "docs" / "programs" / "python-hvac.md").read_text(encoding="utf-8")
    reads, writes = blocks(text, "python")
    end = "print(password, client.secrets.kv.v2.read_secret_version('db', mount_point='production', "
    end += "raise_on_deleted_version=True)['data']['data']['password'])"
    with House(database) as house:
        done = subprocess.run(
            [sys.executable, "-c", f"{reads}\n{writes}\n{end}"],
            env={"PYTHONPATH": str(library), "VAULT_ADDR": house.address, "VAULT_TOKEN": token},
            capture_output=True,
            text=True,
            check=False,
        )
    assert (done.stdout, done.returncode) == (f"{worlds.PASSWORD} another\n", 0), done.stderr
