"""Builds what the Dockerfile describes without an engine: its COPY and RUN steps, in an empty folder."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Stage:
    base: str
    name: str
    steps: list[tuple[str, str]] = field(default_factory=list)

    def last(self, instruction):
        return next((text for name, text in reversed(self.steps) if name == instruction), None)

    def environ(self):
        text = " ".join(text for name, text in self.steps if name == "ENV")
        return dict(item.split("=", 1) for item in shlex.split(text))


def read_dockerfile():
    """Return the stages; the lines before the first are a stage without a base."""
    text = re.sub(r"\\\n\s*", " ", (ROOT / "Dockerfile").read_text())
    stages = [Stage("", "")]
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        instruction, _, rest = line.partition(" ")
        if instruction == "FROM":
            base, _, name = rest.partition(" AS ")
            stages.append(Stage(base, name))
        else:
            stages[-1].steps.append((instruction, rest.strip()))
    return stages


def in_context(path):
    """Tell whether .dockerignore lets *path*, relative to the program's folder, into the image."""
    kept = True
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        pattern = line.lstrip("!")
        tails = [path, *("/".join(path.split("/")[start:]) for start in range(1, path.count("/") + 1))]
        candidates = tails if pattern.startswith("**/") else [path]
        pattern = pattern.removeprefix("**/")
        prefixes = [
            "/".join(one.split("/")[:end]) for one in candidates for end in range(1, one.count("/") + 2)
        ]
        if any(prefix.count("/") == pattern.count("/") and fnmatch(prefix, pattern) for prefix in prefixes):
            kept = line.startswith("!")
    return kept


def build(folder):
    """Run the steps of the first stage with *folder* in the place of /, and return its /app."""
    app = folder / "app"
    app.mkdir()
    for instruction, text in read_dockerfile()[1].steps:
        if instruction == "COPY":
            *sources, target = text.split()
            assert target in {".", "./"}
            _copy(sources, app)
        elif instruction == "RUN":
            # Debian's own Python stands for the image's: everyone may run it, which is not so for root's.
            environ = {"PATH": "/usr/bin:/bin", "HOME": os.environ.get("HOME", "/")}
            subprocess.run(["sh", "-ec", text], cwd=app, env=environ, check=True, timeout=300)
        else:
            assert instruction == "WORKDIR"
    return app


def _copy(sources, app):
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    for path in listed:
        if in_context(path) and (sources == ["."] or path in sources) and (ROOT / path).is_file():
            (app / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, app / path)


def command_of(stage):
    """Return what a container of *stage* runs."""
    return json.loads(stage.last("ENTRYPOINT")) + json.loads(stage.last("CMD"))
