"""Asking the policy about a second thing, besides the one that the route has named."""

from __future__ import annotations

from uuid import UUID

from errors import Denied, NotFound, StepUpRequired
from policy import Permission, Verdict, judge
from services.unit_of_work import UnitOfWork


def demand(uow: UnitOfWork, permission: Permission, vault_id: UUID) -> None:
    """Refuse unless the actor may use *permission* on the vault.

    Raises:
        NotFound: the actor may not know of the vault.
        Denied: the actor lacks the right.
        StepUpRequired: the actor must confirm who they are first.
    """
    verdict = judge(
        uow.actor,
        permission,
        organization_id=uow.organization_id,
        vault_id=vault_id,
        now=uow.now,
        fresh_for=uow.rules.fresh_for,
    )
    if verdict is Verdict.HIDE:
        raise NotFound
    if verdict is Verdict.DENY:
        raise Denied
    if verdict is Verdict.CONFIRM:
        raise StepUpRequired
