"""Programs: from the token that one presents to an actor, within everything that the token is narrowed to."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from crypto.envelope import DecryptionError
from crypto.tokens import ParsedToken, same
from errors import OrganizationClosed, TokenRefused
from models import Action
from policy import NOBODY, Actor, ActorKind, Role, Scope, reaches
from services import actor_queries as queries
from services import audit
from services.actors import rights_of
from services.committer import Mark
from services.database import writing
from services.events import Target
from services.index_entries import Entry
from services.marks import COARSE
from services.prepared import fetch_one, run
from services.token_limits import Limits, kept, lets_in
from services.unit_of_work import UnitOfWork

REVOKED, USED_UP, ELSEWHERE = "revoked", "used up", "address"
ALERTS = frozenset({REVOKED, USED_UP, ELSEWHERE})
"""Why a good token is refused where that means that somebody else may have it."""

log = logging.getLogger("chatelaine.signin")


@dataclass(frozen=True, slots=True)
class Program:
    """A living token that a program has presented.

    Args:
        user_id: its owner: a person, or a service account.
        limits: ``uses`` are those that are left.
    """

    token_id: UUID
    organization_id: UUID
    organization_slug: str
    user_id: UUID
    handle: str
    name: str
    expires_at: datetime
    limits: Limits


def enter(uow: UnitOfWork, token: ParsedToken, *, charged: bool = False) -> Program:
    """Make the program that holds *token* an actor of the token's organization.

    :func:`charge` comes next, once a request.

    Args:
        charged: this request's use is spent already; it may have been the last.

    Raises:
        TokenRefused: it opens nothing, or not now, or not from here.
        OrganizationClosed: nobody works there now.
    """
    row = fetch_one(uow.connection, queries.FIND_TOKEN, {"lookup_id": token.lookup_id})
    if row is None:
        raise TokenRefused("unknown")
    uow.use_keys(row.key_generation)
    digest = uow.keys.token_digest(token.kind, token.lookup_id, token.secret)
    if not same(digest, row.digest) or row.kind != "api":
        raise TokenRefused("unknown")
    _demand_life(uow, row)
    if row.uses_left == 0 and not charged:
        raise TokenRefused(USED_UP)
    limits = _limits(uow, row)
    if not lets_in(limits.networks, uow.origin.address):
        raise TokenRefused(ELSEWHERE)
    if row.last_used_at is None or uow.now - row.last_used_at >= COARSE:
        uow.note(Mark("token", row.id, uow.now, uow.origin.address))
    uow.act_as(_actor(uow, row, limits))
    if row.closed:
        raise OrganizationClosed(row.organization_name)
    return Program(
        token_id=row.id,
        organization_id=row.organization_id,
        organization_slug=row.slug,
        user_id=row.user_id,
        handle=token.lookup_id,
        name=row.name,
        expires_at=row.expires_at,
        limits=limits,
    )


def charge(uow: UnitOfWork, program: Program) -> Program:
    """Spend one of the token's uses, at once and for good, whatever becomes of the request.

    Returns the program with the uses that are left now. *uow* must only read; it sees the database anew
    afterwards.

    Raises:
        TokenRefused: none is left.
    """
    if program.limits.uses is None:
        return program
    uow.release()
    spent = {"token_id": program.token_id, "own_organization_id": program.organization_id}
    with (
        uow.runtime.turns.aside(),
        writing(uow.runtime.engine, uow.runtime.write_lock, alone=False) as connection,
    ):
        charged = run(connection, queries.CHARGE, spent)
    if charged != 1:
        raise TokenRefused(USED_UP)
    left = dataclasses.replace(program.limits, uses=program.limits.uses - 1)
    return dataclasses.replace(program, limits=left)


def only(uow: UnitOfWork) -> Callable[[Entry], bool] | None:
    """Return what the actor's token lets through of a list; None: everything."""
    if uow.actor.narrowing is None:
        return None
    return lambda entry: reaches(uow.actor, entry.vault_id, None if entry.broken else entry.name)


def record_refusal(uow: UnitOfWork, token: ParsedToken, reason: str) -> None:
    """Record that *token* was presented and opened nothing, where its organization can see it."""
    # The line that log watchers such as fail2ban look for.
    log.warning("FAILED LOGIN from %s", uow.origin.address)
    row = fetch_one(uow.connection, queries.FIND_TOKEN, {"lookup_id": token.lookup_id})
    uow.actor = dataclasses.replace(NOBODY, organization_id=row.organization_id if row else None)
    action = Action.TOKEN_MISUSED if reason in ALERTS else Action.SIGNIN_FAILED
    target = Target("token", row.id if row else None, token.lookup_id)
    audit.record(uow, action, target, success=False, extra={"kind": token.kind, "reason": reason})


def _demand_life(uow: UnitOfWork, row: Any) -> None:
    if row.revoked_at is not None:
        raise TokenRefused(REVOKED)
    if row.disabled_at is not None:
        raise TokenRefused("disabled")
    if row.expires_at <= uow.now:
        raise TokenRefused("expired")
    if row.not_before is not None and row.not_before > uow.now:
        raise TokenRefused("not yet")


def _limits(uow: UnitOfWork, row: Any) -> Limits:
    try:
        return kept(uow, row, row.organization_id)
    except DecryptionError:
        raise TokenRefused("unreadable") from None


def _actor(uow: UnitOfWork, row: Any, limits: Limits) -> Actor:
    rights = rights_of(uow.connection, row.organization_id, row.user_id, uow.now, only=limits.vaults)
    return Actor(
        ActorKind.TOKEN,
        row.user_id,
        f"{row.user_name} ({row.name})",
        organization_id=row.organization_id,
        role=Role(row.role),
        rights=rights,
        scopes=frozenset(Scope(scope) for scope in row.scopes.split()),
        narrowing=limits.narrowing,
        token_id=row.id,
    )
