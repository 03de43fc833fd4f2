"""The fixed world of the tests: two organizations, the same people and credentials every time.

Northwind: Alice owns it and operates the instance, Adam administers it, Audrey audits. Mia edits and Rhea
reveals in the vault Production, Ula only sees it, Noah has no vault at all. Lakeside: Mallory owns it, Sam is
a member. Nobody is in both.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID, uuid4

from sqlalchemy import create_engine, select

from config import Settings
from crypto.keyring import MasterKeys
from models import Membership, Organization, User
from policy import Actor, ActorKind, Right, Role
from services import instance, item_changes, schema, tokens, vaults
from services.contents import Contents, Field, ItemType, Kind
from services.database import prepare_engine, write_lock_for
from services.rules import Rules
from services.runtime import Runtime
from services.unit_of_work import UnitOfWork

MASTER_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
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


def settings_for(path: Path, **changes: str) -> Settings:
    """Return the settings of a local installation on the database at *path*."""
    environ = {
        "APP_ENV": "local",
        "FLASK_SECRET_KEY": FLASK_KEY,
        "ENCRYPTION_KEYS": MASTER_KEY,
        "DATABASE_URL": f"sqlite:///{path}",
    }
    return Settings.load(environ | changes, env_file=None)


def open_world(path: Path) -> Runtime:
    """Open the database at *path* without any application."""
    engine = create_engine(f"sqlite:///{path}", hide_parameters=True)
    prepare_engine(engine)
    return Runtime(engine, MasterKeys.parse(MASTER_KEY), Rules())


def build(path: Path) -> World:
    """Make the world in a new database at *path*, through the services that the product uses."""
    world = World()
    engine = create_engine(f"sqlite:///{path}", hide_parameters=True)
    prepare_engine(engine)
    schema.prepare_schema(engine, write_lock_for(engine))
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
