"""Between Granian's event loop and the WSGI application: takes a request whole, or not at all.

A thread is given away only once the body has arrived, so that senders who dawdle hold a socket and no more.
What two parsers could read differently, and what no honest client sends, is refused here.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import logging
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

from granian._granian import RSGIProtocolClosed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from wsgiref.types import WSGIApplication

    from granian._granian import RSGIHTTPProtocol as HTTPProtocol
    from granian._granian import RSGIHTTPStreamTransport
    from granian.rsgi import Scope

log = logging.getLogger(__name__)

# A little above the largest cap of any route, so that what is too large meets the application's own words.
MAX_BODY = 10 * 1024 * 1024 + 320 * 1024
SLOWEST = 256 * 1024
JOIN_UP_TO = 1024 * 1024
STREAM_PIECE = 32 * 1024
# Granian names itself unless there is a name; it cannot be told to send none.
UNNAMED = ("server", "")
REFUSAL_HEADERS = [
    UNNAMED,
    ("content-type", "text/plain; charset=utf-8"),
    ("cache-control", "no-store"),
    ("content-security-policy", "default-src 'none'"),
    ("x-content-type-options", "nosniff"),
    ("connection", "close"),
]
BROKEN_OFF = b"\n!! The server failed in the middle of this answer. It is not complete.\n"
RETRY_SOON = ("retry-after", "1")
# The connection is Granian's business.
NOT_THE_APPLICATIONS = frozenset(
    {"connection", "keep-alive", "server", "trailer", "transfer-encoding", "upgrade"}
)


@dataclass(frozen=True)
class Limits:
    """How much a request may take before it is refused.

    Args:
        body: bytes of one body.
        body_seconds: time for a body to arrive, from the end of the head, and as much again as it takes at
            ``SLOWEST`` bytes in a second.
        buffered: bytes of all bodies held at once.
        waiting: requests that may wait for a thread.
    """

    body: int = MAX_BODY
    body_seconds: float = 10.0
    buffered: int = 64 * 1024 * 1024
    waiting: int = 256


class Refused(Exception):
    """The request goes no further; the answer is this status and sentence."""

    def __init__(self, status: int, sentence: str, *headers: tuple[str, str]) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.headers = headers


@dataclass
class Answer:
    """What the application began to say."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    rest: Iterator[bytes] | None
    close: Callable[[], object]


class Gateway:
    """The RSGI application around one WSGI application and its threads."""

    def __init__(
        self, application: WSGIApplication, *, threads: int, limits: Limits, multiprocess: bool = False
    ) -> None:
        self._application = application
        self._threads = threads
        self._limits = limits
        self._multiprocess = multiprocess
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="request")
        self._buffered = 0
        self._admitted = 0
        self._idle: asyncio.Event | None = None

    async def __rsgi__(self, scope: Scope, protocol: HTTPProtocol) -> None:
        """Answer one request."""
        try:
            environ = self._environ(scope)
            body = await self._read(environ, protocol)
            self._admit()
        except Refused as refusal:
            _refuse(refusal, protocol)
            return
        self._buffered += len(body)
        try:
            await self._answer(environ, body, protocol)
        finally:
            self._buffered -= len(body)
            self._admitted -= 1
            if self._idle and not self._admitted:
                self._idle.set()

    async def drain(self, seconds: float) -> None:
        """Wait until every admitted request is answered, at most *seconds*, then end the threads."""
        self._idle = asyncio.Event()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds if self._admitted else 0):
                await self._idle.wait()
        # The last answers are with Granian's own thread now, which needs a moment to send them.
        await asyncio.sleep(0.05)
        self._pool.shutdown(wait=self._admitted == 0, cancel_futures=True)

    def _admit(self) -> None:
        if self._admitted >= self._threads + self._limits.waiting:
            raise Refused(503, "Too many requests are waiting. Try again in a moment.", RETRY_SOON)
        self._admitted += 1

    def _environ(self, scope: Scope) -> dict[str, Any]:
        """Build the WSGI environment (PEP 3333), or refuse the head of the request."""
        fields: dict[str, str] = {}
        hosts = 0
        for name, value in scope.headers.items():
            # WSGI cannot tell X_Forwarded_For from X-Forwarded-For, so a client could speak for the proxy.
            if "_" in name:
                continue
            key = name.upper().replace("-", "_")
            hosts += key == "HOST"
            fields[key] = (
                f"{fields[key]}{'; ' if key == 'COOKIE' else ','}{value}" if key in fields else value
            )
        # Granian hides a Content-Length that comes with Transfer-Encoding, and a chunked body that breaks off
        # looks complete. So a body is taken by its length or not at all.
        if "TRANSFER_ENCODING" in fields:
            raise Refused(400, "Send the body with Content-Length; Transfer-Encoding is not accepted.")
        if hosts != 1 or scope.authority not in {None, fields["HOST"]}:
            raise Refused(400, "The request must name one host.")
        if not scope.path.startswith("/"):
            raise Refused(400, "The address must begin with a slash.")
        length = fields.pop("CONTENT_LENGTH", "")
        if length and not (length.isascii() and length.isdigit()):
            raise Refused(400, "Content-Length must be a number.")
        server, _, port = scope.server.rpartition(":")
        environ: dict[str, Any] = {f"HTTP_{key}": value for key, value in fields.items()}
        environ |= {
            "REQUEST_METHOD": scope.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": scope.path.encode().decode("latin-1"),
            "QUERY_STRING": scope.query_string,
            "CONTENT_TYPE": environ.pop("HTTP_CONTENT_TYPE", ""),
            "CONTENT_LENGTH": length,
            "REMOTE_ADDR": scope.client.rpartition(":")[0].strip("[]").removeprefix("::ffff:"),
            "SERVER_NAME": server.strip("[]"),
            "SERVER_PORT": port,
            "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": scope.scheme,
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": self._multiprocess,
            "wsgi.run_once": False,
            "wsgi.input_terminated": True,
        }
        return environ

    async def _read(self, environ: dict[str, Any], protocol: HTTPProtocol) -> bytes:
        """Return the whole body, or refuse it for its size, its slowness or its end before time."""
        length = int(environ["CONTENT_LENGTH"] or 0)
        if length == 0:
            return b""
        if length > self._limits.body:
            raise Refused(413, f"The request is larger than {self._limits.body // 1024} KiB.")
        body = bytearray()
        try:
            async with asyncio.timeout(self._limits.body_seconds + length / SLOWEST):
                async for piece in protocol:
                    body += piece
                    self._buffered += len(piece)
                    if self._buffered > self._limits.buffered:
                        raise Refused(
                            503, "Too much is being sent at once. Try again in a moment.", RETRY_SOON
                        )
        except TimeoutError:
            raise Refused(408, "The request did not arrive in time.") from None
        finally:
            self._buffered -= len(body)
        if len(body) != length:
            raise Refused(400, "The request broke off.")
        return bytes(body)

    async def _answer(self, environ: dict[str, Any], body: bytes, protocol: HTTPProtocol) -> None:
        loop = asyncio.get_running_loop()
        context = contextvars.copy_context()
        try:
            answer = await loop.run_in_executor(self._pool, context.run, self._call, environ, body)
        except Exception:
            # The outermost place: the application answers for its own errors, so this is one outside of it.
            log.exception("the application failed outside its own error pages")
            _refuse(Refused(500, "Something went wrong here. It has been noted."), protocol)
            return
        if answer.rest is None:
            protocol.response_bytes(answer.status, answer.headers, answer.body)
            return
        transport = protocol.response_stream(answer.status, answer.headers)
        try:
            await self._stream(answer.body, answer.rest, context, transport)
        except RSGIProtocolClosed:
            log.info("a reader left before the end of its answer")
        except Exception:
            # The status is out and nothing can break the connection from here: the answer itself must say it.
            log.exception("the application failed in the middle of an answer")
            await transport.send_bytes(BROKEN_OFF)
        finally:
            await loop.run_in_executor(self._pool, context.run, answer.close)

    async def _stream(
        self,
        piece: bytes,
        rest: Iterator[bytes],
        context: contextvars.Context,
        transport: RSGIHTTPStreamTransport,
    ) -> None:
        """Send the pieces, taking a thread for the making of each one only: a slow reader holds none.

        All pieces share one context, since generators of the application set and reset context variables.
        """
        loop = asyncio.get_running_loop()
        more = True
        while piece or more:
            if piece:
                await transport.send_bytes(piece)
            piece, more = (
                await loop.run_in_executor(self._pool, context.run, _gather, rest) if more else (b"", False)
            )

    def _call(self, environ: dict[str, Any], body: bytes) -> Answer:
        """Run the application in this thread, to the end unless the answer is long or of unknown length."""
        environ["wsgi.input"] = BytesIO(body)
        status = ""
        headers: list[tuple[str, str]] = []
        written: list[bytes] = []

        def start_response(
            new_status: str, new_headers: list[tuple[str, str]], _exc_info: object = None, /
        ) -> Callable[[bytes], object]:
            nonlocal status
            status = new_status
            kept = [(name.lower(), value) for name, value in new_headers]
            headers[:] = [UNNAMED, *(item for item in kept if item[0] not in NOT_THE_APPLICATIONS)]
            return written.append

        result = self._application(environ, start_response)
        close = getattr(result, "close", _nothing)
        try:
            pieces = iter(result)
            # An application may wait with start_response until its first piece is asked for.
            written += [piece for piece in (next(pieces, b""),) if piece]
            length = int(dict(headers).get("content-length", JOIN_UP_TO + 1))
            if environ["REQUEST_METHOD"] == "HEAD" or length <= JOIN_UP_TO:
                written += pieces
                close()
                return Answer(int(status[:3]), headers, b"".join(written), None, _nothing)
        except BaseException:
            close()
            raise
        return Answer(int(status[:3]), headers, b"".join(written), pieces, close)


def _refuse(refusal: Refused, protocol: HTTPProtocol) -> None:
    headers = [*REFUSAL_HEADERS, *refusal.headers]
    protocol.response_bytes(refusal.status, headers, f"{refusal.sentence}\n".encode())


def _gather(pieces: Iterator[bytes]) -> tuple[bytes, bool]:
    """Take pieces up to a sensible size; tell whether there may be more."""
    gathered = bytearray()
    for piece in pieces:
        gathered += piece
        if len(gathered) >= STREAM_PIECE:
            return bytes(gathered), True
    return bytes(gathered), False


def _nothing() -> None:
    """Close nothing."""
