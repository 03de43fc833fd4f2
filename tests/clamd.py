"""A stand-in for ClamAV's daemon: takes a stream as clamd does, and knows one virus, which is none."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
"""The test file of the European Institute for Computer Antivirus Research; in two pieces, so that no scanner
takes this file for it."""


class Clamd:
    """Listens until it is closed; ``seen`` holds what was sent, whole.

    Args:
        path: of a socket; None: a port of this machine.
        says: answers this instead, whatever comes; empty: hangs up.
    """

    def __init__(self, path: Path | None = None, says: bytes | None = None) -> None:
        self.seen: list[bytes] = []
        self._says = says
        if path is None:
            self._socket = socket.create_server(("127.0.0.1", 0))
            self.port = self._socket.getsockname()[1]
        else:
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.bind(str(path))
            self._socket.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Listen no more."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as stream:
                self._answer(connection, stream)

    def _answer(self, connection: socket.socket, stream: object) -> None:
        read = stream.read  # type: ignore[attr-defined]
        assert read(10) == b"zINSTREAM\0"
        content = b""
        while length := int.from_bytes(read(4), "big"):
            content += read(length)
        self.seen.append(content)
        found = b"stream: Eicar-Signature FOUND\0" if EICAR in content else b"stream: OK\0"
        connection.sendall(found if self._says is None else self._says)
