"""Having files looked at by ClamAV's daemon, where the operator runs one: a stream in, one line out.

The protocol is clamd's INSTREAM (clamd(8)): the command, then pieces, each behind its length in four bytes,
then a length of zero. The content goes there in clear, so the daemon belongs on the same machine, or on a
network that nobody else listens in.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO

from errors import Invalid

SECONDS = 30.0
"""For one step: connecting, sending a piece, or waiting for the answer."""
_PIECE = 64 * 1024
_ANSWER_MAX = 4096
_FOUND = re.compile(r"stream: (.{1,200}) FOUND")
_AWAY = (
    "The virus scanner cannot be reached, so the file was not stored. Try again later; if it stays, tell the "
    "operator."
)


class Infected(Invalid):
    """The scanner has found something.

    Args:
        found: what it calls that.
    """

    def __init__(self, found: str) -> None:
        super().__init__(f"The virus scanner found {found} in this file. It was not stored.", "file")
        self.found = found


class ScannerAway(Invalid):
    """The scanner cannot be reached, or gives no answer that means anything."""

    def __init__(self) -> None:
        super().__init__(_AWAY, "file")


@dataclass(frozen=True, slots=True)
class Scanner:
    """Where clamd listens.

    Args:
        host: a name or an address; or the path of a socket where *port* is None.
        mandatory: whether a file is refused where nobody can look at it.
    """

    host: str
    port: int | None = None
    mandatory: bool = True

    def look_at(self, source: BinaryIO) -> None:
        """Have all of *source* looked at, from its beginning.

        Raises:
            Infected: something was found.
            ScannerAway: nobody could look, and the file may not be stored without.
        """
        source.seek(0)
        try:
            with self._connected() as connection:
                answer = _ask(connection, source)
        except OSError:
            answer = ""
        if found := _FOUND.fullmatch(answer):
            raise Infected(found[1])
        if answer != "stream: OK" and self.mandatory:
            raise ScannerAway

    @contextmanager
    def _connected(self) -> Iterator[socket.socket]:
        if self.port is None:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(SECONDS)
                connection.connect(self.host)
                yield connection
        else:
            with socket.create_connection((self.host, self.port), timeout=SECONDS) as connection:
                yield connection


def _ask(connection: socket.socket, source: BinaryIO) -> str:
    connection.sendall(b"zINSTREAM\0")
    for piece in iter(partial(source.read, _PIECE), b""):
        connection.sendall(len(piece).to_bytes(4, "big") + piece)
    connection.sendall(bytes(4))
    answer = b""
    while len(answer) <= _ANSWER_MAX and not answer.endswith(b"\0"):
        part = connection.recv(_ANSWER_MAX)
        if not part:
            break
        answer += part
    return answer.rstrip(b"\0\n").decode("ascii", "replace")
