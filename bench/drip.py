"""Clients that never come to the end of what they send, a few bytes at a time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bench.load import HOST

PAUSE = 0.5
"""Seconds between two bytes."""


@asynccontextmanager
async def dripping(port: int, clients: int, host: str) -> AsyncIterator[None]:
    """Keep *clients* connections busy, half with heads and half with bodies that never end."""
    head = f"POST /sign-in HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-Proto: https\r\n".encode()
    body = head + b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 4000\r\n\r\n"
    beginnings = [body if number % 2 else head + b"X-Slow: " for number in range(clients)]
    tasks = [asyncio.create_task(_drip(port, beginning)) for beginning in beginnings]
    # Only once they are all there does it count.
    await asyncio.sleep(2 * PAUSE)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _drip(port: int, beginning: bytes) -> None:
    """Begin again whenever the server has had enough."""
    while True:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            reader, writer = await asyncio.open_connection(HOST, port)
            try:
                writer.write(beginning)
                while not reader.at_eof():
                    writer.write(b"x")
                    await writer.drain()
                    await asyncio.sleep(PAUSE)
                    if writer.is_closing():
                        break
            finally:
                writer.close()
        await asyncio.sleep(PAUSE)
