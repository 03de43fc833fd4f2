"""The audit log of the fixed world, as somebody sees it who holds the database file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services import audit_verify, clock, items
from services.actors import rights_of
from services.runtime import Runtime
from services.unit_of_work import UnitOfWork
from tests import world as worlds
from tests.world import LAKESIDE, NORTHWIND, World

Work = Callable[..., AbstractContextManager[UnitOfWork]]


class File:
    """The database file in the hands of somebody who has no key."""

    def __init__(self, path: Path, world: World) -> None:
        self.path = path
        self.north = world.organizations[NORTHWIND].hex
        self.lake = world.organizations[LAKESIDE].hex

    def run(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Run one statement past the program."""
        return worlds.past_the_program(self.path, statement, *parameters)

    def event(self, seq: int, column: str, chain: str | None = None) -> Any:
        """Return a column of an event."""
        return self.run(
            f"SELECT {column} FROM audit_event WHERE chain_id = ? AND seq = ?", chain or self.north, seq
        )[0][0]

    def set(self, seq: int, column: str, value: Any, chain: str | None = None) -> None:
        """Change a column of an event."""
        self.run(
            f"UPDATE audit_event SET {column} = ? WHERE chain_id = ? AND seq = ?",
            value,
            chain or self.north,
            seq,
        )

    def size(self, chain: str | None = None) -> int:
        """Return the number of the last event."""
        found = self.run("SELECT max(seq) FROM audit_event WHERE chain_id = ?", chain or self.north)
        return int(found[0][0])


@pytest.fixture
def runtime(database: Path) -> Iterator[Runtime]:
    """The long-lived parts of a process; a checkpoint is made only where a test makes one."""
    runtime = worlds.open_world(database)
    runtime.committer._housekeeping = lambda _committed: None
    yield runtime
    runtime.committer.close()
    runtime.connections.close()
    runtime.engine.dispose()


@pytest.fixture
def work(runtime: Runtime, world: World) -> Work:
    """Open a unit of work as somebody of the world, with the rights that they have now."""

    @contextmanager
    def work(name: str, *, writing: bool = False) -> Iterator[UnitOfWork]:
        actor = world.actor(name)
        with runtime.engine.connect() as connection:
            rights = rights_of(connection, actor.organization_id, actor.id, clock.now())
        with runtime.work(
            writing=writing, actor=replace(actor, rights=rights, confirmed_at=clock.now())
        ) as uow:
            yield uow

    return work


@pytest.fixture
def reveal(work: Work, world: World) -> Callable[..., str]:
    """Reveal a password as somebody."""

    def reveal(name: str = "mia", item: str = "Stripe dashboard") -> str:
        with work(name) as uow:
            return items.reveal(uow, items.find(uow, world.items[item]), "Password").value

    return reveal


@pytest.fixture
def file(database: Path, world: World) -> File:
    """The database file, past the program."""
    return File(database, world)


@pytest.fixture
def faults(runtime: Runtime) -> Callable[..., list[str]]:
    """Verify the log, and return what is wrong with it."""

    def faults(**asked: Any) -> list[str]:
        return [str(fault) for fault in audit_verify.verify(runtime, **asked).faults]

    return faults


@pytest.fixture
def north(world: World) -> UUID:
    """The chain of Northwind."""
    return world.organizations[NORTHWIND]
