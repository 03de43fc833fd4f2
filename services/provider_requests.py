"""Requests to providers of single sign-on: short, bounded, and led nowhere else."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

from errors import Invalid, ProviderFailed
from services import strict_json

SECONDS = 5.0
"""For one request, from the connection to its last byte. Resolving the name comes on top."""
BODY_MAX = 256 * 1024
JSON_TYPES = frozenset({"application/json", "application/jwk-set+json"})
_SERVER_ERROR = 500


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider has answered."""

    status_code: int
    content_type: str
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """Return what the body says.

        Raises:
            ValueError: it is no JSON.
        """
        try:
            return strict_json.parse(self.body)
        except Invalid as error:
            raise ValueError(str(error)) from None

    def raise_for_status(self) -> None:
        """Refuse what is no success.

        Raises:
            ProviderFailed: it is none.
        """
        if self.status_code >= _SERVER_ERROR:
            raise ProviderFailed("status", down=True)
        if self.status_code != 200:  # noqa: PLR2004 - OK
            raise ProviderFailed("status")


class Line:
    """A line to a provider: every request has a connection of its own, and at most ``seconds``.

    Args:
        seconds: None: ``SECONDS``.
        body_max: bytes of an answer.
    """

    def __init__(self, seconds: float | None = None, body_max: int = BODY_MAX) -> None:
        self._seconds = seconds or SECONDS
        self._body_max = body_max
        self._context: ssl.SSLContext | None = None

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Fetch *url*.

        Raises:
            ProviderFailed: no whole answer came, or one that leads elsewhere.
        """
        return self._send("GET", url, None, {"Accept": "application/json", **(headers or {})})

    def post(self, url: str, data: Mapping[str, str], headers: Mapping[str, str], auth: Any) -> Answer:
        """Send a form; what Authlib's client asks its session for.

        Args:
            auth: adds who we are to the request.

        Raises:
            ProviderFailed: as :meth:`get`.
        """
        signed_url, signed_headers, body = auth.prepare("POST", url, dict(headers), urlencode(data))
        return self._send("POST", signed_url, body.encode(), signed_headers)

    def _send(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        cutter = _Cutter(self._seconds)
        try:
            with cutter:
                connection = self._connect_to(url, cutter)
                parts = urlsplit(url)
                path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
                connection.request(method, path, body, {**headers, "User-Agent": "Chatelaine"})
                with closing(connection.getresponse()) as response:
                    content = response.read(self._body_max + 1)
        except (OSError, HTTPException, ValueError, AttributeError) as error:
            # Also what the standard library says when a connection is cut under its hands.
            slow = cutter.cut or isinstance(error, TimeoutError)
            raise ProviderFailed("slow" if slow else "unreachable", down=True) from None
        if cutter.cut:
            raise ProviderFailed("slow", down=True)
        return _judge(response, content, self._body_max)

    def _connect_to(self, url: str, cutter: _Cutter) -> HTTPConnection:
        """Open a connection whose socket *cutter* holds from its first moment, the handshake included."""
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        if parts.scheme != "https":
            connection = HTTPConnection(host, port)
            connection.sock = _open(host, connection.port, self._seconds)
            cutter.hold(connection.sock)
            return connection
        self._context = self._context or ssl.create_default_context()
        connection = HTTPSConnection(host, port, context=self._context)
        plain = _open(host, connection.port, self._seconds)
        connection.sock = self._context.wrap_socket(
            plain, server_hostname=host, do_handshake_on_connect=False
        )
        cutter.hold(connection.sock)
        connection.sock.do_handshake()
        return connection


def _open(host: str, port: int, seconds: float) -> socket.socket:
    """Connect to the first address of *host* that answers, all of them together within *seconds*."""
    ends = time.monotonic() + seconds
    for family, kind, protocol, _, place in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        opened = socket.socket(family, kind, protocol)
        try:
            opened.settimeout(max(ends - time.monotonic(), 0.001))
            opened.connect(place)
        except OSError:
            opened.close()
        else:
            opened.settimeout(seconds)
            return opened
    raise ConnectionError


def _judge(response: HTTPResponse, content: bytes, body_max: int) -> Answer:
    if 300 <= response.status < 400:  # noqa: PLR2004 - redirects
        raise ProviderFailed("redirect")
    if len(content) > body_max:
        raise ProviderFailed("too large")
    kind = response.headers.get_content_type()
    return Answer(response.status, kind, content)


class _Cutter:
    """Cuts a connection when its time is over: timeouts of sockets begin anew with every byte.

    The connection is closed when the block ends.
    """

    def __init__(self, seconds: float) -> None:
        self.cut = False
        self._held: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        if self._held is not None:
            self._held.close()

    def hold(self, held: socket.socket) -> None:
        """Cut *held* when the time comes; at once if it is over."""
        self._held = held
        if self.cut:
            self._shut(held)

    def _cut(self) -> None:
        self.cut = True
        if self._held is not None:
            self._shut(self._held)

    def _shut(self, held: socket.socket) -> None:
        # The plain socket's own way: that of TLS would drop what another thread reads from.
        with suppress(OSError):
            socket.socket.shutdown(held, socket.SHUT_RDWR)
