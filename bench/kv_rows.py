"""The requests of clients of the Vault-compatible API, and what has to be there for them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection
from itertools import count
from random import Random
from typing import Any
from urllib.parse import quote

from bench.rows import address
from bench.visitor import request
from bench.world import HOST, Site, Somebody, contents_of

MANY = 1000
READS_A_PERSON = 25
_MOUNT = "everything"


def reads(site: Site) -> list[bytes]:
    """Let every person's program read keys."""
    rng = Random(3)
    dealt = [
        (person, rng.randrange(len(site.items))) for _ in range(READS_A_PERSON) for person in site.workers
    ]
    return [_ask("GET", f"{_MOUNT}/data/{_name(number)}", person) for person, number in dealt]


def writes(site: Site, clients: int) -> list[Iterator[bytes]]:
    """Let as many programs as there are clients write keys of their own, a version each time."""
    return [_writes(site.workers[number % len(site.workers)], number) for number in range(clients)]


def _writes(person: Somebody, client: int) -> Iterator[bytes]:
    for number in count():
        body = {"data": {"password": f"{number:012x}-Lq9!vX2#pR", "port": number % 65536}}
        yield _ask("POST", f"{_MOUNT}/data/written/{client}/{number % 50}", person, body)


def look_ups(site: Site) -> list[bytes]:
    """Let every person's program look its own token up, as clients do when they begin."""
    return [_ask("GET", "auth/token/lookup-self", person) for person in site.workers]


def prepare(port: int, site: Site) -> dict[str, str]:
    """Write the keys of one full folder, and make a role; return what a program shows to come in by it."""
    owner = site.workers[0]
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        for number in range(MANY):
            _send(connection, owner, "POST", f"{_MOUNT}/data/many/key-{number:04}", {"data": {"n": number}})
        _send(connection, owner, "POST", "sys/auth/bench", {"type": "approle"})
        _send(connection, owner, "POST", "auth/bench/role/ci", {"token_policies": "default"})
        role_id = _send(connection, owner, "GET", "auth/bench/role/ci/role-id")["data"]["role_id"]
        made = _send(connection, owner, "POST", "auth/bench/role/ci/secret-id", {})
    finally:
        connection.close()
    return {"role_id": role_id, "secret_id": made["data"]["secret_id"]}


def lists(site: Site) -> list[bytes]:
    """Let every person's program list the full folder."""
    return [_ask("GET", f"{_MOUNT}/metadata/many/?list=true", person) for person in site.workers]


def log_ins(shown: Mapping[str, str]) -> list[bytes]:
    """Let programs come in by role and secret id, from many addresses."""
    body = json.dumps(dict(shown)).encode()
    return [
        request("POST", "/v1/auth/bench/login", _headers(number), body, kind="application/json")
        for number in range(500)
    ]


def _name(number: int) -> str:
    return quote(contents_of(number).name)


def _headers(number: int, token: str = "") -> dict[str, str]:
    headers = {"Host": HOST, "X-Forwarded-Proto": "https", "X-Forwarded-For": address(number)}
    return headers | ({"X-Vault-Token": token} if token else {})


def _ask(method: str, path: str, person: Somebody, body: Any = None) -> bytes:
    sent = json.dumps(body).encode() if body is not None else b""
    headers = _headers(int.from_bytes(person.id.bytes[:2], "big"), person.api_token)
    return request(method, f"/v1/{path}", headers, sent, kind="application/json")


def _send(connection: HTTPConnection, person: Somebody, method: str, path: str, body: Any = None) -> Any:
    sent = json.dumps(body).encode() if body is not None else None
    connection.request(method, f"/v1/{path}", sent, _headers(1, person.api_token))
    answer = connection.getresponse()
    content = answer.read()
    if answer.status not in {200, 204}:
        message = f"{method} {path}: {answer.status} {content[:200]!r}"
        raise RuntimeError(message)
    return json.loads(content) if content else None
