"""Addresses of the fixed world, and what every guarded page must refuse."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine
from flask import Flask

from models import Action
from policy import Right
from services import audit, item_changes, vaults
from services.contents import Contents
from services.events import Target
from services.runtime import Runtime
from tests.browser import Browser
from tests.pages.factors import set_up
from tests.trail import Trail
from tests.world import World

MISSING = UUID("00000000-0000-4000-8000-000000000000")

NOTHING = Target("item", None, "x")
NOON = datetime(2027, 1, 15, 12, tzinfo=UTC)


@pytest.fixture
def happen(runtime: Runtime, world: World) -> Callable[..., None]:
    """Let something happen in the name of somebody."""

    def happen(
        action: Action,
        *,
        who: str = "mia",
        target: Target = NOTHING,
        times: int = 1,
        **recorded: Any,
    ) -> None:
        with runtime.work(writing=True, actor=world.actor(who)) as uow:
            for _ in range(times):
                audit.record(uow, action, target, **recorded)

    return happen


@pytest.fixture
def production(world: World) -> str:
    """Where the vault Production stands."""
    return f"/o/northwind/vaults/{world.vaults['Production']}"


@pytest.fixture
def primary(world: World) -> str:
    """Where the credential prod/db primary stands, in the vault Production."""
    return f"/o/northwind/items/{world.items['prod/db primary']}"


@pytest.fixture
def add(runtime: Runtime, world: World) -> Callable[..., list[UUID]]:
    """Put more credentials into a vault of Northwind, as its manager."""

    def add(*contents: Contents, vault: str = "Production") -> list[UUID]:
        vault_id = world.vaults[vault]
        actor = world.actor("alice", {vault_id: Right.MANAGE})
        with runtime.work(writing=True, actor=actor) as uow:
            place = vaults.find(uow, vault_id)
            return [item_changes.create(uow, place, one) for one in contents]

    return add


@pytest.fixture
def destroy_overview(runtime: Runtime) -> Callable[[UUID], None]:
    """Spoil what an item's versions say, as somebody who holds the database file could."""

    def destroy(item_id: UUID) -> None:
        with runtime.engine.begin() as connection:
            connection.exec_driver_sql(
                "UPDATE item_version SET overview = zeroblob(80) WHERE item_id = ?", (item_id.hex,)
            )

    return destroy


@pytest.fixture
def refuses(browser: Callable[..., Browser], trail: Trail) -> Callable[..., None]:
    """Check that an address refuses somebody with a status, and that the attempt is recorded."""

    def refuses(path: str, who: str, status: int, *, posting: bool = False) -> None:
        visitor = browser(who)
        before = len(trail.events("access.denied"))
        if posting:
            visitor.open("/account")
            visitor.post(path, {"csrf_token": visitor.csrf()}, status)
        else:
            visitor.open(path, status)
        denied = trail.events("access.denied")[before:]
        assert len(denied) == 1, f"{len(denied)} denials of {who} at {path}"
        assert denied[0]["actor"] == who.title()
        assert not denied[0]["success"]

    return refuses


@pytest.fixture
def clock(app: Flask) -> Iterator[time_machine.Coordinates]:
    """Noon, standing still; tests move it on."""
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


@pytest.fixture
def come_in(app: Flask, world: World) -> Callable[..., Browser]:
    """Sign in with the token alone, and end where that leads."""

    def come_in(name: str, status: int = 200, address: str = "192.0.2.10") -> Browser:
        person = Browser(app, address)
        person.open("/sign-in")
        person.submit("sign-in", status, token=world.tokens[name])
        return person

    return come_in


@pytest.fixture
def mia(clock: time_machine.Coordinates, come_in: Callable[..., Browser]) -> Browser:
    """Mia with an app, signed in and through."""
    person = come_in("mia")
    person.phone = set_up(person)
    clock.shift(timedelta(minutes=1))
    return person


@pytest.fixture
def strict(app: Flask) -> Iterator[Flask]:
    """An installation with REQUIRE_2FA."""
    runtime = app.extensions["chatelaine"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runtime, "rules", replace(runtime.rules, second_factor=True))
        yield app
