"""Two organizations, both full of words that stand nowhere else, and one person who belongs to both."""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from models import Membership, User
from policy import Actor, ActorKind, Right, Role, Scope
from services import (
    access_requests,
    api_tokens,
    grants,
    groups,
    invitations,
    item_changes,
    items,
    lockouts,
    vaults,
)
from services.contents import Contents, Field, Kind
from services.events import Origin
from services.runtime import Runtime
from tests.attached import attach
from tests.browser import Browser
from tests.imported import import_all
from tests.world import LAKESIDE, NORTHWIND, ROLES, World, login

OWNERS = {NORTHWIND: "alice", LAKESIDE: "mallory"}
OTHER = {NORTHWIND: LAKESIDE, LAKESIDE: NORTHWIND}
BOTH = "rhea"
"""Of Northwind, and by an accepted invitation of Lakeside."""


@dataclass
class Two:
    """Both organizations: their words, their things, and the ways to act in them.

    Args:
        words: by organization, each with the place where it was put.
        things: by organization, the id of one of each kind of thing.
    """

    app: Flask
    runtime: Runtime
    world: World
    open_browser: Callable[..., Browser]
    words: dict[str, dict[str, str]] = field(default_factory=lambda: {NORTHWIND: {}, LAKESIDE: {}})
    things: dict[str, dict[str, UUID]] = field(default_factory=lambda: {NORTHWIND: {}, LAKESIDE: {}})
    programs: dict[str, str] = field(default_factory=dict)

    def word(self, slug: str, place: str) -> str:
        """Make up a word that stands in this organization only."""
        word = "canary" + "".join(secrets.choice(string.ascii_lowercase) for _ in range(14))
        self.words[slug][word] = place
        return word

    def strangers_words(self, slug: str, text: str) -> set[str]:
        """Return the places of the other organization whose words stand in *text*."""
        folded = text.casefold()
        return {place for word, place in self.words[OTHER[slug]].items() if word in folded}

    def actor(self, slug: str, name: str | None = None, role: Role = Role.OWNER) -> Actor:
        """Return somebody who may do everything in an organization, and who claims as much on every vault."""
        name = name or OWNERS[slug]
        rights = {self.things[each]["vault_id"]: Right.MANAGE for each in self.things if self.things[each]}
        rights |= dict.fromkeys(self.world.vaults.values(), Right.MANAGE)
        person, organization = self.world.people[name], self.world.organizations[slug]
        return Actor(ActorKind.PERSON, person, name.title(), organization, role, rights=rights)


def furnish(two: Two, slug: str) -> None:
    """Put one of each thing into an organization, each text of it a word of its own."""
    owner = OWNERS[slug]
    world, things = two.world, two.things[slug]
    with two.runtime.work(writing=True, actor=two.actor(slug)) as uow:
        vault = vaults.create(uow, two.word(slug, "vault"), two.word(slug, "description of a vault"))
        things["vault_id"] = vault.id
        minted = api_tokens.issue(
            uow, two.word(slug, "token"), [Scope.ITEMS_LIST, Scope.ITEMS_REVEAL], timedelta(days=30)
        )
        two.programs[slug], things["token_id"] = minted.text, minted.id
        mail = f"{two.word(slug, 'address of a link')}@example.com"
        things["invitation_id"] = invitations.invite(
            uow, mail, Role.MEMBER, two.word(slug, "name in a link")
        ).id
        uow.session.add(
            User(
                id=(user_id := UUID(int=len(slug))),
                email=f"{two.word(slug, 'address of a person')}@example.com",
                name=two.word(slug, "name of a person"),
                created_at=uow.now,
            )
        )
        uow.session.flush()
        member = Membership(
            id=UUID(int=900 + len(slug)),
            organization_id=uow.organization_id,
            user_id=user_id,
            role=Role.MEMBER.value,
            created_at=uow.now,
        )
        uow.session.add(member)
        uow.session.flush()
        vaults.grant(uow, vault, user_id, Right.EDIT)
        things |= {"member_id": member.id, "user_id": user_id}
    things |= {"organization_id": world.organizations[slug], "owner_id": world.people[owner]}
    with two.runtime.work(writing=True, actor=two.actor(slug)) as uow:
        place = vaults.find(uow, things["vault_id"])
        things["item_id"] = item_changes.create(uow, place, contents(two, slug))
        trashed = item_changes.create(uow, place, login(two.word(slug, "name of a trashed credential")))
        things["trashed_id"] = trashed
    with two.runtime.work(writing=True, actor=two.actor(slug)) as uow:
        item_changes.trash(uow, items.find(uow, things["trashed_id"]))
        item = items.find(uow, things["item_id"])
        item_changes.edit(uow, item, contents(two, slug), expected_version=1)
        item_changes.set_favorite(uow, items.find(uow, item.id), on=True)
        items.reveal(uow, items.find(uow, item.id), "Password")
    content = two.word(slug, "content of a file")
    things["file_id"] = attach(
        two.runtime, two.actor(slug), things["item_id"], two.word(slug, "name of a file"), content.encode()
    )
    _share(two, slug)
    row = f"{two.word(slug, 'name in an import')},{two.word(slug, 'password')}"
    file_name = two.word(slug, "name of an imported file")
    things["run_id"] = import_all(
        two.runtime, two.actor(slug), things["vault_id"], f"name,password\n{row}".encode(), file_name
    )
    with two.runtime.work(writing=True, origin=Origin(address="203.0.113.9")) as uow:
        lockouts.count_attempt(uow, f"{slug:.8}", world.organizations[slug])


def _share(two: Two, slug: str) -> None:
    """Let a group use the credential, list the vault, and let somebody ask for it."""
    things = two.things[slug]
    with two.runtime.work(writing=True, actor=two.actor(slug)) as uow:
        group = groups.create(uow, two.word(slug, "name of a group"))
        groups.add(uow, group, [things["user_id"]])
        item = items.find(uow, things["item_id"])
        grants.grant(uow, item, group.id, Right.REVEAL, reason=two.word(slug, "reason of a right"))
        vault = vaults.find(uow, things["vault_id"])
        kept = {"name": vault.name, "description": vault.description, "max_versions": None}
        vaults.change(uow, vault, **kept, listed=True)
        things["group_id"] = group.id
    asker = replace(two.actor(slug), id=things["user_id"], rights={things["vault_id"]: Right.EDIT})
    with two.runtime.work(writing=True, actor=asker) as uow:
        vault = vaults.find(uow, things["vault_id"])
        access_requests.ask_for_access(uow, vault, Right.MANAGE, two.word(slug, "reason of a request"))
        [request] = access_requests.mine(uow)
        things["request_id"] = request.id


def contents(two: Two, slug: str) -> Contents:
    """Return a credential all of whose texts are words of the organization."""
    return login(
        f"{two.word(slug, 'folder')}/{two.word(slug, 'name of a credential')}",
        user_name=two.word(slug, "user name"),
        urls=(f"https://{two.word(slug, 'host')}.example/{two.word(slug, 'path')}",),
        tags=(two.word(slug, "tag"),),
        fields=(
            Field("Password", Kind.HIDDEN, two.word(slug, "password")),
            Field("Notes", Kind.MULTILINE, two.word(slug, "notes")),
            Field(
                two.word(slug, "name of a field"), Kind.TEXT, two.word(slug, "text of a field"), custom=True
            ),
        ),
    )


@pytest.fixture(autouse=True)
def _still() -> Iterator[None]:
    """Let the time stand still: two answers then differ in nothing that time alone has changed."""
    with time_machine.travel(datetime.now(UTC), tick=False):
        yield


@pytest.fixture
def two(app: Flask, runtime: Runtime, world: World, browser: Callable[..., Browser]) -> Two:
    """Both organizations, full; Rhea belongs to both and manages a vault in each."""
    two = Two(app, runtime, world, browser)
    for slug in (NORTHWIND, LAKESIDE):
        furnish(two, slug)
    with runtime.work(writing=True, actor=two.actor(LAKESIDE)) as uow:
        link = invitations.invite(uow, "rhea@northwind.example", Role.ADMIN).path
    rhea = browser(BOTH)
    rhea.open(link)
    rhea.submit("join")
    for slug in (NORTHWIND, LAKESIDE):
        with runtime.work(writing=True, actor=two.actor(slug)) as uow:
            place = vaults.find(uow, two.things[slug]["vault_id"])
            vaults.grant(uow, place, world.people[BOTH], Right.MANAGE)
    return two


def ids_of(two: Two, model: Any, slug: str) -> set[UUID]:
    """Return the ids of an organization's rows of one kind, read past the program."""
    organization = two.world.organizations[slug]
    with two.runtime.engine.connect() as connection:
        return set(
            connection.execute(select(model.id).where(model.organization_id == organization)).scalars()
        )


__all__ = ["BOTH", "OTHER", "OWNERS", "ROLES", "Two", "ids_of"]
