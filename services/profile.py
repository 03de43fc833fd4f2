"""What a person is called, and what they did last: their own business, in every organization of theirs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from errors import Invalid
from models import Action, User
from policy import ActorKind
from services import audit, audit_reading, invitations
from services import profile_queries as queries
from services.audit_reading import Filter, Line
from services.audit_words import detail
from services.events import Extra, Target
from services.postgresql import seeing_all
from services.prepared import fetch
from services.unit_of_work import UnitOfWork

RECENT = 20
"""Events that the list of the last ones shows."""


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that the actor did, or a program of theirs.

    Args:
        program: what the program is called; empty: they did it themselves.
        target: what it was done to, as it was called then.
        detail: the fact that says most about it.
    """

    at: datetime
    did: str
    target: str
    detail: str
    program: str
    address: str
    success: bool


def rename(uow: UnitOfWork, name: str) -> bool:
    """Call the actor *name* from now on; return whether that is news. Each of their logs says so.

    Raises:
        Invalid: empty, longer than 120 characters, or not printable.
    """
    name = invitations.clean_name(name)
    if not name:
        raise Invalid("Enter your name.", "name")
    user = uow.session.get_one(User, uow.actor.id)
    if user.name == name:
        return False
    extra: Extra = {"fields": ["name"], "from": user.name, "to": name}
    user.name = name
    uow.session.flush()
    actor = uow.actor
    for place in _places(uow) or [uow.organization_id]:
        uow.act_as(replace(actor, organization_id=place))
        audit.record(uow, Action.PERSON_CHANGED, Target("person", user.id, user.email), extra=extra)
    uow.act_as(actor)
    return True


def recent(uow: UnitOfWork) -> list[Deed]:
    """Return what the actor did last, the newest first. Nothing that others did is among it."""
    wanted = Filter(actor_id=uow.actor.id)
    lines: list[Line] = []
    for place in _places(uow):
        with seeing_all(uow.connection):
            lines += audit_reading.page(uow, place, wanted, limit=RECENT).lines
    lines.sort(key=lambda line: line.at, reverse=True)
    return [_deed(line) for line in lines[:RECENT]]


def _places(uow: UnitOfWork) -> list[UUID]:
    rows = fetch(uow.connection, queries.OWN_PLACES, {"user_id": uow.actor.id})
    return [row.organization_id for row in rows]


def _deed(line: Line) -> Deed:
    told = line.details
    return Deed(
        at=line.at,
        did=line.did,
        target=line.target if told else "cannot be decrypted",
        detail=detail(line.action, told.extra) if told else "",
        program=told.actor if told and told.actor_kind == ActorKind.TOKEN else "",
        address=told.address if told else "",
        success=line.success,
    )
