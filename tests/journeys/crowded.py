"""The world with everything that strains a page: long words, foreign scripts, each state of each thing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

from policy import Role, Scope
from services import clock, invitations, item_changes, item_trash, items, lockouts, people, tokens, vaults
from services.actors import rights_of
from services.contents import Field, ItemType, Kind
from services.runtime import Runtime
from services.unit_of_work import UnitOfWork
from tests import world as worlds
from tests.world import World, login

LONG_WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
MARKUP = "<script>alert(1)</script>"
RIGHT_TO_LEFT = "خزنة كلمات المرور"
FAILURES = 6


@dataclass(frozen=True)
class Crowd:
    """The ids of what was added."""

    strained: UUID
    trashed: UUID
    broken: UUID
    vault: UUID
    api_token: UUID
    disabled: UUID


def crowd(path: Path, world: World) -> Crowd:
    """Fill the copy of the world at *path*."""
    runtime = worlds.open_world(path)
    try:
        strained, trashed, broken = _strain_items(runtime, world)
        with _work(runtime, world) as uow:
            vault = vaults.create(uow, f"{LONG_WORD} {RIGHT_TO_LEFT}", f"{LONG_WORD} " * 6)
            days = timedelta(days=2)
            api_token = tokens.issue_api(uow, LONG_WORD, list(Scope), days)
            invitations.invite(uow, f"{'long' * 15}@{'x' * 60}.example", Role.MEMBER, LONG_WORD)
            people.disable(uow, people.find(uow, world.members["rhea"]))
            for _ in range(FAILURES):
                lockouts.count_attempt(uow, "0badc0de", uow.organization_id)
            ids = (vault.id, api_token.id, world.members["rhea"])
    finally:
        runtime.close()
    _break(path, broken)
    return Crowd(strained, trashed, broken, *ids)


def _strain_items(runtime: Runtime, world: World) -> tuple[UUID, UUID, UUID]:
    """Add a credential with long and foreign contents, one in the trash, and one that is to be broken."""
    strained = login(
        f"{LONG_WORD}/{LONG_WORD}/{MARKUP}",
        user_name=LONG_WORD * 4,
        urls=(f"https://{'long.' * 12}example/{LONG_WORD}?{'q' * 300}", "https://db.northwind.example"),
        tags=(LONG_WORD[:60], RIGHT_TO_LEFT, MARKUP),
        expires_on=date(2020, 2, 29),
        fields=(
            *login("x").fields,
            Field(LONG_WORD[:60], Kind.TEXT, LONG_WORD * 20, custom=True),
            Field(RIGHT_TO_LEFT, Kind.LINK, "https://example.org/" + "y" * 300, custom=True),
        ),
    )
    note = login(
        "Old note",
        type=ItemType.NOTE,
        user_name="",
        urls=(),
        expires_on=date(2027, 1, 1),
        fields=(Field("Notes", Kind.MULTILINE, LONG_WORD),),
    )
    with _work(runtime, world) as uow:
        production = vaults.find(uow, world.vaults["Production"])
        first = item_changes.create(uow, production, strained)
        second = item_changes.create(uow, production, note)
        third = item_changes.create(uow, production, login("Altered by a thief"))
    with _work(runtime, world) as uow:
        changed = replace(strained, user_name="shorter")
        item_changes.edit(uow, items.find(uow, first), changed, expected_version=1)
        item_trash.trash(uow, items.find(uow, second))
        item_changes.set_favorite(uow, items.find(uow, first), True)
    return first, second, third


def _break(path: Path, item_id: UUID) -> None:
    """Flip the last byte of what is stored, as a disk or a thief would."""
    connection = sqlite3.connect(path)
    with connection:
        (envelope,) = connection.execute(
            "SELECT overview FROM item_version WHERE item_id = ?", (item_id.hex,)
        ).fetchone()
        altered = envelope[:-1] + bytes([envelope[-1] ^ 1])
        connection.execute("UPDATE item_version SET overview = ? WHERE item_id = ?", (altered, item_id.hex))
    connection.close()


@contextmanager
def _work(runtime: Runtime, world: World) -> Iterator[UnitOfWork]:
    alice = world.actor("alice")
    with runtime.engine.connect() as connection:
        rights = rights_of(connection, alice.organization_id, alice.id, clock.now())
    with runtime.work(writing=True, actor=replace(alice, rights=rights, confirmed_at=clock.now())) as uow:
        yield uow
