"""A small WSGI application behind the real server, started as a program by the tests.

Usage: tiny.py PORT WORKERS, with limits small enough that tests need not wait.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from gateway import Limits
from server import AddressRefused, Plan, serve

LIMITS = Limits(body=1000, body_seconds=1.0, buffered=5000, waiting=2)
THREADS = 2


class Tiny:
    """Paths that show what arrived, that wait, that stream and that fail."""

    def __init__(self):
        self.extensions = {"chatelaine": self}
        self.gate = threading.Event()
        signal.signal(signal.SIGUSR1, lambda *_: self.gate.set())

    def close(self):
        print(f"closed {os.getpid()}", flush=True)

    def __call__(self, environ, start_response):
        path = environ["PATH_INFO"]
        body = environ["wsgi.input"].read()
        if path == "/fail":
            raise ValueError("on purpose")
        if path == "/lazy":
            return self.lazy(start_response)
        if path == "/stream":
            start_response("200 OK", [("Content-Type", "text/plain")])
            return Stream(int(environ["QUERY_STRING"]))
        if path == "/wait":
            print("waiting", flush=True)
            self.gate.wait(10)
        seen = {key: value for key, value in environ.items() if isinstance(value, str | bool)}
        answer = json.dumps(seen | {"body": body.decode("latin-1"), "pid": os.getpid()}).encode()
        headers = [
            ("Content-Length", str(len(answer))),
            ("Server", "Tiny"),
            ("Set-Cookie", "a=1"),
            ("Set-Cookie", "b=2"),
        ]
        write = start_response("200 OK", headers)
        if path == "/write":
            write(answer)
            return []
        return [answer]

    def lazy(self, start_response):
        start_response("202 Accepted", [("Content-Length", "4")])
        yield b"la"
        yield b"zy"


class Stream:
    """Pieces without a length; a negative number breaks off after as many."""

    def __init__(self, pieces):
        self.pieces = pieces
        self.sent = 0

    def __iter__(self):
        return self

    def __next__(self):
        if self.sent == abs(self.pieces):
            if self.pieces < 0:
                raise ValueError("on purpose")
            raise StopIteration
        self.sent += 1
        return b"x" * 10_000

    def close(self):
        print(f"stream closed after {self.sent}", flush=True)


if __name__ == "__main__":
    port, workers = int(sys.argv[1]), int(sys.argv[2])
    plan = Plan(Tiny, threads=THREADS, limits=LIMITS)
    try:
        serve(plan, host="127.0.0.1", port=port, workers=workers, on_ready=lambda: print("ready", flush=True))
    except AddressRefused as refused:
        print(refused, file=sys.stderr)
        sys.exit(1)
