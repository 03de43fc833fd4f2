"""The fixed world of the tests: two organizations, the same people and credentials every time.

Northwind: Alice owns it and operates the instance, Adam administers it, Audrey audits. Mia edits and Rhea
reveals in the vault Production, Ula only sees it, Noah has no vault at all. Lakeside: Mallory owns it, Sam is
a member. Nobody is in both.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Engine, create_engine, select

from config import Settings
from crypto.keyring import MasterKeys
from models import Membership, Organization, User
from policy import Actor, ActorKind, Right, Role
from services import instance, item_changes, schema, tokens, vaults
from services.contents import Contents, Field, ItemType, Kind
from services.database import engine_options, prepare_engine, write_lock_for
from services.object_store import FolderStore
from services.rules import Rules
from services.runtime import Runtime
from services.unit_of_work import UnitOfWork
from tests import dialect, servers

MASTER_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
NEW_MASTER_KEY = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8"
"""What an operator puts in front of the other one."""
FLASK_KEY = "8dd6b61f0f3c4a6f9c8e53d1a2b7c4e09f1e2d3c4b5a69788796a5b4c3d2e1f0"

NORTHWIND = "northwind"
LAKESIDE = "lakeside"

ROLES: Mapping[str, tuple[str, Role]] = {
    "alice": (NORTHWIND, Role.OWNER),
    "adam": (NORTHWIND, Role.ADMIN),
    "audrey": (NORTHWIND, Role.AUDITOR),
    "mia": (NORTHWIND, Role.MEMBER),
    "rhea": (NORTHWIND, Role.MEMBER),
    "ula": (NORTHWIND, Role.MEMBER),
    "noah": (NORTHWIND, Role.MEMBER),
    "mallory": (LAKESIDE, Role.OWNER),
    "sam": (LAKESIDE, Role.MEMBER),
}

PASSWORD = "correct horse 4 staple"
SEED = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@dataclass
class World:
    """Who and what there is: ids by name, and each person's sign-in token."""

    organizations: dict[str, UUID] = field(default_factory=dict)
    people: dict[str, UUID] = field(default_factory=dict)
    members: dict[str, UUID] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    token_ids: dict[str, UUID] = field(default_factory=dict)
    vaults: dict[str, UUID] = field(default_factory=dict)
    items: dict[str, UUID] = field(default_factory=dict)

    def actor(self, name: str, rights: Mapping[UUID, Right] | None = None) -> Actor:
        """Return *name* as an actor, for calling services without a request."""
        slug, role = ROLES[name]
        return Actor(
            ActorKind.PERSON,
            self.people[name],
            name.title(),
            organization_id=self.organizations[slug],
            role=role,
            rights=rights or {},
        )


def on_postgresql() -> bool:
    """Whether this run is on PostgreSQL (``--database postgresql``)."""
    return os.environ.get("TEST_DATABASE", "sqlite") == "postgresql"


def url_of(path: Path, role: str = servers.APPLICATION) -> str:
    """Return the address of the database at *path*; on PostgreSQL one is made that stands for it."""
    if not on_postgresql():
        return f"sqlite:///{path}"
    databases = servers.databases()
    return databases.server.url(databases.at(path), role)


def environment_of(path: Path) -> dict[str, str]:
    """Return the settings that say where the database and the files are."""
    urls = {"DATABASE_URL": url_of(path), "ATTACHMENTS_TO": str(files_of(path))}
    if on_postgresql():
        urls["DATABASE_OWNER_URL"] = url_of(path, servers.OWNER)
    return urls


def files_of(path: Path) -> Path:
    """Return the folder in which the files of the database at *path* lie."""
    return path.parent / "attachments"


def past_the_program(path: Path, statement: str, *parameters: object) -> list[tuple[Any, ...]]:
    """Run one statement of SQLite's as somebody who holds the database, and may do everything."""
    if not on_postgresql():
        with closing(sqlite3.connect(path, timeout=30)) as connection, connection:
            return connection.execute(statement, parameters).fetchall()
    databases = servers.databases()
    with databases.server.connect(databases.at(path)) as connection:
        words = dialect.translate(statement.replace("%", "%%")) if parameters else statement
        cursor = connection.execute(words, [dialect.untyped(value) for value in parameters] or None)
        return [dialect.plain(row) for row in cursor.fetchall()] if cursor.description else []


def settings_for(path: Path, **changes: str) -> Settings:
    """Return the settings of a local installation on the database at *path*."""
    environ = {
        "APP_ENV": "local",
        "FLASK_SECRET_KEY": FLASK_KEY,
        "ENCRYPTION_KEYS": MASTER_KEY,
        **environment_of(path),
    }
    return Settings.load(environ | changes, env_file=None)


def open_engine(path: Path, role: str = servers.APPLICATION) -> Engine:
    """Open the database at *path*, as the program does or as the owner of its tables."""
    return engine_on(url_of(path, role))


def engine_on(url: str) -> Engine:
    """Open a database as the program does."""
    engine = create_engine(url, **engine_options(url, threads=16))
    prepare_engine(engine)
    return engine


def open_world(path: Path, keys: str = MASTER_KEY) -> Runtime:
    """Open the database at *path* without any application, with these master keys."""
    return open_runtime(url_of(path), files_of(path), keys)


def open_runtime(url: str, files: Path = Path("/nowhere"), keys: str = MASTER_KEY) -> Runtime:
    """Open a database without any application; processes that tests start are told its address."""
    return Runtime(engine_on(url), MasterKeys.parse(keys), Rules(), files=FolderStore(files))


def build(path: Path) -> World:
    """Make the world in a new database at *path*, through the services that the product uses."""
    world = World()
    engine = open_engine(path, servers.OWNER)
    schema.prepare_schema(
        engine, write_lock_for(engine), role=servers.APPLICATION if on_postgresql() else None
    )
    engine.dispose()
    runtime = open_world(path)
    instance.set_up(runtime, instance.FirstOwner(organization="Northwind"))
    with runtime.work(writing=True) as uow:
        lakeside = instance.make_organization(uow, "Lakeside")
        northwind = uow.session.scalars(select(Organization).where(Organization.slug == NORTHWIND)).one()
        world.organizations = {NORTHWIND: northwind.id, LAKESIDE: lakeside.id}
    for name in ROLES:
        _add_person(runtime, world, name)
    _fill_vaults(runtime, world)
    runtime.close()
    return world


def copy(template: Path, target: Path) -> None:
    """Give a test its own copy of the world."""
    if on_postgresql():
        servers.databases().copy(template, target)
    else:
        shutil.copyfile(template, target)


def _add_person(runtime: Runtime, world: World, name: str) -> None:
    slug, role = ROLES[name]
    user_id, member_id = uuid4(), uuid4()
    world.people[name], world.members[name] = user_id, member_id
    with runtime.work(writing=True, actor=world.actor(name)) as uow:
        uow.session.add(
            User(
                id=user_id,
                email=f"{name}@{slug}.example",
                name=name.title(),
                operator=name == "alice",
                created_at=uow.now,
            )
        )
        uow.session.flush()
        uow.session.add(
            Membership(
                id=member_id,
                organization_id=uow.organization_id,
                user_id=user_id,
                role=role.value,
                created_at=uow.now,
            )
        )
        minted = tokens.mint_signin(uow, user_id, organization_id=uow.organization_id)
        world.tokens[name], world.token_ids[name] = minted.text, minted.id


def _fill_vaults(runtime: Runtime, world: World) -> None:
    with runtime.work(writing=True, actor=world.actor("alice")) as uow:
        production = _add_vault(uow, world, "Production")
        for name, right in (("mia", Right.EDIT), ("rhea", Right.REVEAL), ("ula", Right.USE)):
            vaults.grant(uow, production, world.people[name], right)
        _add_vault(uow, world, "Board")
    with runtime.work(writing=True, actor=world.actor("mallory")) as uow:
        _add_vault(uow, world, "Harbor")
    _add_item(runtime, world, "alice", "Production", login("prod/db primary"))
    _add_item(runtime, world, "alice", "Production", login("Stripe dashboard"))
    _add_item(runtime, world, "alice", "Board", login("Board portal"))
    _add_item(runtime, world, "mallory", "Harbor", login("Lakeside mail"))


def _add_vault(uow: UnitOfWork, world: World, name: str) -> object:
    vault = vaults.create(uow, name, "")
    world.vaults[name] = vault.id
    return vault


def _add_item(runtime: Runtime, world: World, maker: str, vault: str, contents: Contents) -> None:
    vault_id = world.vaults[vault]
    with runtime.work(writing=True, actor=world.actor(maker, {vault_id: Right.MANAGE})) as uow:
        world.items[contents.name] = item_changes.create(uow, vaults.find(uow, vault_id), contents)


def login(name: str, **changes: object) -> Contents:
    """Return a login with every usual field filled."""
    fields = (
        Field("Password", Kind.HIDDEN, PASSWORD),
        Field("TOTP", Kind.OTP, SEED),
        Field("Notes", Kind.MULTILINE, "Ask Ops before you change it."),
    )
    values: dict[str, object] = {
        "name": name,
        "type": ItemType.LOGIN,
        "user_name": "vault_rw",
        "urls": ("https://db.northwind.example/login",),
        "tags": ("prod",),
        "expires_on": None,
        "fields": fields,
    }
    return Contents(**(values | changes))  # type: ignore[arg-type]
