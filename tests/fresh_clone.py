"""A copy of the program as a newcomer has it, with this one's packages instead of a long installation."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NOT_IN_A_CLONE = shutil.ignore_patterns(
    ".*", "tests", "bench", "docs", "node_modules", "__pycache__", "instance", "*.db*", "htmlcov"
)
NOBODY = 65534


def make(folder: Path, *, packages: bool = True) -> Path:
    """Copy the program into *folder*; with *packages*, its .venv is this one's."""
    clone = folder / "clone"
    shutil.copytree(ROOT, clone, ignore=NOT_IN_A_CLONE)
    (clone / "instance").mkdir()
    if packages:
        (clone / ".venv").symlink_to(ROOT / ".venv")
    return clone


def run(
    clone: Path, *arguments: str, user: int | None = None, **environ: str
) -> subprocess.CompletedProcess[str]:
    """Run `./chatelaine` there with nothing in the environment but *environ*."""
    # By name, as an ordinary user would be: root may write anywhere.
    other = (
        {"user": user, "group": user, "extra_groups": []} if user is not None and os.geteuid() == 0 else {}
    )
    return subprocess.run(
        [clone / "chatelaine", *arguments],
        env={"PATH": os.environ["PATH"], "HOME": str(clone.parent)} | environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        **other,
    )


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
