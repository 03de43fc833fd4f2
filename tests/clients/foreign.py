"""Clients that we did not write: where each comes from, and a server with a token for them."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from policy import Scope
from services import api_tokens, profiles
from tests import world as worlds
from tests.journeys.house import ROOT, House

HERE = Path(__file__).parent
CACHE = ROOT / ".pytest_cache" / "clients"


@dataclass(frozen=True)
class Place:
    """A started server, and an API token of Alice's with every scope."""

    address: str
    token: str
    world: worlds.World
    database: Path


@contextmanager
def place(database: Path) -> Iterator[Place]:
    """Start a server on a new world, with a profile ``reader`` for what a role may."""
    world = worlds.build(database)
    runtime = worlds.open_world(database)
    with runtime.work(writing=True, actor=world.actor("alice")) as uow:
        token = api_tokens.issue(uow, "clients", tuple(Scope), timedelta(days=1)).text
        profiles.save(uow, None, name="reader", scopes=[Scope.ITEMS_REVEAL])
        # Policies are made on our pages; two of hvac's tests expect one of this name to be there.
        profiles.save(uow, None, name="testpolicy", scopes=[Scope.ITEMS_LIST])
    runtime.close()
    with House(database) as house:
        yield Place(house.address, token, world, database)


def hvac(folder: Path) -> Path:
    """Unpack hvac's source distribution, the package and its tests, into *folder*; return where they are."""
    [archive] = _downloaded("hvac", "--no-binary", "hvac", "--no-build-isolation")
    with tarfile.open(archive) as sources:
        sources.extractall(folder, filter="data")
    [unpacked] = folder.glob("hvac-*")
    return unpacked


def ansible(folder: Path) -> None:
    """Unpack ansible-core and, of all its collections, community.hashi_vault into *folder*."""
    ours = "ansible_collections/community/hashi_vault/"
    for archive in _downloaded("ansible", "--only-binary", ":all:"):
        with zipfile.ZipFile(archive) as wheel:
            names = wheel.namelist()
            wanted = [name for name in names if name.startswith(ours)] or names
            wheel.extractall(folder, wanted)  # noqa: S202 - its hash is known


def node_vault() -> Path:
    """Return a folder with node-vault and what it needs, of the versions and hashes in our lock."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        without("Node.js with npm", "apt-get install nodejs npm")
    folder = CACHE / "node"
    lock = (HERE / "node" / "package-lock.json").read_bytes()
    kept = folder / "package-lock.json"
    if not (folder / "node_modules").is_dir() or kept.read_bytes() != lock:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(HERE / "node" / "package.json", folder)
        kept.write_bytes(lock)
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run(command, cwd=folder, check=True)
    return folder / "node_modules"


def without(what: str, remedy: str) -> None:
    """Leave the tests out that need *what*; in CI, fail instead."""
    if os.environ.get("CI", "") in {"", "0", "false"}:
        pytest.skip(f"{what} is not installed: {remedy}")
    pytest.fail(f"{what} is not installed, and with CI set no test may be left out: {remedy}")


def _downloaded(name: str, *options: str) -> list[Path]:
    """Return what pip fetches of the versions and hashes in our file, once for each state of that file."""
    pinned = HERE / f"{name}-requirements.txt"
    folder = CACHE / f"{name}-{hashlib.sha256(pinned.read_bytes()).hexdigest()[:16]}"
    fetch = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    if not folder.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        # Renamed when it is whole, so that a run that is cut short leaves nothing that looks like it.
        with tempfile.TemporaryDirectory(dir=CACHE) as fresh:
            pins = ["--require-hashes", "--requirement", str(pinned)]
            subprocess.run([*fetch, *options, *pins, "--dest", f"{fresh}/whole"], check=True)
            Path(fresh, "whole").rename(folder)
    return sorted(folder.iterdir())
