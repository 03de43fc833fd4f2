"""Trying in a live database what a member of one organization would reach of the others; nothing is written.

For every organization somebody who may do everything in it asks for things of the others, by their ids and
by all lists: whatever comes is a fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import select

from errors import NotFound
from models import (
    AccessRequest,
    AccessToken,
    Attachment,
    Group,
    ImportRun,
    Invitation,
    Item,
    Lockout,
    Membership,
    Organization,
    Profile,
    Vault,
)
from policy import Actor, ActorKind, Right, Role
from services import (
    access_requests,
    attachments,
    groups,
    imports,
    invitations,
    items,
    lockouts,
    people,
    profiles,
    token_list,
    tokens,
    vaults,
)
from services.isolation import Finding
from services.runtime import Runtime
from services.token_list import Wanted
from services.unit_of_work import UnitOfWork

SAMPLE = 200
"""Things of one kind in one other organization that are asked for by id."""
_ALL = 1_000_000

FINDERS: Mapping[type, Callable[[UnitOfWork, UUID], Any]] = MappingProxyType(
    {
        AccessRequest: access_requests.find,
        AccessToken: tokens.find,
        Attachment: attachments.find,
        Group: groups.find,
        ImportRun: imports.find,
        Invitation: invitations.find,
        Item: items.find,
        Lockout: lockouts.find,
        Membership: people.find,
        Profile: profiles.find,
        Vault: vaults.find,
    }
)
"""How the guard finds what an address names."""


def walk(runtime: Runtime) -> list[Finding]:
    """Ask in each organization for what belongs to the others; return what was found."""
    with runtime.work(writing=False) as uow:
        organizations = list(uow.connection.execute(select(Organization.id)).scalars())
        ids = {model: _ids(uow, model) for model in FINDERS}
    findings: list[Finding] = []
    for organization_id in organizations:
        actor = _owner(organization_id, ids[Vault].get(organization_id, []))
        with runtime.work(writing=False, actor=actor) as uow:
            findings += _look_around(uow, ids)
            # To look leaves no trace; what cannot be decrypted is recorded when somebody meets it.
            uow.events.clear()
    return _summed(findings)


def _ids(uow: UnitOfWork, model: type) -> dict[UUID, list[UUID]]:
    table: Any = model
    found: dict[UUID, list[UUID]] = {}
    rows = uow.connection.execute(select(table.organization_id, table.id).order_by(table.id))
    for organization_id, row_id in rows:
        if organization_id is not None:
            found.setdefault(organization_id, []).append(row_id)
    return found


def _owner(organization_id: UUID, vault_ids: Iterable[UUID]) -> Actor:
    rights = dict.fromkeys(vault_ids, Right.MANAGE)
    nobody = UUID(int=0)
    return Actor(ActorKind.PERSON, nobody, "check", organization_id, Role.OWNER, rights=rights)


def _look_around(uow: UnitOfWork, ids: Mapping[type, Mapping[UUID, list[UUID]]]) -> Iterable[Finding]:
    here = uow.organization_id
    for model, find in FINDERS.items():
        foreign = [row_id for other, held in ids[model].items() if other != here for row_id in held[:SAMPLE]]
        reached = sum(_reaches(uow, find, row_id) for row_id in foreign)
        yield Finding("is not found from another organization", _name(model), len(foreign), reached)
        own = set(ids[model].get(here, ()))
        shown = _listed(uow, model, ids)
        yield Finding("is not listed in another organization", _name(model), len(shown), len(shown - own))


def _reaches(uow: UnitOfWork, find: Callable[[UnitOfWork, UUID], Any], row_id: UUID) -> bool:
    try:
        find(uow, row_id)
    except NotFound:
        return False
    return True


def _listed(uow: UnitOfWork, model: type, ids: Mapping[type, Mapping[UUID, list[UUID]]]) -> set[UUID]:
    """Return the ids of what the lists of the actor's organization show."""
    if model is Item:
        # Asked for the others' vaults too: the index must hold nothing of them.
        every_vault = {vault_id for held in ids[Vault].values() for vault_id in held}
        index = uow.runtime.indexes.of(uow)
        states = (index.page(every_vault, state=state, limit=_ALL) for state in ("live", "trash"))
        return {entry.id for page in states for entry in page.entries}
    lists: Mapping[type, Callable[[], Iterable[UUID]]] = {
        AccessRequest: lambda: (one.id for one in access_requests.waiting(uow)),
        AccessToken: lambda: (line.id for line in token_list.everything(uow, Wanted())),
        # Files are listed by item, and no other organization's item is found.
        Attachment: lambda: (),
        Group: lambda: (line.id for line in groups.everything(uow)),
        # Imports are listed by vault, and no other organization's vault is found.
        ImportRun: lambda: (),
        Invitation: lambda: (row.id for row in invitations.open_ones(uow)),
        Lockout: lambda: (line.id for line in lockouts.living(uow)),
        Membership: lambda: (line.member_id for line in people.everybody(uow)),
        Profile: lambda: (profile.id for profile in profiles.every(uow)),
        Vault: lambda: vaults.names(uow),
    }
    return set(lists[model]())


def _name(model: type) -> str:
    table: Any = model
    return str(table.__tablename__)


def _summed(findings: Iterable[Finding]) -> list[Finding]:
    """Add up what each organization has found."""
    sums: dict[tuple[str, str], Finding] = {}
    for one in findings:
        place = (one.rule, one.table)
        before = sums.get(place, Finding(one.rule, one.table, 0, 0))
        sums[place] = Finding(one.rule, one.table, before.rows + one.rows, before.faults + one.faults)
    return list(sums.values())
