"""The real server as a process of its own, and a client that can be as rude as it likes."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

TINY = Path(__file__).with_name("tiny.py")


@dataclass
class Reply:
    status: int
    headers: list[tuple[str, str]]
    body: bytes
    closed: bool

    @property
    def json(self):
        return json.loads(self.body)

    def header(self, name):
        return dict(self.headers).get(name)


class Server:
    """One started server; talk to it with raw bytes."""

    def __init__(self, port, workers):
        self.port = port
        self.ended = None
        self.process = subprocess.Popen(
            [sys.executable, str(TINY), str(port), str(workers)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def until_it_listens(self):
        assert self.line() == "ready"
        self.connect().close()
        return self

    def line(self):
        """Wait for the next line that the server prints."""
        return self.process.stdout.readline().strip()

    def connect(self):
        deadline = time.monotonic() + 10
        while True:
            try:
                connection = socket.create_connection(("127.0.0.1", self.port), timeout=10)
            except ConnectionRefusedError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise
            else:
                return connection

    def send(self, data):
        """Send *data* on a connection of its own and read the one answer."""
        with self.connect() as connection:
            connection.sendall(data)
            return read_reply(connection)

    def get(self, path):
        return self.send(f"GET {path} HTTP/1.1\r\nHost: vault\r\nConnection: close\r\n\r\n".encode())

    def stop(self, number=signal.SIGTERM):
        """End the server and return its exit code and all it still printed."""
        if self.ended is None:
            if self.process.poll() is None:
                self.process.send_signal(number)
            out, err = self.process.communicate(timeout=20)
            self.ended = self.process.returncode, out, err
        return self.ended


def read_reply(connection):
    """Read one answer; note whether the server then ended the connection."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            break
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = [
        tuple(line.lower().split(": ", 1) if ": " in line else (line.rstrip(":").lower(), ""))
        for line in lines[1:]
    ]
    fields = dict(headers)
    closed = False
    length = int(fields["content-length"]) if "content-length" in fields else None
    while length is None or len(body) < length:
        piece = connection.recv(1 << 20)
        if not piece:
            closed = True
            break
        body += piece
    if not closed and fields.get("connection") == "close":
        closed = connection.recv(1) == b""
    return Reply(int(lines[0].split(" ")[1]), headers, body, closed)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
