"""One line in the log, and one count, for every answer."""

from __future__ import annotations

import logging
import time

from flask import Flask, Response, g, request

from blueprints.requests import metrics, request_id, safe_path

log = logging.getLogger("chatelaine.requests")


def register(app: Flask) -> None:
    """Take the time of every request. Comes before all other hooks, so that they are in the figure."""
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    g.began = time.perf_counter()


def _end(response: Response) -> Response:
    """Say what was asked and answered: never the query, which may hold what somebody searched for."""
    endpoint = request.endpoint or "nowhere"
    seconds = time.perf_counter() - g.began
    metrics().count_request(endpoint, response.status_code, seconds)
    # Orchestrators ask whether the process lives every few seconds; nobody wants to read that.
    log.log(
        logging.DEBUG if endpoint == "health.live" else logging.INFO,
        "request",
        extra={
            "request": request_id(),
            "method": request.method,
            "path": safe_path(),
            "endpoint": endpoint,
            "status": response.status_code,
            "ms": round(seconds * 1000, 1),
        },
    )
    return response
