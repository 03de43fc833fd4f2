"""The baseline: a bare Flask application behind the same server, gateway and number of threads."""

from __future__ import annotations

import sys

from flask import Flask

from server import Plan, serve


def make_hello() -> Flask:
    """Build an application that does nothing but answer."""
    app = Flask("hello", static_folder=None)

    @app.get("/")
    def hello() -> str:
        return "Hello"

    return app


if __name__ == "__main__":
    serve(Plan(make_hello), host="127.0.0.1", port=int(sys.argv[1]), on_ready=lambda: None)
