"""What stands between the server and Flask: whom to believe about a request's way here, and the last word."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from werkzeug.middleware.proxy_fix import ProxyFix

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from config import Settings
    from services.turns import Turns

log = logging.getLogger("chatelaine.errors")

MACHINE_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})
"""What orchestrators and monitoring ask for, by whatever address and over plain http."""
UNBELIEVED = "chatelaine.unbelieved"
"""In the environment: somebody said that they are a proxy, and none was announced to us."""

_FORWARDED = (
    "HTTP_FORWARDED",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_X_FORWARDED_PREFIX",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_REAL_IP",
)
_LAST_BODY = b"Something went wrong on our side. Try again; if it stays, tell an admin.\n"
_LAST_HEADERS = [
    ("Content-Type", "text/plain; charset=utf-8"),
    ("Content-Length", str(len(_LAST_BODY))),
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "same-origin"),
]


def wrap(application: WSGIApplication, settings: Settings, turns: Turns) -> WSGIApplication:
    """Put everything around the application; as many proxies are believed as the settings say."""
    wrapped: WSGIApplication = Doorstep(InTurn(application, turns), settings.allowed_hosts[0])
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        wrapped = ProxyFix(wrapped, x_for=hops, x_proto=hops, x_host=hops)
    return LastResort(wrapped)


class Doorstep:
    """Takes away what only a proxy may say, once the proxies that count have been heard.

    Libraries read these headers by themselves, and so a stranger could claim to have come by https.
    """

    def __init__(self, application: WSGIApplication, host: str) -> None:
        self._application = application
        self._host = host

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Pass the request on as the trusted proxies describe it."""
        environ[UNBELIEVED] = "HTTP_X_FORWARDED_PROTO" in environ and "werkzeug.proxy_fix.orig" not in environ
        for name in _FORWARDED:
            environ.pop(name, None)
        if environ.get("PATH_INFO") in MACHINE_PATHS:
            environ["HTTP_HOST"] = self._host
        return self._application(environ, start_response)


class InTurn:
    """Lets one request of this process compute at a time; see ``services/turns.py``."""

    def __init__(self, application: WSGIApplication, turns: Turns) -> None:
        self._application = application
        self._turns = turns

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Pass the request on in its turn. A long answer is made piece by piece beside the others."""
        with self._turns.turn():
            return self._application(environ, start_response)


class LastResort:
    """Answers when everything else has failed: the error page itself, the session, a header."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Pass the request on; answer by ourselves if nothing comes back."""
        started: list[Any] = []

        def remember(
            status: str, headers: list[tuple[str, str]], exc_info: Any = None, /
        ) -> Callable[[bytes], object]:
            started.append(status)
            return start_response(status, headers, exc_info)

        try:
            return self._application(environ, remember)
        except (Exception, SystemExit) as error:
            if started:
                raise
            log.critical("no error page could be made", exc_info=error)
            start_response("500 Internal Server Error", list(_LAST_HEADERS))
            return [_LAST_BODY]
