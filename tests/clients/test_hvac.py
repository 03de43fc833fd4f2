"""hvac's own integration tests, unmodified, against our server: clients whose tests we did not write.

They come in hvac's source distribution, from the package index, by version and hash.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from policy import Scope
from services import api_tokens, profiles
from tests import world as worlds
from tests.journeys.house import House

HERE = Path(__file__).parent
PINNED = HERE / "hvac-requirements.txt"
CACHE = HERE.parent.parent / ".pytest_cache" / "hvac"

EXPECTED: Mapping[str, int] = {
    "api/secrets_engines/test_kv_v2.py::TestKvV2": 84,
    "api/auth_methods/test_token.py::TestToken": 13,
    "api/auth_methods/test_approle.py::TestAppRole": 20,
    "v1/test_approle.py::TestApprole": 8,
    "api/system_backend/test_wrapping.py::TestWrapping": 5,
    "api/system_backend/test_health.py::TestHealth": 2,
    "api/system_backend/test_leader.py::TestLeader": 1,
}
"""How many tests of each class pass: all that there are, but for those left out."""

LEFT_OUT: Mapping[str, tuple[int, str]] = {
    "api/system_backend/test_health.py::TestHealth": (
        4,
        "a second server, on standby or sealed, is what they ask",
    ),
}
"""Tests that skip themselves here: how many, and why."""

pytestmark = pytest.mark.sqlite
# An environment from before these were in the lock has them not.
pytest.importorskip("parameterized", reason="run ./chatelaine test once: it installs what is new in the lock")


def source() -> Path:
    """Return the unpacked source distribution; pip fetches it where it is not there yet."""
    fetch = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    fetch += ["--no-deps", "--no-binary", "hvac", "--no-build-isolation", "--require-hashes"]
    if not list(CACHE.glob("hvac-*.tar.gz")):
        CACHE.mkdir(parents=True, exist_ok=True)
        subprocess.run([*fetch, "--dest", CACHE, "--requirement", PINNED], check=True)
    [archive] = CACHE.glob("hvac-*.tar.gz")
    return archive


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Run them all at once, and return the outcome of each by its class."""
    folder = tmp_path_factory.mktemp("hvac")
    with tarfile.open(source()) as archive:
        archive.extractall(folder, filter="data")
    [unpacked] = folder.glob("hvac-*")
    database = folder / "chatelaine.db"
    world = worlds.build(database)
    with House(database) as house:
        _run(unpacked, house, _root_token(database, world), folder / "report.xml")
    return _read(folder / "report.xml")


def _root_token(database, world):
    """Return a token that may do all that Alice may, as a person would make it on the page of tokens."""
    runtime = worlds.open_world(database)
    with runtime.work(writing=True, actor=world.actor("alice")) as uow:
        minted = api_tokens.issue(uow, "hvac", tuple(Scope), timedelta(days=1))
        # Policies are made on our pages; two of the tests expect one of this name to be there.
        profiles.save(uow, None, name="testpolicy", scopes=[Scope.ITEMS_LIST])
    runtime.close()
    return minted.text


def _run(unpacked, house, token, report):
    options = ["-o", "addopts=", "-p", "no:cacheprovider", "-p", "hvac_foreign", "--quiet"]
    files = [f"tests/integration_tests/{name}" for name in EXPECTED]
    search = [HERE / "plugin", unpacked, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    environ = {
        **os.environ,
        "FOREIGN_ADDR": house.address,
        "FOREIGN_TOKEN": token,
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
    left_out, _reason = LEFT_OUT.get(test, (0, ""))
    assert results[test] == Counter(passed=EXPECTED[test]) + Counter(skipped=left_out)
