"""A process of its own that does what it is told at the same moment as its fellows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from typing import Any
from uuid import UUID, uuid4

from limits.storage import storage_from_string

from crypto.tokens import parse_token
from errors import ChatelaineError
from models import Action
from policy import Actor, Role
from services import audit, factors, invitations, people, signin
from services.events import Origin, Target
from services.rate_storage import uri_beside
from services.runtime import Runtime
from tests import world as worlds

TIMES = 10


def race(pipe: Connection, start: Barrier) -> None:
    """Do one thing after the other until None comes; answer with what came of each."""
    while (orders := pipe.recv()) is not None:
        url, name, arguments = orders
        runtime = worlds.open_runtime(url)
        with runtime.work(writing=False):
            pass
        start.wait()
        try:
            answer = ACTS[name](runtime, **arguments)
        except ChatelaineError as error:
            answer = type(error).__name__
        # First of all: once everybody has answered, the database is dropped.
        runtime.close()
        pipe.send(answer)


def enrol(runtime: Runtime, token: str) -> str:
    with runtime.work(writing=True) as uow:
        invitations.enrol(uow, parse_token(token))
    return "done"


def prove(runtime: Runtime, actor: Actor, code: str) -> str:
    with runtime.work(writing=True, actor=actor) as uow:
        return "done" if factors.check(uow, code) else "refused"


def step_down(runtime: Runtime, actor: Actor, member: UUID) -> str:
    with runtime.work(writing=True, actor=actor) as uow:
        people.change_role(uow, people.find(uow, member), Role.MEMBER)
    return "done"


def guess(runtime: Runtime) -> str:
    for _ in range(TIMES):
        with runtime.work(writing=True, origin=Origin("192.0.2.99")) as uow:
            signin.sign_in(uow, "a wrong token")
    return "done"


def count(runtime: Runtime) -> str:
    storage = storage_from_string(uri_beside(runtime.engine.url.render_as_string(hide_password=False)))
    for _ in range(TIMES * 10):
        storage.incr("a", 600)
    storage.close()
    return "done"


def append(runtime: Runtime, actor: Actor, vault: UUID) -> str:
    """Append as readers do, through the committer, and as writers do, in their own transaction."""
    for number in range(TIMES * 2):
        with runtime.work(writing=bool(number % 2), actor=actor) as uow:
            audit.record(uow, Action.ITEM_REVEALED, Target("item", uuid4()))
    for _ in range(TIMES):
        with runtime.work(writing=False) as uow:
            audit.record(uow, Action.AUDIT_VERIFIED, Target("vault", vault))
    return "done"


ACTS: Mapping[str, Callable[..., Any]] = {
    act.__name__: act for act in (enrol, prove, step_down, guess, count, append)
}
