"""Servers for the tests of this folder."""

from __future__ import annotations

import contextlib
import signal

import pytest

from tests.server.rude import Server, free_port


@pytest.fixture(scope="module")
def server():
    """One server for the tests of a file; none of them may end it."""
    started = Server(free_port(), 1)
    try:
        yield started.until_it_listens()
    finally:
        started.stop(signal.SIGKILL)


@pytest.fixture
def start():
    """Start servers that the test may end."""
    started = []

    def begin(workers=1):
        started.append(Server(free_port(), workers))
        return started[-1].until_it_listens()

    yield begin
    for one in started:
        one.stop(signal.SIGKILL)


@pytest.fixture
def connections():
    """Open several connections at once, and close them whatever happens."""
    with contextlib.ExitStack() as stack:
        yield lambda server, number: [stack.enter_context(server.connect()) for _ in range(number)]
