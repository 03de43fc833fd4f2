"""The documents promise nothing that is not there: every test, file and link that they name."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.documents import ROOT, code, documents, name_of, tables

SECURITY = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
MADE_WHILE_RUNNING = {".env", ".venv", "instance"}
"""Files and folders that documents name and that a fresh clone has not, or has empty."""


def promises():
    """Return number and cells of each promise."""
    return [row for row in tables(SECURITY) if row[0].isdigit()]


def test_promises_are_numbered_without_a_gap():
    numbers = [int(row[0]) for row in promises()]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= 17


@pytest.mark.parametrize("row", promises(), ids=lambda row: row[0])
def test_a_promise_names_tests_that_exist(row):
    files = re.findall(r"`([^`]+)`", row[2])
    assert files, f"promise {row[0]} names no test"
    for file in files:
        assert file.startswith("tests/")
        assert names_of_tests(ROOT / file), f"{file} has no tests"


def names_of_tests(file: Path) -> list[str]:
    """Return the names of the tests in a file."""
    nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    return [
        node.name for node in nodes if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    ]


@pytest.mark.parametrize("document", documents(), ids=name_of)
def test_links_into_the_repository_lead_somewhere(document):
    text = document.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:src|srcset|href)="([^"]+)"', text)
    for link in links:
        path, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", path):
            continue
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), f"{name_of(document)} leads to {link}"
        assert ROOT in (target, *target.parents)
        if anchor:
            assert anchor in anchors(target.read_text(encoding="utf-8")), (
                f"{name_of(document)} leads to {link}"
            )


def anchors(text: str) -> set[str]:
    """Return what the headings of a document can be reached by."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", documents(), ids=name_of)
def test_files_that_a_document_names_exist(document):
    """Whatever stands in backticks and looks like a path of this repository."""
    for text in code(document.read_text(encoding="utf-8")):
        if not re.fullmatch(r"\.?[a-z_]+(/[\w.*-]+)*/?\.?[a-z]*", text) or "/" not in text:
            continue
        first = text.split("/")[0]
        if first in MADE_WHILE_RUNNING or not (ROOT / first).is_dir():
            continue
        assert list(ROOT.glob(text.rstrip("/"))), f"{name_of(document)} names {text}"
