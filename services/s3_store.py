"""Objects at an S3-compatible address: Amazon's, or one of the many stores that speak like it.

Requests carry the bucket in the path, are signed, have a connection of their own, and are led nowhere
else. Nothing is tried again here: who asks knows whether that would help.
"""

from __future__ import annotations

import re
import ssl
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from html import unescape
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from io import BufferedReader, RawIOBase
from typing import IO, TYPE_CHECKING, BinaryIO, cast
from urllib.parse import quote, urlsplit

from crypto.request_signature import EMPTY_DIGEST, Signer, digest_of, encode_query
from errors import ObjectMissing, StoreFailed
from services import clock
from services.object_store import StoredObject, checked_name, checked_prefix

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

SECONDS = 30.0
"""For one step of a request: connecting, or waiting for the next bytes."""
LIST_MAX = 8 * 1024 * 1024
"""Bytes of one page of a list, which has at most a thousand names."""
_SPOOL = 1024 * 1024
_OK, _NO_CONTENT, _NOT_FOUND = 200, 204, 404


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where objects go.

    Args:
        endpoint: scheme and host, such as ``https://s3.example.org``.
        prefix: what every name begins with there; empty, or with a slash at its end.
    """

    endpoint: str
    name: str
    prefix: str


class S3Store:
    """Objects in a bucket, from any thread."""

    def __init__(self, bucket: Bucket, signer: Signer) -> None:
        self._bucket = bucket
        self._signer = signer
        parts = urlsplit(bucket.endpoint)
        self._host = parts.netloc
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None

    def put(self, name: str, pieces: Iterable[bytes]) -> None:
        """Collect the pieces, which are encrypted, in a nameless file first: length and digest are signed."""
        path = self._path(checked_name(name))
        with tempfile.SpooledTemporaryFile(max_size=_SPOOL) as spool:
            spool.writelines(pieces)
            length = spool.tell()
            spool.seek(0)
            digest = digest_of(iter(lambda: spool.read(_SPOOL), b""))
            spool.seek(0)
            headers = {"Content-Length": str(length), "Content-Type": "application/octet-stream"}
            with self._request("PUT", path, {}, digest, headers, spool) as response:
                _expect(response, _OK)

    @contextmanager
    def get(self, name: str) -> Iterator[BinaryIO]:
        """Open the answer for reading; one that ends too soon raises ``StoreFailed`` while it is read."""
        with self._request("GET", self._path(checked_name(name)), {}) as response:
            if response.status == _NOT_FOUND:
                raise ObjectMissing
            _expect(response, _OK)
            # Typed as the buffered file that it is; what reads it wants read() alone.
            yield cast("BinaryIO", BufferedReader(_Body(response)))

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        """Ask page by page, each from after the last name of the one before."""
        query = {"list-type": "2", "prefix": self._bucket.prefix + checked_prefix(prefix)}
        while True:
            with self._request("GET", f"/{self._bucket.name}", query) as response:
                _expect(response, _OK)
                page = _read_page(response)
            keys = [unescape(key) for key in re.findall(r"<Key>([^<]*)</Key>", page)]
            yield from self._objects(page)
            if not keys or "<IsTruncated>true</IsTruncated>" not in page:
                return
            query["start-after"] = keys[-1]

    def delete(self, name: str) -> None:
        """Remove the object."""
        with self._request("DELETE", self._path(checked_name(name)), {}) as response:
            if response.status != _NOT_FOUND:
                _expect(response, _OK, _NO_CONTENT)

    def tidy(self, before: datetime) -> int:
        """Do nothing: such a store never shows half an object."""
        del before
        return 0

    def _path(self, name: str) -> str:
        return f"/{self._bucket.name}/{self._bucket.prefix}{name}"

    def _objects(self, page: str) -> Iterator[StoredObject]:
        """Read names by a pattern: XML writes ours as they are, and others are left out."""
        for one in re.findall(r"<Contents>(.*?)</Contents>", page, re.DOTALL):
            facts = dict(re.findall(r"<(Key|Size|LastModified)>([^<]*)</", one))
            key = facts.get("Key", "")
            try:
                name = checked_name(key.removeprefix(self._bucket.prefix))
                changed = datetime.fromisoformat(facts["LastModified"]).astimezone(UTC)
                found = StoredObject(name, int(facts["Size"]), changed)
            except (KeyError, ValueError):
                continue
            if key.startswith(self._bucket.prefix):
                yield found

    @contextmanager
    def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        digest: str = EMPTY_DIGEST,
        headers: Mapping[str, str] | None = None,
        body: IO[bytes] | None = None,
    ) -> Iterator[HTTPResponse]:
        said = {"Host": self._host, **(headers or {})}
        signed = self._signer.sign(method, path, query, said, digest, clock.now())
        target = quote(path, safe="/-_.~") + (f"?{encode_query(query)}" if query else "")
        with closing(self._connect()) as connection:
            try:
                connection.request(method, target, body, signed)
                response = connection.getresponse()
            except (OSError, HTTPException) as error:
                raise _unreachable(error) from None
            with closing(response):
                yield response

    def _connect(self) -> HTTPConnection:
        if self._tls is None:
            return HTTPConnection(self._host, timeout=SECONDS)
        return HTTPSConnection(self._host, timeout=SECONDS, context=self._tls)


class _Body(RawIOBase):
    """The body of an answer: a file that ends where the store said that it would."""

    def __init__(self, response: HTTPResponse) -> None:
        self._response = response

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        try:
            count = self._response.readinto(buffer)
        except (OSError, HTTPException) as error:
            raise _unreachable(error) from None
        if count == 0 and self._response.length:
            raise StoreFailed("The store of files broke off in the middle.")
        return count


def _expect(response: HTTPResponse, *statuses: int) -> None:
    if response.status not in statuses:
        raise StoreFailed(f"The store of files answered with status {response.status}.")


def _read_page(response: HTTPResponse) -> str:
    try:
        content = response.read(LIST_MAX + 1)
    except (OSError, HTTPException) as error:
        raise _unreachable(error) from None
    if len(content) > LIST_MAX:
        raise StoreFailed("The store of files answered with far too long a list.")
    return content.decode(errors="replace")


def _unreachable(error: Exception) -> StoreFailed:
    slow = isinstance(error, TimeoutError)
    return StoreFailed(f"The store of files {'took too long' if slow else 'cannot be reached'}.")
