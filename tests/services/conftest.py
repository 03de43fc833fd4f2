"""Services on the fixed world, without any application around them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services import clock
from services.actors import rights_of
from services.runtime import Runtime
from services.unit_of_work import UnitOfWork
from tests import world as worlds
from tests.world import World

Work = Callable[..., AbstractContextManager[UnitOfWork]]


@pytest.fixture
def runtime(database: Path) -> Iterator[Runtime]:
    """The long-lived parts of a process on this test's database."""
    runtime = worlds.open_world(database)
    yield runtime
    runtime.close()


@pytest.fixture
def work(runtime: Runtime, world: World) -> Work:
    """Open a unit of work as somebody of the world, with the rights that they have now."""

    @contextmanager
    def work(name: str, *, writing: bool = False) -> Iterator[UnitOfWork]:
        actor = world.actor(name)
        with runtime.engine.connect() as connection:
            rights = rights_of(connection, actor.organization_id, actor.id, clock.now())
        now = clock.now()
        with runtime.work(writing=writing, actor=replace(actor, rights=rights, confirmed_at=now)) as uow:
            yield uow

    return work


@pytest.fixture
def sql(runtime: Runtime, database: Path) -> Callable[..., list[Any]]:
    """Change the database past the program, as somebody who holds the file would."""

    def run(statement: str, *parameters: Any) -> list[Any]:
        return worlds.past_the_program(database, statement, *parameters)

    return run
