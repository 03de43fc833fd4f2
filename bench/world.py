"""The bench's databases: people, tokens, credentials and events in numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Engine, event, select

from app import open_runtime
from config import Settings
from crypto.keyring import generate_master_key
from models import Action, Membership, Organization, User
from policy import SYSTEM_ACTOR, Actor, ActorKind, Right, Role, Scope
from services import api_tokens, clock, grants, instance, item_queries, tokens, vaults
from services.audit_append import append
from services.contents import Contents, Field, ItemType, Kind
from services.events import Event, Origin, Target, make_event
from services.item_blobs import overview_of, seal
from services.runtime import Runtime
from services.unit_of_work import UnitOfWork

HOST = "bench.example"
SLUG = "bench"
YEAR = 365
WORKERS, AUDITORS, NEWCOMERS = 160, 30, 10
"""People who open credentials, people who read the log, people who only ever sign in."""
ITEMS_AT_ONCE = 2000
SERVICES = 10
"""Folders of each team; a team of people files its credentials in hundreds of folders, not in thousands."""
RARE = 12
"""Events of the one person who hardly ever does anything."""
_MIX = (
    (Action.ITEM_REVEALED, 60),
    (Action.ITEM_COPIED, 25),
    (Action.SESSION_STARTED, 8),
    (Action.ITEM_CHANGED, 5),
    (Action.SIGNIN_FAILED, 1),
    (Action.ACCESS_DENIED, 1),
)
_FAILED = frozenset({Action.SIGNIN_FAILED, Action.ACCESS_DENIED})


@dataclass(frozen=True, slots=True)
class Somebody:
    """A person with what opens the door for them, and for their program."""

    id: UUID
    token: str = field(repr=False)
    api_token: str = field(default="", repr=False)


@dataclass(slots=True)
class Site:
    """A database with its keys and everybody in it."""

    environ: Mapping[str, str] = field(repr=False)
    people: list[Somebody]
    items: list[UUID]
    vault: UUID
    rare: UUID

    @property
    def workers(self) -> list[Somebody]:
        """Those who may edit in the vault, each with an API token."""
        return self.people[:WORKERS]

    @property
    def auditors(self) -> list[Somebody]:
        """Those who read the log."""
        return self.people[WORKERS : WORKERS + AUDITORS]

    @property
    def newcomers(self) -> list[Somebody]:
        """Those who only sign in."""
        return self.people[WORKERS + AUDITORS :]


def build(folder: Path, items: int, events: int) -> Site:
    """Make a database in *folder* with so many credentials, and so many events before them.

    The settings are those of a production server behind one proxy.
    """
    environ = {
        "APP_ENV": "production",
        "PUBLIC_URL": f"https://{HOST}",
        "TRUSTED_PROXIES": "1",
        # The bench measures signing in with the token; a code more would measure the bench's own waiting.
        "REQUIRE_2FA": "false",
        "FLASK_SECRET_KEY": generate_master_key(),
        "ENCRYPTION_KEYS": generate_master_key(),
        "DATABASE_URL": f"sqlite:///{folder}/bench-{items}-{events}.db",
    }
    settings = Settings.load(environ, env_file=None)
    with open_runtime(settings, migrate=True) as runtime:
        _spare_the_disk(runtime.engine)
        return _Builder(runtime, environ, items).build(events)


def _spare_the_disk(engine: Engine) -> None:
    """Wait for no sync while seeding; the server that is measured waits for every one."""
    engine.dispose()

    @event.listens_for(engine, "connect")
    def relax(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA wal_autocheckpoint = 10000")


class _Builder:
    def __init__(self, runtime: Runtime, environ: Mapping[str, str], items: int) -> None:
        self._runtime = runtime
        self._environ = environ
        self._items = [uuid4() for _ in range(items)]
        self._people = [uuid4() for _ in range(WORKERS + AUDITORS + NEWCOMERS)]
        self._rare = uuid4()
        self._rng = Random(7)
        self._organization = UUID(int=0)

    def build(self, events: int) -> Site:
        now = clock.now()
        with clock.standing_at(now - timedelta(days=YEAR + 1)):
            instance.set_up(self._runtime, instance.FirstOwner("Bench"))
        with self._runtime.work(writing=True) as uow:
            self._organization = uow.session.scalars(select(Organization.id)).one()
        self._append(events, now)
        somebodies = self._add_people()
        vault = self._add_vaults()
        self._add_items(vault)
        return Site(self._environ, somebodies, self._items, vault, self._rare)

    def _append(self, events: int, now: datetime) -> None:
        pool = [self._event(action, person) for action, person in self._happenings(min(events, 20_000))]
        rare = [self._event(Action.ITEM_REVEALED, self._rare) for _ in range(RARE if events else 0)]
        a_day = -(-events // YEAR)
        for day in range(YEAR if events else 0):
            batch = [pool[(day * a_day + number) % len(pool)] for number in range(a_day)]
            batch += rare[day * RARE // YEAR : (day + 1) * RARE // YEAR]
            with (
                clock.standing_at(now - timedelta(days=YEAR - day, hours=1)),
                self._runtime.work(writing=True) as uow,
            ):
                append(uow.connection, uow.keys, batch)

    def _happenings(self, number: int) -> Iterator[tuple[Action, UUID]]:
        actions = self._rng.choices([a for a, _ in _MIX], [weight for _, weight in _MIX], k=number)
        for action in actions:
            yield action, self._rng.choice(self._people)

    def _event(self, action: Action, person: UUID) -> Event:
        item = self._rng.choice(self._items)
        path = f"/o/{SLUG}/items/{item}/reveal"
        return make_event(
            self._person(person),
            Origin(
                "203.0.113.24", "Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0", "POST", path, "5e58db42d619"
            ),
            action,
            Target("item", item, "team-17/service 42/database"),
            organization_id=self._organization,
            success=action not in _FAILED,
            extra={"field": "Password", "version": 1},
        )

    def _person(self, person: UUID, role: Role = Role.MEMBER) -> Actor:
        return Actor(ActorKind.PERSON, person, "Somebody Busy", self._organization, role)

    def _add_people(self) -> list[Somebody]:
        actor = Actor(SYSTEM_ACTOR.kind, SYSTEM_ACTOR.id, SYSTEM_ACTOR.name, self._organization)
        with self._runtime.work(writing=True, actor=actor) as uow:
            self._add_person(uow, self._rare, "rare", Role.MEMBER)
            return [self._add_person(uow, id_, f"p{n}", self._role(n)) for n, id_ in enumerate(self._people)]

    def _role(self, number: int) -> Role:
        if number == 0:
            return Role.OWNER
        return Role.AUDITOR if WORKERS <= number < WORKERS + AUDITORS else Role.MEMBER

    def _add_person(self, uow: UnitOfWork, id_: UUID, name: str, role: Role) -> Somebody:
        uow.session.add(User(id=id_, email=f"{name}@{HOST}", name=f"Person {name}", created_at=uow.now))
        uow.session.flush()
        uow.session.add(
            Membership(
                id=uuid4(),
                organization_id=self._organization,
                user_id=id_,
                role=role.value,
                created_at=uow.now,
            )
        )
        signin = tokens.mint_signin(uow, id_, organization_id=self._organization).text
        uow.act_as(self._person(id_, role))
        api = "" if role is Role.AUDITOR else api_tokens.issue(uow, name, list(Scope), timedelta(90)).text
        return Somebody(id_, signin, api)

    def _add_vaults(self) -> UUID:
        """Make the vault that everybody works in, and three more, so that rights are looked up as in life."""
        owner = self._person(self._people[0], Role.OWNER)
        with self._runtime.work(writing=True, actor=owner) as uow:
            made = [vaults.create(uow, name) for name in ("Everything", "Office", "Clients", "Attic")]
            for person in self._people[1:WORKERS]:
                for vault in made[:3]:
                    grants.give(uow, vault, grants.Holder(person), Right.EDIT)
            return made[0].id

    def _add_items(self, vault: UUID) -> None:
        owner = self._person(self._people[0], Role.OWNER)
        for first in range(0, len(self._items), ITEMS_AT_ONCE):
            with self._runtime.work(writing=True, actor=owner) as uow:
                numbers = range(first, min(first + ITEMS_AT_ONCE, len(self._items)))
                _insert_items(uow, vault, [(number, self._items[number]) for number in numbers])


def _insert_items(uow: UnitOfWork, vault: UUID, wanted: list[tuple[int, UUID]]) -> None:
    own = {"organization_id": uow.organization_id}
    change = uow.connection.execute(item_queries.BUMP_CHANGE, own).scalar_one()
    rows, versions = [], []
    for number, item_id in wanted:
        contents = contents_of(number)
        overview = overview_of(contents, vault, strength=4, changed=())
        sealed = seal(uow.keys, uow.organization_id, item_id, 1, overview, contents.fields)
        made = {**own, "created_at": uow.now, "created_by": uow.actor.id}
        digest = uow.keys.name_digest(uow.organization_id, vault, contents.name)
        rows.append(
            made
            | {"id": item_id, "vault_id": vault, "name_digest": digest, "version": 1, "change": change}
            | {"trashed_at": None, "trashed_by": None}
        )
        versions.append(
            made
            | {"item_id": item_id, "number": 1, "reason": "created"}
            | {"overview": sealed[0], "details": sealed[1]}
        )
    uow.connection.execute(item_queries.INSERT_ITEM, rows)
    uow.connection.execute(item_queries.INSERT_VERSION, versions)


def contents_of(number: int) -> Contents:
    """Return the credential with this number."""
    return Contents(
        name=f"team-{number % 40}/service {number // 40 % SERVICES}/database {number}",
        type=ItemType.LOGIN,
        user_name=f"service_{number}_rw",
        urls=(f"https://service-{number}.example.com/login",),
        tags=("prod" if number % 3 else "staging", f"team-{number % 40}"),
        fields=(
            Field("Password", Kind.HIDDEN, f"{number * 7919:012x}-Lq9!vX2#pR"),
            Field("Notes", Kind.MULTILINE, "Ask the platform team before you change it."),
        ),
    )
