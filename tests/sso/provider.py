"""An OpenID provider of our own, on loopback, that keeps to the protocol until it is told to lie."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, quote_plus, urlencode, urlsplit

from joserfc import jws
from joserfc.jwk import RSAKey

CLIENT_ID = "chatelaine client"
CLIENT_SECRET = "s3cret: of/the+client"
Lie = Callable[["Handler"], None]
KEYS = [RSAKey.generate_key(2048, {"kid": f"key {number}", "use": "sig"}) for number in range(2)]


@dataclass
class Granted:
    """What the provider remembers from when it sent somebody back."""

    asked: dict[str, str]
    claims: dict[str, Any]


@dataclass
class Provider:
    """A provider, and everything that tests change about it.

    Args:
        lies: by path, what is answered instead.
        metadata: changes to the discovery document; None takes a member out.
        header: of the ID token.
        token: changes to the answer of the token endpoint.
        userinfo: what that endpoint says; None: there is none.
    """

    lies: dict[str, Lie] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    token: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] | None = None
    published: list[RSAKey] = field(default_factory=lambda: KEYS[:1])
    key: Any = field(default_factory=lambda: KEYS[0])
    requests: list[str] = field(default_factory=list)
    granted: dict[str, Granted] = field(default_factory=dict)
    next_claims: dict[str, Any] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.provider = self  # type: ignore[attr-defined]
        self.port = self._server.server_port
        self.issuer = f"http://127.0.0.1:{self.port}/realm"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, onward: str, *, sender: str | None = None, **claims: Any) -> str:
        """Do what a person does at the provider; return the path that it leads them back to."""
        parts = urlsplit(onward)
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        self.next_claims = claims
        connection.request("GET", f"{parts.path}?{parts.query}")
        response = connection.getresponse()
        location = response.headers["Location"]
        connection.close()
        back = urlsplit(location)
        sent = f"{back.path}?{back.query}"
        return sent + ("&" + urlencode({"iss": sender}) if sender is not None else "")

    def id_token(self, granted: Granted) -> str:
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "sub": "1001",
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": granted.asked["nonce"],
        } | granted.claims
        claims = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": "RS256", "kid": self.key.kid} | self.header
        header = {name: value for name, value in header.items() if value is not None}
        registry = jws.JWSRegistry(algorithms=[header["alg"]], strict_check_header=False)
        return jws.serialize_compact(header, json.dumps(claims), self.key, registry=registry)


class Handler(BaseHTTPRequestHandler):
    """Answers for the provider of its server."""

    protocol_version = "HTTP/1.1"

    @property
    def provider(self) -> Provider:
        return self.server.provider  # type: ignore[attr-defined]

    def do_GET(self) -> None:
        self._serve("")

    def do_POST(self) -> None:
        self._serve(self.rfile.read(int(self.headers["Content-Length"])).decode())

    def _serve(self, body: str) -> None:
        provider = self.provider
        path = urlsplit(self.path).path.removeprefix("/realm")
        provider.requests.append(path)
        if path in provider.lies:
            provider.lies[path](self)
            return
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        form = {name: values[0] for name, values in parse_qs(body).items()}
        {
            "/.well-known/openid-configuration": self._discovery,
            "/keys": lambda: self.json({"keys": [key.as_dict(private=False) for key in provider.published]}),
            "/authorize": lambda: self._authorize(query),
            "/token": lambda: self._token(form),
            "/userinfo": self._userinfo,
        }.get(path, lambda: self.send(404, b"nothing", "text/plain"))()

    def _discovery(self) -> None:
        issuer = self.provider.issuer
        document = {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "jwks_uri": f"{issuer}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        } | self.provider.metadata
        if self.provider.userinfo is not None:
            document["userinfo_endpoint"] = f"{issuer}/userinfo"
        self.json({name: value for name, value in document.items() if value is not None})

    def _authorize(self, asked: dict[str, str]) -> None:
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        provider = self.provider
        claims = dict(provider.next_claims)
        answer = {"state": asked["state"]}
        if "error" in claims:
            answer["error"] = claims.pop("error")
        else:
            answer["code"] = f"code-{len(provider.granted)}"
            provider.granted[answer["code"]] = Granted(asked, claims)
        self.send(302, b"", "text/plain", Location=f"{asked['redirect_uri']}?{urlencode(answer)}")

    def _token(self, form: dict[str, str]) -> None:
        granted = self.provider.granted.pop(form.get("code", ""), None)
        if granted is None or not self._is_client() or not _proves(form, granted):
            self.json({"error": "invalid_grant"}, 400)
            return
        access_token = f"access-{form['code']}"
        answer = {
            "access_token": access_token,
            "token_type": "Bearer",
            "id_token": self.provider.id_token(granted),
        } | self.provider.token
        self.json({name: value for name, value in answer.items() if value is not None})

    def _is_client(self) -> bool:
        scheme, _, said = self.headers.get("Authorization", "").partition(" ")
        wanted = f"{quote_plus(CLIENT_ID)}:{quote_plus(CLIENT_SECRET)}"
        return scheme == "Basic" and base64.b64decode(said).decode() == wanted

    def _userinfo(self) -> None:
        assert self.headers["Authorization"].startswith("Bearer access-code-")
        self.json(self.provider.userinfo)

    def json(self, value: Any, status: int = 200) -> None:
        self.send(status, json.dumps(value).encode(), "application/json")

    def send(self, status: int, body: bytes, kind: str, **headers: str) -> None:
        self.send_response(status)
        for name, text in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _proves(form: dict[str, str], granted: Granted) -> bool:
    digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    asked = granted.asked
    return challenge == asked["code_challenge"] and form.get("redirect_uri") == asked["redirect_uri"]
