"""A full house: everybody who could come, signed in, and one of everything in two organizations.

Northwind's vault Engine room is Mona's. Ula may use it, Rhea reveals, Mia edits, Mona manages; Noah, Adam the
admin, Oscar the owner and Audrey the auditor have nothing on it. Lakeside has one of each thing, too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update
from werkzeug.test import TestResponse

from extensions import limiter
from models import (
    AccessToken,
    Action,
    AuditEvent,
    Factor,
    Invitation,
    Lockout,
    Membership,
    Passkey,
    User,
    UserSession,
    Vault,
)
from policy import Actor, ActorKind, Right, Role, Scope
from services import (
    access_requests,
    api_tokens,
    groups,
    identities,
    invitations,
    item_changes,
    items,
    lockouts,
    people,
    profiles,
    tokens,
    vaults,
)
from services.events import Origin
from services.grants import grant
from services.providers import Vouched
from services.runtime import Runtime
from tests.addresses import NOWHERE
from tests.attached import attach
from tests.imported import import_all
from tests.world import LAKESIDE, NORTHWIND, ROLES, World, login

NEWCOMERS: Mapping[str, Role] = {
    "mona": Role.MEMBER,
    "oscar": Role.OWNER,
    "stella": Role.OWNER,
    "dora": Role.MEMBER,
    "ruth": Role.MEMBER,
    "hal": Role.MEMBER,
    "tess": Role.OWNER,
    "hanna": Role.OWNER,
}
PEOPLE = ("noah", "ula", "rhea", "mia", "adam", "alice", "audrey", "mallory", *NEWCOMERS)
PROGRAMS: Mapping[str, str] = {
    "lister": Scope.ITEMS_LIST,
    "revealer": Scope.ITEMS_REVEAL,
    "writer": Scope.ITEMS_WRITE,
    "user": Scope.ITEMS_USE,
    "destroyer": Scope.ITEMS_DESTROY,
    "builder": Scope.VAULTS_MANAGE,
    "clerk": Scope.PEOPLE_READ,
    "watcher": Scope.AUDIT_READ,
    "minter": Scope.TOKENS_ISSUE,
    "aimless": "",
}
"""API tokens, by their scopes: one of each kind."""
OWNERS: Mapping[str, str] = {
    "writer": "mia",
    "minter": "mia",
    "builder": "mona",
    "destroyer": "mona",
    "clerk": "audrey",
    "watcher": "audrey",
}
"""Whose they are where it is not Rhea, who may too little for it."""


@dataclass
class Somebody:
    """A way to send requests: with a session's cookie, with a token, or with nothing."""

    csrf: str = ""
    session_id: UUID = NOWHERE
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class House:
    """The application, who is there, and what is there: ids by the argument that names them."""

    app: Flask
    runtime: Runtime
    world: World
    own: dict[str, Any] = field(default_factory=dict)
    foreign: dict[str, Any] = field(default_factory=dict)
    everybody: dict[str, Somebody] = field(default_factory=dict)
    _requests: int = 0

    def send(self, name: str, method: str, path: str, form: Mapping[str, Any] | None = None) -> TestResponse:
        """Send one request as *name*; nothing is throttled, whoever asks how often."""
        limiter.storage.reset()
        self._requests += 1
        actor = self.everybody[name]
        data = {"csrf_token": actor.csrf, **(form or {})} if method == "POST" else None
        # Nobody's cookie is ever replaced: who signs out here is signed in again the next time.
        answer = self.app.test_client(use_cookies=False).open(
            path,
            method=method,
            data=None if path.startswith("/api/") else data,
            headers=actor.headers,
            base_url="http://localhost",
            environ_base={"REMOTE_ADDR": f"198.51.{self._requests // 250 % 250}.{self._requests % 250}"},
        )
        answer.get_data()
        answer.close()
        # What a page has begun is over before anybody looks what else has changed.
        self.app.extensions["reencrypter"].wait()
        return answer

    def denials(self) -> int:
        """Count the refusals that are recorded."""
        with self.runtime.engine.connect() as connection:
            return connection.execute(
                select(func.count()).where(AuditEvent.action == Action.ACCESS_DENIED.value)
            ).scalar_one()


def without_accidents(answer: TestResponse) -> str:
    """Return what an answer says, without what differs from one request to the next."""
    text = f"{answer.status_code} {answer.headers.get('Location', '')}\n{answer.get_data(as_text=True)}"
    text = re.sub(r'nonce="[^"]*"|value="[^"]{60,}"|content="[^"]{60,}"', "", text)
    return text.replace(answer.headers["X-Request-ID"], "")


def furnish(app: Flask, runtime: Runtime, world: World) -> House:
    """Let everybody in, and put one of everything into both organizations."""
    house = House(app, runtime, world)
    for name, role in NEWCOMERS.items():
        _add_person(house, name, role)
    _add_engine_room(house)
    house.own |= _things(house, NORTHWIND, "alice", "mia")
    house.own |= _shared(house, "mona", "noah", "dora", house.own)
    house.own["file_id"] = _attach(house, "mona", house.own)
    house.own["run_id"] = _import(house, "mona", house.own)
    house.foreign |= _things(house, LAKESIDE, "mallory", "sam")
    house.foreign |= {"vault_id": world.vaults["Harbor"], "item_id": world.items["Lakeside mail"]}
    house.foreign |= _shared(house, "mallory", "sam", "sam", house.foreign)
    house.foreign["file_id"] = _attach(house, "mallory", house.foreign)
    house.foreign["run_id"] = _import(house, "mallory", house.foreign)
    for name in ("anybody", *PEOPLE):
        house.everybody[name] = _sign_in(house, name)
    for name, scope in PROGRAMS.items():
        house.everybody[name] = _start_program(house, scope, OWNERS.get(name, "rhea"))
    _change_afterwards(house)
    house.own["passkey_id"] = _add_passkey(house, "ruth")
    house.foreign["passkey_id"] = _add_passkey(house, "sam")
    return house


def _actor(house: House, name: str) -> Actor:
    slug, role = ROLES.get(name, (NORTHWIND, NEWCOMERS.get(name)))
    organization = house.world.organizations[slug]
    return Actor(ActorKind.PERSON, house.world.people[name], name.title(), organization, role)


def _add_person(house: House, name: str, role: Role) -> None:
    world = house.world
    world.people[name], world.members[name] = uuid4(), uuid4()
    with house.runtime.work(writing=True, actor=_actor(house, name)) as uow:
        email = f"{name}@northwind.example"
        uow.session.add(User(id=world.people[name], email=email, name=name.title(), created_at=uow.now))
        uow.session.flush()
        uow.session.add(
            Membership(
                id=world.members[name],
                organization_id=uow.organization_id,
                user_id=world.people[name],
                role=role.value,
                created_at=uow.now,
            )
        )
        minted = tokens.mint_signin(uow, world.people[name], organization_id=uow.organization_id)
        world.tokens[name], world.token_ids[name] = minted.text, minted.id


def _add_engine_room(house: House) -> None:
    world = house.world
    with house.runtime.work(writing=True, actor=_actor(house, "mona")) as uow:
        vault = vaults.create(uow, "Engine room", "")
        for name, right in (("ula", Right.USE), ("rhea", Right.REVEAL), ("mia", Right.EDIT)):
            grant(uow, vault, world.people[name], right)
        vault_id = vault.id
    manager = Actor(
        ActorKind.PERSON,
        world.people["mona"],
        "Mona",
        world.organizations[NORTHWIND],
        Role.MEMBER,
        rights={vault_id: Right.MANAGE},
    )
    with house.runtime.work(writing=True, actor=manager) as uow:
        item_id = item_changes.create(uow, uow.session.get(Vault, vault_id), login("Boiler"))
    house.own |= {"vault_id": vault_id, "item_id": item_id}


def _things(house: House, slug: str, admin: str, owner: str) -> dict[str, Any]:
    """Make one of each thing that has an id in addresses."""
    world = house.world
    with house.runtime.work(writing=True, actor=_actor(house, owner)) as uow:
        minted = api_tokens.issue(uow, "nightly job", [Scope.ITEMS_LIST], timedelta(days=30))
    with house.runtime.work(writing=True, actor=_actor(house, admin)) as uow:
        invitations.invite(uow, f"new@{slug}.example", Role.MEMBER, "New")
        query = select(Invitation.id).where(Invitation.email == f"new@{slug}.example")
        invitation_id = uow.session.scalars(query).one()
    with house.runtime.work(writing=True, origin=Origin(address="203.0.113.5")) as uow:
        lockouts.count_attempt(uow, f"{slug:.8}", world.organizations[slug])
        lockout_id = uow.session.scalars(
            select(Lockout.id).where(Lockout.organization_id == world.organizations[slug])
        ).one()
    with house.runtime.work(writing=True, actor=_actor(house, admin)) as uow:
        profile_id = profiles.save(uow, None, name="reader", scopes=[Scope.ITEMS_LIST]).id
    return {
        "slug": slug,
        "member_id": world.members[owner],
        "token_id": minted.id,
        "invitation_id": invitation_id,
        "lockout_id": lockout_id,
        "profile_id": profile_id,
        "organization_id": world.organizations[slug],
        "identity_id": _link(house, owner),
        "provider": "work",
        "number": 1,
        "seq": 1,
        "filename": "app.css",
        "token": "chl_enrol_00000000_nothing",
    }


def _shared(house: House, manager: str, asker: str, member: str, things: Mapping[str, Any]) -> dict[str, Any]:
    """Let a group use the item, list the vault, and let somebody ask for it."""
    world = house.world
    rights = {things["vault_id"]: Right.MANAGE}
    actor = replace(_actor(house, manager), rights=rights)
    with house.runtime.work(writing=True, actor=actor) as uow:
        group = groups.create(uow, "Night shift")
        groups.add(uow, group, [world.people[member]])
        grant(uow, items.find(uow, things["item_id"]), group.id, Right.USE)
        vault = vaults.find(uow, things["vault_id"])
        vaults.change(uow, vault, name=vault.name, description="", max_versions=None, listed=True)
    with house.runtime.work(writing=True, actor=_actor(house, asker)) as uow:
        vault = vaults.find(uow, things["vault_id"])
        access_requests.ask_for_access(uow, vault, Right.REVEAL, "The boiler is cold.")
        [request] = access_requests.mine(uow)
    return {"group_id": group.id, "request_id": request.id}


def _import(house: House, manager: str, things: Mapping[str, Any]) -> UUID:
    """Import a credential into the vault."""
    actor = replace(_actor(house, manager), rights={things["vault_id"]: Right.MANAGE})
    return import_all(house.runtime, actor, things["vault_id"], b"name,password\nMoved in,geheim\n")


def _attach(house: House, manager: str, things: Mapping[str, Any]) -> UUID:
    """Put a file on the credential."""
    actor = replace(_actor(house, manager), rights={things["vault_id"]: Right.MANAGE})
    return attach(house.runtime, actor, things["item_id"])


def _add_passkey(house: House, name: str) -> UUID:
    """Give somebody a passkey whom nobody in the house is, as whoever has one would have to prove it."""
    passkey_id = uuid4()
    with house.runtime.work(writing=True) as uow:
        uow.session.add(
            Passkey(
                id=passkey_id,
                user_id=house.world.people[name],
                credential_id=passkey_id.bytes,
                public_key=b"never opened",
                name="Telephone",
                counter=0,
                synced=False,
                copied=False,
                transports="",
                created_at=uow.now,
            )
        )
    return passkey_id


def _link(house: House, name: str) -> UUID:
    """Give somebody an account at the provider."""
    provider = next(iter(house.runtime.providers))
    vouched = Vouched(name, f"{name}@work.example", True, name.title(), "", None, False)
    with house.runtime.work(writing=True, actor=_actor(house, name)) as uow:
        identities.add(uow, provider, vouched, uow.actor.id, uow.actor.name)
        return identities.of(uow, uow.actor.id)[0].id


def _csrf(page: str) -> str:
    return page.partition('name="csrf_token"')[2].partition('value="')[2].partition('"')[0]


def _sign_in(house: House, name: str) -> Somebody:
    limiter.storage.reset()
    client = house.app.test_client()
    page = client.get("/sign-in", base_url="http://localhost").get_data(as_text=True)
    if name == "anybody":
        return Somebody(_csrf(page), headers=_cookie_of(client))
    form = {"csrf_token": _csrf(page), "token": house.world.tokens[name]}
    assert client.post("/sign-in", data=form, base_url="http://localhost").status_code == 302
    page = client.get("/account", base_url="http://localhost").get_data(as_text=True)
    with house.runtime.engine.connect() as connection:
        session_id = connection.execute(
            select(UserSession.id).where(UserSession.user_id == house.world.people[name])
        ).scalar_one()
    return Somebody(_csrf(page), session_id, _cookie_of(client))


def _cookie_of(client: FlaskClient) -> dict[str, str]:
    cookie = client.get_cookie("chatelaine")
    assert cookie is not None
    return {"Cookie": f"chatelaine={cookie.value}"}


def _start_program(house: House, scope: str, owner: str) -> Somebody:
    with house.runtime.work(writing=True, actor=_actor(house, owner)) as uow:
        minted = api_tokens.issue(uow, f"job {scope}", [Scope.ITEMS_LIST], timedelta(days=30))
        uow.session.get(AccessToken, minted.id).scopes = scope
    return Somebody(headers={"Authorization": f"Bearer {minted.text}"})


def _change_afterwards(house: House) -> None:
    """What happens to some of those who are signed in."""
    world = house.world
    with house.runtime.work(writing=True, actor=_actor(house, "alice")) as uow:
        people.disable(uow, uow.session.get(Membership, world.members["dora"]))
        tokens.revoke(uow, uow.session.get(AccessToken, world.token_ids["ruth"]))
        uow.session.add(
            Factor(
                id=uuid4(),
                user_id=world.people["hanna"],
                secret=b"never opened",
                last_step=0,
                failures=0,
                created_at=uow.now,
                confirmed_at=uow.now,
            )
        )
    with house.runtime.engine.connect() as connection, connection.begin():
        now = connection.execute(select(func.max(User.created_at))).scalar_one()
        connection.execute(
            update(Membership).where(Membership.id == world.members["hal"]).values(disabled_at=now)
        )
        connection.execute(
            update(AccessToken).where(AccessToken.id == world.token_ids["tess"]).values(must_replace=True)
        )
        connection.execute(
            update(UserSession)
            .where(UserSession.id == house.everybody["stella"].session_id)
            .values(confirmed_at=now - timedelta(hours=1))
        )
