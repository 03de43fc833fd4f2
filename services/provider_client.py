"""Speaking with one provider of single sign-on: discovery, keys, and what it says of a person."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any, TypeVar
from urllib.parse import quote_plus, urlsplit

from authlib.common.errors import AuthlibBaseError
from authlib.oauth2.auth import ClientAuth, encode_client_secret_basic, encode_client_secret_post
from authlib.oauth2.client import OAuth2Client

from crypto.id_tokens import (
    BadIdToken,
    Expected,
    UnknownKey,
    auth_time_of,
    is_multi_factor,
    read_id_token,
    read_keys,
)
from errors import ProviderFailed
from services import clock
from services.provider_requests import JSON_TYPES, SECONDS, Answer, Line
from services.providers import Provider, Secrets, Vouched

LASTS = timedelta(hours=1)
"""How long what a provider has published is believed without looking again."""
KEYS_AGAIN = timedelta(minutes=1)
"""How long an unknown key is refused before the keys are fetched once more."""
AT_ONCE = 4
"""Threads of a process that wait for providers at the same time: a slow one must not hold all of them."""
CODE_MAX = 4096
_EMAIL_MAX = 254
_NAME_MAX = 120
Published = TypeVar("Published")


@dataclass(frozen=True, slots=True)
class _Metadata:
    authorization: str
    token: str
    keys: str
    userinfo: str | None
    post_secret: bool
    names_issuer: bool


class _Held:
    """Something that was fetched, and when."""

    def __init__(self, value: Any, at: datetime) -> None:
        self.value = value
        self.at = at

    def is_younger_than(self, age: timedelta) -> bool:
        return clock.now() - self.at < age


class ProviderClient:
    """Speaks with one provider, from any thread; remembers what it has published.

    All methods raise ``ProviderFailed``, and hold no transaction while they wait.
    """

    def __init__(self, provider: Provider, line: Line | None = None) -> None:
        self.provider = provider
        self._line = line or Line()
        self._fetching = threading.Lock()
        self._metadata: _Held | None = None
        self._keys: _Held | None = None

    def address(self, redirect: str, secrets: Secrets, *, again: bool = False) -> str:
        """Return where the person is sent.

        Args:
            redirect: where the provider sends them back to.
            again: ask them to prove anew who they are, whether they are signed in there or not.
        """
        metadata = self._published()
        client = self._client(redirect, metadata)
        extra: dict[str, str] = {"nonce": secrets.nonce, "response_mode": "query"}
        if again:
            extra |= {"prompt": "login", "max_age": "0"}
        if self.provider.levels:
            extra["acr_values"] = " ".join(self.provider.levels)
        url, _ = client.create_authorization_url(
            metadata.authorization, state=secrets.state, code_verifier=secrets.verifier, **extra
        )
        return str(url)

    def check_sender(self, issuer: str | None) -> None:
        """Refuse an answer that another provider has sent (RFC 9207)."""
        if issuer is None:
            if self._published().names_issuer:
                raise ProviderFailed("iss")
        elif issuer != self.provider.issuer:
            raise ProviderFailed("iss")

    def redeem(self, code: str, redirect: str, secrets: Secrets) -> Vouched:
        """Trade the code for what the provider says of the person."""
        if not 0 < len(code) <= CODE_MAX or not code.isascii() or not code.isprintable():
            raise ProviderFailed("code")
        metadata = self._published()
        token = self._fetch_token(self._client(redirect, metadata), code, secrets, metadata)
        access_token = token.get("access_token")
        if not isinstance(access_token, str) or str(token.get("token_type")).lower() != "bearer":
            raise ProviderFailed("token")
        expected = Expected(
            issuer=self.provider.issuer,
            client_id=self.provider.client_id,
            nonce=secrets.nonce,
            now=int(clock.now().timestamp()),
            access_token=access_token,
        )
        claims = self._read(token.get("id_token"), expected, metadata)
        if "email" not in claims and metadata.userinfo and "email" in self.provider.scopes:
            # What the token says of an address that it does not name says nothing of this one.
            claims = {name: value for name, value in claims.items() if name != "email_verified"}
            claims |= self._userinfo(metadata.userinfo, access_token, claims["sub"])
        return self._vouched(claims)

    def _client(self, redirect: str, metadata: _Metadata) -> OAuth2Client:
        client = OAuth2Client(
            self._line,
            client_id=self.provider.client_id,
            client_secret=self.provider.client_secret,
            token_endpoint_auth_method="post" if metadata.post_secret else "basic",
            scope=" ".join(self.provider.scopes),
            redirect_uri=redirect,
            code_challenge_method="S256",
        )
        client.register_client_auth_method(("post", encode_client_secret_post))
        client.register_client_auth_method(("basic", _encode_basic))
        return client

    def _fetch_token(
        self, client: OAuth2Client, code: str, secrets: Secrets, metadata: _Metadata
    ) -> Mapping[str, Any]:
        """An answer that is an error of OAuth comes as an exception."""
        try:
            token: Mapping[str, Any] = client.fetch_token(
                metadata.token,
                grant_type="authorization_code",
                code=code,
                code_verifier=secrets.verifier,
            )
        except (AuthlibBaseError, ValueError, TypeError, KeyError, AttributeError, OverflowError):
            # What Authlib makes of an answer whose members are of other kinds than they should be.
            raise ProviderFailed("token") from None
        return token

    def _read(self, id_token: Any, expected: Expected, metadata: _Metadata) -> Mapping[str, Any]:
        try:
            try:
                return read_id_token(id_token, self._published_keys(metadata), expected)
            except UnknownKey:
                return read_id_token(id_token, self._published_keys(metadata, max_age=KEYS_AGAIN), expected)
        except BadIdToken as error:
            raise ProviderFailed(f"id_token: {error}") from None

    def _userinfo(self, url: str, access_token: str, subject: str) -> Mapping[str, Any]:
        if not access_token.isascii() or not access_token.isprintable():
            raise ProviderFailed("token")
        said = _object(self._line.get(url, {"Authorization": f"Bearer {access_token}"}), "userinfo")
        if said.get("sub") != subject:
            raise ProviderFailed("userinfo: sub")
        return {name: said[name] for name in ("email", "email_verified", "name") if name in said}

    def _vouched(self, claims: Mapping[str, Any]) -> Vouched:
        told = claims.get("email_verified")
        return Vouched(
            subject=claims["sub"],
            email=_text(claims.get("email"), _EMAIL_MAX).lower(),
            verified=told is True or (told is None and self.provider.email_is_verified),
            name=_text(claims.get("name"), _NAME_MAX),
            hosted=_text(claims.get("hd"), _EMAIL_MAX).lower(),
            authenticated_at=auth_time_of(claims),
            multi_factor=self.provider.trusts_mfa and is_multi_factor(claims, self.provider.levels),
        )

    def _published(self) -> _Metadata:
        held = self._metadata
        if held is None or not held.is_younger_than(LASTS):
            with self._alone():
                held = self._metadata
                if held is None or not held.is_younger_than(LASTS):
                    held = self._metadata = _Held(self._discover(), clock.now())
        metadata: _Metadata = held.value
        return metadata

    def _published_keys(self, metadata: _Metadata, *, max_age: timedelta = LASTS) -> Sequence[Any]:
        with self._alone():
            if self._keys is None or not self._keys.is_younger_than(max_age):
                try:
                    keys = read_keys(_object(self._line.get(metadata.keys), "keys"))
                except BadIdToken:
                    raise ProviderFailed("keys") from None
                self._keys = _Held(keys, clock.now())
            keys_held: Sequence[Any] = self._keys.value
            return keys_held

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Let one thread fetch, and the others wait for what it brings."""
        if not self._fetching.acquire(timeout=SECONDS):
            raise ProviderFailed("busy", down=True)
        try:
            yield
        finally:
            self._fetching.release()

    def _discover(self) -> _Metadata:
        url = self.provider.issuer.rstrip("/") + "/.well-known/openid-configuration"
        said = _object(self._line.get(url), "discovery")
        if said.get("issuer") != self.provider.issuer:
            raise ProviderFailed("discovery: issuer")
        methods = said.get("token_endpoint_auth_methods_supported")
        ways = methods if isinstance(methods, list) else ["client_secret_basic"]
        return _Metadata(
            authorization=self._endpoint(said, "authorization_endpoint"),
            token=self._endpoint(said, "token_endpoint"),
            keys=self._endpoint(said, "jwks_uri"),
            userinfo=self._endpoint(said, "userinfo_endpoint") if "userinfo_endpoint" in said else None,
            post_secret="client_secret_basic" not in ways and "client_secret_post" in ways,
            names_issuer=said.get("authorization_response_iss_parameter_supported") is True,
        )

    def _endpoint(self, said: Mapping[str, Any], name: str) -> str:
        url = said.get(name)
        if not isinstance(url, str) or not _may_be_asked(url, plain=self.provider.plain):
            raise ProviderFailed(f"discovery: {name}")
        return url


class Providers:
    """The providers of an installation, by name, in the order of the buttons."""

    def __init__(self, clients: Iterable[ProviderClient] = ()) -> None:
        self._clients = {client.provider.name: client for client in clients}
        self._waiting = threading.BoundedSemaphore(AT_ONCE)

    def __iter__(self) -> Iterator[Provider]:
        return (client.provider for client in self._clients.values())

    def __bool__(self) -> bool:
        return bool(self._clients)

    def find(self, name: str) -> ProviderClient | None:
        """Return who speaks with the provider called *name*."""
        return self._clients.get(name)

    def ask(self, question: Callable[[], Published]) -> Published:
        """Put a question that a provider has to answer.

        Raises:
            ProviderFailed: no good answer, or too many are waiting for one.
        """
        if not self._waiting.acquire(blocking=False):
            raise ProviderFailed("busy", down=True)
        try:
            return question()
        finally:
            self._waiting.release()


def _encode_basic(client: Any, method: str, uri: str, headers: Any, body: str) -> Any:
    """Say who we are, encoded as in a form first (RFC 6749, section 2.3.1); Authlib leaves that out."""
    quoted = ClientAuth(quote_plus(client.client_id), quote_plus(client.client_secret))
    return encode_client_secret_basic(quoted, method, uri, headers, body)


def _object(answer: Answer, what: str) -> Mapping[str, Any]:
    answer.raise_for_status()
    try:
        said = answer.json() if answer.content_type in JSON_TYPES else None
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise ProviderFailed(f"{what}: no JSON")
    return said


def _may_be_asked(url: str, *, plain: bool) -> bool:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    if not host or "@" in parts.netloc or "#" in url or not re.fullmatch(r"[!-~]+", url):
        return False
    return parts.scheme == "https" or (plain and parts.scheme == "http" and _is_here(host))


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _text(value: Any, most: int) -> str:
    """Return a text that may be stored and shown; empty where it is none."""
    if not isinstance(value, str) or not value.isprintable() or len(value) > most:
        return ""
    return value.strip()
