"""PostgreSQL and Redis from Debian's packages, started in a temporary folder for one run of the tests.

Nothing in it has to survive: no sync of the disk is waited for. PostgreSQL listens on a socket there alone.
"""

from __future__ import annotations

import atexit
import contextlib
import itertools
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections import deque
from collections.abc import Container
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import psycopg

from tests import memory

OWNER = "chatelaine_owner"
APPLICATION = "chatelaine"
START_SECONDS = 30
AHEAD = 3
"""Copies of the world that lie ready."""

_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "1h",
    "autovacuum": "off",
    "jit": "off",
    "max_connections": "300",
    "shared_buffers": "128MB",
    "log_min_messages": "panic",
}


def program(name: str) -> str | None:
    """Find a program of PostgreSQL, which Debian keeps out of the PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(found[-1]) if found else shutil.which(name)


class Postgres:
    """A cluster of its own, ended with the process that started it.

    Args:
        settings: of the server, besides those above.
    """

    def __init__(self, **settings: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="chatelaine-pg-", dir=memory.roomy()))
        self._settings = {**_SETTINGS, "unix_socket_directories": str(self.folder), **settings}
        # PostgreSQL refuses to run as root.
        self._user = "postgres" if os.geteuid() == 0 else None
        if self._user:
            shutil.chown(self.folder, self._user)
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.close)
        self._run("initdb", "-D", str(self.folder / "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8",
                  "--locale=C", "--no-sync")  # fmt: skip
        self.start()

    def start(self) -> None:
        """Start the server, and return once it answers."""
        command = [program("postgres"), "-D", str(self.folder / "data")]
        for name, value in self._settings.items():
            command += ["-c", f"{name}={value}"]
        log = (self.folder / "log").open("ab")
        self._process = subprocess.Popen(command, user=self._user, stdout=log, stderr=log, cwd="/")
        log.close()
        give_up = time.monotonic() + START_SECONDS
        while True:
            try:
                self.connect("postgres").close()
            except psycopg.OperationalError:
                if time.monotonic() > give_up or self._process.poll() is not None:
                    raise
                self._wait_a_little()
            else:
                return

    def _wait_a_little(self) -> None:
        """Wait for the server's end, which does not come: nobody sleeps longer than need be."""
        assert self._process is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(0.02)

    def stop(self, how: str = "fast") -> None:
        """Stop the server as its operator would."""
        if self._process is not None and self._process.poll() is None:
            self._run("pg_ctl", "-D", str(self.folder / "data"), "-m", how, "-w", "stop")
            self._process.wait()

    def close(self) -> None:
        """Stop the server and remove all there was."""
        self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)
        atexit.unregister(self.close)

    def connect(self, database: str, role: str = "postgres") -> psycopg.Connection[Any]:
        """Connect past the program."""
        return psycopg.connect(host=str(self.folder), dbname=database, user=role, autocommit=True)

    def url(self, database: str, role: str = APPLICATION) -> str:
        """Return the address that the program takes."""
        return f"postgresql+psycopg://{role}@/{database}?host={self.folder}"

    def _run(self, name: str, *arguments: str) -> None:
        found = program(name)
        assert found, f"{name} is not installed"
        subprocess.run([found, *arguments], user=self._user, check=True, capture_output=True, cwd="/")


class Databases:
    """A database for each path that a test would give to a file.

    Copies of the world are made ahead, and dropped behind, by a thread of their own while tests compute.
    """

    def __init__(self, server: Postgres) -> None:
        self.server = server
        self._names: dict[Path, str] = {}
        self._numbers = itertools.count(1)
        self._spares: dict[str, deque[Future[str]]] = {}
        self._worker = ThreadPoolExecutor(1, "databases")
        self._admin = server.connect("postgres")
        for role in (OWNER, APPLICATION):
            self._admin.execute(f"CREATE ROLE {role} LOGIN")
        self._admin.execute("CREATE DATABASE empty")
        with server.connect("empty") as connection:
            # What SQLite calls so; tests spoil values with it.
            connection.execute(
                "CREATE FUNCTION zeroblob(integer) RETURNS bytea LANGUAGE sql IMMUTABLE"
                " AS $$ SELECT decode(repeat('00', $1), 'hex') $$"
            )
            connection.execute(f"ALTER SCHEMA public OWNER TO {OWNER}")

    def at(self, path: Path) -> str:
        """Return the name of the database that stands for *path*, without tables if it was not there yet."""
        if path not in self._names:
            self._names[path] = self._worker.submit(self._make, "empty").result()
        return self._names[path]

    def copy(self, template: Path, target: Path) -> None:
        """Copy a database that nobody uses."""
        name = self._names[template]
        spares = self._spares.setdefault(name, deque())
        while len(spares) <= AHEAD:
            spares.append(self._worker.submit(self._make, name))
        self._names[target] = spares.popleft().result()

    def remove_all_but(self, kept: Container[Path]) -> None:
        """Drop the databases of all other paths, whoever still uses them."""
        for path in [path for path in self._names if path not in kept]:
            name = self._names.pop(path)
            for spare in self._spares.pop(name, ()):
                self._worker.submit(self._drop, spare.result())
            self._worker.submit(self._drop, name)

    @property
    def paths(self) -> frozenset[Path]:
        """The paths for which there are databases."""
        return frozenset(self._names)

    def close(self) -> None:
        """Stop the server."""
        self._worker.shutdown(cancel_futures=True)
        self._admin.close()
        self.server.close()

    def _make(self, template: str) -> str:
        name = f"t{next(self._numbers)}"
        # Measured: 12 ms, where WAL_LOG takes 27.
        self._execute(f"CREATE DATABASE {name} TEMPLATE {template} OWNER {OWNER} STRATEGY FILE_COPY")
        return name

    def _drop(self, name: str) -> None:
        self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _execute(self, statement: str) -> None:
        try:
            self._admin.execute(statement)
        except psycopg.OperationalError:
            # A test has stopped the server in between.
            self._admin.close()
            self._admin = self.server.connect("postgres")
            self._admin.execute(statement)


class Redis:
    """A Redis without a disk, on a port of this machine."""

    def __init__(self) -> None:
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.stop)
        self.start()

    @property
    def url(self) -> str:
        """Return the address that the program takes."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start the server, and return once it answers."""
        found = shutil.which("redis-server")
        assert found, "redis-server is not installed"
        self._process = subprocess.Popen(
            [found, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
            stdout=subprocess.DEVNULL,
            cwd=tempfile.gettempdir(),
        )
        give_up = time.monotonic() + START_SECONDS
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                    connection.sendall(b"PING\r\n")
                    if connection.recv(16).startswith(b"+PONG"):
                        return
            except OSError:
                if time.monotonic() > give_up or self._process.poll() is not None:
                    raise
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(0.02)

    def stop(self) -> None:
        """End it, with all it counted."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()


def free_port() -> int:
    """Return a port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@cache
def databases() -> Databases:
    """Return the databases of this run; the server starts when they are first asked for."""
    return Databases(Postgres())
