"""The world with everything that strains a page: long words, foreign scripts, each state of each thing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

from policy import ActorKind, Right, Role, Scope
from services import (
    access_requests,
    api_tokens,
    clock,
    grants,
    groups,
    invitations,
    item_changes,
    item_trash,
    items,
    leaver_ticks,
    leavers,
    lockouts,
    people,
    profiles,
    responsibility,
    vaults,
)
from services.actors import rights_of
from services.contents import Field, ItemType, Kind
from services.items import Protection
from services.leaver_ticks import Reason
from services.notes import TICK_NOTE
from services.runtime import Runtime
from services.unit_of_work import UnitOfWork
from tests import world as worlds
from tests.attached import attach
from tests.imported import import_all, keep_preview
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
    group: UUID
    profile: UUID
    imports: tuple[UUID, UUID]


def crowd(path: Path, world: World) -> Crowd:
    """Fill the copy of the world at *path*."""
    runtime = worlds.open_world(path)
    try:
        strained, trashed, broken = _strain_items(runtime, world)
        with _work(runtime, world) as uow:
            vault = vaults.create(uow, f"{LONG_WORD} {RIGHT_TO_LEFT}", f"{LONG_WORD} " * 6)
            days = timedelta(days=2)
            api_token = api_tokens.issue(uow, LONG_WORD, list(Scope), days)
            invitations.invite(uow, f"{'long' * 15}@{'x' * 60}.example", Role.MEMBER, LONG_WORD)
            responsibility.give_item(uow, items.find(uow, strained), world.people["rhea"])
        _open_and_tick(runtime, world, strained, api_token.id)
        with _work(runtime, world) as uow:
            people.disable(uow, people.find(uow, world.members["rhea"]))
            for _ in range(FAILURES):
                lockouts.count_attempt(uow, "0badc0de", uow.organization_id)
            made = (vault.id, api_token.id, world.members["rhea"], _share(uow, world, strained))
            names = [LONG_WORD, f"{RIGHT_TO_LEFT}/*"]
            profile = profiles.save(
                uow, None, name="l" * 60, scopes=tuple(Scope), vaults=[vault.id], names=names
            )
            ids = (*made, profile.id)
        _ask(runtime, world, strained)
        imports = _import(runtime, world)
        alice = world.actor("alice", {world.vaults["Production"]: Right.MANAGE})
        for name in (f"{LONG_WORD}.txt", f"{MARKUP} {RIGHT_TO_LEFT}.pem"):
            attach(runtime, alice, strained, name)
    finally:
        runtime.close()
    _break(path, broken)
    return Crowd(strained, trashed, broken, *ids, imports)


def _import(runtime: Runtime, world: World) -> tuple[UUID, UUID]:
    """Import a file with long and foreign contents, and look at another one before it is stored."""
    vault_id = world.vaults["Production"]
    alice = world.actor("alice", {vault_id: Right.MANAGE})
    row = f'"{MARKUP}","{LONG_WORD}","{RIGHT_TO_LEFT} {LONG_WORD}","{LONG_WORD * 3}"'
    data = f"name,{LONG_WORD},username,password\n{row}\nsecond,b,c,{'d' * 70_000}\n".encode()
    stored = import_all(runtime, alice, vault_id, data, f"{LONG_WORD}.csv")
    return stored, keep_preview(runtime, alice, vault_id, data, f"{LONG_WORD}.csv")


def _open_and_tick(runtime: Runtime, world: World, strained: UUID, token_id: UUID) -> None:
    """Let Rhea and a program open values, and tick one off with a note as long as it may be."""
    production = {world.vaults["Production"]: Right.REVEAL}
    rhea = world.actor("rhea", production)
    program = replace(world.actor("alice", production), kind=ActorKind.TOKEN, token_id=token_id)
    for actor in (rhea, program):
        for item_id in (strained, world.items["Stripe dashboard"]):
            with runtime.work(writing=True, actor=actor) as uow:
                items.reveal(uow, items.find(uow, item_id), "Password")
    with _work(runtime, world) as uow:
        subject = leavers.of_person(uow, people.find(uow, world.members["rhea"]))
        seq = leavers.newest_reveal(uow, subject, strained)
        note = (LONG_WORD * 3)[: TICK_NOTE.longest]
        leaver_ticks.tick(uow, subject, strained, seq or 0, Reason.NEEDLESS, note)


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


def _share(uow: UnitOfWork, world: World, item_id: UUID) -> UUID:
    """Let a group and a person use one credential, of which each reveal needs a second person."""
    group = groups.create(uow, f"{LONG_WORD} {RIGHT_TO_LEFT}")
    groups.add(uow, group, [world.people[name] for name in ("mia", "ula", "noah")])
    item = items.find(uow, item_id)
    grants.grant(uow, item, group.id, Right.REVEAL, clock.now() + timedelta(days=3), f"{LONG_WORD} " * 3)
    grants.grant(uow, item, world.people["audrey"], Right.USE, reason=MARKUP)
    grants.grant(uow, vaults.find(uow, world.vaults["Production"]), group.id, Right.USE)
    item_changes.protect(uow, item, Protection(confirm=True, approval_minutes=60))
    board = vaults.find(uow, world.vaults["Board"])
    vaults.change(uow, board, name=board.name, description=LONG_WORD, max_versions=None, listed=True)
    return group.id


def _ask(runtime: Runtime, world: World, item_id: UUID) -> None:
    """Let people ask, for what is granted, for what is declined, and for what waits."""
    for name, why in (("ula", LONG_WORD * 3), ("mia", MARKUP), ("alice", RIGHT_TO_LEFT)):
        with _work(runtime, world, name) as uow:
            access_requests.ask_for_approval(uow, items.find(uow, item_id), why)
    with _work(runtime, world, "noah") as uow:
        board = vaults.find(uow, world.vaults["Board"])
        access_requests.ask_for_access(uow, board, Right.REVEAL, f"{LONG_WORD} " * 3)
    with _work(runtime, world) as uow:
        by_name = {one.user_name: one for one in access_requests.waiting(uow) if one.item_id}
        access_requests.decline(uow, by_name["Mia"])


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
def _work(runtime: Runtime, world: World, name: str = "alice") -> Iterator[UnitOfWork]:
    actor = world.actor(name)
    with runtime.engine.connect() as connection:
        rights = rights_of(connection, actor.organization_id, actor.id, clock.now())
    with runtime.work(writing=True, actor=replace(actor, rights=rights, confirmed_at=clock.now())) as uow:
        yield uow
