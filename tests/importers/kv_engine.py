"""A server on loopback that speaks what reading a KV engine needs of Vault's API, until it is told to lie."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import unquote, urlsplit

TOKEN = "hvs.invented-token"


@dataclass
class KvEngine:
    """One mount called ``secret``.

    Args:
        secrets: by path; None: its newest version is deleted.
        forbidden: beginnings of paths, behind ``/v1/``, that the token may not see.
        lies: by path, the status and the body that are answered instead.
    """

    version: int = 2
    secrets: dict[str, Any] = field(default_factory=dict)
    forbidden: tuple[str, ...] = ()
    lies: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.engine = self  # type: ignore[attr-defined]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def address(self) -> str:
        """Where it is reached."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, path: str, *, listing: bool, token: str) -> tuple[int, Any]:
        """Return a status and what is said."""
        if token != TOKEN or path.startswith(self.forbidden or "\0"):
            return 403, {"errors": ["permission denied"]}
        if path == "sys/internal/ui/mounts/secret":
            return 200, {"data": {"type": "kv", "options": {"version": str(self.version)}}}
        kind = path.removeprefix("secret/")
        if self.version == 2:
            kind = kind.removeprefix("metadata/" if listing else "data/")
        found = self._list(kind) if listing else self._read(kind)
        return (404, {"errors": []}) if found is None else (200, {"data": found})

    def _list(self, folder: str) -> dict[str, list[str]] | None:
        inside = [path.removeprefix(folder) for path in self.secrets if path.startswith(folder)]
        names = {rest.partition("/")[0] + ("/" if "/" in rest else "") for rest in inside}
        return {"keys": sorted(names)} if names else None

    def _read(self, path: str) -> dict[str, Any] | None:
        held = self.secrets.get(path)
        if held is None:
            return None
        return {"data": held, "metadata": {"version": 3}} if self.version == 2 else held


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    def do_GET(self) -> None:
        engine: KvEngine = self.server.engine  # type: ignore[attr-defined]
        parts = urlsplit(self.path)
        path = unquote(parts.path).removeprefix("/v1/")
        engine.asked.append((path, dict(self.headers)))
        status, body = engine.lies.get(path, (0, b""))
        if not status:
            token = self.headers.get("X-Vault-Token", "")
            status, said = engine.answer(path, listing=parts.query == "list=true", token=token)
            body = json.dumps(said).encode()
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("Location", "http://127.0.0.1:9/")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""
