"""Clients of the Vault-compatible API, on the tests' world."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from policy import Scope
from services import api_tokens
from services.runtime import Runtime
from tests.world import World

MERGE = "application/merge-patch+json"


class Client:
    """A program that speaks as clients of that API do: token in ``X-Vault-Token``, paths below ``/v1/``."""

    def __init__(self, app: Flask, token: str | None, token_id: UUID | None, address: str) -> None:
        self.client = app.test_client(use_cookies=False)
        self.token = token
        self.token_id = token_id
        self.address = address

    def send(self, method: str, path: str, body: Any = None, **arguments: Any) -> TestResponse:
        """Send one request; *body* goes as JSON."""
        headers = {"X-Vault-Request": "true", **arguments.pop("headers", {})}
        if self.token is not None:
            headers.setdefault("X-Vault-Token", self.token)
        if body is not None:
            arguments["json"] = body
        return self.client.open(
            f"/v1/{path}",
            method=method,
            headers=headers,
            environ_base={"REMOTE_ADDR": self.address},
            **arguments,
        )

    def read(self, path: str, **query: Any) -> Any:
        """Return the data that a GET is answered with."""
        answer = self.send("GET", path, query_string=query)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return answer.get_json()["data"]

    def write(self, path: str, body: Any = None, method: str = "POST", **arguments: Any) -> Any:
        """Write, and return the data of the answer; None where it is empty."""
        answer = self.send(method, path, body, **arguments)
        assert answer.status_code in {200, 204}, answer.get_data(as_text=True)
        return answer.get_json()["data"] if answer.status_code == 200 else None

    def keys(self, path: str) -> list[str]:
        """Return the names in a folder."""
        answer = self.send("LIST", path)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        found: list[str] = answer.get_json()["data"]["keys"]
        return found

    def refusal(self, method: str, path: str, body: Any = None, **arguments: Any) -> tuple[int, list[str]]:
        """Return the status and the sentences of a request that fails."""
        answer = self.send(method, path, body, **arguments)
        return answer.status_code, answer.get_json()["errors"]


@pytest.fixture
def vault(app: Flask, runtime: Runtime, world: World) -> Callable[..., Client]:
    """Open a client with an API token of somebody's that may do everything, or what *scopes* says."""

    def open_client(
        name: str | None = "alice",
        scopes: Collection[Scope] = tuple(Scope),
        address: str = "192.0.2.30",
    ) -> Client:
        if name is None:
            return Client(app, None, None, address)
        with runtime.work(writing=True, actor=world.actor(name)) as uow:
            minted = api_tokens.issue(uow, "deploy job", scopes, timedelta(days=30))
        return Client(app, minted.text, minted.id, address)

    return open_client
