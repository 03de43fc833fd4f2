"""A small S3-compatible store as a process of its own: checks each signature by itself, and can be unkind.

    python s3_server.py FOLDER     prints the port, and serves until it is killed

What is asked for under these buckets goes wrong: ``broken`` answers 500, ``cut`` sends half a body, ``away``
leads elsewhere, ``silent`` never answers; lists of ``few`` have two names a page.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlsplit

ACCESS_KEY, SECRET_KEY, REGION = "AKIDCHATELAINETEST", "s3cret/of+the+stub", "eu-test-1"


class Store:
    """The process, seen from a test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(folder)], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.endpoint = f"http://127.0.0.1:{int(self._process.stdout.readline())}"

    def bodies(self) -> dict[str, bytes]:
        """Return what lies there, by bucket and key."""
        found = (json.loads(file.read_text()) for file in self.folder.glob("*.json"))
        return {one["key"]: bytes.fromhex(one["body"]) for one in found}

    def stop(self) -> None:
        self._process.kill()
        self._process.communicate()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    folder: Path

    def log_message(self, *_: object) -> None:
        pass

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self._refused(body):
            return
        facts = {"key": self._key(), "body": body.hex(), "at": datetime.now(UTC).isoformat()}
        part = self._file().with_suffix(f".{threading.get_ident()}")
        part.write_text(json.dumps(facts))
        part.replace(self._file())
        self._answer(200)

    def do_GET(self) -> None:
        if self._refused(b""):
            return
        if urlsplit(self.path).query:
            self._list()
        elif not self._file().exists():
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
        else:
            self._answer(200, bytes.fromhex(json.loads(self._file().read_text())["body"]))

    def do_DELETE(self) -> None:
        if not self._refused(b""):
            self._file().unlink(missing_ok=True)
            self._answer(204)

    def _list(self) -> None:
        query = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        assert query["list-type"] == "2"
        bucket = self._key().strip("/")
        most = 2 if bucket == "few" else 1000
        every = [json.loads(file.read_text()) for file in self.folder.glob("*.json")]
        found = {
            one["key"].removeprefix(f"{bucket}/"): one
            for one in every
            if one["key"].startswith(f"{bucket}/{query['prefix']}")
        }
        keys = sorted(key for key in found if key > query.get("start-after", ""))
        rows = "".join(
            f"<Contents><Key>{key.replace('&', '&amp;').replace('<', '&lt;')}</Key>"
            f"<LastModified>{found[key]['at'][:23]}Z</LastModified><ETag>&quot;0&quot;</ETag>"
            f"<Size>{len(found[key]['body']) // 2}</Size></Contents>"
            for key in keys[:most]
        )
        cut = str(len(keys) > most).lower()
        page = f"<ListBucketResult><IsTruncated>{cut}</IsTruncated>{rows}</ListBucketResult>"
        self._answer(200, page.encode())

    def _key(self) -> str:
        return unquote(urlsplit(self.path).path).removeprefix("/")

    def _file(self) -> Path:
        return self.folder / f"{hashlib.sha256(self._key().encode()).hexdigest()}.json"

    def _refused(self, body: bytes) -> bool:
        bucket = self._key().partition("/")[0]
        if bucket == "broken":
            self._answer(500)
        elif bucket == "away":
            self._answer(307, location="http://127.0.0.1:9/elsewhere")
        elif bucket == "silent":
            self.rfile.read(1)
        elif not self._is_signed(body):
            self._answer(403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>")
        else:
            return False
        return True

    def _is_signed(self, body: bytes) -> bool:
        said = dict(
            part.split("=", 1)
            for part in self.headers["Authorization"].removeprefix("AWS4-HMAC-SHA256 ").split(",")
        )
        names = said["SignedHeaders"].split(";")
        stamp, digest = self.headers["x-amz-date"], self.headers["x-amz-content-sha256"]
        at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        if not {"host", "x-amz-date", "x-amz-content-sha256"} <= set(names) or names != sorted(names):
            return False
        if abs(datetime.now(UTC) - at) > timedelta(minutes=15) or digest != hashlib.sha256(body).hexdigest():
            return False
        parts = urlsplit(self.path)
        asked = sorted(parse_qsl(parts.query, keep_blank_values=True))
        canonical = [
            self.command,
            quote(unquote(parts.path), safe="/-_.~"),
            "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in asked),
        ]
        canonical += [f"{name}:{self.headers[name].strip()}" for name in names] + [
            "",
            ";".join(names),
            digest,
        ]
        scope = f"{stamp[:8]}/{REGION}/s3/aws4_request"
        text = "\n".join(
            ["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256("\n".join(canonical).encode()).hexdigest()]
        )
        key = f"AWS4{SECRET_KEY}".encode()
        for part in (stamp[:8], REGION, "s3", "aws4_request", text):
            key = hmac.new(key, part.encode(), "sha256").digest()
        return said["Credential"] == f"{ACCESS_KEY}/{scope}" and said["Signature"] == key.hex()

    def _answer(self, status: int, body: bytes = b"", location: str = "") -> None:
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self._key().startswith("cut/"):
            body = body[: len(body) // 2]
            self.close_connection = True
        self.wfile.write(body)


def main() -> None:
    Handler.folder = Path(sys.argv[1])
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
