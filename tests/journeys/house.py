"""The production server as a process of its own, on a database of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

from tests import world as worlds

ROOT = Path(__file__).resolve().parents[2]
STARTING_SECONDS = 60
STOPPING_SECONDS = 20


class House:
    """One started server. Whoever starts it ends it.

    Args:
        database: an empty place, or a copy of the world.
        settings: by name; a proxy is believed unless they say otherwise, so that visitors have addresses.
    """

    greeting = "Ctrl-C ends it."

    def __init__(self, database: Path, *, workers: int = 1, **settings: str) -> None:
        self.database = database
        self.workers = workers
        self.port = _free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.words = database.with_suffix(".out")
        self._settings = {
            "APP_ENV": "local",
            "FLASK_SECRET_KEY": worlds.FLASK_KEY,
            "ENCRYPTION_KEYS": worlds.MASTER_KEY,
            **worlds.environment_of(database),
            "TRUSTED_PROXIES": "1",
            "LOG_FORMAT": "json",
        } | settings

    def __enter__(self) -> Self:
        """Start the server as people do, and wait until it listens."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        with self.words.open("wb") as output:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    str(ROOT / "cli.py"),
                    "serve",
                    "--port",
                    str(self.port),
                    "--workers",
                    str(self.workers),
                ],
                cwd=ROOT,
                env=kept | self._settings,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self._wait()
        return self

    def __exit__(self, *_: object) -> None:
        """End the server as Ctrl-C does; what went wrong in it fails the test."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(STOPPING_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        faults = [line for line in self._lines() if line.get("level") in {"error", "critical"}]
        assert not faults, "\n\n".join(f"{line['event']}\n{line.get('exception', '')}" for line in faults)
        assert "Traceback" not in self.said, self.said

    @property
    def said(self) -> str:
        """All that the server has printed so far."""
        return self.words.read_text(errors="replace")

    def change(self, statement: str, *values: object) -> int:
        """Change rows behind the server's back, as time or a thief would; return how many."""
        return len(worlds.past_the_program(self.database, f"{statement} RETURNING 1", *values))

    def _wait(self) -> None:
        deadline = time.monotonic() + STARTING_SECONDS
        # What it says last comes just after it listens.
        while not (self._listens() and self.greeting in self.said):
            assert self._process.poll() is None, f"the server has ended: {self.said}"
            assert time.monotonic() < deadline, f"the server does not listen: {self.said}"
            try:
                self._process.wait(0.05)
            except subprocess.TimeoutExpired:
                continue

    def _lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.said.splitlines() if line.startswith("{")]

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
