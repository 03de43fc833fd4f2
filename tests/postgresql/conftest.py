"""What the tests of this folder share: they are about PostgreSQL, and speak to it past the program."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests import servers

Open = Callable[[str], "psycopg.Connection[Any]"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("postgresql")


@pytest.fixture
def connect(database: Path) -> Iterator[Open]:
    """Connect to this test's database as some role."""
    opened: list[psycopg.Connection[Any]] = []
    databases = servers.databases()

    def open_connection(role: str) -> psycopg.Connection[Any]:
        opened.append(databases.server.connect(databases.at(database), role))
        return opened[-1]

    yield open_connection
    for connection in opened:
        connection.close()


@pytest.fixture
def superuser(connect: Open) -> psycopg.Connection[Any]:
    """Somebody for whom no policy holds: sees what is really there."""
    return connect("postgres")


@pytest.fixture
def application(connect: Open) -> psycopg.Connection[Any]:
    """The program's own role."""
    return connect(servers.APPLICATION)
