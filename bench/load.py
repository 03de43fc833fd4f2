"""A load generator: clients send their next request upon each answer, on one connection or on new ones."""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

CLIENTS = 16
HOST = "127.0.0.1"
_LENGTH = b"content-length: "
_Connect = Callable[[int, Iterator[bytes], bytes, float, "Run"], Coroutine[Any, Any, None]]
_GIVE_UP = 30.0
"""Seconds after the end of a run until a client that hears nothing counts as failed."""


@dataclass(slots=True)
class Run:
    """What clients have seen in some seconds.

    Args:
        times: seconds from sending a request to having its whole answer.
        faults: what went wrong, and how often.
    """

    seconds: float = 0.0
    times: list[float] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)

    @property
    def rate(self) -> float:
        """Answers in a second."""
        return len(self.times) / self.seconds if self.seconds else 0.0

    @property
    def p50(self) -> float:
        """Seconds that half of the answers took at most."""
        return statistics.median(self.times) if self.times else float("nan")

    @property
    def p99(self) -> float:
        """Seconds that 99 of 100 answers took at most."""
        ordered = sorted(self.times)
        return ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))] if ordered else float("nan")

    def add(self, other: Run) -> None:
        """Take the answers of another run in."""
        self.seconds += other.seconds
        self.times += other.times
        self.faults += other.faults


class Client(asyncio.Protocol):
    """One connection, which always has one request under way.

    Args:
        until: when no more requests are sent; the first always is.
        since: when the first request began, where making the connection counts as a part of it.
    """

    def __init__(
        self, requests: Iterator[bytes], status: bytes, until: float, run: Run, since: float | None = None
    ) -> None:
        self.done = asyncio.get_running_loop().create_future()
        self._requests = requests
        self._status = status
        self._until = until
        self._run = run
        self._data = b""
        self._since = since
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        if isinstance(transport, asyncio.Transport):
            self._transport = transport
            self._send()

    def data_received(self, data: bytes) -> None:
        """Take a piece of an answer."""
        self._data += data
        end = self._data.find(b"\r\n\r\n")
        if end < 0:
            return
        at = self._data.find(_LENGTH, 0, end)
        length = int(self._data[at + len(_LENGTH) : self._data.find(b"\r\n", at)]) if at >= 0 else 0
        if len(self._data) >= end + 4 + length:
            self._finish()

    def connection_lost(self, exc: Exception | None) -> None:
        """Count a connection that the server has ended."""
        if not self.done.done():
            self.fail(f"connection lost {exc or ''}".strip())

    def fail(self, why: str) -> None:
        """Give up, and count it."""
        self._run.faults[why] += 1
        self.done.set_result(None)

    def _finish(self) -> None:
        now = time.perf_counter()
        status = self._data[9:12]
        if status == self._status:
            self._run.times.append(now - self._sent)
        else:
            self._run.faults[f"status {status.decode('latin-1')}"] += 1
        self._data = b""
        if now < self._until:
            self._send()
        else:
            self.done.set_result(None)
            self._transport.close()

    def _send(self) -> None:
        request = next(self._requests)
        self._sent = self._since or time.perf_counter()
        self._transport.write(request)


def run(
    port: int,
    streams: Iterable[Iterator[bytes]],
    *,
    seconds: float,
    status: int = 200,
    beside: AbstractAsyncContextManager[None] | None = None,
    keep_alive: bool = True,
) -> Run:
    """Send requests for some seconds, a client for each stream.

    Args:
        streams: whole requests, without end.
        status: the one that every answer must have.
        beside: goes on meanwhile.
        keep_alive: a connection for each client, rather than for each request.
    """
    connect = _keep if keep_alive else _renew
    return asyncio.run(_run(port, streams, seconds, str(status).encode(), beside or nullcontext(), connect))


async def _run(
    port: int,
    streams: Iterable[Iterator[bytes]],
    seconds: float,
    status: bytes,
    beside: AbstractAsyncContextManager[None],
    connect: _Connect,
) -> Run:
    result = Run()
    async with beside:
        begin = time.perf_counter()
        clients = [
            asyncio.create_task(connect(port, stream, status, begin + seconds, result)) for stream in streams
        ]
        done, hanging = await asyncio.wait(clients, timeout=seconds + _GIVE_UP)
        result.faults["no answer"] += len(hanging)
        result.seconds = time.perf_counter() - begin
    for task in hanging:
        task.cancel()
    for task in done:
        task.result()
    result.faults += Counter()
    return result


async def _keep(port: int, stream: Iterator[bytes], status: bytes, until: float, result: Run) -> None:
    await _client(port, Client(stream, status, until, result))


async def _renew(port: int, stream: Iterator[bytes], status: bytes, until: float, result: Run) -> None:
    while (now := time.perf_counter()) < until:
        await _client(port, Client(stream, status, 0.0, result, since=now))


async def _client(port: int, client: Client) -> None:
    try:
        await asyncio.get_running_loop().create_connection(lambda: client, HOST, port)
    except OSError as error:
        client.fail(f"no connection {error.strerror}")
    await client.done


def alternate(requests: Iterable[bytes], clients: int = CLIENTS) -> list[Iterator[bytes]]:
    """Deal out *requests* to clients, over and over, so that each begins elsewhere."""
    dealt = list(requests)
    size = len(dealt)
    return [
        itertools.cycle(dealt[number * size // clients :] + dealt[: number * size // clients])
        for number in range(clients)
    ]
