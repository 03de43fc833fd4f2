"""The programs that are measured, each as a process of its own."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.load import HOST

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60.0
_KIB = 1024


class Server:
    """A started server, ready to answer.

    Args:
        log: where everything that it prints goes.
        start_seconds: from the command to its first answer.
    """

    def __init__(
        self, command: Sequence[str], environ: Mapping[str, str], port: int, log: Path, *, path: str
    ) -> None:
        self.port = port
        self._log = log
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
        begin = time.perf_counter()
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                command, cwd=ROOT, env={**kept, **environ}, stdout=output, stderr=output
            )
        self._wait(path, begin + START_SECONDS)
        self.start_seconds = time.perf_counter() - begin

    def resident(self) -> float:
        """Return the MiB of memory that the process holds; NaN where the system does not say."""
        try:
            status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="utf-8")
        except OSError:
            return float("nan")
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) / _KIB

    def stop(self) -> None:
        """End the server as an operator would."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _wait(self, path: str, deadline: float) -> None:
        while not self._answers(path):
            if self._process.poll() is not None or time.perf_counter() > deadline:
                self._process.kill()
                words = self._log.read_text(encoding="utf-8", errors="replace")[-2000:]
                raise RuntimeError(f"the server did not start:\n{words}")
            time.sleep(0.005)

    def _answers(self, path: str) -> bool:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=10)
        try:
            connection.request("GET", path)
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def start_hello(port: int, log: Path) -> Server:
    """Start the baseline."""
    return Server([sys.executable, "-m", "bench.hello", str(port)], {}, port, log, path="/")


def start_product(environ: Mapping[str, str], port: int, log: Path) -> Server:
    """Start Chatelaine as people do, with the one command."""
    command = [str(ROOT / "chatelaine"), "serve", "--port", str(port)]
    return Server(command, environ, port, log, path="/healthz")


@contextmanager
def reencrypting(environ: Mapping[str, str], slug: str, log: Path) -> Iterator[Callable[[], bool]]:
    """Replace an organization's data key in another process, as its operator does; what is left is left.

    Yields:
        what says whether it is still at it.
    """
    command = [sys.executable, str(ROOT / "cli.py"), "keys", "reencrypt", "--organization", slug]
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    with (
        log.open("ab") as output,
        subprocess.Popen(  # noqa: S603 - our own program
            command, cwd=ROOT, env={**kept, **environ}, stdout=output, stderr=subprocess.PIPE
        ) as process,
    ):
        if process.stderr is None or not process.stderr.readline():
            raise RuntimeError("the re-encryption did not begin")
        yield lambda: process.poll() is None
        process.kill()
