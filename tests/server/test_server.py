"""How the server begins and how it ends."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys

import pytest

from server import AddressRefused, check_address
from tests.server.rude import TINY, read_reply

WAIT = b"GET /wait HTTP/1.1\r\nHost: vault\r\n\r\n"


def everyone(server, workers):
    """Ask until every worker has answered, and return their process ids."""
    seen = set()
    while len(seen) < workers:
        seen.add(server.get("/").json["pid"])
    return seen


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("workers", [1, 2])
def test_it_ends_cleanly_and_lets_each_worker_write_its_last_words(start, workers, number):
    server = start(workers)
    everyone(server, workers)
    code, out, err = server.stop(number)

    assert code == 0
    assert len(set(re.findall(r"closed (\d+)", out))) == workers
    assert err == ""


def test_one_worker_needs_no_process_of_its_own(start):
    server = start()

    assert server.get("/").json["pid"] == server.process.pid
    assert server.get("/").json["wsgi.multiprocess"] is False


def test_several_workers_are_processes_and_the_application_is_told(start):
    seen = start(2).get("/").json

    assert seen["pid"] != os.getpid()
    assert seen["wsgi.multiprocess"] is True


def test_a_request_at_work_is_answered_before_the_end(start):
    server = start()
    with server.connect() as connection:
        connection.sendall(WAIT)
        assert server.line() == "waiting"
        server.process.send_signal(signal.SIGTERM)
        server.process.send_signal(signal.SIGUSR1)
        assert read_reply(connection).status == 200
    server.process.wait(20)
    code, out, _ = server.stop()

    assert code == 0
    assert "closed" in out


def test_asking_twice_ends_it_at_once(start):
    server = start()
    with server.connect() as connection:
        connection.sendall(WAIT)
        assert server.line() == "waiting"
        # The request would hold a polite end for ten seconds.
        while server.process.poll() is None:
            server.process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.process.wait(0.2)

    assert server.process.returncode == 128 + signal.SIGINT


def test_a_worker_that_dies_is_replaced(start):
    server = start(2)
    before = everyone(server, 2)
    os.kill(min(before), signal.SIGKILL)
    after = before
    while after <= before:
        # What waited at the dead worker's door is lost with it.
        with contextlib.suppress(ConnectionError, IndexError):
            after = everyone(server, 2)

    assert min(before) not in after


def test_workers_do_not_outlive_the_process_that_started_them(start):
    server = start(2)
    workers = everyone(server, 2)
    server.process.kill()

    # Their ends of the pipe close with them.
    assert {f"closed {pid}" for pid in workers} == set(server.process.stdout.read().split("\n")) - {""}


def run_tiny(port):
    return subprocess.run(
        [sys.executable, str(TINY), str(port), "1"], capture_output=True, text=True, timeout=20, check=False
    )


def test_a_port_in_use_is_one_sentence_and_exit_1(start):
    server = start()
    second = run_tiny(server.port)

    assert second.returncode == 1
    assert second.stderr == (
        f"Port {server.port} is in use. End the program that listens there, or choose another with --port.\n"
    )
    assert second.stdout == ""
    assert server.get("/").status == 200


def test_a_port_that_somebody_shares_freely_is_in_use_too():
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(AddressRefused, match="is in use"):
            check_address("127.0.0.1", other.getsockname()[1])


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_an_address_of_another_machine_is_named(host):
    with pytest.raises(AddressRefused, match=re.escape(host)):
        check_address(host, 8000)


def test_a_free_port_is_left_free():
    check_address("127.0.0.1", 0)
