"""hvac's own integration tests, unmodified, against our server: clients whose tests we did not write.

They come in hvac's source distribution, from the package index, by version and hash.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from xml.etree import ElementTree as ET

import pytest

from tests.clients import foreign
from tests.documents import ROOT, tables

EXPECTED: Mapping[str, int] = {
    "api/secrets_engines/test_kv_v2.py::TestKvV2": 84,
    "api/auth_methods/test_token.py::TestToken": 13,
    "api/auth_methods/test_approle.py::TestAppRole": 20,
    "v1/test_approle.py::TestApprole": 8,
    "api/system_backend/test_wrapping.py::TestWrapping": 5,
    "api/system_backend/test_health.py::TestHealth": 2,
    "api/system_backend/test_leader.py::TestLeader": 1,
    "api/system_backend/test_init.py::TestInit": 2,
    "api/system_backend/test_auth.py::TestAuth": 1,
}
"""How many tests of each class pass: all that there are, but for those left out."""

SKIPPED: Mapping[str, int] = {"api/system_backend/test_health.py::TestHealth": 4}
"""Tests that skip themselves here; docs/vault-api.md says why, and why others are not run."""
DESELECTED = ["api/system_backend/test_auth.py::TestAuth::test_auth_backend_manipulation"]
"""Tests that ask for what is not there: here, to mount a method other than approle."""

pytestmark = pytest.mark.sqlite


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Run them all at once, and return the outcome of each by its class."""
    folder = tmp_path_factory.mktemp("hvac")
    unpacked = foreign.hvac(folder)
    with foreign.place(folder / "chatelaine.db") as place:
        _run(unpacked, place, folder / "report.xml")
    return _read(folder / "report.xml")


def _run(unpacked, place, report):
    options = ["-o", "addopts=", "-p", "no:cacheprovider", "-p", "hvac_foreign", "--quiet"]
    files = [f"tests/integration_tests/{name}" for name in EXPECTED]
    options += [f"--deselect=tests/integration_tests/{name}" for name in DESELECTED]
    search = [
        foreign.HERE / "plugin",
        unpacked,
        *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)),
    ]
    environ = {
        **os.environ,
        "FOREIGN_ADDR": place.address,
        "FOREIGN_TOKEN": place.token,
        "PYTHONPATH": os.pathsep.join(map(str, search)),
    }
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, f"--junit-xml={report}", *files],
        cwd=unpacked,
        env=environ,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert report.exists(), done.stdout + done.stderr


def _read(report):
    outcomes: dict[str, Counter[str]] = {}
    tree = ET.parse(report)  # noqa: S314 - made by the run before
    for case in tree.iter("testcase"):
        kind = next((child.tag for child in case if child.tag in {"failure", "error", "skipped"}), "passed")
        place, _, name = case.attrib["classname"].rpartition(".")
        path = place.removeprefix("tests.integration_tests.").replace(".", "/")
        test = f"{path}.py::{name}"
        outcomes.setdefault(test, Counter())[kind] += 1
        if kind in {"failure", "error"}:
            outcomes[test][f"{case.attrib['name']} {case[0].attrib.get('message', '')}"] += 1
    return outcomes


@pytest.mark.parametrize("test", EXPECTED)
def test_every_test_of_the_class_passes(results, test):
    assert results[test] == Counter(passed=EXPECTED[test], skipped=SKIPPED.get(test, 0))


def test_each_file_of_its_tests_is_run_or_named_with_the_reason(tmp_path):
    files = foreign.hvac(tmp_path) / "tests" / "integration_tests"
    there = {str(path.relative_to(files)) for path in files.rglob("test_*.py")}
    partly = {name.partition("::")[0] for name in [*SKIPPED, *DESELECTED]}
    whole = {name.partition("::")[0] for name in EXPECTED} - partly
    named = set()
    for cell, *_ in tables((ROOT / "docs" / "vault-api.md").read_text(encoding="utf-8")):
        folder = ""
        for path in re.findall(r"`([\w/]*test_\w+\.py)`", cell):
            folder = path.rpartition("/")[0] or folder
            named.add(f"{folder}/{path.rpartition('/')[2]}")
    assert named == there - whole
