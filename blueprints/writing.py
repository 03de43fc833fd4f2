"""A write transaction in the midst of a request that has held none, because it waited or computed first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import g, session

from blueprints.guard import refuse_while_read_only
from blueprints.requests import current_uow, metrics, origin, runtime
from errors import NotFound
from extensions import SESSION_KEY
from services import actors
from services.actors import Person
from services.unit_of_work import UnitOfWork


@contextmanager
def writing() -> Iterator[UnitOfWork]:
    """Work as whoever is signed in at this moment, in the organization that the address names.

    Time has passed since the guard looked: who may what is to be asked again inside.

    Raises:
        NotFound: the person does not belong to the organization any more.
        ReadOnly: a master key is missing.
    """
    refuse_while_read_only(writing=True)
    current_uow().release()
    uow = UnitOfWork(runtime(), origin=origin(), writing=True)
    try:
        _enter(uow)
        yield uow
        actions = [event.action for event in uow.events]
        uow.finish()
    except BaseException:
        uow.abandon()
        raise
    metrics().count_events(actions)


def _enter(uow: UnitOfWork) -> None:
    person = identify(uow)
    if person is not None:
        uow.act_as(person.actor())
    if "place" in g and (person is None or actors.enter(uow, person, g.place.slug) is None):
        raise NotFound


def identify(uow: UnitOfWork) -> Person | None:
    """Return who is signed in as *uow* sees it."""
    cookie = session.get(SESSION_KEY)
    return actors.find_person(uow, cookie) if isinstance(cookie, str) else None
