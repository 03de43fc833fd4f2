"""Asking the policy about a second thing, besides the one that the route has named."""

from __future__ import annotations

from uuid import UUID

from errors import Denied, NotFound, StepUpRequired
from policy import Permission, Verdict, judge, reaches
from services.unit_of_work import UnitOfWork


def holds(
    uow: UnitOfWork,
    permission: Permission,
    vault_id: UUID | None = None,
    item_id: UUID | None = None,
    item_name: str | None = None,
) -> bool:
    """Whether the actor holds *permission* there, perhaps after confirming who they are."""
    return _judge(uow, permission, vault_id, item_id, item_name) in {Verdict.ALLOW, Verdict.CONFIRM}


def demand(
    uow: UnitOfWork,
    permission: Permission,
    vault_id: UUID | None = None,
    item_id: UUID | None = None,
    item_name: str | None = None,
) -> None:
    """Refuse unless the actor may use *permission* on the vault, on the item in it, or as a whole.

    Raises:
        NotFound: the actor may not know of the vault.
        Denied: the actor lacks the right.
        StepUpRequired: the actor must confirm who they are first.
    """
    verdict = _judge(uow, permission, vault_id, item_id, item_name)
    if verdict is Verdict.HIDE:
        raise NotFound
    if verdict is Verdict.DENY:
        raise Denied
    if verdict is Verdict.CONFIRM:
        raise StepUpRequired


def demand_name(uow: UnitOfWork, vault_id: UUID, name: str) -> None:
    """Refuse to give a credential a name that the actor's token does not reach.

    Raises:
        Denied: it is narrowed to other names or vaults.
    """
    if not reaches(uow.actor, vault_id, name):
        raise Denied("The token is not for credentials of that name.")


def _judge(
    uow: UnitOfWork,
    permission: Permission,
    vault_id: UUID | None,
    item_id: UUID | None,
    item_name: str | None,
) -> Verdict:
    return judge(
        uow.actor,
        permission,
        organization_id=uow.organization_id,
        vault_id=vault_id,
        item_id=item_id,
        item_name=item_name,
        now=uow.now,
        fresh_for=uow.rules.fresh_for,
    )
